"""Units through the one validator: frames of all units at once, and the findings about each as issues at its own FHIRPaths.

One fault is told once. Where the validator refuses what an element holds, the guard's word that it is no proper primitive is not told
as well; where the guard said why something cannot be used (`UNUSABLE`), the validator's word about its stand-in is not told.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache

import polars as pl

from ingest.check import ROW, Checked, Context, check_frame, error_rules
from ingest.fhir.elements import UNUSABLE
from ingest.fhir.issue import Issue
from ingest.fhir.issue_types import issue_type
from ingest.fhir.packing import Packed
from ingest.fhir.unit import Unit
from schemas import fhir
from schemas.codelist import Nation
from schemas.dictionary import Field, fields
from schemas.fhir import Answer
from schemas.record import RecordKind
from schemas.rule import CATALOGUE, Scope
from schemas.rules import cell
from schemas.rules import fhir as rules
from schemas.values import MonthType

_Finding = tuple[RecordKind, int, int]
"""Kind of record, the field's number, the rule's number."""

_GIVE_WAY = frozenset(
    each.number
    for each in (
        rules.WRONG_PRIMITIVE,
        rules.CODE_NOT_IN_LIST,
        rules.EMPTY_ELEMENT,
        rules.NULL_VALUE,
        rules.HUGE_NUMBER,
        rules.MISSING_ELEMENT,
    )
)
"""Structural rules whose fault the validator tells better, in the words of the field."""
_WORDED_FOR_TABLES = frozenset({cell.MONTH_FIRST.number, cell.SHORT_YEAR.number, cell.DATE_SERIAL.number})
"""Rules about how spreadsheets write dates. In FHIR the guard says what a date is."""


class CheckedUnits:
    """Units with all that is known about them so far. `note` adds what is found later; a unit with any error is `faulty`."""

    def __init__(self, units: Sequence[Unit], context: Context) -> None:
        self.context = context
        self.faulty = {unit.ordinal for unit in units if unit.faulty}
        self._units: Mapping[int, Unit] = {unit.ordinal: unit for unit in units}
        self._found: dict[int, list[_Finding]] = {}
        self._checked: dict[RecordKind, Checked] = {}
        for kind in RecordKind:
            held = [unit for unit in units if kind in unit.records]
            if held:
                self._checked[kind] = check_frame(_frame(held, kind), kind, context)
                self.note(kind, self._checked[kind].findings)

    @property
    def kinds(self) -> tuple[RecordKind, ...]:
        """The kinds of record that the units hold, in the order of the dataset."""
        return tuple(self._checked)

    def checked(self, kind: RecordKind) -> Checked:
        """The records of one kind; `row` is the unit's ordinal."""
        return self._checked[kind]

    def standing(self, kind: RecordKind) -> pl.DataFrame:
        """The typed records of the units in which nothing was found so far that keeps them out."""
        return self._checked[kind].typed.filter(~pl.col(ROW).is_in(sorted(self.faulty)))

    def note(self, kind: RecordKind, findings: pl.DataFrame) -> None:
        """Take in findings (row, place, rule); their units are faulty if one is an error."""
        errors = set(error_rules())
        for row, place, rule in findings.select(ROW, "place", "rule").iter_rows():
            self._found.setdefault(row, []).append((kind, place, rule))
            if rule in errors:
                self.faulty.add(row)

    def alone(self, ordinal: int, unit: Unit) -> "CheckedUnits":
        """What is known of one unit, as if it had been checked by itself. `unit` is the same, under any ordinal."""
        made = CheckedUnits((), self.context)
        made._units = {unit.ordinal: unit}
        if ordinal in self.faulty:
            made.faulty.add(unit.ordinal)
        if ordinal in self._found:
            made._found[unit.ordinal] = list(self._found[ordinal])
        for kind in unit.records:
            made._checked[kind] = _row_alone(self._checked[kind], ordinal, unit.ordinal)
        return made

    def packed(self) -> "CheckedUnits":
        """The same, to be handed to another process."""
        self._units = Packed(list(self._units.values()))
        return self

    def issues(self, ordinal: int) -> list[Issue]:
        """All that is known about a unit, the worst first, each fault once."""
        unit, found = self._units[ordinal], self._found.get(ordinal)
        if not found:
            return unit.issues if len(unit.issues) < 2 else sorted(_once(unit.issues), key=_badness)
        told = [each for each in found if not _told_by_guard(unit, each)]
        validators = [_issue(unit, each, self.context.nation) for each in told]
        refused = [_place(unit, kind, fields(kind)[place]) for kind, place, rule in told if _is_cells_error(rule)]
        guards = (each for each in unit.issues if not _gives_way(each, refused))
        return sorted(_once([*guards, *validators]), key=_badness)


def check_units(units: Sequence[Unit], context: Context) -> CheckedUnits:
    """Check all units of a call of a door together. Their ordinals must differ."""
    return CheckedUnits(units, context)


def _row_alone(checked: Checked, row: int, as_row: int) -> Checked:
    """One row of several, under another number."""
    own, number = pl.col(ROW) == row, pl.lit(as_row, dtype=pl.UInt32).alias(ROW)
    typed, findings = checked.typed.filter(own).with_columns(number), checked.findings
    return Checked(typed, findings.filter(own).with_columns(number) if findings.height else findings)


def _frame(units: Sequence[Unit], kind: RecordKind) -> pl.DataFrame:
    """The text of all units' records, a column to a field."""
    records = [unit.records[kind] for unit in units]
    columns = [
        pl.Series(each.name, [record.get(each.name) for record in records], dtype=pl.String) for each in fields(kind)
    ]
    return pl.DataFrame([pl.Series(ROW, [unit.ordinal for unit in units], dtype=pl.UInt32), *columns])


def _badness(each: Issue) -> int:
    return 0 if each.error else 2 if each.information else 1


def _once(issues: Iterable[Issue]) -> Iterator[Issue]:
    """A fault of the case's number is also one of its review's, at the same element."""
    seen: set[tuple[int, tuple[str, ...]]] = set()
    for each in issues:
        key = (each.finding.rule, each.expressions[:1])
        if key not in seen:
            seen.add(key)
            yield each


def _told_by_guard(unit: Unit, found: _Finding) -> bool:
    """Whether the guard has said already what a finding is about."""
    kind, place, rule = found
    each = fields(kind)[place]
    if unit.records[kind].get(each.name) is UNUSABLE:
        return True
    if rule in _WORDED_FOR_TABLES:
        at = _place(unit, kind, each)
        return any(_within(told, at) for told in unit.issues if told.error)
    return unit.faulty and _part(each) is not None and (kind, _part(each)) not in unit.roots


def _is_cells_error(rule: int) -> bool:
    return CATALOGUE[rule].scope is Scope.CELL and rule in error_rules()


def _gives_way(each: Issue, refused: Collection[str]) -> bool:
    return each.finding.rule in _GIVE_WAY and any(_within(each, place) for place in refused)


def _within(each: Issue, place: str) -> bool:
    """Whether an issue is about an element or what is in it."""
    at = each.expressions[0] if each.expressions else ""
    return at == place or at.startswith((f"{place}.", f"{place}["))


def _issue(unit: Unit, found: _Finding, nation: Nation) -> Issue:
    """A finding of the validator at its FHIRPaths: where it is shown first, then the other fields of its rule that are there."""
    kind, place, number = found
    each, rule = fields(kind)[place], CATALOGUE[number]
    shown = _place(unit, kind, each)
    others = (unit.places.get((kind, name)) for name in rule.fields if name != each.name)
    expressions = tuple(dict.fromkeys([shown, *(other for other in others if other is not None)]))
    finding = rule.finding(row=unit.ordinal, heading=shown, field=each.name, wanted=_wanted(each, nation))
    return Issue(finding, issue_type(number), expressions)


def _part(each: Field) -> str | None:
    """The type of resource that carries a field, None for an answer."""
    return None if each.item.fhir is None else each.item.fhir.partition(".")[0]


def _place(unit: Unit, kind: RecordKind, each: Field) -> str:
    """Where a field stands, or where it would stand."""
    found = unit.places.get((kind, each.name))
    if found is not None:
        return found
    type_, _, path = (each.item.fhir or "").partition(".")
    if kind is RecordKind.ACTIVITY:
        type_, path = "MeasureReport", path or _activity_path(each)
    elif not type_:
        type_, path = "QuestionnaireResponse", f"item.where(linkId='{each.name}')"
    return f"{unit.roots.get((kind, type_)) or f'{unit.root}.entry.resource.ofType({type_})'}.{path}"


def _activity_path(each: Field) -> str:
    address = next((url for url, name in fhir.ACTIVITY_CODED.items() if name == each.name), None)
    return f"group.where(code.coding.code='{each.name}')" if address is None else f"extension('{address}')"


@cache
def _wanted(each: Field, nation: Nation) -> str:
    """What a field must hold, as FHIR writes it."""
    if isinstance(each.holds, MonthType):
        return "one whole calendar month"
    match fhir.answer(each):
        case Answer.DATE:
            return "a date as yyyy-mm-dd"
        case Answer.DATE_TIME:
            return "a date and time with an offset, as yyyy-mm-ddThh:mm:ss+00:00"
    return each.holds.wanted_in(nation)
