"""A typed value written as a file holds it: what the strict reading of its type reads back as the same value."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from schemas.days import LONDON
from schemas.dictionary import Field, fields
from schemas.record import RecordKind
from schemas.values import MonthType


def written(each: Field, value: Any) -> str | None:
    """The text of a field's value: ISO days, London's wall time, codes joined by `|`. None for no value."""
    match value:
        case None:
            return None
        case datetime():
            return _moment(value)
        case date():
            return value.isoformat()[:7] if isinstance(each.holds, MonthType) else value.isoformat()
        case list() | tuple() | frozenset():
            return "|".join(sorted(value)) or None
        case float():
            return f"{value:.2f}".rstrip("0").rstrip(".")
    return str(value)


def texts(kind: RecordKind, values: Mapping[str, Any]) -> dict[str, str]:
    """The texts of a record's values by field; a field without a value is left out."""
    found = ((each.name, written(each, values.get(each.name))) for each in fields(kind))
    return {name: text for name, text in found if text is not None}


def _moment(moment: datetime) -> str:
    """Wall time without an offset, unless it falls into the hour that comes twice."""
    wall = moment.astimezone(LONDON)
    if wall.replace(fold=0).utcoffset() != wall.replace(fold=1).utcoffset():
        return wall.isoformat(timespec="seconds")
    return f"{wall:%Y-%m-%d %H:%M:%S}" if wall.second else f"{wall:%Y-%m-%d %H:%M}"
