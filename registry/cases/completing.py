"""From a judged review to its end: who judged first is remembered, links to consultants end, and the case goes where it belongs."""

from uuid import UUID

from registry.cases import consultant, second_reading, states
from registry.cases.desk import Desk
from registry.cases.review import Answers, is_judged
from registry.cases.second_reading import NOT_HAT_FOUND, judgement
from registry.cases.states import CaseState, Work
from registry.errors import Conflict
from schemas.codes import HatCategory


def remember(desk: Desk, case_id: UUID, review: Answers) -> None:
    """Whoever stored a judged review is its first reader. Call it with the review as it stands."""
    if is_judged(review):
        second_reading.keep_first(desk, case_id, judgement(review))


def complete(desk: Desk, case_id: UUID, review: Answers, *, seen: CaseState | None = None) -> Work:
    """End a review as it stands: to the second reader, complete, or not HAT where it found so.

    From the consultant only after the days there are for an answer, and then marked so. Raises Conflict where the judgement is missing or
    the case stands elsewhere.
    """
    if not is_judged(review):
        raise Conflict("Record the finding and the preventability first. Nothing was changed.")
    if review.get("category") == HatCategory.NOT_HAT.value:
        work = states.move(desk, case_id, CaseState.NOT_HAT, seen=seen, reason=NOT_HAT_FOUND)
    else:
        work = states.judged(desk, case_id, seen=seen)
    consultant.end_links(desk, case_id)
    return work
