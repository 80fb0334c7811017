"""Which of a person's organisations a page is about: the one that is named, else the only or first one that is open."""

from dataclasses import dataclass

from starlette.requests import Request

from registry.access import Actor, Right
from registry.errors import NotFound
from registry.store import Store
from registry.submissions.senders import Sender, senders


@dataclass(frozen=True, slots=True)
class Choice:
    """The organisation of a page, and all among which it was chosen."""

    chosen: Sender
    ours: tuple[Sender, ...]

    @property
    def query(self) -> str:
        """What names the organisation in an address, where that is needed."""
        return f"organisation={self.chosen.code}" if len(self.ours) > 1 else ""


def choose(request: Request, actor: Actor, right: Right, code: str = "") -> Choice:
    """One of the organisations over which the right is held. NotFound where none is, or the code is not one of theirs."""
    store: Store = request.app.state.store
    with store.readonly() as connection:
        ours = senders(connection, actor.tenants(right))
    wanted = code.strip().upper()
    chosen = next((each for each in ours if not wanted or each.code == wanted), None)
    if chosen is None:
        raise NotFound
    return Choice(chosen, ours)
