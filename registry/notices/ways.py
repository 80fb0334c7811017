"""How each person wants each kind of notice by e-mail: at once, once a day, or not. In the page all of them stand; letters with links
that somebody was promised, and warnings about an account, are sent whatever is chosen here."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert as insert_or

from registry.access import Actor
from registry.notices.kinds import Kind, Way, seen_by
from registry.store.desk import notice_preference


def kinds_for(actor: Actor) -> list[Kind]:
    """The kinds that somebody may come to see, in the order in which they are declared."""
    return list(dict.fromkeys(kind for kind, _ in seen_by(actor)))


def chosen(connection: Connection, person_id: UUID) -> dict[str, Way]:
    """What a person chose, by kind; what is not in it comes as the kind has it."""
    query = select(notice_preference.c.kind, notice_preference.c.by_email).where(
        notice_preference.c.person_id == person_id
    )
    return {row.kind: Way(row.by_email) for row in connection.execute(query)}


def choose(connection: Connection, person_id: UUID, ways: Mapping[str, Way]) -> None:
    """Keep what a person chose."""
    if not ways:
        return
    rows = [{"person_id": person_id, "kind": kind, "by_email": way.value} for kind, way in ways.items()]
    kept = insert_or(notice_preference).values(rows)
    connection.execute(
        kept.on_conflict_do_update(index_elements=["person_id", "kind"], set_={"by_email": kept.excluded.by_email})
    )
