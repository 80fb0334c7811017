"""The rotation of the match key, in two columns of the cases, so that no match is missed at any moment.

The new version is announced: whoever writes a case from now on fills both columns. Once everybody does, the second column is filled for
all other cases from the sealed NHS numbers; the first stays complete. Then the second is the one in use, which one row says, and is looked
at from the next transaction on. Once nobody looks at the first any more, it is emptied, and is the place of the version after.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, insert, text, update

from registry import identifiers
from registry.access import Actor
from registry.identifiers import IdentifierError
from registry.keys.opened import data_keys, ring
from registry.keys.rotation import DONE, Kind, Rotation, begin, note, older_ended
from registry.settings import Secrets
from registry.store.keys import key_version
from registry.store.records import MATCH_COLUMNS
from schemas.record import RecordKind

ANNOUNCED, FILLING, TURNED, CLEARING = "announced", "filling", "turned", "clearing"
ROWS = 5_000
"""So many cases does one step fill or empty."""

_VERSIONS = text("select state, version, place from register.key_version where kind = 'match' and place is not null")
_NEXT = text("select min(id) from register.organisation where id > :after")
_UNFILLED = """
    select r.id, r.local_case_id, v.nhs_number_ct from records.case_record r
      join records.case_version v on v.tenant_id = r.tenant_id and v.record_id = r.id and v.version = r.version
     where r.tenant_id = :tenant and r.{new} is null and r.{old} is not null and v.nhs_number_ct is not null
       and (cast(:after as uuid) is null or r.id > cast(:after as uuid))
     order by r.id limit :rows for update of r skip locked
"""
_IS_UNFILLED = """
    select exists (
        select from records.case_record r
          join records.case_version v on v.tenant_id = r.tenant_id and v.record_id = r.id and v.version = r.version
         where r.{new} is null and r.{old} is not null and v.nhs_number_ct is not null
           and exists (select from register.data_key k where k.organisation_id = r.tenant_id))
"""
_IS_FULL = "select exists (select from records.case_record where {old} is not null)"
_FILL = """
    update records.case_record r set {new} = n.key
      from unnest(cast(:ids as uuid[]), cast(:keys as bytea[])) as n(id, key) where r.tenant_id = :tenant and r.id = n.id
"""
_EMPTY = """
    with next as (
        select id from records.case_record where tenant_id = :tenant and {old} is not null
           and (cast(:after as uuid) is null or id > cast(:after as uuid))
         order by id limit :rows for update skip locked
    ), emptied as (
        update records.case_record r set {old} = null from next where r.tenant_id = :tenant and r.id = next.id returning r.id
    )
    select id from emptied order by id
"""


def start(connection: Connection, secrets: Secrets, version: int, by: Actor) -> Rotation:
    """Announce a version of the match key whose file is there. Raises Conflict while a rotation is under way."""
    begun = begin(connection, Kind.MATCH, by, stage=ANNOUNCED)
    secrets.version("match", version)
    _, place = _places(connection)["in use"]
    [other] = set(MATCH_COLUMNS) - {place}
    connection.execute(insert(key_version).values(kind="match", version=version, state="filling", place=other))
    note(connection, by.label, by.role, "rotation of the match key begun", {"rotation": begun.id, "version": version})
    return begun


def announced(connection: Connection, secrets: Secrets, held: Rotation) -> Rotation:  # noqa: ARG001 (a move's signature)
    """Begin to fill, once everybody who writes fills both columns."""
    waiting = older_ended(connection, held)
    return waiting if waiting is not None else held.staged(FILLING)


def filling(connection: Connection, secrets: Secrets, held: Rotation) -> Rotation:
    """Fill the next cases; when all are filled, take the new version into use."""
    tenant, places = held.at_organisation, _places(connection)
    (old_version, old), (version, new) = places["in use"], places["filling"]
    if tenant is not None:
        asked = {"tenant": tenant, "after": held.after[0] if held.after else None, "rows": ROWS}
        rows = connection.execute(text(_UNFILLED.format(old=old, new=new)), asked).all()
        made = _keys(connection, secrets, tenant, version, rows)
        connection.execute(
            text(_FILL.format(new=new)), {"tenant": tenant, "ids": [row.id for row in rows], "keys": made}
        )
        held = replace(held, done=held.done + len(rows))
        if len(rows) == ROWS:
            return replace(held, after=[str(rows[-1].id)])
    following = _following(connection, held)
    if following is not None:
        return following
    if connection.scalar(text(_IS_UNFILLED.format(old=old, new=new))):
        return held.staged(FILLING)  # somebody had cases in hand: they are looked for anew
    _state(connection, old_version, "clearing")
    _state(connection, version, "in use")
    return held.staged(TURNED)


def _keys(
    connection: Connection, secrets: Secrets, tenant: int, version: int, rows: Sequence[Row[Any]]
) -> list[bytes | None]:
    """The keys of the persons of cases; none where the trust's data keys were destroyed meanwhile."""
    try:
        _, _, opens, _ = data_keys(secrets, tenant, ring(connection, tenant))
    except IdentifierError:
        return [None for _ in rows]
    places = identifiers.cell_aads(tenant, RecordKind.CASE.value, [row.local_case_id for row in rows], "nhs_number")
    numbers = identifiers.open_column(opens, [bytes(row.nhs_number_ct) for row in rows], places)
    return identifiers.match_keys(secrets.version("match", version), numbers)


def turned(connection: Connection, secrets: Secrets, held: Rotation) -> Rotation:  # noqa: ARG001 (a move's signature)
    """Begin to empty the old column, once nobody looks at it any more."""
    waiting = older_ended(connection, held)
    return waiting if waiting is not None else held.staged(CLEARING)


def clearing(connection: Connection, secrets: Secrets, held: Rotation) -> Rotation:  # noqa: ARG001 (a move's signature)
    """Empty the old column of the next cases."""
    version, old = _places(connection)["clearing"]
    tenant = held.at_organisation
    if tenant is not None:
        asked = {"tenant": tenant, "after": held.after[0] if held.after else None, "rows": ROWS}
        emptied: Sequence[object] = connection.scalars(text(_EMPTY.format(old=old)), asked).all()
        held = replace(held, done=held.done + len(emptied))
        if len(emptied) == ROWS:
            return replace(held, after=[str(emptied[-1])])
    following = _following(connection, held)
    if following is not None:
        return following
    if connection.scalar(text(_IS_FULL.format(old=old))):
        return held.staged(CLEARING)
    _state(connection, version, "over", place=None)
    return held.staged(DONE)


def _following(connection: Connection, held: Rotation) -> Rotation | None:
    """The rotation at the next trust; None after the last."""
    after = -1 if held.at_organisation is None else held.at_organisation
    found: int | None = connection.scalar(_NEXT, {"after": after})
    return None if found is None else replace(held, at_organisation=found, after=None)


def _places(connection: Connection) -> dict[str, tuple[int, str]]:
    return {row.state: (row.version, row.place) for row in connection.execute(_VERSIONS)}


def _state(connection: Connection, version: int, state: str, **values: object) -> None:
    c = key_version.c
    connection.execute(update(key_version).where(c.kind == "match", c.version == version).values(state=state, **values))
