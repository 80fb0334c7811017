"""What the audit is given and what it says: the draft with all releases before it, and the verdict of `registry.disclosure.audit`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from registry.disclosure.audit import Insider, Published, Release, Report, data_hash
from registry.disclosure.audit.panes import BlockKey, by_block
from registry.disclosure.audit.playing import Part, Players
from registry.disclosure.grid import Cell, Count, Geography, GeographyKind, Period, PeriodKind, Split
from registry.disclosure.protected import State
from registry.publications import flags
from registry.publications.cells import TOTAL
from registry.publications.offsets import used
from registry.publications.published import DRAFT, PUBLISHED, Tables
from registry.store.tables import exact_cell, publication, released

Tell = Callable[[str, int, int], None]

SECONDS = 300.0
"""So much processor time may a part of the grid take; what is not decided by then stands against the figures."""
PLAYING = "Playing the attacker, part by part of the grid"


@dataclass(frozen=True, slots=True)
class Matter:
    """What is to be judged: the releases in order, the draft last; and what an insider would know."""

    releases: tuple[Release, ...]
    insider: Insider


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the draft may go on, the cells that another offset may help, those that anybody would know too well (also such as were
    published before), and the report in full as JSON."""

    passed: bool
    rekey: tuple[str, ...] = ()
    failing: tuple[str, ...] = ()
    report: Mapping[str, Any] = field(default_factory=dict)
    cpu_seconds: float = 0.0
    """Processor time of the parts that were played for it, and of that what integer programs took: in no report, which would differ."""
    milp_seconds: float = 0.0


Judge = Callable[[Matter, Tell], Verdict]


def read(connection: Connection, publication_id: UUID) -> Matter:
    """The draft and every release, under `hat_national`."""
    earlier = _earlier(connection)
    number, cut_at = connection.execute(
        select(publication.c.number, publication.c.cut_at).where(publication.c.id == publication_id)
    ).one()
    before = [_release(connection, PUBLISHED, row.id, row.number) for row in earlier]
    draft = _release(connection, DRAFT, publication_id, number)
    offsets = used(connection, publication_id)
    counts = {row.number: _counts(connection, row.id) for row in earlier}
    counts[number] = _counts(connection, publication_id)
    releases = flags.told((*before, draft), [*(row.as_at for row in earlier), cut_at], flags.published(connection))
    return Matter(releases, Insider(offsets, counts))


def may_be_flagged(connection: Connection, ident: UUID) -> bool:
    """Whether a verdict on a trust's year may be published beside all that is public, under `hat_national`.

    Only what stands in one block with the year is looked at, as everybody can; some seconds of work.
    """
    earlier = _earlier(connection)
    before = [_release(connection, PUBLISHED, row.id, row.number) for row in earlier]
    known = flags.published(connection, with_one=ident)
    releases = flags.told(before, [row.as_at for row in earlier], known)
    counts = {row.number: _counts(connection, row.id) for row in earlier}
    told = [part for part in by_block(releases).values() if any(release.told for release in part)]
    return all(Part(_revised(part, counts), None, SECONDS).play().passed for part in told)


def _earlier(connection: Connection) -> Sequence[Any]:
    query = select(released.c.id, released.c.number, released.c.as_at)
    return connection.execute(query.order_by(released.c.number)).all()


def _release(connection: Connection, tables: Tables, ident: UUID, number: int) -> Release:
    cells = select(tables.cells).where(tables.cells.c[tables.key] == ident).order_by(tables.cells.c.cell_id)
    places = tables.places.c
    regions = select(places.geography, places.region).where(
        places[tables.key] == ident, places.geography_kind == GeographyKind.TRUST, places.region.is_not(None)
    )
    return Release(
        number,
        tuple(_published(row) for row in connection.execute(cells)),
        dict(connection.execute(regions).all()),
        frozenset[tuple[str, date]](),
    )


def _published(row: Any) -> Published:
    place = Geography(GeographyKind(row.geography_kind), row.geography)
    period = Period(PeriodKind(row.period_kind), row.period)
    split = None if row.split == TOTAL else Split(row.split)
    cell = Cell(Count(row.quantity), place, period, split, None if split is None else row.category)
    return Published(cell, row.value, State(row.state), row.provisional, row.held_from is not None)


def _counts(connection: Connection, ident: UUID) -> Mapping[str, int]:
    c = exact_cell.c
    return dict(connection.execute(select(c.cell_id, c.count).where(c.publication_id == ident)).all())


def attacker(players: Players | None = None) -> Judge:
    """The verdict on a draft: of an attacker who reads every release, and of one who knows every addition besides.

    Played part by part of the grid (a region's financial year), by the players if there are any. Called again for a draft of which some
    cells were drawn anew, it plays only the parts that are not as they were.
    """
    done: dict[tuple[BlockKey, int], Report] = {}
    playing = (players or Players(1)).play

    def judge(matter: Matter, tell: Tell) -> Verdict:
        parts = {key: _part(releases, matter.insider) for key, releases in by_block(matter.releases).items()}
        known = {key: (key, _fingerprint(part)) for key, part in parts.items()}
        new = {number: part for number, (key, part) in enumerate(parts.items()) if known[key] not in done}
        tell(PLAYING, len(parts) - len(new), len(parts))
        keys, spent = list(parts), [0.0, 0.0]
        with closing(playing(new)) as reports:
            for count, (number, report) in enumerate(reports, len(parts) - len(new) + 1):
                done[known[keys[number]]] = report
                spent = [spent[0] + report.cpu_seconds, spent[1] + report.milp_seconds]
                tell(PLAYING, count, len(parts))
        return replace(
            _verdict(matter, [done[each] for each in known.values()]), cpu_seconds=spent[0], milp_seconds=spent[1]
        )

    return judge


@contextmanager
def attackers() -> Iterator[Judge]:
    """The attacker with a player for each processor, which end with it."""
    with Players() as players:
        yield attacker(players)


def _part(releases: tuple[Release, ...], insider: Insider) -> Part:
    """A part with what an insider knows of its cells, and no other, and with the months that were revised."""
    names = {one.cell.id for release in releases for one in release.cells}
    counts = {
        number: {name: count for name, count in counted.items() if name in names}
        for number, counted in insider.counts.items()
    }
    return Part(
        _revised(releases, counts),
        Insider({n: insider.offsets[n] for n in names if n in insider.offsets}, counts),
        SECONDS,
    )


def _revised(releases: tuple[Release, ...], counts: Mapping[int, Mapping[str, int]]) -> tuple[Release, ...]:
    """The releases with the months of trusts in which the count behind the published number changed since the release before.

    The attacker is taken to know them: that is more than the public list of revisions tells, which names tables and not months, and what
    he takes for unchanged is so. Of a month that is held he is told it too, though not by how much.
    """
    stands: dict[str, int] = {}
    made = []
    for release in releases:
        revised = set()
        for one in release.cells:
            now = counts.get(release.number, {}).get(one.cell.id)
            if now is None or not _is_month_of_trust(one.cell):
                continue
            if stands.get(one.cell.id, now) != now:
                revised.add((one.cell.geography.code, one.cell.period.start))
            stands[one.cell.id] = now
        made.append(replace(release, revised=frozenset(revised)))
    return tuple(made)


def _is_month_of_trust(cell: Cell) -> bool:
    return cell.split is None and cell.geography.kind is GeographyKind.TRUST and cell.period.kind is PeriodKind.MONTH


def _fingerprint(part: Part) -> int:
    """Of all that a part can depend on: its cells in each release with where they are, and what an insider knows of their offsets,
    which may change while the number that is published stays."""
    offsets = part.knows.offsets if part.knows is not None else {}
    return hash(
        tuple(
            (
                release.number,
                release.told,
                release.revised,
                tuple(sorted(release.regions.items())),
                tuple((one.cell.id, *one[1:], offsets.get(one.cell.id)) for one in release.cells),
            )
            for release in part.releases
        )
    )


def _verdict(matter: Matter, found: Sequence[Report]) -> Verdict:
    """What all parts together say; the report has the shape of a part's."""
    failing = {one.cell for report in found for one in report.failing}.union(*(report.undecided for report in found))
    again = sorted({name for report in found for name in report.rekey})
    told = _merged([report.as_dict() for report in found]) if found else {}
    numbers = {"releases": [release.number for release in matter.releases], "data_hash": data_hash(matter.releases)}
    return Verdict(all(report.passed for report in found), tuple(again), tuple(sorted(failing)), told | numbers)


def _merged(parts: Sequence[Any]) -> Any:
    """Numbers of targets are added, lists and maps joined; of widths the least, of what all must hold whether all do."""
    first = parts[0]
    if isinstance(first, dict):
        return {name: _merged_as(name, [part[name] for part in parts if name in part]) for name in first}
    return first


def _merged_as(name: str, values: Sequence[Any]) -> Any:
    known = [value for value in values if value is not None]
    if name in ("least_width", "needed_width"):
        return min(known, default=None)
    if all(isinstance(value, bool) for value in values):
        return all(values)
    if all(isinstance(value, list) for value in values):
        return [one for value in values for one in value]
    if all(isinstance(value, dict) for value in values):
        together = [set(value) for value in values]
        if all(keys == together[0] for keys in together) and together[0]:
            return _merged(values)
        return {key: one for value in values for key, one in value.items()}
    numbers = name == "grid_version" or not all(isinstance(value, int) for value in known)
    return (known[0] if known else None) if numbers else sum(known)
