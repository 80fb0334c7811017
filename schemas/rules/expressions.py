"""The few phrases in which rules are written: polars expressions over typed columns, true or false, null where a cell is empty."""

import polars as pl

from schemas.codelist import CodeList
from schemas.counting import days_between

col = pl.col
_CLOCKS = "Europe/London"


def holds(field: str, *codes: CodeList) -> pl.Expr:
    """The field holds one of these codes; null where it is empty."""
    return col(field).is_in([code.value for code in codes])


def given(field: str) -> pl.Expr:
    return col(field).is_not_null()


def blank(field: str) -> pl.Expr:
    return col(field).is_null()


def includes(field: str, *codes: CodeList) -> pl.Expr:
    """A field of several codes has at least one of these among them; null where it is empty."""
    return pl.any_horizontal(*(col(field).list.contains(code.value) for code in codes))


def local_date(moment: str) -> pl.Expr:
    """The day on which a moment fell by the clocks of England and Wales."""
    return col(moment).dt.convert_time_zone(_CLOCKS).dt.date()


def after_receipt(day: str) -> pl.Expr:
    """A day that had not come when the submission was received."""
    return col(day) > col("_on")


def nights(admission: str = "admission_date", discharge: str = "discharge_date") -> pl.Expr:
    return days_between(admission, discharge)
