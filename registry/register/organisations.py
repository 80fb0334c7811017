"""Organisations and successions: looked up, added, edited."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from sqlalchemy import Connection, Select, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or

from registry.access import Actor
from registry.errors import Conflict, NotFound, Unprocessable
from registry.keys import make_data_key
from registry.official.organisations import NATIONS, ODS_CODE
from registry.settings import Secrets
from registry.store import SYSTEM_TENANT, audit
from registry.store.tables import organisation, succession

INDEPENDENT = "independent"
LONGEST = 200  # letters of a name


@dataclass(frozen=True, slots=True)
class Organisation:
    """One organisation as the register holds it. `closed_on` is its last day; `live_from` the first month it sends for."""

    id: int
    code: str
    name: str
    kind: str
    nation: str
    region_code: str | None
    region_name: str | None
    icb_code: str | None
    icb_name: str | None
    group_name: str | None
    town: str | None
    opened_on: date | None
    closed_on: date | None
    live_from: date | None
    activity_only: bool

    def open_on(self, on: date) -> bool:
        """Whether it existed on that day, as far as the register knows."""
        return (self.opened_on is None or self.opened_on <= on) and (self.closed_on is None or on <= self.closed_on)


@dataclass(frozen=True, slots=True)
class Step:
    """Another organisation, and the day from which the work of the one is the other's."""

    organisation: Organisation
    effective_on: date


_COLUMNS = [organisation.c[each.name] for each in fields(Organisation)]


def _chosen() -> Select[Any]:
    """All organisations but the registry itself, which is none to anybody outside."""
    return select(*_COLUMNS).where(organisation.c.id != SYSTEM_TENANT)


def _read(connection: Connection, query: Select[Any]) -> Iterator[Organisation]:
    return (Organisation(**row) for row in connection.execute(query).mappings())


def organisations(connection: Connection) -> tuple[Organisation, ...]:
    """All of them, open and closed, by code."""
    return tuple(_read(connection, _chosen().order_by(organisation.c.code)))


def organisation_by_code(connection: Connection, code: str, on: date | None = None) -> Organisation | None:
    """The organisation of a code, in any case of letters; with `on` only if it existed on that day."""
    found = next(_read(connection, _chosen().where(organisation.c.code == code.strip().upper())), None)
    return found if found is None or on is None or found.open_on(on) else None


def organisation_by_id(connection: Connection, organisation_id: int) -> Organisation:
    """The organisation of an id. Raises NotFound."""
    found = next(_read(connection, _chosen().where(organisation.c.id == organisation_id)), None)
    if found is None:
        raise NotFound
    return found


def search(connection: Connection, words: str = "", *, limit: int = 50, offset: int = 0) -> tuple[Organisation, ...]:
    """Those whose name, town or group holds the words, or whose code begins with them; by name."""
    held = (organisation.c.name, organisation.c.town, organisation.c.group_name)
    found = or_(
        organisation.c.code.startswith(words.upper(), autoescape=True),
        *(column.icontains(words, autoescape=True) for column in held),
    )
    query = _chosen().where(found).order_by(func.lower(organisation.c.name), organisation.c.code)
    return tuple(_read(connection, query.limit(limit).offset(offset)))


# --- succession


def successors(connection: Connection, organisation_id: int) -> tuple[Step, ...]:
    """Who follows it directly, the earliest first."""
    return _steps(connection, succession.c.successor_id, succession.c.predecessor_id, organisation_id)


def predecessors(connection: Connection, organisation_id: int) -> tuple[Step, ...]:
    """Whom it followed directly, the earliest first."""
    return _steps(connection, succession.c.predecessor_id, succession.c.successor_id, organisation_id)


def _steps(connection: Connection, other: Any, this: Any, organisation_id: int) -> tuple[Step, ...]:
    query = (
        select(*_COLUMNS, succession.c.effective_on)
        .join(succession, other == organisation.c.id)
        .where(this == organisation_id)
        .order_by(succession.c.effective_on, organisation.c.code)
    )
    return tuple(_step(dict(row)) for row in connection.execute(query).mappings())


def _step(row: dict[str, Any]) -> Step:
    effective_on: date = row.pop("effective_on")
    return Step(Organisation(**row), effective_on)


def successor_chain(connection: Connection, organisation_id: int, on: date) -> tuple[Organisation, ...]:
    """Who acts for it on a day: its successor by then, that one's, and so on to the last; empty while nobody follows.

    Where it was divided, the chain goes on with the first by code.
    """
    chain: list[Organisation] = []
    seen = {organisation_id}
    at = organisation_id
    while steps := [
        one for one in successors(connection, at) if one.effective_on <= on and one.organisation.id not in seen
    ]:
        chain.append(steps[0].organisation)
        at = steps[0].organisation.id
        seen.add(at)
    return tuple(chain)


def succeed(connection: Connection, predecessor_id: int, successor_id: int, effective_on: date, *, by: Actor) -> None:
    """From that day the successor's users read and finish the predecessor's records. Said again, it moves the day.

    Raises Conflict where the one would, by detours, follow itself.
    """
    if predecessor_id == successor_id or predecessor_id in {one.id for one in _all_after(connection, successor_id)}:
        raise Conflict("An organisation cannot follow itself, not even by way of others.")
    write_succession(connection, predecessor_id, successor_id, effective_on)
    detail: dict[str, audit.Detail] = {"successor": successor_id, "effective_on": effective_on.isoformat()}
    note(connection, by, "succession recorded", predecessor_id, detail)


def _all_after(connection: Connection, organisation_id: int) -> tuple[Organisation, ...]:
    found: dict[int, Organisation] = {}
    waiting = [organisation_id]
    while waiting:
        new = [one.organisation for one in successors(connection, waiting.pop()) if one.organisation.id not in found]
        found |= {one.id: one for one in new}
        waiting += [one.id for one in new]
    return tuple(found.values())


def write_succession(connection: Connection, predecessor_id: int, successor_id: int, effective_on: date) -> None:
    """Keep or move a succession, unaudited: for those who audit the whole of which it is a part."""
    row = insert_or(succession).values(
        predecessor_id=predecessor_id, successor_id=successor_id, effective_on=effective_on
    )
    connection.execute(
        row.on_conflict_do_update(
            index_elements=["predecessor_id", "successor_id"], set_={"effective_on": effective_on}
        )
    )


# --- writing


def faults(code: str, name: str, group: str, nation: str) -> Iterator[tuple[str, str]]:
    """What is wrong with the particulars of an independent provider, field by field."""
    if not ODS_CODE.fullmatch(code.upper()):
        yield "code", "Enter the ODS code: three to six letters and digits"
    if not 2 <= len(name) <= LONGEST or not name.isprintable():
        yield "name", f"Enter the provider's name, 2 to {LONGEST} characters long"
    if not 2 <= len(group) <= LONGEST or not group.isprintable():
        yield "group_name", "Enter the group it belongs to; a provider on its own is its own group"
    if nation not in NATIONS:
        yield "nation", "Choose England or Wales"


def add_independent(
    connection: Connection, *, code: str, name: str, group: str, nation: str, live_from: date | None,
    secrets: Secrets, by: Actor,
) -> int:  # fmt: skip
    """A new independent provider that sends cases; gives its id. Raises Unprocessable, or Conflict for a code that is taken."""
    if wrong := list(faults(code, name, group, nation)):
        raise Unprocessable(errors=wrong)
    if organisation_by_code(connection, code) is not None:
        raise Conflict("An organisation with this code is in the register already.")
    values = {
        "code": code.upper(), "name": name, "kind": INDEPENDENT, "nation": nation, "group_name": group,
        "live_from": live_from,
    }  # fmt: skip
    made = add(connection, values, secrets)
    note(
        connection,
        by,
        "organisation added",
        made,
        {"code": code.upper(), "kind": INDEPENDENT},
        audit.Change(None, values),
    )
    return made


def add(connection: Connection, values: dict[str, Any], secrets: Secrets) -> int:
    """Write an organisation with its data key, unaudited: for those who audit the whole of which it is a part."""
    made: int = connection.execute(insert(organisation).values(values).returning(organisation.c.id)).scalar_one()
    make_data_key(connection, secrets, made)
    return made


def edit(connection: Connection, organisation_id: int, *, group: str | None, live_from: date | None, by: Actor) -> None:
    """Set what no official file says: the group, and the first month for which cases are sent. Raises NotFound."""
    before = organisation_by_id(connection, organisation_id)
    values = {"group_name": group or None, "live_from": live_from}
    connection.execute(update(organisation).where(organisation.c.id == organisation_id).values(values))
    detail = {"live_from": live_from.isoformat() if live_from else None, "group": group or None}
    was = {"group_name": before.group_name, "live_from": before.live_from}
    note(connection, by, "organisation edited", organisation_id, detail, audit.Change(was, values))


def go_live(connection: Connection, organisation_id: int, *, secrets: Secrets, by: Actor) -> None:
    """Let an organisation that was known from official figures only send cases: it gets its data key.

    Raises Conflict where it sends already, NotFound where there is none.
    """
    organisation_by_id(connection, organisation_id)
    silent = update(organisation).where(organisation.c.id == organisation_id, organisation.c.activity_only)
    if connection.execute(silent.values(activity_only=False)).rowcount == 0:
        raise Conflict("This organisation sends cases already.")
    make_data_key(connection, secrets, organisation_id)
    note(connection, by, "organisation goes live", organisation_id, {})


def join_activity_only(
    connection: Connection, providers: Iterable[tuple[str, str, bool | None]], *, by: Actor
) -> dict[str, int]:
    """Let providers of the official figures join the register: (code, name, independent or unknown); gives the id of each code.

    Those that are there stay as they are. New ones send no cases and so get no data key; they are England's, whose file it is.
    Runs under `hat_national` too.
    """
    given = {code.upper(): (name, independent) for code, name, independent in providers}
    known = select(organisation.c.code, organisation.c.id).where(organisation.c.code.in_(given))
    ids = {row.code: row.id for row in connection.execute(known)}
    joined = {code: _join(connection, code, *given[code]) for code in given if code not in ids}
    if joined:
        note(connection, by, "organisations joined", "official figures", {"codes": sorted(joined)})
    return ids | joined


def _join(connection: Connection, code: str, name: str, independent: bool | None) -> int:
    # A trust's code has three letters and digits, a private provider's five or more: the file's own word goes first.
    private = len(code) > 3 if independent is None else independent
    values = {
        "code": code, "name": name or code, "kind": INDEPENDENT if private else "nhs_trust", "nation": "England",
        "activity_only": True,
    }  # fmt: skip
    made: int = connection.execute(insert(organisation).values(values).returning(organisation.c.id)).scalar_one()
    return made


def note(
    connection: Connection,
    by: Actor,
    action: str,
    object_id: object,
    detail: Mapping[str, audit.Detail],
    change: audit.Change | None = None,
) -> None:
    """One line of the registry's own audit chain."""
    audit.record(
        connection,
        tenant=SYSTEM_TENANT,
        actor=by.label,
        role=by.role,
        action=action,
        object_type="organisation",
        object_id=str(object_id),
        detail=detail,
        change=change,
    )
