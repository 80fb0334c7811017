"""The legal basis, nation by nation, on which an organisation is told of a patient whose case another one reported for it.

Without one that stands on a day the nation's switch is off on that day. Telling across a border needs both.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or

from registry.access import Actor
from registry.errors import Conflict, Unprocessable
from registry.register.organisations import note
from registry.store.audit import Change
from registry.store.desk import attribution_basis

LONGEST = 300


@dataclass(frozen=True, slots=True)
class Basis:
    """What was recorded for a nation. From `from_date` it stands, until `ended_on`."""

    nation: str
    basis: str
    reference: str
    from_date: date | None
    ended_on: date | None = None

    def stands(self, on: date) -> bool:
        """Whether the switch is on that day."""
        return self.from_date is not None and self.from_date <= on and (self.ended_on is None or self.ended_on > on)


def held(connection: Connection) -> dict[str, Basis]:
    """What is recorded, by nation."""
    rows = connection.execute(select(attribution_basis))
    return {row.nation: Basis(row.nation, row.basis, row.reference, row.from_date, row.ended_on) for row in rows}


def faults(chosen: Basis) -> Iterator[tuple[str, str]]:
    """What is wrong, field by field."""
    for name, least, words in (
        ("basis", 3, "Enter the legal basis"),
        ("reference", 3, "Enter the reference of the approval"),
    ):
        given: str = getattr(chosen, name)
        if len(given) < least:
            yield name, words
        if len(given) > LONGEST:
            yield name, f"Enter at most {LONGEST} characters"
    if chosen.from_date is None:
        yield "from_date", "Enter the date from which it holds, such as 31/3/2026"


def put(connection: Connection, chosen: Basis, *, by: Actor, at: datetime) -> None:
    """Record a nation's basis in place of what was there. Raises Unprocessable."""
    if wrong := list(faults(chosen)):
        raise Unprocessable(errors=wrong)
    values = {
        "basis": chosen.basis,
        "reference": chosen.reference,
        "from_date": chosen.from_date,
        "ended_on": None,
        "recorded_by": by.label,
        "recorded_at": at,
    }
    before = held(connection).get(chosen.nation)
    row = insert_or(attribution_basis).values(nation=chosen.nation, **values)
    connection.execute(row.on_conflict_do_update(index_elements=["nation"], set_=values))
    detail = {"reference": chosen.reference, "from": str(chosen.from_date)}
    note(connection, by, "legal basis of telling recorded", chosen.nation, detail, _change(before, chosen))


def end(connection: Connection, nation: str, *, by: Actor, on: date) -> None:
    """Switch a nation off from a day on. Raises Conflict where nothing is recorded, or it is off already."""
    table = attribution_basis
    before = held(connection).get(nation)
    ended = connection.execute(
        update(table).where(table.c.nation == nation, table.c.ended_on.is_(None)).values(ended_on=on)
    )
    if not ended.rowcount:
        raise Conflict(f"No legal basis stands for {nation}: it is off already.")
    after = replace(before, ended_on=on) if before else None
    note(connection, by, "legal basis of telling ended", nation, {"on": on.isoformat()}, _change(before, after))


def _change(before: Basis | None, after: Basis | None) -> Change:
    return Change(asdict(before) if before else None, asdict(after) if after else None)
