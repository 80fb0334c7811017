"""What the pages of a review show of learning: what is published about the shortcomings ticked, and what of the review may be offered."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from starlette.requests import Request

from registry.cases.actions import Action
from registry.lessons import offering, published
from registry.lessons.lists import Kind
from registry.lessons.published import Lesson
from registry.lessons.sources import ENDED
from registry.lessons.transitions import State
from registry.store import Store
from registry.web.trust.review.opening import Opened
from schemas.codes import Inadequacy


def published_about(request: Request, ticked: Collection[str]) -> list[Lesson]:
    """What everybody may read about these shortcomings, the latest first; one question, none where nothing is ticked.

    The public role asks it: the service's own may read nothing but what the signed context gives it.
    """
    themes = [each for each in ticked if each in set(Inadequacy)]
    if not themes:
        return []
    store: Store = request.app.state.store
    with store.readonly(role="hat_reader") as connection:
        return published.with_themes(connection, themes)


@dataclass(frozen=True, slots=True)
class Offer:
    """A text of a review: where it is offered, or what became of it (`point`, `state`)."""

    words: str
    href: str
    point: UUID | None = None
    state: str = ""


def offers(held: Opened, actions: Collection[Action]) -> list[Offer]:
    """What of a review that is complete may be offered to everybody, and what was; one question."""
    if held.work.state not in ENDED or held.case.withdrawn or held.hidden:
        return []
    made = {
        (kind, action): (ident, state)
        for ident, kind, action, state in offering.of_case(held.desk, held.case.case_id)
        if state not in offering.OVER
    }
    texts = [
        (kind, None, kind.words.lower())
        for kind, name in ((Kind.LESSON, "learning_point"), (Kind.PRACTICE, "notable_practice"))
        if held.review.text.get(name) or kind is Kind.LESSON
    ]
    acts = [(Kind.ACTION, each.id, f"the action of {each.made_at:%d/%m/%Y}") for each in actions if each.what]
    return [_offer(held.case.case_id, kind, action, words, made) for kind, action, words in (*texts, *acts)]


def _offer(
    case: UUID,
    kind: Kind,
    action: UUID | None,
    words: str,
    made: dict[tuple[str, UUID | None], tuple[UUID, State]],
) -> Offer:
    known = made.get((kind.value, action))
    if known is not None:
        return Offer(words.capitalize(), "", known[0], known[1].words)
    href = f"/trust/learning/offer?case={case}&kind={kind}" + (f"&action={action}" if action else "")
    return Offer(words, href)
