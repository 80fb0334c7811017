"""The places of a draft by name, and the register that it was counted by."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import Connection, insert, select

from registry.publications.cells import Organisation
from registry.publications.rows import copy_rows
from registry.store.releases import kept_organisation
from registry.store.tables import succession


def _successors(connection: Connection) -> dict[int, int]:
    """Who took whom over, by their own ids; of several the last."""
    c = succession.c
    return dict(
        connection.execute(select(c.predecessor_id, c.successor_id).order_by(c.effective_on, c.successor_id)).all()
    )


def write_places(connection: Connection, made: UUID, organisations: Iterable[Organisation]) -> None:
    """The names of the trusts that take part, of the regions and of the nations; and what the register said of each organisation."""
    known = list(organisations)
    _keep_register(connection, made, known)
    successors = _successors(connection)
    codes = {each.id: each.code for each in known}
    rows: dict[tuple[str, str], tuple[object, ...]] = {}
    for each in known:
        rows["nation", each.nation] = ("nation", each.nation, each.nation, each.nation, *[None] * 5)
        if not each.is_trust:
            continue
        if each.region_code:
            name = each.region_name or each.region_code
            rows["region", each.region_code] = ("region", each.region_code, name, each.nation, *[None] * 5)
        after = codes.get(successors.get(each.id, -1))
        rows["trust", each.code] = (
            "trust", each.code, each.name, each.nation, each.region_code, each.closed_on, after, each.icb_code, each.icb_name,
        )  # fmt: skip
    copy_rows(connection, DRAFT_PLACES, ((made, *row) for row in rows.values()))


DRAFT_PLACES = """
    copy release.draft_place (
        publication_id, geography_kind, geography, name, nation, region, closed_on, successor, icb, icb_name
    ) from stdin with (format csv)
"""


def _keep_register(connection: Connection, made: UUID, organisations: Iterable[Organisation]) -> None:
    """What the register said of each organisation, to count the same again later."""
    names = [column.name for column in kept_organisation.columns if column.name != "publication_id"]
    rows = [{"publication_id": made} | {name: getattr(each, name) for name in names} for each in organisations]
    if rows:
        connection.execute(insert(kept_organisation), rows)
