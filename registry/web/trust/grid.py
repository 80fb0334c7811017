"""The grid of twelve months: what stands in each cell, what is wrong with it, and how it is read back from a form. No database."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from starlette.datastructures import FormData

from registry.submissions.due import months_before
from registry.submissions.monthly import ACTIVITY, NAMES, Cells, Held
from registry.web.fields import Fault, text
from schemas.codelist import CodeList, Nation
from schemas.dictionary import field
from schemas.finding import Finding, Severity

MONTHS = 12
RISK = ("risk_assessed", "risk_assessment_method")
"""Asked in England only: there is no such return in Wales."""

Typed = Mapping[date, Cells]
NOTHING: Mapping[date, Sequence[Finding]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Column:
    """One month. `version` is the return that the page was made from. A month that is signed off is not changed here."""

    month: date
    version: int
    signed: bool

    @property
    def key(self) -> str:
        return f"{self.month:%Y-%m}"


@dataclass(frozen=True, slots=True)
class Cell:
    """One box. `said` are the numbers of what was found in it, `now` what stands there since the page was opened by somebody else."""

    name: str
    value: str
    label: str
    error: bool
    said: tuple[int, ...]
    now: str | None
    fixed: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One field of all months. `choices`: the codes of its list, none for a count. `group` where it begins another group."""

    words: str
    group: str
    choices: tuple[tuple[str, str], ...]
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that was found, under its number, and the cells in which it was."""

    number: int
    names: tuple[str, ...]
    error: bool
    words: str

    @property
    def fault(self) -> Fault:
        return Fault(self.names[0], self.words)


@dataclass(frozen=True, slots=True)
class Grid:
    """The whole table."""

    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    found: tuple[Found, ...]


def months_from(first: date) -> tuple[date, ...]:
    return tuple(months_before(first, -place) for place in range(MONTHS))


def box(month: date, name: str) -> str:
    """The name of a cell's input, and its id."""
    return f"c-{month:%Y-%m}-{name}"


def asked(nation: Nation) -> tuple[str, ...]:
    """The fields of the grid in one nation."""
    return tuple(name for name in NAMES if nation is Nation.ENGLAND or name not in RISK)


def typed_in(form: FormData, held: Mapping[date, Held]) -> dict[date, dict[str, str]]:
    """What a form holds of each month; where it has no box for a cell, what stands."""
    return {
        month: {name: text(form, box(month, name)) if box(month, name) in form else was for name, was in one.cells.items()}
        for month, one in held.items()
    }  # fmt: skip


def seen_in(form: FormData, months: Iterable[date]) -> dict[date, int]:
    """The versions from which the page was made; -1 where the form does not say."""
    return {month: int(said) if (said := text(form, f"v-{month:%Y-%m}")).isdecimal() else -1 for month in months}


def grid(
    held: Mapping[date, Held],
    typed: Typed,
    nation: Nation,
    *,
    findings: Mapping[date, Sequence[Finding]] = NOTHING,
    moved: Iterable[date] = (),
) -> Grid:
    """The table: `typed` where something is, else what stands. Beside the cells of months that `moved` stands what is there now."""
    found = _numbered(findings)
    columns = tuple(Column(each.month, each.version, each.signed_at is not None) for each in held.values())
    lines = []
    group = ""
    for name in asked(nation):
        of = field(ACTIVITY, name)
        cells = tuple(_cell(each, name, typed, found, set(moved)) for each in held.values())
        choices = tuple((code.value, _briefly(code)) for code in of.codes.of(nation)) if of.codes else ()
        lines.append(Line(_words(name), of.item.section if of.item.section != group else "", choices, cells))
        group = of.item.section
    return Grid(columns, tuple(lines), found)


def _cell(each: Held, name: str, typed: Typed, found: Sequence[Found], moved: set[date]) -> Cell:
    ident = box(each.month, name)
    here = [one for one in found if ident in one.names]
    value = typed.get(each.month, each.cells).get(name, "")
    stands = each.cells[name]
    return Cell(
        name=ident,
        value=value,
        label=f"{each.month:%B %Y}: {_words(name)}",
        error=any(one.error for one in here),
        said=tuple(one.number for one in here),
        now=stands if each.month in moved and stands != value else None,
        fixed=each.signed_at is not None,
    )


def _numbered(findings: Mapping[date, Sequence[Finding]]) -> tuple[Found, ...]:
    """All that was found, errors first; the same fault in several cells of a month once. What is about the month itself stands at its return."""
    cells: dict[tuple[bool, date, str], list[str]] = {}
    for month, said in sorted(findings.items()):
        for each in said:
            name = each.field if each.field in NAMES else NAMES[0]
            key = (each.severity is not Severity.ERROR, month, f"{each.words} {each.mend}")
            cells.setdefault(key, []).append(name)
    ordered = sorted(cells.items(), key=lambda each: each[0][:2])
    return tuple(
        Found(
            number, tuple(box(month, name) for name in names), not warning, f"{month:%B %Y}, {_which(names)}: {words}"
        )
        for number, ((warning, month, words), names) in enumerate(ordered, 1)
    )


def _which(names: Sequence[str]) -> str:
    return _words(names[0]) if len(names) == 1 else f"{len(names)} cells"


def _briefly(code: CodeList) -> str:
    """The words of a code as far as a narrow column needs them: Complete, not Complete: all cases are sent."""
    return code.words.partition(":")[0]


def _words(name: str) -> str:
    """The question without what all counts of admissions have in common."""
    question = field(ACTIVITY, name).item.question
    short = question.partition(": ")[2]
    return short[:1].upper() + short[1:] if short else question
