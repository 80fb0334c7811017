"""The whole matrix: everybody who can come, at every route, with what is their own trust's, what is another's and what is nobody's.

Drawn from the table of routes, so that a route without a line fails, and a parameter that names a trust's thing and is not known here
fails too. What is hidden answers as what is absent, byte for byte but for the id; nothing that anybody is answered names a thing of a
trust that is not theirs.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

import httpx2 as httpx
import pytest
from fastapi.routing import iter_route_contexts
from starlette.routing import Mount
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from registry.access import NATIONAL_ROLES, ORGANISATION_ROLES, PUBLIC, RIGHTS, ROUTES, Right, Role, Scope
from registry.web.actor import name_of
from registry.web.problems import is_machine
from tests.attack.nation import DISABLED, OTHER, OWN, REVIEWER, STRANGER, Nation
from tests.attack.rows import TENANT_TABLES, fill
from tests.registry.accounts.make import database_now, have_access, registered
from tests.registry.web.visitors import token_of

pytestmark = pytest.mark.slow

ABSENT = "00000000-0000-4000-8000-000000000000"
CANARY = "canary-of-another-trust"
IDENT = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
SUBMISSIONS = "select id from records.submission where tenant_id = %s"
CASES = "select id from records.case_record where tenant_id = %s"
NAMED = {
    "submission_id": SUBMISSIONS,
    "job": SUBMISSIONS,
    "case_id": CASES,
    "action_id": "select id from records.action where tenant_id = %s",
    "point_id": "select id from records.learning_point where tenant_id = %s",
    "notice_id": "select id from records.notice where tenant_id = %s",
    "invitation_id": "select id from register.invitation where organisation_id = %s",
    "person_id": "select person_id from register.membership where organisation_id = %s",
    "handle": "select encode(s.id_digest, 'hex') from register.session s join register.membership m using (person_id) "
    "where m.organisation_id = %s",
    "trust.attributed ident": "select id from records.attributed_case where tenant_id = %s",
    "trust.attributed.pair ident": "select pair_id from records.offered_pair where tenant_id = %s",
    "trust.attributed.answer_pair ident": "select pair_id from records.offered_pair where tenant_id = %s",
    "outliers.notified ident": "select outlier_id from figures.outlier_notice where organisation_id = %s",
    "fhir.reading ident": CASES,
    "fhir.reports ident": "select id from records.activity_record where tenant_id = %s",
}  # fmt: skip
"""What of a trust a parameter of an address names; where it names different things, with the beginning of the route's name."""
NATIONAL = frozenset(
    {
        "version", "name", "kind", "kind:conformance", "resource_type", "number", "link", "code", "membership_id", "token_id",
        "client_id", "nation", "import_id", "publication_id", "secret", "reader", "page", "trust", "ident", "identity_id", "slug",
    }
)  # fmt: skip
"""Parameters that name nothing of one trust: those behind rights of the nation, kinds of things, and secrets that are worth nothing if
they are guessed. `ident` is one only where no line above has it."""

ENDS = ("signin.sign_out",)
"""Whoever asks for this asks no more; it has tests of its own."""


@dataclass(frozen=True)
class Asker:
    """One who comes: what they hold for `OWN` or the nation, and how they come."""

    name: str
    client: TestClient
    rights: frozenset[Right]
    areas: tuple[str, ...] = ("/",)
    scopes: frozenset[Scope] | None = None
    token: str = field(default="", repr=False)

    def ask(self, method: str, path: str) -> httpx.Response:
        form = {"form_token": self.token} if method == "POST" and not is_machine(path) else None
        return self.client.request(method, path, data=form, headers={"X-Form-Token": self.token} if self.token else {})

    def known(self, path: str) -> bool:
        """Whether they are anybody at this address at all."""
        return path.startswith(self.areas)


PEOPLE = (STRANGER, DISABLED, "rjz.uploader", "rjz.nurse", "rjz.lead", REVIEWER, "national.lead", "analyst.one",
          "registry.office", "moderator", "administrator")  # fmt: skip
PROGRAMS = ("rjz.uploader", "rjz.lead", "national.lead")
ASKERS = (*PEOPLE, *(f"program {name}" for name in PROGRAMS), *(f"client {scope.value}" for scope in Scope))


def roles_of(nation: Nation, name: str) -> frozenset[Role]:
    found = nation.admin.execute(
        "select role from register.membership m join register.person p on p.id = m.person_id where user_name = %s and ended_at is null",
        [name],
    ).fetchall()
    return frozenset(Role(role) for (role,) in found)


def asker(nation: Nation, name: str) -> Asker:
    kind, _, which = name.rpartition(" ")
    if kind == "client":
        client = nation.house.browser()
        client.headers.pop("Sec-Fetch-Site")
        secret = have_access(nation.house, registered(nation.house, OWN), database_now(nation.house), which)
        client.headers["Authorization"] = f"Bearer {secret}"
        return Asker(name, client, RIGHTS[Role.TRUST_UPLOADER], ("/fhir/",), frozenset({Scope(which)}))
    rights = frozenset().union(*(RIGHTS[role] for role in roles_of(nation, which)))
    if kind == "program":
        return Asker(name, nation.program(which), rights, ("/api/", "/fhir/"))
    browser = nation.browser(name)
    if name in (STRANGER, DISABLED):
        return Asker(name, browser, frozenset(), ())
    return Asker(name, browser, rights, token=token_of(browser.get("/account")))


@dataclass(frozen=True)
class Route:
    name: str
    method: str
    path: str

    @property
    def right(self) -> Right | None:
        return ROUTES[self.name]

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(re.findall(r"\{([^}]*)\}", self.path))

    def query(self) -> str | None:
        """Where the things of a trust stand that this address names; None where it names none."""
        if self.right is not PUBLIC and not any(self.right in RIGHTS[role] for role in ORGANISATION_ROLES):
            return None
        for each in reversed(self.parameters):
            for known, words in NAMED.items():
                begins, _, parameter = known.rpartition(" ")
                if parameter == each and self.name.startswith(begins):
                    exact = [k for k in NAMED if k == f"{self.name} {each}"]
                    return NAMED[exact[0]] if exact else words
        return None

    def to(self, ident: object) -> str:
        return re.sub(r"\{[^}]*\}", str(ident), self.path.replace("{kind}", "case").replace("{page}", "care"))


@pytest.fixture(scope="module")
def filled(nation: Nation) -> Nation:
    """With rows of the other trust in every table, and an invitation of each."""
    fill(nation.admin, nation.tenant(OTHER), CANARY)
    for code in (OWN, OTHER):
        nation.admin.execute(
            "insert into register.invitation (organisation_id, address, name, roles, link_digest, invited_by, once, expires_at) "
            "select %s, %s || '@trust.example', 'A', '{vte_nurse}', sha256(convert_to(%s, 'UTF8')), id, gen_random_uuid()::text, now() + interval '1 day' "
            "from register.person limit 1",
            [nation.tenant(code), code.lower(), code],
        )
    return nation


def routes(app: ASGIApp, *, but: Collection[str] = ("HEAD", "OPTIONS")) -> list[Route]:
    """Each route by each of its methods; HEAD is GET without what it answers."""
    found = []
    for each in iter_route_contexts(app.routes):  # type: ignore[attr-defined] # FastAPI, which clients call ASGIApp
        if not isinstance(each.original_route, Mount):
            found += [Route(name_of(each.endpoint), method, each.path or "") for method in sorted(each.methods or ())]
    return [each for each in found if each.method not in but]


def things(nation: Nation, code: str) -> frozenset[bytes]:
    """The ids of all that is one trust's and no other's."""
    found: set[bytes] = set()
    for table in TENANT_TABLES:
        names = [each.name for each in table.columns if each.name in ("id", "record_id") and str(each.type) == "UUID"]
        for name in names:
            rows = nation.admin.execute(
                f"select distinct {name}::text from records.{table.name} where tenant_id = %s".encode(),
                [nation.tenant(code)],
            )
            found.update(row[0].encode() for row in rows)
    return frozenset(found)


def test_every_parameter_is_known(nation: Nation) -> None:
    known = NATIONAL | {each.rpartition(" ")[2] for each in NAMED}
    unknown = {each for route in routes(nation.browser(STRANGER).app) for each in route.parameters} - known
    assert not unknown
    assert set(ROUTES) == {route.name for route in routes(nation.browser(STRANGER).app)}


@pytest.mark.parametrize("name", ASKERS)
def test_everybody_at_every_route(filled: Nation, name: str) -> None:
    who, wrong, seen = asker(filled, name), [], 0
    strangers = things(filled, OTHER) - things(filled, OWN)
    for route in routes(who.client.app):
        if route.name in ENDS:
            continue
        for fault in faults(filled, who, route):
            wrong.append((route.method, route.path, *fault))
        if route.method != "GET":
            continue
        query = route.query()
        own = one(filled, query, OWN) if query else None
        answer = who.ask("GET", route.to(own or "RJZ"))
        seen += own is not None and answer.status_code == 200
        if CANARY in answer.text or strangers & set(IDENT.findall(answer.content)):
            wrong.append((route.method, route.path, "shows what is another trust's"))
    assert not wrong, "\n".join(map(str, wrong))
    if name in ("rjz.lead", "program rjz.lead"):
        assert seen >= 5, "nothing of their own is shown: nothing is shown by this"


def faults(nation: Nation, who: Asker, route: Route) -> Iterator[tuple[object, ...]]:
    """What is wrong with what they are answered at a route."""
    query = route.query()
    idents = [ABSENT] if query is None else [ABSENT, one(nation, query, OTHER)]
    if route.right is PUBLIC and query is None:
        if (status := who.ask(route.method, route.to(ABSENT)).status_code) >= 500:
            yield "public", status
        return
    answers = [who.ask(route.method, route.to(each)) for each in idents if each]
    statuses = {each.status_code for each in answers}
    if max(statuses) >= 500:
        yield "fault", statuses
    if len({same(answer, ident) for answer, ident in zip(answers, idents, strict=False)}) > 1:
        yield "hidden differs from absent", [each.status_code for each in answers]
    if route.right is PUBLIC:
        return
    if not who.known(route.path):
        wanted = {401} if is_machine(route.path) else {303}
        if statuses != wanted or any(
            not each.headers.get("location", "/sign-in").startswith("/sign-in") for each in answers
        ):
            yield "a stranger", statuses
    elif route.right not in who.rights:
        nowhere = who.ask(
            "GET",
            "/fhir/r4/nowhere" if route.path.startswith("/fhir") else f"{section(route.path)}/nowhere/at/all",
        )
        if statuses != {404} or same(answers[0], ABSENT) != same(nowhere, ABSENT):
            yield "without the right", statuses


def section(path: str) -> str:
    """Where an address belongs in the menu, which marks the section that one is in."""
    return "/".join(path.split("/")[:3])


def same(answer: httpx.Response, ident: object) -> tuple[int, bytes, str]:
    body = answer.content.replace(str(ident).encode(), b"")
    kept = {
        name: value for name, value in answer.headers.items() if "request-id" not in name and name != "content-length"
    }
    body = re.sub(rb'once" value="[0-9a-f]+"', b"", body)
    return answer.status_code, body, str(sorted(kept.items())).replace(str(ident), "")


def one(nation: Nation, query: str, code: str) -> object:
    """One thing of a trust; None where it has none."""
    row = nation.admin.execute(f"{query} order by 1 limit 1".encode(), [nation.tenant(code)]).fetchone()
    return None if row is None else row[0]


def test_no_national_role_holds_a_trust_s_right() -> None:
    assert not any(
        RIGHTS[role] & {Right.READ_CASES, Right.READ_SUBMISSIONS, Right.EDIT_CASES} for role in NATIONAL_ROLES
    )
