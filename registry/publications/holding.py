"""Holding: figures whose revision would tell too much beside what is public already keep what an earlier release said of them.

A published cell is never drawn again. Where its revision, or that of others beside it, would leave fewer candidates than are promised, the
new release repeats the earlier number, or blank, and names the release that it is of. To repeat a number tells nothing new: the audit gives
such a cell no statement of its own time. The next draft is counted in full again, and is held again only if it still fails.

What is held together is the whole financial year of the place that fails: so a mark says that something there was not yet told, never
which count moved. Where that does not help, and the audit says so, the year of the trust's region is held too, since the region's change
may be the trust's; then that of all trusts of the region. Parts of a year that no release had yet are withheld till then.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, select, text, update

from registry.disclosure.grid import GeographyKind, PeriodKind, financial_year
from registry.publications.digests import draft_hash
from registry.publications.offsets import WITHHELD
from registry.store.tables import draft_place, place, publication, released


class Line(NamedTuple):
    """All cells of one place in the financial year that begins on a day."""

    kind: str
    code: str
    begin: date


def hold(connection: Connection, publication_id: UUID, names: Collection[str]) -> int:
    """Let a draft repeat the latest release around these cells, and take down what the figures are now; gives how many cells.

    None before the first release, and where all that could be held is held.
    """
    if connection.scalar(select(released.c.id).where(released.c.latest)) is None:
        return 0
    homes = _regions(connection, publication_id)
    failing = sorted({line_of(name) for name in names})
    changed = 0
    for line in failing:
        for lines in ([line], _of_regions(homes, line), _widened(homes, line)):
            if more := _held(connection, publication_id, lines):
                changed += more
                break
    if changed:
        hashed = draft_hash(connection, publication_id)
        connection.execute(update(publication).where(publication.c.id == publication_id).values(data_hash=hashed))
    return changed


def line_of(name: str) -> Line:
    """The place and financial year of a cell's name."""
    _, _, kind, code, period_kind, period, *_ = name.split("/")
    day = f"{period}-01" if period_kind == PeriodKind.MONTH else f"{period[:4]}-04-01"
    return Line(kind, code, financial_year(date.fromisoformat(day)).start)


def _regions(connection: Connection, publication_id: UUID) -> frozenset[tuple[str, str]]:
    """Each trust with its region, as the draft and as the latest release places it."""
    drafted = select(draft_place.c.geography, draft_place.c.region).where(
        draft_place.c.publication_id == publication_id, draft_place.c.geography_kind == GeographyKind.TRUST
    )
    public = (
        select(place.c.geography, place.c.region)
        .join(released, released.c.id == place.c.release_id)
        .where(released.c.latest, place.c.geography_kind == GeographyKind.TRUST)
    )
    rows = [*connection.execute(drafted), *connection.execute(public)]
    return frozenset((row.geography, row.region) for row in rows if row.region is not None)


def _of_regions(homes: Iterable[tuple[str, str]], line: Line) -> list[Line]:
    if line.kind != GeographyKind.TRUST:
        return []
    return [
        Line(GeographyKind.REGION, region, line.begin) for region in sorted({r for t, r in homes if t == line.code})
    ]


def _widened(homes: Collection[tuple[str, str]], line: Line) -> list[Line]:
    """All that stands in one block of the audit with a place's year: its regions, and the trusts of these."""
    regions = {region for trust, region in homes if line.code in (trust, region)}
    while more := {r for t, r in homes if any((t, each) in homes for each in regions)} - regions:
        regions |= more
    trusts = {trust for trust, region in homes if region in regions}
    return [
        *(Line(GeographyKind.REGION, code, line.begin) for code in sorted(regions)),
        *(Line(GeographyKind.TRUST, code, line.begin) for code in sorted(trusts)),
    ]


def _held(connection: Connection, publication_id: UUID, lines: Sequence[Line]) -> int:
    changed = 0
    for line in lines:
        where = {"draft": publication_id, "kind": line.kind, "code": line.code, "begin": line.begin}
        where["end"] = line.begin.replace(year=line.begin.year + 1)
        changed += connection.execute(_REPEAT, where).rowcount
        new = list(connection.scalars(_NOT_YET, where))
        connection.execute(_UNUSED, {"draft": publication_id, "names": new, "withheld": WITHHELD})
        changed += len(new)
    return changed


_LINE = """
    d.publication_id = :draft and d.geography_kind = :kind and d.geography = :code and d.period >= :begin and d.period < :end
"""
_REPEAT = text(
    f"""
    update release.draft_cell d
       set value = e.value, state = e.state, provisional = e.provisional, held_from = coalesce(e.held_from, r.number)
      from published.release r join published.cell e on e.release_id = r.id
     where r.latest and e.cell_id = d.cell_id and d.held_from is null and {_LINE}
    """  # noqa: S608 (our own words)
)
# Years that no release has: of what is held, the sum; of months that are new, no part.
_NOT_YET = text(
    f"""
    update release.draft_cell d
       set value = null, state = 'suppressed'
     where d.period_kind = 'financial_year' and d.state = 'counted' and d.held_from is null and {_LINE}
    returning d.cell_id
    """  # noqa: S608 (our own words)
)
_UNUSED = text(
    "update release.exact_cell set attempt = :withheld where publication_id = :draft and cell_id = any(:names)"
)
