"""Texts that a CSV cell and FHIR's element for the same field can both hold, right and wrong ones, by type of field.

Left out is what only one form can write: slashed dates, wall times without an offset in the hour that comes twice, leading zeros of
counts, codes in other spellings where R4 prescribes the list, separators without a code between them.
"""

from collections.abc import Callable

from hypothesis import strategies as st

from schemas import values as held
from schemas.dictionary import Field, fields
from schemas.record import RecordKind
from schemas.values import FieldType
from tests.make import nhs_number, valid

WRONG = "#N/A"
_DAYS = (
    "1899-12-31", "1951-04-12", "2012-02-29", "2025-02-30", "2025-06-02", "2025-08-28", "2025-09-01", "2025-09-03", "2025-09-09",
    "2025-09-20", "2025-12-24", "2026-01-21", "2101-01-01", "2025-13-01", "2025-09", "2025", "yesterday", WRONG,
)  # fmt: skip
_MOMENTS = (
    "2025-09-01 10:15", "2025-09-01T23:59", "2025-09-09 16:40:30", "2025-08-31 23:30", "2025-09-20 09:05", "2025-12-24 08:00",
    "2025-09-01T09:15:00Z", "2025-09-01T09:15:00+05:30", "2025-09-01", "2025-02-30 10:15", "2025-09-01 25:00", "noon", WRONG,
)  # fmt: skip
_NUMBERS = (nhs_number(1), nhs_number(77), "999 000 0042", "9434765919", "9434765918", "12345", "1.23E+09", WRONG)
_LOCAL = ("HAT-0001", "C 17/3", "é,;|", nhs_number(3), "9" * 41, WRONG)
_SEXES = ("male", "female", "indeterminate", "unknown", "not_recorded", "what")
_SNOMED = ("59282003", "132281000119108", "404223003", "16332841000119100", "1.63E+16", "59282004", "12", WRONG)
_WORDS = ("Ward 12", "“Ö” & 5 < 6", "x" * 80, "y" * 81, "z" * 501, "call 020 7946 0018", "see 943 476 5919", WRONG)

_POOLS: dict[type[FieldType], Callable[[Field], tuple[str, ...]]] = {
    held.LocalIdType: lambda _: _LOCAL,
    held.NHSNumberType: lambda _: _NUMBERS,
    held.DateType: lambda _: _DAYS,
    held.DateTimeType: lambda _: _MOMENTS,
    held.CountType: lambda _: ("0", "1", "2", "45", "9999", "10000", "-3", "12345678901", "2.5", "many", WRONG),
    held.NumberType: lambda _: ("0", "19", "72", "72.5", "118.25", "72.555", "1000", "-1", "heavy", WRONG),
    held.OdsCodeType: lambda _: ("RJZ", "rj1", "RK901", "R", "R J", "ABCDEFGHIJ", WRONG),
    held.SnomedIdType: lambda _: _SNOMED,
    held.CodeType: lambda each: (*_members(each), "what", WRONG),
    held.CodesType: lambda each: (*_members(each), *_pairs(each), f"{_members(each)[0]}|what", WRONG),
    held.TextType: lambda _: _WORDS,
}


def _members(each: Field) -> tuple[str, ...]:
    assert each.codes is not None
    if each.item.fhir == "Patient.gender":
        return _SEXES
    return (*(code.value for code in each.codes), next(iter(each.codes)).words, next(iter(each.codes)).value.upper())


def _pairs(each: Field) -> tuple[str, ...]:
    assert each.codes is not None
    codes = [code.value for code in each.codes]
    return tuple(f"{one}|{other}" for one, other in zip(codes, reversed(codes), strict=True))


def pool(each: Field) -> tuple[str, ...]:
    """The texts for one field, the blank one first."""
    return ("", *dict.fromkeys(_POOLS[type(each.holds)](each)))


def mutated(kind: RecordKind) -> st.SearchStrategy[dict[str, str]]:
    """A valid row in which some cells are others. It is not withdrawn: of such a row nothing else is looked at in a table, but in FHIR
    no element may be malformed."""
    changed = [each for each in fields(kind) if each.name != "withdraw_reason"]
    one = st.sampled_from(changed).flatmap(lambda each: st.tuples(st.just(each.name), st.sampled_from(pool(each))))
    return st.lists(one, max_size=12).map(lambda changes: valid(kind) | dict(changes))
