"""What each route that changes something leaves in the audit log: the table beside this file, and what is heard compared with it.

A line of `trail.txt` is a route, then the sets of entries that are right for a success of it: `;` between sets, `+` between entries that
one act leaves together. An entry is its action and, after `@`, the kind of what was acted on; `=name` says that its id is this part of
the route's address, `?` that it may be missing, `*` that there is one for each of several things. A word in braces stands for one of
`WORDS`. `nothing`: an answer that changed nothing, such as a retry, leaves none.
"""

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

import httpx2 as httpx
import psycopg
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import Mount

from registry import submissions
from registry.publications import outlier_states
from registry.store.audit import SESSION_BYTES
from registry.web.actor import name_of
from registry.web.edge import OWN_NUMBER

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Entry:
    """What an entry says was done, and to what: `ident` is the name of the part of the address that has its id, if one has."""

    actions: frozenset[str]
    kind: str
    ident: str = ""
    least: int = 1
    most: int = 1

    def fits(self, row: "Row") -> bool:
        return row.action in self.actions and row.object_type == self.kind


Right = tuple[Entry, ...]
"""Entries that are right together; none, where nothing was changed."""


WORDS: Final[Mapping[str, Collection[str]]] = {
    "outcome": [each.value for each in submissions.State if each is not submissions.State.RECEIVED],
    "step": [each.value for each in outlier_states.State],
    "onward": ("moved", "withdrawn", "begun again"),
    "act": ("changed", "done", "dropped"),
    "summary": ("edited", "published", "discarded", "withdrawn"),
    "letters": ("confirmed", "changed", "ended"),
}
_ENTRY: Final = re.compile(r"(?P<action>[^@]+)@(?P<kind>[^=?*]+)(=(?P<ident>\w+))?(?P<how>[?*]?)")
_HOW: Final = {"": (1, 1), "?": (0, 1), "*": (1, 1_000)}


def _entry(words: str) -> Entry:
    found = _ENTRY.fullmatch(words.strip())
    assert found, words
    before, _, rest = found["action"].partition("{")
    name, _, after = rest.partition("}")
    actions = frozenset(before + word + after for word in WORDS[name]) if name else frozenset([before])
    return Entry(actions, found["kind"], found["ident"] or "", *_HOW[found["how"]])


def _sets(words: str) -> Iterator[Right]:
    for each in words.split(";"):
        yield () if each.strip() == NOTHING else tuple(_entry(one) for one in each.split("+"))


def _table() -> Iterator[tuple[str, tuple[Right, ...]]]:
    for line in Path(__file__).with_name("trail.txt").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            name, _, words = line.partition(":")
            yield name, tuple(_sets(words))


TRAIL: Final[Mapping[str, tuple[Right, ...]]] = MappingProxyType(dict(_table()))


def keeps_nothing(name: str) -> bool:
    """Whether a route looks at something only, or keeps what is no part of any record."""
    return TRAIL[name] == ((),)


@cache
def changing(app: FastAPI) -> tuple[tuple[re.Pattern[str], str, str], ...]:
    """Every route that may change something: the shape of its address with its parts by name, its method, its name."""
    found = []
    for route in iter_route_contexts(app.routes):
        if not isinstance(route.original_route, Mount):
            shape = re.compile(re.sub(r"\\\{(\w+)[^}]*\\\}", r"(?P<\1>[^/]+)", re.escape(route.path or "")))
            found += [(shape, method, name_of(route.endpoint)) for method in set(route.methods or ()) - SAFE]
    return tuple(sorted(found, key=lambda each: each[0].groups))


def route_of(app: FastAPI, method: str, path: str) -> tuple[str, Mapping[str, str]] | None:
    """The name of the route that a request changed something by, and the parts of its address."""
    for shape, by, name in changing(app):
        if by == method and (found := shape.fullmatch(path)):
            return name, found.groupdict()
    return None


@dataclass(frozen=True)
class Heard:
    """An answered request to a route of the table, and what it left."""

    name: str
    parts: Mapping[str, str]
    answer: httpx.Response
    rows: tuple["Row", ...]

    @property
    def succeeded(self) -> bool:
        """Whether it did what was asked: not refused, and not sent away to say first who asks."""
        to = self.answer.headers.get("location", "")
        asked_who = to.partition("?")[0] in ("/sign-in", "/second-factor", "/second-factor/again")
        return self.answer.status_code < 400 and (not asked_who or bool(self.rows) or keeps_nothing(self.name))


@dataclass(frozen=True, slots=True)
class Row:
    """An entry as it was written."""

    tenant_id: int
    actor: str
    role: str
    action: str
    object_type: str
    object_id: str
    session: str | None


_ROWS = """
    select tenant_id, actor, role, action, object_type, object_id, session from records.audit
     where request_id = %s order by tenant_id, sequence
"""


def heard(app: FastAPI, admin: psycopg.Connection, answer: httpx.Response) -> Heard | None:
    """None for a request that could change nothing."""
    route = route_of(app, answer.request.method, answer.request.url.path)
    number = answer.headers.get(OWN_NUMBER) or answer.headers.get("X-Request-Id")
    if route is None or number is None:
        return None
    rows = admin.execute(_ROWS, [number]).fetchall()
    return Heard(*route, answer, tuple(Row(*row) for row in rows))


def wrong(app: FastAPI, admin: psycopg.Connection, answer: httpx.Response) -> str | None:
    """What is wrong with what an answered request left in the audit log; None if nothing is."""
    one = heard(app, admin, answer)
    if one is None or not one.succeeded:
        return None
    return next(faults(admin, one), None)


def faults(admin: psycopg.Connection, one: Heard) -> Iterator[str]:
    """What is wrong with the entries of a success: none too few or too many, each of the right act, thing, trust, person and session."""
    right = next((right for right in TRAIL[one.name] if _is_right(right, one.rows)), None)
    if right is None:
        yield f"{one.name} answered {one.answer.status_code} and left {[(row.action, row.object_type) for row in one.rows]}"
        return
    for row in one.rows:
        named = next((one.parts[entry.ident] for entry in right if entry.ident and entry.fits(row)), row.object_id)
        if not row.object_id or row.object_id.lower() != named.lower():
            yield f"{one.name}: “{row.action}” is about another thing than the address names"
        if not _is_of(admin, row):
            yield f"{one.name}: “{row.action}” is in the chain of another organisation than its {row.object_type}"
        yield from _by_whom(admin, one, row)


def _is_right(right: Right, rows: Sequence[Row]) -> bool:
    """Whether these are the entries of a set: each as often as it is to be there, and never twice of one thing."""
    told = [(entry, [row for row in rows if entry.fits(row)]) for entry in right]
    numbers = all(entry.least <= len(found) <= entry.most for entry, found in told)
    things = all(len({row.object_id for row in found}) == len(found) for _, found in told)
    return numbers and things and sum(len(found) for _, found in told) == len(rows)


_OWNERS = {
    "case": "select tenant_id from records.case_record where id::text = %(id)s union "
    "select tenant_id from records.attributed_case where id::text = %(id)s",
    "submission": "select tenant_id from records.submission where id::text = %(id)s",
    "learning_point": "select tenant_id from records.learning_point where id::text = %(id)s",
}
_OF_THE_REGISTRY = frozenset(
    {"person", "client", "token", "invitation", "organisation", "publication", "dispute", "pair"}
)


def _is_of(admin: psycopg.Connection, row: Row) -> bool:
    if row.object_type in _OF_THE_REGISTRY:
        return row.tenant_id == 0
    owned = _OWNERS.get(row.object_type)
    return owned is None or (row.tenant_id,) in admin.execute(owned, {"id": row.object_id}).fetchall()


_SIGNED_IN = """
    select 'person:' || s.person_id as actor, encode(s.id_digest, 'hex') as digest,
           (select string_agg(distinct m.role, '+' order by m.role) from register.membership m
             where m.person_id = s.person_id and m.ended_at is null) as roles
      from register.session s where s.id_digest = %s and s.strong_at is not null
"""
_TIMETABLE = "timetable"
_SERVICE = "service"
"""As what a file is checked, whoever sent it: the worker does it in the same way."""
_COOKIE = re.compile(r"(?:__Host-)?hat=([^;]*)")


def _by_whom(admin: psycopg.Connection, one: Heard, row: Row) -> Iterator[str]:
    """The person whose session asked, with the roles they have; or the program whose token did; or who is just signing in."""
    if not row.actor or (not row.role and row.actor.startswith("token:")):
        yield f"{one.name}: “{row.action}” does not say who"
    secret = _cookie(one.answer.request)
    known = admin.execute(_SIGNED_IN, [hashlib.sha256(secret).digest()]).fetchone()
    if known is None or "authorization" in one.answer.request.headers:
        if row.session is not None:
            yield f"{one.name}: “{row.action}” names a session, and there was none"
        own = row.object_type == "person" and row.actor in (f"person:{row.object_id}", "public")
        if not own and row.actor.partition(":")[0] not in ("token", "client", "link", "public"):
            yield f"{one.name}: “{row.action}” names {row.actor.partition(':')[0]}, and nobody was signed in"
        return
    if row.actor == _TIMETABLE:
        return
    actor, digest, roles = known
    if row.actor != actor:
        yield f"{one.name}: “{row.action}” names another than who was signed in"
    renewed = hashlib.sha256(_new_cookie(one.answer)).hexdigest()
    if row.session not in (digest[: 2 * SESSION_BYTES], renewed[: 2 * SESSION_BYTES]):
        yield f"{one.name}: “{row.action}” does not name the session"
    if row.role != (roles or "") and not (row.role == _SERVICE and row.object_type == "submission"):
        yield f"{one.name}: “{row.action}” has the roles {row.role!r}, not {roles!r}"


def _cookie(request: httpx.Request) -> bytes:
    found = _COOKIE.search(request.headers.get("cookie", ""))
    return found[1].encode() if found else b""


def _new_cookie(answer: httpx.Response) -> bytes:
    """The session's new secret, where the answer brings one: after a code the same session goes on under another id."""
    found = _COOKIE.search(answer.headers.get("set-cookie", ""))
    return found[1].encode() if found else b""
