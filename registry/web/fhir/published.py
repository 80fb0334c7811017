"""The released figures as MeasureReports, for anybody: one summary report of each measure, month and financial year of a release.

Every number is that of the protected store, read as the public role. A count that may not be shown is absent, with the reason:
`masked` where it is withheld, `not-applicable` where a trust takes no part yet, `unknown` where no complete return came. There is no
score: a rate is nothing without its interval, for which R4 has no element. What may still change is tagged `provisional`.

A report's id names measure, release and period, `hat-rate.3.2026-03`, and says the same for good: a correction is a new release.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from ingest.fhir import models
from ingest.fhir.writing import DATA_ABSENT_REASON, MEASURE_POPULATION, moment
from registry.disclosure.grid import GeographyKind, Period, PeriodKind, Split, has_cell
from registry.errors import BadRequest, Fault, NotFound
from registry.measures import MEASURES, TOTAL, Counts, Figure, Measure, Number, Shown
from registry.publications import published
from registry.publications.published import Release
from registry.store import Store
from registry.web import series
from registry.web.fhir import bundles
from registry.web.fhir.parameters import (
    CURSOR,
    Search,
    Token,
    When,
    midnight,
    names_canonical,
    search_in,
    tokens,
    whens,
)
from registry.web.fhir.refusals import MEDIA_TYPE
from registry.web.series import Area
from schemas import fhir
from schemas.fhir import Artefact

READER = "hat_reader"
FRESH = "public, max-age=300"
ETAG = 'W/"1"'
TYPE = "MeasureReport"
MOST = 12
"""So many reports are in a page at most: each holds every trust."""
PARAMETERS = ("_id", "measure", "period")

ISO_3166_2 = "urn:iso:std:iso:3166:-2"
NATIONS = {"England": "GB-ENG", "Wales": "GB-WLS"}
ABSENT = {"[low]": "masked", "[c]": "masked", "[z]": "not-applicable", "[x]": "unknown"}
"""Why a count is absent, for each code that stands in its place in the files of open data."""

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Key:
    """Which report: of which measure, for which month, quarter or financial year, by its first day."""

    measure: Measure
    shown: Shown
    start: date

    @property
    def end(self) -> date:
        """The first day after the period."""
        months = self.start.month - 1 + LENGTHS[self.shown]
        return date(self.start.year + months // 12, months % 12 + 1, 1)

    @property
    def age(self) -> tuple[date, int]:
        """By which reports are ordered in time."""
        return self.end, LENGTHS[self.shown]

    def ident(self, release: Release) -> str:
        """`hat-rate.3.2026-03` of a month, `hat-rate.3.fy2025-26` of a year, `….3.q2025-07` of the quarter that begins then."""
        year = Period(PeriodKind.FINANCIAL_YEAR, self.start).text if self.shown is Shown.FINANCIAL_YEAR else ""
        text = f"fy{year}" if year else f"{'q' if self.shown is Shown.QUARTER else ''}{self.start:%Y-%m}"
        return f"{self.measure.ident}.{release.number}.{text}"


LENGTHS = {Shown.MONTH: 1, Shown.QUARTER: 3, Shown.FINANCIAL_YEAR: 12}
"""How many months each kind of period has."""
Lines = dict[Key, list[tuple[Area, Counts]]]


def measure_address(measure: Measure) -> str:
    """The canonical address of a national measure."""
    return fhir.canonical(Artefact.MEASURE, measure.ident)


def read(request: Request, ident: str) -> Response:
    """One report of the release that its id names. Raises NotFound."""
    measure, number = _named(ident)
    with _reading(request) as connection:
        release = published.numbered(connection, number)
        if release is None:
            raise NotFound
        lines = _lines(connection, release, measure)
        key = next((each for each in lines if each.ident(release) == ident), None)
        if key is None:
            raise NotFound
        (found,) = _reports(connection, release, lines, [key])
    return _reply(request, found, {"ETag": ETAG})


def search(request: Request) -> Response:
    """The reports of the latest release by measure and period, page by page, the newest period of each measure first."""
    asked = search_in(request, request.query_params.multi_items(), PARAMETERS)
    periods, idents = whens(asked, "period"), tokens(asked, "_id")
    with _reading(request) as connection:
        release, start = _begun(connection, asked)
        lines = {} if release is None else _asked_lines(connection, release, asked)
        keys = [] if release is None else _asked_keys(release, lines, periods, idents)
        if asked.total_only:
            return _reply(request, bundles.total(request, TYPE, asked, len(keys)), {})
        page = keys[start : start + min(asked.count, MOST)]
        found = [] if release is None else list(_reports(connection, release, lines, page))
    end = start + len(page)
    cursor = f"{release.number}.{end}" if release is not None and end < len(keys) else None
    return _reply(request, bundles.searchset(request, TYPE, asked, found, cursor=cursor), {})


def _reply(request: Request, resource: Resource, headers: dict[str, str]) -> Response:
    headers |= {"Cache-Control": FRESH}
    if "ETag" in headers and headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(models.write(resource), headers=headers, media_type=MEDIA_TYPE)


@contextmanager
def _reading(request: Request) -> Iterator[Connection]:
    """What is released, as the public role sees it."""
    store: Store = request.app.state.store
    with store.readonly(role=READER) as connection:
        yield connection


# --- which reports


def _named(ident: str) -> tuple[Measure, int]:
    """Measure and release in an id; the whole id is compared with those there are."""
    name, _, rest = ident.partition(".")
    number = rest.partition(".")[0]
    if name not in MEASURES or not _is_number(number):
        raise NotFound
    return MEASURES[name], int(number)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def _begun(connection: Connection, asked: Search) -> tuple[Release | None, int]:
    """The release of a search and where its page begins: that in which its first page was, even if there is a newer one."""
    if asked.cursor is None:
        return published.latest(connection), 0
    number, _, start = asked.cursor.partition(".")
    release = published.numbered(connection, int(number)) if _is_number(number) and _is_number(start) else None
    if release is None:
        raise BadRequest(errors=[Fault(CURSOR, "Take the address of the next page from the Bundle as it stands.")])
    return release, int(start)


def _asked_lines(connection: Connection, release: Release, asked: Search) -> Lines:
    named = asked.one("measure")
    wanted = [each for each in MEASURES.values() if named is None or names_canonical(named, measure_address(each))]
    return {key: lines for measure in wanted for key, lines in _lines(connection, release, measure).items()}


def _asked_keys(
    release: Release, lines: Iterable[Key], periods: Collection[When], idents: Collection[Token] | None
) -> list[Key]:
    listed = None if idents is None else {each.value for each in idents}
    return [
        key
        for key in lines
        if all(each.holds(midnight(key.start), midnight(key.end)) for each in periods)
        and (listed is None or key.ident(release) in listed)
    ]


def _lines(connection: Connection, release: Release, measure: Measure) -> Lines:
    """Every report of a measure with its areas, the newest first, a financial year before its last month."""
    found: defaultdict[Key, list[tuple[Area, Counts]]] = defaultdict(list)
    months = published.region_months(connection, release, measure)
    years = published.region_years(connection, release, measure)
    for area in series.areas(measure, published.places(connection, release, "region")):
        lines = series.lines(measure, area, months, years)
        summed = series.yearly(measure, lines) if measure.period is Shown.MONTH else []
        for shown, listed in ((measure.period, lines), (Shown.FINANCIAL_YEAR, summed)):
            for line in listed:
                found[Key(measure, shown, line.start)].append((area, line.counts))
    if _has_trusts(measure, PeriodKind.FINANCIAL_YEAR):
        for start in published.years(connection, release):
            found.setdefault(Key(measure, Shown.FINANCIAL_YEAR, start), [])
    return dict(sorted(found.items(), key=lambda item: item[0].age, reverse=True))


def _has_trusts(measure: Measure, kind: PeriodKind) -> bool:
    """Whether all that the measure is made of is published of trusts for such periods."""
    splits = [(key.quantity, None if key.split == TOTAL else Split(key.split)) for key in measure.cells]
    return bool(splits) and all(has_cell(count, GeographyKind.TRUST, kind, split) for count, split in splits)


# --- a report


def _reports(connection: Connection, release: Release, lines: Lines, keys: Collection[Key]) -> Iterator[Resource]:
    """The reports, each with its trusts: two queries for each measure among them."""
    names = {one.code: one.name for one in published.places(connection, release, "trust")} if keys else {}
    for measure in {key.measure.ident: key.measure for key in keys}.values():
        trusts = {
            kind.value: published.trust_periods(connection, release, measure, kind, starts)
            for kind in PeriodKind
            if _has_trusts(measure, kind)
            and (starts := [key.start for key in keys if key.measure is measure and key.shown.value == kind.value])
        }
        for key in (each for each in keys if each.measure is measure):
            own = trusts.get(key.shown.value, {}).get(key.start, {})
            yield _report(key, release, lines[key], own, names)


def _report(
    key: Key, release: Release, areas: list[tuple[Area, Counts]], trusts: Mapping[str, Counts], names: Mapping[str, str]
) -> Resource:
    """The group is the whole that the measure is published for, its stratifiers are nations, regions and trusts."""
    released = moment(release.released_at)
    provisional = any(counts.provisional for counts in [*(counts for _, counts in areas), *trusts.values()])
    standing = {"system": fhir.FIGURE_STANDING, "code": "provisional" if provisional else "final"}
    whole = areas[0][1] if areas else Counts()
    return {
        "resourceType": TYPE,
        "id": key.ident(release),
        "meta": {"versionId": "1", "lastUpdated": released, "tag": [standing]},
        "status": "complete",
        "type": "summary",
        "measure": f"{measure_address(key.measure)}|{fhir.VERSION}",
        "date": released,
        "reporter": {"display": "HAT registry"},
        "period": {"start": key.start.isoformat(), "end": (key.end - timedelta(days=1)).isoformat()},
        "group": [{"population": _populations(key.measure, whole)} | _stratified(key.measure, areas, trusts, names)],
    }


def _stratified(
    measure: Measure, areas: Iterable[tuple[Area, Counts]], trusts: Mapping[str, Counts], names: Mapping[str, str]
) -> Resource:
    found: dict[str, list[Resource]] = {"nation": [], "region": [], "organisation": []}
    for area, counts in areas:
        if area.name in NATIONS:
            found["nation"].append(_stratum(measure, counts, ISO_3166_2, NATIONS[area.name], area.name))
        elif area.ident != series.BOTH:
            found["region"].append(_stratum(measure, counts, fhir.ODS_CODE, area.ident.upper(), area.name))
    for code, counts in trusts.items():
        found["organisation"].append(_stratum(measure, counts, fhir.ODS_CODE, code, names.get(code)))
    listed = [
        {"code": [_concept(fhir.STRATIFIERS, name)], "stratum": strata} for name, strata in found.items() if strata
    ]
    return {"stratifier": listed} if listed else {}


def _stratum(measure: Measure, counts: Counts, system: str, code: str, name: str | None) -> Resource:
    return {"value": _concept(system, code, name), "population": _populations(measure, counts)}


def _populations(measure: Measure, counts: Counts) -> list[Resource]:
    figure: Figure = measure.figure(counts)
    sides = (("numerator", figure.top), ("denominator", figure.bottom))
    return [{"code": _concept(MEASURE_POPULATION, name)} | _count(number) for name, number in sides]


def _count(number: Number) -> Resource:
    if number.code in ABSENT:
        reason = {"url": DATA_ABSENT_REASON, "valueCode": ABSENT[number.code]}
        return {"_count": {"extension": [reason]}}
    return {"count": int(number.code)}


def _concept(system: str, code: str, name: str | None = None) -> Resource:
    coding = {"system": system, "code": code}
    return {"coding": [coding | ({"display": name} if name else {})]}
