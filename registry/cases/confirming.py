"""A case whose record comes to say that the clot is confirmed, or that it is not, moves between the two states with it."""

from uuid import UUID

from registry.cases import states
from registry.cases.desk import Desk
from registry.cases.said import NOT_CONFIRMED
from registry.cases.states import CaseState, Work
from schemas.codes import Confirmation

UNCONFIRMED = "The record says that the clot was not confirmed."


def is_confirmed(confirmation: str | None) -> bool:
    """Whether a way of confirmation counts as one."""
    return (confirmation or Confirmation.UNKNOWN) not in NOT_CONFIRMED


def follow(desk: Desk, case_id: UUID, confirmation: str | None) -> Work:
    """Move a case that is suspected or confirmed to where its record says it belongs; any other stays where it is."""
    work = states.begin(desk, case_id)
    if work.state is CaseState.SUSPECTED and is_confirmed(confirmation):
        return states.move(desk, case_id, CaseState.CONFIRMED, seen=work.state)
    if work.state is CaseState.CONFIRMED and not is_confirmed(confirmation):
        return states.move(desk, case_id, CaseState.SUSPECTED, seen=work.state, reason=UNCONFIRMED)
    return work
