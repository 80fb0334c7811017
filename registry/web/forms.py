"""Questions on a page, drawn from the dataset: fields as the boxes and choices in which they are answered, and the answers read back.

All values are text, as a file has them, so what is typed goes through the same check as a file. What was there and fits no box and no
choice is shown as it is, never dropped: a date that is none in one box, a code that is not in the list as a choice of its own.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from starlette.datastructures import FormData

from registry.web import asked_words, boxes
from registry.web.fields import Fault, text
from schemas.codelist import Nation
from schemas.days import LONDON
from schemas.dictionary import Field, field
from schemas.finding import Finding, Severity
from schemas.item import Stage
from schemas.record import RecordKind
from schemas.values import (
    CodesType,
    CodeType,
    CountType,
    DateTimeType,
    DateType,
    MonthType,
    NumberType,
    TextType,
)

MOST_RADIOS = 7
"""A list with more choices is folded into a select."""
LONG_TEXT = 100
"""Text that may have more characters gets several lines."""
NOTHING: Mapping[str, str] = MappingProxyType({})


class Look(StrEnum):
    """How a question is answered."""

    TEXT = "text"
    LONG = "long"
    NUMBER = "number"
    DATE = "date"
    MOMENT = "moment"
    MONTH = "month"
    RADIOS = "radios"
    SELECT = "select"
    CHECKBOXES = "checkboxes"


IN_BOXES = (Look.DATE, Look.MOMENT, Look.MONTH)
"""With a box for each part of the answer."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer of a list. `value` is what is sent."""

    value: str
    words: str
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One field as it is asked. `name` is that of its inputs: a date has `name-day`, `name-month` and `name-year`."""

    name: str
    field: Field
    look: Look
    value: str
    parts: Mapping[str, str]
    choices: tuple[Choice, ...]
    hint: str
    errors: tuple[str, ...]

    @property
    def words(self) -> str:
        optional = self.field.item.stage is Stage.OPTIONAL and not self.field.required
        return f"{self.field.item.question} (optional)" if optional else self.field.item.question

    @property
    def error(self) -> str:
        return " ".join(self.errors)

    @property
    def longest(self) -> int | None:
        return self.field.holds.longest if isinstance(self.field.holds, TextType) else None


@dataclass(frozen=True, slots=True)
class Section:
    """Questions that belong together. `rest`: none of them is of the core, so they may be folded away."""

    title: str
    questions: tuple[Question, ...]
    rest: bool

    @property
    def answered(self) -> int:
        return sum(bool(each.value) for each in self.questions)

    @property
    def wrong(self) -> bool:
        return any(each.errors for each in self.questions)


@dataclass(frozen=True, slots=True)
class Form:
    """Sections in the order in which they are asked: those of the core first."""

    sections: tuple[Section, ...]

    @property
    def questions(self) -> tuple[Question, ...]:
        return tuple(each for section in self.sections for each in section.questions)

    @property
    def faults(self) -> list[Fault]:
        """For the error summary: each leads to the first box of its question."""
        return [
            Fault(each.name, f"{each.field.item.question}: {words}") for each in self.questions for words in each.errors
        ]


def questions(
    kind: RecordKind,
    names: Iterable[str],
    values: Mapping[str, str],
    nation: Nation,
    *,
    findings: Collection[Finding] = (),
    notes: Mapping[str, str] = NOTHING,
    prefix: str = "",
) -> Form:
    """The named fields of a kind as a form, filled in with `values`; lists have the codes of the nation.

    `findings` stand beside their fields: errors as errors, warnings in the hint. `notes` are more words for a hint, by field. `prefix`
    goes before the name of every input, where a page has several forms.
    """
    asked: dict[tuple[bool, str], list[Question]] = {}
    in_place = _in_place(kind, list(names))
    for name in in_place:
        one = field(kind, name)
        said = [each for each in findings if each.field == name]
        made = _question(one, values.get(name, ""), nation, said, notes.get(name, ""), prefix)
        rest = not one.core and BENEATH.get((kind, name)) not in in_place
        asked.setdefault((rest, one.item.section), []).append(made)
    ordered = sorted(asked.items(), key=lambda each: each[0][0])  # stable: the core first, else as asked
    return Form(tuple(Section(title, tuple(found), rest) for (rest, title), found in ordered))


def answers(form: FormData, kind: RecordKind, names: Iterable[str], *, prefix: str = "") -> dict[str, str]:
    """What was typed and chosen, as text by field; a field that the form does not have at all is left out."""
    found = {}
    for name in names:
        answer = _answer(form, field(kind, name), prefix + name)
        if answer is not None:
            found[name] = answer
    return found


def texts_of(values: Mapping[str, Any]) -> dict[str, str]:
    """Values as a record holds them, as the text in which they would be sent; moments in London's time."""
    return {name: text_of(value) for name, value in values.items()}


def text_of(value: object) -> str:
    """One value as text; empty for none."""
    match value:
        case None:
            return ""
        case datetime():
            return value.astimezone(LONDON).strftime("%Y-%m-%d %H:%M")
        case date():
            return value.isoformat()
        case list() | tuple() | frozenset() | set():
            return "|".join(sorted(map(str, value)))
        case float() if value.is_integer():
            return str(int(value))
    return str(value)


# --- how a field is asked

BENEATH: Mapping[tuple[RecordKind, str], str] = {(RecordKind.RCA, "missed_dose_reasons"): "doses_missed_avoidably"}
"""Optional questions that stand right beneath one of the core, not among the rest: whoever answers that one has the reason at hand."""


def _in_place(kind: RecordKind, names: list[str]) -> list[str]:
    """The names as asked, each question that belongs beneath another after it."""
    moved = [name for name in names if BENEATH.get((kind, name)) in names]
    placed = [name for name in names if name not in moved]
    for name in moved:
        placed.insert(placed.index(BENEATH[kind, name]) + 1, name)
    return placed


_IN_PARTS = (
    (DateTimeType, Look.MOMENT, boxes.moment_parts),
    (DateType, Look.DATE, boxes.day_parts),
    (MonthType, Look.MONTH, boxes.month_parts),
)


def _question(one: Field, value: str, nation: Nation, said: list[Finding], note: str, prefix: str) -> Question:
    look, parts = _look(one, value, nation)
    return Question(
        name=prefix + one.name,
        field=one,
        look=look,
        value=value,
        parts=parts,
        choices=_choices(one, value, nation),
        hint=_hint(one, look, [note, *(f"{each.words} {each.mend}" for each in said if not _wrong(each))]),
        errors=tuple(asked_words.said(each, in_boxes=look in IN_BOXES) for each in said if _wrong(each)),
    )


def _wrong(finding: Finding) -> bool:
    return finding.severity is Severity.ERROR


def _look(one: Field, value: str, nation: Nation) -> tuple[Look, Mapping[str, str]]:
    """How the field is asked with this value in it, and the parts of the value where it is asked in parts."""
    holds = one.holds
    for kind, look, split in _IN_PARTS:
        if isinstance(holds, kind):
            parts = split(value)
            return (Look.TEXT, NOTHING) if parts is None else (look, parts)
    if isinstance(holds, CodesType):
        return Look.CHECKBOXES, NOTHING
    if isinstance(holds, CodeType):
        return (Look.RADIOS if len(holds.codes.of(nation)) <= MOST_RADIOS else Look.SELECT), NOTHING
    if isinstance(holds, CountType | NumberType):
        return Look.NUMBER, NOTHING
    return (Look.LONG if isinstance(holds, TextType) and holds.longest > LONG_TEXT else Look.TEXT), NOTHING


def _hint(one: Field, look: Look, more: Iterable[str]) -> str:
    item = one.item
    applies = f"Answer this where {item.applies}." if item.applies else ""
    # The separator of several codes is for files.
    own = "" if look is Look.CHECKBOXES else item.hint
    unit = f"In {one.holds.unit}." if isinstance(one.holds, NumberType) and one.holds.unit else ""
    day = "A date as day/month/year, such as 27/03/2025." if look is Look.TEXT and _dated(one) else ""
    return " ".join(words for words in (own, unit, day, applies, *more) if words)


def _dated(one: Field) -> bool:
    return isinstance(one.holds, DateType | DateTimeType)


def _choices(one: Field, value: str, nation: Nation) -> tuple[Choice, ...]:
    """The codes of the list; where nothing need be answered, that too; and what is there and is not in the list."""
    if one.codes is None:
        return ()
    several = isinstance(one.holds, CodesType)
    cells = [cell for part in (value.split("|") if several else [value]) if (cell := part.strip())]
    codes = one.codes.of(nation)
    spellings = {spelling.lower(): code.value for code in codes for spelling in (code.words, code.value)}
    chosen = {spellings.get(cell.lower(), cell) for cell in cells}
    listed = [Choice(code.value, code.words, code.value in chosen) for code in codes]
    others = [
        Choice(cell, f"{cell} (not in this list)", chosen=True) for cell in dict.fromkeys(cells)
        if cell.lower() not in spellings
    ]  # fmt: skip
    none = [] if several or one.required else [Choice("", "Not answered", chosen=not cells)]
    return (*listed, *others, *none)


# --- what was typed


def _answer(form: FormData, one: Field, name: str) -> str | None:
    """The text of one field; None where the form has none of its inputs."""
    if isinstance(one.holds, CodesType):
        chosen = [value.strip() for value in form.getlist(name) if isinstance(value, str)]
        return "|".join(sorted({each for each in chosen if each})) if chosen else None
    if name in form:
        value = form.get(name)
        return _lines(value) if isinstance(one.holds, TextType) and isinstance(value, str) else text(form, name)
    parts = {
        part: text(form, f"{name}-{part}") for part in ("day", "month", "year", "time") if f"{name}-{part}" in form
    }
    if not parts:
        return None
    return boxes.month(parts) if isinstance(one.holds, MonthType) else boxes.day(parts)


def _lines(value: str) -> str:
    """Text with its line breaks; blanks at the ends of lines and doubled ones removed."""
    return "\n".join(" ".join(line.split()) for line in value.splitlines()).strip()
