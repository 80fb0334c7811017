"""A search as R4 writes it: which parameters were given, tokens, dates with their prefixes, and where its next page begins."""

import base64
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from starlette.requests import Request

from registry.errors import BadRequest, Fault
from registry.web.fhir.asking import GENERAL, wishes
from schemas import fhir
from schemas.days import LONDON

COUNT, CURSOR, SUMMARY = "_count", "_cursor", "_summary"
RESULT = frozenset({COUNT, CURSOR, SUMMARY})
MOST, USUAL = 200, 50
"""So many resources are in a page at most, and where nothing is said."""
_COUNTED = re.compile("[0-9]{1,9}")
_MOST_VALUES = 100
_WHEN = re.compile(
    r"(?P<prefix>[a-z]{2})?(?P<day>[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?)"
    r"(?P<clock>T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(?P<offset>Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
_PREFIXES = ("eq", "ge", "gt", "le", "lt", "sa", "eb")


@dataclass(frozen=True, slots=True)
class Search:
    """What was asked. `given` holds the parameters that mean something here, in the order sent; `cursor` where to go on."""

    given: tuple[tuple[str, str], ...]
    count: int
    cursor: str | None
    total_only: bool

    def all(self, name: str) -> list[str]:
        return [value for each, value in self.given if each == name]

    def one(self, name: str) -> str | None:
        """The value of a parameter that stands once at most. Raises BadRequest where it stands several times."""
        found = self.all(name)
        if len(found) > 1:
            raise _fault(name, "Give this parameter once; several values are separated by commas.")
        return found[0] if found else None


def search_of(given: Iterable[tuple[str, str]], names: Collection[str], *, lenient: bool) -> Search:
    """The search that these parameters ask for. Raises BadRequest for one that is not among `names` unless `lenient`, and for
    page lengths that are no number.

    Parameters that are not understood are never heeded in silence: what comes back would look like what was asked.
    """
    listed = list(given)
    known = {*names, *RESULT, *GENERAL}
    if not lenient and any(name not in known for name, _ in listed):
        raise BadRequest(
            f"There are parameters that are not known here. Known are: {', '.join(sorted(known - {CURSOR}))}. "
            "To have others passed over, send Prefer: handling=lenient."
        )
    understood = Search(tuple(pair for pair in listed if pair[0] in known - GENERAL), USUAL, None, False)
    asked = tuple(pair for pair in understood.given if pair[0] != CURSOR)
    count = _count(understood.one(COUNT))
    return Search(asked, max(count, 1), understood.one(CURSOR), _total_only(understood) or count == 0)


def search_in(request: Request, given: Iterable[tuple[str, str]], names: Collection[str]) -> Search:
    """`search_of` as this request prefers it."""
    return search_of(given, names, lenient=wishes(request).lenient)


def _count(text: str | None) -> int:
    """More than the most is asked for by many; they get the most, as R4 allows."""
    if text is None:
        return USUAL
    if not _COUNTED.fullmatch(text):
        raise _fault(COUNT, f"This must be a whole number, at most {MOST}.")
    return min(int(text), MOST)


def _total_only(search: Search) -> bool:
    wanted = search.one(SUMMARY) or "false"
    if wanted not in ("count", "false"):
        raise _fault(SUMMARY, "Of the summaries only count is offered.")
    return wanted == "count"


@dataclass(frozen=True, slots=True)
class Token:
    """A value in a system; in any system where none is named."""

    value: str
    system: str | None = None

    def in_system(self, system: str) -> bool:
        return self.system is None or self.system == system


def tokens(search: Search, name: str) -> list[Token] | None:
    """The values of a token parameter, any of which may hold; None where it is not given."""
    text = search.one(name)
    if text is None:
        return None
    parts = _split(text, ",")
    if len(parts) > _MOST_VALUES:
        raise _fault(name, f"Ask for at most {_MOST_VALUES} values at once.")
    return [_token(part) for part in parts]


def _token(text: str) -> Token:
    parts = _split(text, "|", most=1)
    return Token(_unescaped(parts[-1]), parts[0] if len(parts) > 1 else None)


def _split(text: str, mark: str, *, most: int = 0) -> list[str]:
    """The parts between marks that no backslash takes away; divided `most` times, or as often as there are marks."""
    return re.split(rf"(?<!\\){re.escape(mark)}", text, maxsplit=most)


def _unescaped(text: str) -> str:
    return re.sub(r"\\([\\,|$])", r"\1", text)


def names_canonical(text: str, canonical: str) -> bool:
    """Whether an artefact is named, by its address or as `Measure/name`, with or without its version."""
    named, _, version = text.partition("|")
    short = canonical.removeprefix(f"{fhir.CANONICAL}/")
    return named in (canonical, short) and version in ("", fhir.VERSION)


@dataclass(frozen=True, slots=True)
class When:
    """A date or moment of a search with its prefix: from `start` to before `end`."""

    prefix: str
    start: datetime
    end: datetime

    def holds(self, start: datetime, end: datetime) -> bool:
        """Whether a period (to before its end) is meant, by R4's meaning of the prefixes."""
        match self.prefix:
            case "eq":
                return self.start <= start and end <= self.end
            case "ge":
                return end > self.start
            case "gt":
                return end > self.end
            case "le":
                return start < self.end
            case "lt":
                return start < self.start
            case "sa":
                return start >= self.end
        return end <= self.start


def whens(search: Search, name: str) -> list[When]:
    """The dates of a parameter, all of which must hold. A day begins at midnight in London; a moment may name its own offset.

    Raises BadRequest for what is no date, and for the prefixes ne and ap.
    """
    return [_when(name, value) for value in search.all(name)]


def _when(name: str, text: str) -> When:
    # a plus sign that was not escaped in an address came as a blank
    found = _WHEN.fullmatch(text.replace(" ", "+"))
    prefix = (found["prefix"] or "eq") if found else ""
    if found is None or prefix not in _PREFIXES:
        raise _fault(
            name, f"This must be a date such as 2026-03 or ge2026-03-02T09:15:00Z; prefixes are {', '.join(_PREFIXES)}."
        )
    try:
        return When(prefix, *(_moment(found) if found["clock"] else _days(found["day"])))
    except (ValueError, OverflowError):
        raise _fault(name, "There is no such date.") from None


def _days(text: str) -> tuple[datetime, datetime]:
    """A day, a month or a year, to before the next."""
    first = date.fromisoformat(f"{text}-01-01"[:10])
    match len(text):
        case 4:
            after = first.replace(year=first.year + 1)
        case 7:
            after = next_month(first)
        case _:
            after = first + timedelta(days=1)
    return midnight(first), midnight(after)


def _moment(found: re.Match[str]) -> tuple[datetime, datetime]:
    """A minute, a second or a part of it, to before the next."""
    start = datetime.fromisoformat(f"{found['day']}{found['clock']}")
    if start.tzinfo is None:
        start = start.replace(tzinfo=LONDON)
    clock = found["clock"].removesuffix(found["offset"] or "")
    _, _, fraction = clock.partition(".")
    step = timedelta(minutes=1) if clock.count(":") == 1 else timedelta(microseconds=10 ** (6 - len(fraction)))
    return start.astimezone(UTC), start.astimezone(UTC) + step


def midnight(day: date) -> datetime:
    """The moment at which a day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=LONDON).astimezone(UTC)


def next_month(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def between(asked: Iterable[When]) -> tuple[datetime | None, datetime | None]:
    """The moments that hold for all of these: from the first to before the second."""
    since: list[datetime] = []
    before: list[datetime] = []
    for each in asked:
        if each.prefix in ("eq", "ge"):
            since.append(each.start)
        if each.prefix in ("gt", "sa"):
            since.append(each.end)
        if each.prefix in ("eq", "le"):
            before.append(each.end)
        if each.prefix in ("lt", "eb"):
            before.append(each.start)
    return max(since, default=None), min(before, default=None)


def months(asked: Collection[When]) -> tuple[date, date]:
    """The calendar months that hold for all of these: from the first to before the second; none where they are equal."""
    found = [month for month in _every_month() if all(_month_holds(each, month) for each in asked)]
    return (found[0], next_month(found[-1])) if found else (date.min, date.min)


def _month_holds(asked: When, month: date) -> bool:
    return asked.holds(midnight(month), midnight(next_month(month)))


def _every_month() -> Iterator[date]:
    """Those in which a return may be: a month lies between 1900 and 2100."""
    return (date(year, month, 1) for year in range(1900, 2101) for month in range(1, 13))


def cursor_of(at: datetime, record_id: UUID) -> str:
    """Where a page ends, as the next one is asked for with it."""
    text = f"{at.astimezone(UTC).isoformat()}|{record_id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(text: str) -> tuple[datetime, UUID]:
    """The same again. Raises BadRequest for what is none of ours."""
    try:
        at, _, record_id = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii").partition("|")
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise ValueError
        return moment, UUID(record_id)
    except ValueError:  # that of base 64 and of other letters is one too
        raise _fault(CURSOR, "Take the address of the next page from the Bundle as it stands.") from None


def _fault(name: str, words: str) -> BadRequest:
    return BadRequest(errors=[Fault(name, words)])
