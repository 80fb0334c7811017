"""Official files against the register: the difference first, then, once a person has seen it, the change.

What a file does not say is left as it is; so is an organisation that a file does not name. Applied twice, the second time
there is no difference.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select, update

from registry.access import Actor
from registry.errors import Unprocessable
from registry.official import Organisation as Read
from registry.official import Severity, Succession, read_organisations
from registry.register import opt_out
from registry.register.organisations import add, note, write_succession
from registry.settings import Secrets
from registry.store.tables import organisation, succession

KINDS = {"independent_provider": "independent"}  # the official readers' word and the register's, where they differ


class What(StrEnum):
    """What happens to an organisation."""

    NEW = "New"
    CLOSED = "Closed"
    RENAMED = "Renamed"
    MOVED = "Region or care board"
    DESCRIBED = "Particulars"
    SUCCEEDED = "Successor"


# The columns that official files fill, under what their change is shown.
_SHOWN_AS = {
    "name": What.RENAMED,
    "region_code": What.MOVED,
    "region_name": What.MOVED,
    "icb_code": What.MOVED,
    "icb_name": What.MOVED,
    "town": What.DESCRIBED,
    "latitude": What.DESCRIBED,
    "longitude": What.DESCRIBED,
    "opened_on": What.DESCRIBED,
    "closed_on": What.CLOSED,
}


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a preview; `before` and `after` in words, empty where there was or is nothing."""

    what: What
    code: str
    name: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """What a file would change. `outside` counts what it names beyond the register, `waiting` the codes that lack something."""

    changes: tuple[Change, ...]
    unchanged: int
    outside: int
    waiting: tuple[str, ...]
    new: tuple[dict[str, Any], ...] = ()
    updates: tuple[tuple[str, dict[str, Any]], ...] = ()
    successions: tuple[tuple[str, str, date], ...] = ()

    @property
    def digest(self) -> str:
        """The same for the same changes: what is confirmed must be what was shown."""
        return hashlib.sha256(repr(self.changes).encode()).hexdigest()


def plan(connection: Connection, read: Iterable[Read], *, add_new: bool = True) -> Difference:
    """The difference between organisations of a file and the register.

    Without `add_new`, and for new ones that were closed before they came, nothing is added: they are `outside`. One that has no
    nation, or whose successor is nowhere, waits.
    """
    given = {one.code: one for one in read}
    held = _held(connection)
    new = {code: one for code, one in given.items() if code not in held and _joins(one, given, add_new=add_new)}
    known = {code: one for code, one in given.items() if code in held}
    updates = {code: _differs(one, held[code]) for code, one in known.items()}
    followed, orphans = _followed(connection, [*known.values(), *new.values()], {*held, *new})
    changes = [
        *(Change(What.NEW, one.code, one.name, "", one.region_name or one.nation) for one in new.values()),
        *(line for code, values in updates.items() for line in _lines(code, held[code], values)),
        *(Change(What.SUCCEEDED, one, _name(one, held, given), "", _day(two, on)) for one, two, on in followed),
    ]
    touched = {change.code for change in changes}
    return Difference(
        tuple(changes),
        len([code for code in known if code not in touched]),
        len(given) - len(known) - len(new),
        tuple(orphans),
        tuple(_values(one) for one in new.values()),
        tuple((code, values) for code, values in updates.items() if values),
        tuple(followed),
    )


def plan_successions(connection: Connection, read: Collection[Succession]) -> Difference:
    """The difference between successions of a file and the register; those of organisations it does not hold are `outside`."""
    held = _held(connection)
    known = [one for one in read if one.predecessor in held and one.successor in held]
    dates = _dates(connection)
    new = [one for one in known if dates.get((one.predecessor, one.successor)) != one.effective_on]
    return Difference(
        tuple(
            Change(
                What.SUCCEEDED,
                one.predecessor,
                held[one.predecessor]["name"],
                str(dates.get((one.predecessor, one.successor), "")),
                _day(one.successor, one.effective_on),
            )
            for one in new
        ),
        len(known) - len(new),
        len(read) - len(known),
        (),
        successions=tuple((one.predecessor, one.successor, one.effective_on) for one in new),
    )


def apply(connection: Connection, difference: Difference, *, secrets: Secrets, by: Actor) -> None:
    """Make the register as the difference says; new organisations get their data keys."""
    for values in difference.new:
        add(connection, values, secrets)
    for code, values in difference.updates:
        connection.execute(update(organisation).where(organisation.c.code == code).values(values))
    ids = {row.code: row.id for row in connection.execute(select(organisation.c.code, organisation.c.id))}
    for predecessor, successor, on in difference.successions:
        write_succession(connection, ids[predecessor], ids[successor], on)
    if difference.changes:
        detail = {
            "new": [values["code"] for values in difference.new],
            "changed": [code for code, _ in difference.updates],
            "successions": [f"{one}>{two}" for one, two, _ in difference.successions],
        }
        note(connection, by, "register imported", "register", detail)


def starting_register() -> bytes:
    """The file with which a new installation starts."""
    return (Path(__file__).parent.parent / "reference" / "organisations.csv").read_bytes()


def import_register(connection: Connection, data: bytes, *, secrets: Secrets, by: Actor) -> Difference:
    """Import a file in the register's own layout at once, and put down the nations' opt-out modes where there are none.

    Raises Unprocessable, and changes nothing, for a file with errors.
    """
    read, faults = read_organisations(data)
    if any(fault.severity is Severity.ERROR for fault in faults):
        raise Unprocessable(errors=[(f"line {fault.line or 1}", fault.words) for fault in faults])
    difference = plan(connection, read)
    apply(connection, difference, secrets=secrets, by=by)
    opt_out.write_defaults(connection)
    return difference


# --- comparing


def _held(connection: Connection) -> dict[str, dict[str, Any]]:
    rows = connection.execute(select(organisation).where(organisation.c.kind != "system"))
    return {row["code"]: dict(row) for row in rows.mappings()}


def _joins(one: Read, given: dict[str, Read], *, add_new: bool) -> bool:
    """A closed organisation joins only where the same file says who followed it: its months are in that one's past."""
    return add_new and bool(one.nation) and (one.closed_on is None or one.successor in given)


def _values(one: Read) -> dict[str, Any]:
    return _said(one) | {"code": one.code, "kind": KINDS.get(one.kind, one.kind), "nation": one.nation}


def _differs(one: Read, held: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in _said(one).items() if not _same(value, held[name])}


def _said(one: Read) -> dict[str, Any]:
    """What the file says. Empty text and None say nothing; a longitude of 0 is London's."""
    values = {name: getattr(one, name) for name in _SHOWN_AS}
    return {name: value for name, value in values.items() if value is not None and value != ""}


def _same(said: object, held: object) -> bool:
    """Official files write names in capitals, so a name that differs in case alone is the same."""
    if isinstance(said, str) and isinstance(held, str):
        return said.casefold() == held.casefold()
    return said == held


def _lines(code: str, held: dict[str, Any], values: dict[str, Any]) -> Iterator[Change]:
    for what in dict.fromkeys(_SHOWN_AS[name] for name in values):
        names = [name for name in values if _SHOWN_AS[name] is what]
        before, after = (", ".join(_word(source[name]) for name in names) for source in (held, values))
        yield Change(what, code, held["name"], before, after)


def _word(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:%d %B %Y}".lstrip("0") if isinstance(value, date) else str(value)


def _day(code: str, on: date) -> str:
    return f"{code} from {_word(on)}"


def _name(code: str, held: dict[str, dict[str, Any]], given: dict[str, Read]) -> str:
    return str(held[code]["name"]) if code in held else given[code].name


def _dates(connection: Connection) -> dict[tuple[str, str], date]:
    one, two = organisation.alias("one"), organisation.alias("two")
    rows = connection.execute(
        select(one.c.code, two.c.code, succession.c.effective_on)
        .join(one, one.c.id == succession.c.predecessor_id)
        .join(two, two.c.id == succession.c.successor_id)
    )
    return {(predecessor, successor): on for predecessor, successor, on in rows}


def _followed(
    connection: Connection, read: Iterable[Read], there: set[str]
) -> tuple[list[tuple[str, str, date]], list[str]]:
    """New successions, from the day after the last day of the predecessor; and the codes whose successor is nowhere."""
    dates = _dates(connection)
    followed, orphans = [], []
    for one in read:
        if one.successor and one.closed_on:
            on = one.closed_on + timedelta(days=1)
            if one.successor not in there:
                orphans.append(one.code)
            elif dates.get((one.code, one.successor)) != on:
                followed.append((one.code, one.successor, on))
    return followed, orphans
