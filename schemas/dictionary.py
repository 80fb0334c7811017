"""The dataset as plain rows: every template, schema, guide, form and check starts here; nothing else looks into the models."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import polars as pl

from schemas.case import Case
from schemas.codelist import CodeList, Nation
from schemas.item import Item, Stage
from schemas.rca import Rca
from schemas.record import Record, RecordKind
from schemas.returns import Activity, ActivityStrata, OrganisationProfile, WalesQuarter
from schemas.values import CodesType, CodeType, FieldType

VERSION = "1.0"

RECORDS: dict[RecordKind, type[Record]] = {
    record.kind: record for record in (Case, Rca, Activity, ActivityStrata, OrganisationProfile, WalesQuarter)
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of one record: its name is the CSV heading, the FHIR linkId, the form name and the column."""

    kind: RecordKind
    name: str
    holds: FieldType
    item: Item
    required: bool

    @property
    def core(self) -> bool:
        return self.item.stage is not Stage.OPTIONAL

    @property
    def codes(self) -> type[CodeList] | None:
        return self.holds.codes if isinstance(self.holds, CodeType | CodesType) else None


@cache
def fields(kind: RecordKind) -> tuple[Field, ...]:
    """The fields of a record in the order a person fills them in, the core first."""
    record = RECORDS[kind]
    hints = get_type_hints(record, include_extras=True)
    return tuple(_field(kind, name, hints[name]) for name in record.model_fields)


@cache
def field(kind: RecordKind, name: str) -> Field:
    return next(each for each in fields(kind) if each.name == name)


@cache
def unsaid(kind: RecordKind, nation: Nation) -> Mapping[str, tuple[CodeList, ...]]:
    """By field, the answers of the lists of which a finding can only name some."""
    lists = {each.name: each.holds.unsaid(nation) for each in fields(kind)}
    return {name: codes for name, codes in lists.items() if codes}


def key(kind: RecordKind) -> tuple[str, ...]:
    """The fields that identify a record within its organisation."""
    return RECORDS[kind].key


def code_lists() -> tuple[type[CodeList], ...]:
    """Every code list that a field uses, once each, in order of first use."""
    used = (each.codes for kind in RecordKind for each in fields(kind))
    return tuple(dict.fromkeys(codes for codes in used if codes is not None))


def _field(kind: RecordKind, name: str, hint: Any) -> Field:
    bare, *extras = get_args(hint)
    item = next(extra for extra in extras if isinstance(extra, Item))
    inner, required = _without_none(bare)
    return Field(kind=kind, name=name, holds=_field_type(inner, extras), item=item, required=required)


def _without_none(hint: Any) -> tuple[Any, bool]:
    """`X | None` as `(X, False)`, any other hint as `(hint, True)`."""
    if get_origin(hint) not in (Union, UnionType):
        return hint, True
    return next(arm for arm in get_args(hint) if arm is not NoneType), False


def _field_type(hint: Any, extras: Iterable[Any]) -> FieldType:
    if get_origin(hint) is Annotated:
        extras = get_args(hint)[1:]
    for extra in extras:
        if isinstance(extra, FieldType):
            return extra
    if get_origin(hint) is frozenset:
        return _codes_type(get_args(hint)[0])
    return _code_type(hint)


def _code_type(codes: type[CodeList]) -> CodeType:
    return CodeType(name="code", wanted="a code of the list", dtype=pl.String(), codes=codes)


def _codes_type(codes: type[CodeList]) -> CodesType:
    return CodesType(name="codes", wanted="codes of the list, separated by |", dtype=pl.List(pl.String), codes=codes)


def financial_year(day: date) -> str:
    """The financial year of a day, April to March: `2025-26`."""
    first = day.year if day.month >= 4 else day.year - 1
    return f"{first}-{(first + 1) % 100:02d}"
