"""The national data opt-out, nation by nation: exempt under an approval, screened by senders, or not applicable."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert as insert_or

from registry.access import Actor
from registry.errors import Unprocessable
from registry.register.organisations import note
from registry.store.audit import Change
from registry.store.tables import opt_out_mode


class Mode(StrEnum):
    EXEMPT = "exempt"
    SCREENED = "screened"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class OptOut:
    """One nation's mode; `reference` and `dated_on` name the approval of an exemption."""

    nation: str
    mode: Mode
    reference: str | None = None
    dated_on: date | None = None


DEFAULTS = (OptOut("England", Mode.SCREENED), OptOut("Wales", Mode.NOT_APPLICABLE))
CHOICES = {"England": (Mode.SCREENED, Mode.EXEMPT), "Wales": (Mode.NOT_APPLICABLE,)}


def opt_out_modes(connection: Connection) -> dict[str, OptOut]:
    """The mode of each nation."""
    held = {
        row.nation: OptOut(row.nation, Mode(row.mode), row.reference, row.dated_on)
        for row in connection.execute(select(opt_out_mode))
    }
    return {one.nation: held.get(one.nation, one) for one in DEFAULTS}


def write_defaults(connection: Connection) -> None:
    """Put down the mode of a nation for which none was: screened in England, so that nothing is exempt by silence."""
    for one in DEFAULTS:
        connection.execute(
            insert_or(opt_out_mode).values(nation=one.nation, mode=one.mode.value).on_conflict_do_nothing()
        )


def faults(chosen: OptOut) -> Iterator[tuple[str, str]]:
    """What is wrong with a mode, field by field."""
    if chosen.mode not in CHOICES.get(chosen.nation, ()):
        yield "mode", "Choose one of the modes of this nation"
    if chosen.mode is Mode.EXEMPT and len(chosen.reference or "") < 3:
        yield "reference", "Enter the reference of the approval"
    if chosen.mode is Mode.EXEMPT and chosen.dated_on is None:
        yield "dated_on", "Enter the date of the approval, such as 31/3/2026"


def set_opt_out(connection: Connection, chosen: OptOut, *, by: Actor) -> None:
    """Set one nation's mode; an exemption needs its reference and date. Raises Unprocessable."""
    if wrong := list(faults(chosen)):
        raise Unprocessable(errors=wrong)
    exempt = chosen.mode is Mode.EXEMPT
    reference, dated_on = (chosen.reference, chosen.dated_on) if exempt else (None, None)
    values = {"mode": chosen.mode.value, "reference": reference, "dated_on": dated_on}
    before = asdict(opt_out_modes(connection)[chosen.nation])
    row = insert_or(opt_out_mode).values(nation=chosen.nation, **values)
    connection.execute(row.on_conflict_do_update(index_elements=["nation"], set_=values))
    change = Change(before, {"nation": chosen.nation, **values})
    note(connection, by, "opt-out mode set", chosen.nation, {"mode": chosen.mode.value, "reference": reference}, change)
