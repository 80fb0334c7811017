"""Who guesses how often: wrong passwords and codes, counted for each account and each address in the database, with growing pauses.

A try is taken before it is looked at, by one statement that asks for the pause and notes the try, so that a hundred at once are no more
than a hundred one after the other. What was right is given back. A name is counted whether somebody has it or not, and neither names
nor addresses are kept but as codes under a key.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, text, update

from registry.errors import TooMany
from registry.identifiers import canonical, mac
from registry.keys import TenantKeys
from registry.settings import GuessingRules
from registry.store.signing_in import guess

KEPT = timedelta(days=7)
"""The longest that a setting may have them remembered."""
NAME, PERSON, ADDRESS = "name", "person", "address"

_PAUSE = "case when g.tries < :free then 0 else least(:longest, :first * power(2.0, least(g.tries - :free, 30))) end"
_OVER = "g.last_at < clock_timestamp() - make_interval(mins => :forgotten)"
_TAKE = text(f"""
    insert into register.guess as g (about, subject_mac, tries, last_at) values (:about, :subject, 1, clock_timestamp())
    on conflict (about, subject_mac) do update
       set tries = case when {_OVER} then 1 else g.tries + 1 end, last_at = clock_timestamp()
     where {_OVER} or g.last_at + make_interval(secs => {_PAUSE}) <= clock_timestamp()
    returning tries
""")  # noqa: S608 -- our own words
_WAIT = text(f"""
    select ceil(extract(epoch from g.last_at - clock_timestamp()) + {_PAUSE})
      from register.guess g where about = :about and subject_mac = :subject
""")  # noqa: S608 -- our own words


@dataclass(frozen=True, slots=True)
class Try:
    """One try, counted for each of these: about what, and under which code."""

    subjects: tuple[tuple[str, bytes], ...]


def take(connection: Connection, keys: TenantKeys, rules: GuessingRules, **of: str) -> Try:
    """Count a try before it is looked at: `name=` or `person=`, and `address=`. Commit it before the comparison.

    Raises TooMany while a pause lasts; it is not counted then.
    """
    key = keys.derived("guesses")
    # Always in the same order, so that no two wait for each other.
    subjects = tuple((about, mac(key, canonical(about, of[about]))) for about in sorted(of))
    for about, subject in subjects:
        given = {"about": about, "subject": subject, **_rules(about, rules)}
        if connection.scalar(_TAKE, given) is None:
            wait = connection.scalar(_WAIT, given)
            raise TooMany(
                "There were too many wrong tries. Wait as long as is said here, then try again.",
                retry_after=max(1, int(wait or 1)),
            )
    return Try(subjects)


def _rules(about: str, rules: GuessingRules) -> dict[str, int]:
    of_address = about == ADDRESS
    return {
        "free": rules.address_tries if of_address else rules.tries,
        "longest": rules.address_longest_pause_seconds if of_address else rules.longest_pause_seconds,
        "first": rules.first_pause_seconds,
        "forgotten": rules.forgotten_after_minutes,
    }


def give_back(connection: Connection, taken: Try) -> None:
    """The try was right: the account begins anew, and for the address it does not count."""
    for about, subject in taken.subjects:
        tries = guess.c.tries - 1 if about == ADDRESS else 0
        connection.execute(
            update(guess).where(guess.c.about == about, guess.c.subject_mac == subject).values(tries=tries)
        )


def forget(connection: Connection, at: datetime) -> int:
    """Delete what no rule asks for any more; for the worker."""
    return connection.execute(delete(guess).where(guess.c.last_at < at - KEPT)).rowcount
