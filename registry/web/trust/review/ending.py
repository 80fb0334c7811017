"""The end of a review: complete, on to the second reader, or not HAT after all; whichever it is, by its own moves."""

from uuid import UUID

from starlette.requests import Request

from registry.access import Actor, Right
from registry.cases import completing
from registry.cases.states import CaseState, Work
from registry.errors import NotFound
from registry.web.trust.review.opening import opened


def end(request: Request, actor: Actor, case_id: UUID, *, seen: CaseState) -> Work:
    """End the review as it is stored. `seen` is the state that the person saw. Raises as `completing.complete`."""
    with opened(request, actor, Right.EDIT_CASES, case_id) as held:
        if held.hidden:
            raise NotFound
        completing.remember(held.desk, case_id, held.review.text)
        return completing.complete(held.desk, case_id, held.review.text, seen=seen)


def state_seen(words: str) -> CaseState:
    """The state that stood in a form. Raises NotFound for none."""
    try:
        return CaseState(words)
    except ValueError:
        raise NotFound from None
