"""The rotation of data keys.

A new key is announced: it opens, and seals nothing yet. Once everybody who opens keys knows of it, it seals what is written. Once nobody
writes under the old one any more, all that is sealed under it is sealed anew, trust by trust; then the old key is deleted.
"""

from dataclasses import replace

from sqlalchemy import Connection, select, text
from sqlalchemy.dialects.postgresql import insert

from registry import identifiers
from registry.access import Actor
from registry.identifiers import IdentifierError
from registry.keys.opened import MASTER_LOCK, data_keys, master_in_use, ring
from registry.keys.rotation import DONE, Kind, Rotation, begin, note, older_ended
from registry.keys.sealed import SEALED, Opened, Sealed, is_left, reseal
from registry.settings import Secrets
from registry.store import SYSTEM_TENANT
from registry.store.tables import data_key

ANNOUNCED, SEALING, MOVING = "announced", "sealing", "moving"
ROWS = 2_000
"""So many rows does one step seal anew."""

_HAVE_TWO = "select organisation_id from register.data_key group by organisation_id having count(*) > 1"
_TURN = text(
    f"""
    update register.data_key k set state = case when k.version = n.newest then 'seals' else 'opens' end
      from (select organisation_id, max(version) as newest from register.data_key group by organisation_id) n
     where n.organisation_id = k.organisation_id and k.organisation_id in ({_HAVE_TWO})
    """  # noqa: S608 (statements of ours)
)
_NEXT = text(f"select min(organisation_id) from ({_HAVE_TWO}) two where organisation_id > :after")  # noqa: S608 (as above)
_DROP = text("delete from register.data_key where organisation_id = :tenant and version < :newest")


def start(connection: Connection, secrets: Secrets, organisation_id: int | None, by: Actor) -> Rotation:
    """Make new data keys, for one trust or for all. Raises Conflict while a rotation is under way, IdentifierError for a trust without."""
    begun = begin(connection, Kind.DATA, by, stage=ANNOUNCED, organisation_id=organisation_id)
    connection.execute(text(MASTER_LOCK))
    version = master_in_use(connection)
    master = secrets.version("master", version)
    trusts = select(data_key.c.organisation_id).distinct().order_by(data_key.c.organisation_id)
    found = connection.scalars(trusts).all() if organisation_id is None else [organisation_id]
    for tenant in found:
        _, newest, _, root = data_keys(secrets, tenant, ring(connection, tenant))
        wrapped = identifiers.wrap(master, tenant, identifiers.new_data_key(), root=root, version=version)
        connection.execute(
            insert(data_key).values(organisation_id=tenant, version=newest + 1, wrapped=wrapped, state="opens")
        )
    note(connection, by.label, by.role, "rotation of the data key begun", {"rotation": begun.id, "trusts": len(found)})
    return begun


def announced(connection: Connection, secrets: Secrets, held: Rotation) -> Rotation:  # noqa: ARG001 (a move's signature)
    """Let the new keys seal, once everybody knows them."""
    waiting = older_ended(connection, held)
    if waiting is not None:
        return waiting
    connection.execute(_TURN)
    return held.staged(SEALING)


def sealing(connection: Connection, secrets: Secrets, held: Rotation) -> Rotation:  # noqa: ARG001 (a move's signature)
    """Begin to move, once nobody seals under the old keys."""
    waiting = older_ended(connection, held)
    return waiting if waiting is not None else held.staged(MOVING)


def moving(connection: Connection, secrets: Secrets, held: Rotation) -> Rotation:
    """Seal the next rows anew; at a trust's end delete its old keys."""
    tenant = held.at_organisation
    if tenant is None:
        return _next(connection, held)
    try:
        data, version, opens, _ = data_keys(secrets, tenant, ring(connection, tenant))
    except IdentifierError:
        return _next(connection, held)  # it was erased meanwhile
    keys = Opened(tenant, opens, data, version)
    moved = _walk(connection, held, keys)
    if moved.at_table is not None:
        return moved
    if any(is_left(connection, each, keys) for each in _of(tenant)):
        return _again(held, moved)
    connection.execute(_DROP, {"tenant": tenant, "newest": version})
    note(connection, "worker", "service", "data key rotated", {"version": version}, tenant)
    return _next(connection, moved)


def _of(tenant: int) -> list[Sealed]:
    return [each for each in SEALED if each.of_trusts or tenant == SYSTEM_TENANT]


def _walk(connection: Connection, held: Rotation, keys: Opened) -> Rotation:
    """Go on from where the rotation is, through as many tables as `ROWS` allow; `at_table` is None at the trust's end."""
    tables, room, after = _of(keys.tenant_id), ROWS, held.after
    names = [each.kind for each in tables]
    for each in tables[names.index(held.at_table) if held.at_table else 0 :]:
        moved, after = reseal(connection, each, keys, after, room)
        room -= moved
        if after is not None or room <= 0:
            return replace(held, at_table=each.kind, after=after, done=held.done + ROWS - room)
    return replace(held, at_table=None, after=None, done=held.done + ROWS - room)


def _again(held: Rotation, moved: Rotation) -> Rotation:
    """Rows were left out because somebody had them in hand: walk once more, after a pause if this walk moved nothing at all."""
    return held if moved == held else moved


def _next(connection: Connection, held: Rotation) -> Rotation:
    after = -1 if held.at_organisation is None else held.at_organisation
    found: int | None = connection.scalar(_NEXT, {"after": after})
    return replace(held, at_organisation=found, at_table=None, after=None) if found is not None else held.staged(DONE)
