"""What a reader declares: the change, its phase-in, the season, level or slope; and counts that they type or paste.

Nothing typed is kept. What cannot be read is told at its field, never guessed.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from fastapi import Depends

from registry.statistics.evaluation import MOST_PHASE_IN, Observed, Plan, months_on
from registry.web.fields import Fault

LARGEST = 1_000_000_000
MOST_MONTHS = 600
_WHOLE = re.compile(r"[0-9]{1,3}(?:[, \u00a0][0-9]{3})+|[0-9]{1,10}", re.ASCII)
_DECIMAL = re.compile(r"(?:[0-9]{1,3}(?:[, \u00a0][0-9]{3})+|[0-9]{1,10})(?:\.[0-9]{1,10})?|\.[0-9]{1,10}", re.ASCII)
_FORMS = ("%Y-%m", "%Y-%m-%d", "%d/%m/%Y", "%m/%Y", "%b %Y", "%B %Y", "%b-%Y", "%b-%y", "%b %y", "%B-%Y")
PHASES = (0, 1, 2, 3, 6, 9, 12)
HARMONICS = (("0", "No season"), ("1", "One wave a year"), ("2", "Two waves a year"))
CHANGES = (("level-slope", "Level and slope"), ("level", "Level only"))


def _declared(
    rate: str = "all", change: str = "", phase_in: str = "0", harmonics: str = "0", changes: str = "level-slope"
) -> dict[str, str]:
    return {"rate": rate, "change": change, "phase_in": phase_in, "harmonics": harmonics, "changes": changes}


Declared = Annotated[dict[str, str], Depends(_declared)]
"""What every evaluation of held figures asks, as the address says it."""


def month_of(words: str) -> date | None:
    """A month as people and spreadsheets write it, as its first day; None for anything else."""
    for form in _FORMS:
        try:
            found = datetime.strptime(" ".join(words.split()), form)  # noqa: DTZ007 -- a month has no time zone
        except ValueError:
            continue
        return date(found.year, found.month, 1) if 1900 <= found.year <= 2200 else None
    return None


def whole(words: str) -> int | None:
    """A count, with or without thousands separators; None for anything else."""
    found = _WHOLE.fullmatch(words.strip())
    return int(re.sub(r"[^0-9]", "", words)) if found and len(words) < 20 else None


def decimal(words: str) -> float | None:
    """A number that is not negative, with or without decimals; None for anything else."""
    return float(re.sub(r"[, \u00a0]", "", words)) if _DECIMAL.fullmatch(words.strip()) and len(words) < 30 else None


def plan(values: Mapping[str, str], default: date | None = None) -> tuple[Plan | None, list[Fault]]:
    """The plan that a form or an address holds, or what is wrong with it. Without a change the default; without both none."""
    said = values.get("change", "")
    change = month_of(said) if said else default
    phase, harmonics = whole(values.get("phase_in", "") or "0"), whole(values.get("harmonics", "") or "0")
    faults = []
    if change is None:
        faults.append(Fault("change", "Say in which month the programme began, such as 2024-04"))
    if phase is None or phase > MOST_PHASE_IN:
        faults.append(Fault("phase_in", f"The phase-in is a number of months from 0 to {MOST_PHASE_IN}"))
    if harmonics is None or harmonics > 2:
        faults.append(Fault("harmonics", "Choose no season, one wave a year or two"))
    if faults or change is None or phase is None or harmonics is None:
        return None, faults
    return Plan(change, phase, harmonics, values.get("changes", "level-slope") != "level"), []


def halfway(months: Sequence[Observed]) -> date | None:
    """The month in the middle of those that count: where a page begins before anything is chosen."""
    counted = [one.month for one in months if not one.left_out]
    return counted[len(counted) // 2] if len(counted) > 1 else None


# --- a series that is pasted


def series(pasted: str) -> tuple[list[Observed], list[Fault]]:
    """Months, events and population from lines of three cells, divided by tabs, semicolons or commas; a head is passed over.

    A fourth cell that is not empty (nor `final`) says that the month is provisional. Every fault at once, by its line.
    """
    lines = [(number, cells) for number, cells in enumerate(_cells(pasted), 1) if any(cells)]
    if lines and month_of(lines[0][1][0]) is None and not any(whole(cell) is not None for cell in lines[0][1]):
        lines = lines[1:]
    if not lines:
        return [], [Fault("series", "Paste a line for each month: the month, the events, the population")]
    if len(lines) > MOST_MONTHS:
        return [], [Fault("series", f"That is more than {MOST_MONTHS} months")]
    read = [_line(number, cells) for number, cells in lines]
    months = [one for one in read if isinstance(one, Observed)]
    faults = [one for one in read if isinstance(one, Fault)]
    twice = sorted({one.month for place, one in enumerate(months) if one.month in {o.month for o in months[:place]}})
    faults += [Fault("series", f"{month:%B %Y} stands there more than once") for month in twice]
    if months and not faults and _span(months) > MOST_MONTHS:
        faults.append(Fault("series", f"From the first month to the last there are more than {MOST_MONTHS}"))
    return months, faults[:20]


def _span(months: Sequence[Observed]) -> int:
    first, last = min(one.month for one in months), max(one.month for one in months)
    return (last.year - first.year) * 12 + last.month - first.month + 1


def _cells(pasted: str) -> list[list[str]]:
    divider = next((each for each in "\t;" if each in pasted), ",")
    try:
        found = csv.reader(io.StringIO(pasted), delimiter=divider, strict=False)
        return [[cell.strip() for cell in row] or [""] for row in found]
    except csv.Error:
        return [["?"]]


def _line(number: int, cells: Sequence[str]) -> Observed | Fault:
    month = month_of(cells[0])
    if month is None:
        return Fault("series", f"Line {number}: the first cell is no month. Write it as 2024-04")
    if not 3 <= len(cells) <= 4:
        return Fault("series", f"Line {number}: there are not three cells, the month, the events and the population")
    if not cells[1] or not cells[2]:
        return Observed(month, 0, 0, "no figure for this month")
    events, population = whole(cells[1]), decimal(cells[2])
    if events is None or events > LARGEST:
        return Fault("series", f"Line {number}: the events are no whole number")
    if population is None or population > LARGEST:
        return Fault("series", f"Line {number}: the population is no number")
    if not population:
        return Observed(month, events, 0, "nobody in the population")
    provisional = len(cells) > 3 and cells[3].casefold() not in ("", "final", "no")
    return Observed(month, events, population, "provisional" if provisional else "")


# --- two periods that are typed


@dataclass(frozen=True, slots=True)
class Rates:
    """Events and populations of two periods. `equal`: no populations were typed, so they are taken as equal."""

    before: int
    population_before: int
    after: int
    population_after: int
    equal: bool


@dataclass(frozen=True, slots=True)
class Part:
    """So many of the investigated, and how many cases there were in all."""

    part: int
    investigated: int
    cases: int


@dataclass(frozen=True, slots=True)
class Claim:
    """What somebody published about a ratio."""

    ratio: float
    lower: float | None
    upper: float | None
    p: float | None
    events: int | None


@dataclass(frozen=True, slots=True)
class Typed:
    """What a reader typed: rates, shares, a claim, or some of these."""

    rates: Rates | None
    shares: tuple[Part, Part] | None
    claim: Claim | None
    faults: list[Fault]


EQUAL = 1_000_000
"""The population of both periods where none is typed: only their being equal matters."""


def typed(values: Mapping[str, str]) -> Typed:
    """Read the form of two periods; each of its three parts may be left empty."""
    faults: list[Fault] = []
    rates, shares, claim = _rates(values, faults), _shares(values, faults), _claim(values, faults)
    if not faults and rates is None and shares is None and claim is None:
        faults.append(
            Fault("before_events", "Type the counts of two periods, of rates or of shares, or a published ratio")
        )
    return Typed(rates, shares, claim, faults)


def _count(values: Mapping[str, str], name: str, words: str, faults: list[Fault]) -> int:
    found = whole(values.get(name, ""))
    if found is None or found > LARGEST:
        faults.append(Fault(name, f"{words}: write a whole number"))
        return 0
    return found


def _said(values: Mapping[str, str], *names: str) -> bool:
    return any(values.get(name, "").strip() for name in names)


def _rates(values: Mapping[str, str], faults: list[Fault]) -> Rates | None:
    if not _said(values, "before_events", "after_events", "before_population", "after_population"):
        return None
    before = _count(values, "before_events", "Events before", faults)
    after = _count(values, "after_events", "Events after", faults)
    if not _said(values, "before_population", "after_population"):
        return Rates(before, EQUAL, after, EQUAL, equal=True)
    sizes = [_count(values, f"{when}_population", f"Population {when}", faults) for when in ("before", "after")]
    return Rates(before, sizes[0], after, sizes[1], equal=False)


def _shares(values: Mapping[str, str], faults: list[Fault]) -> tuple[Part, Part] | None:
    names = [f"{when}_{what}" for when in ("before", "after") for what in ("part", "investigated", "cases")]
    if not _said(values, *names):
        return None
    before, after = (_part(values, when, faults) for when in ("before", "after"))
    return before, after


def _part(values: Mapping[str, str], when: str, faults: list[Fault]) -> Part:
    part = _count(values, f"{when}_part", f"Of them so many, {when}", faults)
    investigated = _count(values, f"{when}_investigated", f"Investigated {when}", faults)
    every = f"{when}_cases"
    cases = _count(values, every, f"All cases {when}", faults) if _said(values, every) else investigated
    if not faults and part > investigated:
        faults.append(Fault(f"{when}_part", "There cannot be more of them than were investigated"))
    if not faults and investigated > cases:
        faults.append(Fault(every, "There cannot be more investigated than there are cases"))
    return Part(part, investigated, cases)


def _claim(values: Mapping[str, str], faults: list[Fault]) -> Claim | None:
    names = ("claim_ratio", "claim_lower", "claim_upper", "claim_p", "claim_events")
    if not _said(values, *names):
        return None
    numbers: dict[str, float | None] = {}
    for name in names[:4]:
        said = values.get(name, "").strip()
        numbers[name] = decimal(said) if said else None
        if said and not numbers[name]:
            faults.append(Fault(name, "Write a number above 0, such as 0.88"))
    ratio, lower, upper, p = (numbers[name] for name in names[:4])
    events = (
        _count(values, "claim_events", "Events in both periods together", faults)
        if _said(values, "claim_events")
        else None
    )
    if ratio is None:
        faults.append(Fault("claim_ratio", "Write the ratio that was published"))
    if (lower is None) != (upper is None) or (lower is not None and upper is not None and lower >= upper):
        faults.append(Fault("claim_lower", "Write both limits, the lower one first"))
    if p is not None and p >= 1:
        faults.append(Fault("claim_p", "p lies between 0 and 1"))
    if events is not None and events < 2:
        faults.append(Fault("claim_events", "There have to be at least 2 events"))
    return None if faults or ratio is None else Claim(ratio, lower, upper, p, events)


@dataclass(frozen=True, slots=True)
class Sources:
    """Cases that each of two sources has, and those that somebody linked between them."""

    first: int
    second: int
    both: int


def sources(values: Mapping[str, str]) -> tuple[Sources | None, list[Fault]]:
    """Read the form of two sources."""
    faults: list[Fault] = []
    first = _count(values, "first", "Cases in the first source", faults)
    second = _count(values, "second", "Cases in the second source", faults)
    both = _count(values, "both", "Cases in both", faults)
    if not faults and both > min(first, second):
        faults.append(Fault("both", "There cannot be more cases in both than in one of them"))
    return (None, faults) if faults else (Sources(first, second, both), [])


def phase_words(start: date, months: int) -> str:
    """`April 2024 to June 2024`, of a phase-in."""
    last = months_on(start, months - 1)
    return f"{start:%B %Y}" if months == 1 else f"{start:%B %Y} to {last:%B %Y}"
