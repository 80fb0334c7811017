"""Whoever asks says where: in Host, and in whatever a proxy would have said of it. Nothing of that is ever written anywhere: not into
letters, links, redirects, cookies, feeds, FHIR, descriptions, nor into what is kept for the next. Addresses are made of the settings'.
"""

from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import httpx2 as httpx
import psycopg
import pytest
from starlette.testclient import TestClient

from registry.access import PUBLIC
from registry.notices.carriers import folder_of
from registry.notices.sending import send_waiting
from registry.settings import Settings
from registry.store import Store
from tests.attack.nation import OWN, STRANGER, Nation
from tests.attack.test_access import Route, one, routes
from tests.registry.web.at_cases import form_in
from tests.registry.web.reviewing import team
from tests.registry.web.test_review_consultant import ask
from tests.registry.web.visitors import House, send

pytestmark = pytest.mark.slow

FOREIGN = "canary-host.example"
HEADERS = {
    "Host": FOREIGN,
    "X-Forwarded-Host": FOREIGN,
    "X-Forwarded-Server": FOREIGN,
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Scheme": "https",
    "X-Forwarded-Port": "4711",
    "X-Forwarded-Prefix": f"/{FOREIGN}",
    "X-Forwarded-For": "203.0.113.77",
    "Forwarded": f"for=203.0.113.77;host={FOREIGN};proto=https",
    "X-Host": FOREIGN,
    "X-HTTP-Host-Override": FOREIGN,
    "X-Original-Host": FOREIGN,
    "X-Original-URL": "/admin/people",
    "X-Rewrite-URL": "/admin/people",
    "X-Script-Name": f"/{FOREIGN}",
}
HOSTS = (
    FOREIGN,
    f"{FOREIGN}/api/x?",
    f"127.0.0.1:8000@{FOREIGN}",
    "[",
    "[::1",
    "",
    f"127.0.0.1:{'9' * 30}",
    "a b",
    "\xe9.example",
)
"""Names that are none too."""


def come_from_elsewhere(browser: TestClient) -> TestClient:
    browser.headers.update(HEADERS)
    return browser


def traces(answer: httpx.Response) -> list[str]:
    """What of it an answer has taken up."""
    said = answer.text + "".join(f"\n{name}: {value}" for name, value in answer.headers.multi_items())
    found = [each for each in (FOREIGN, "203.0.113.77", "4711") if each in said.lower()]
    where = answer.headers.get("location", "/")
    base = str(answer.request.url).split("/", 3)[:3]
    if not where.startswith("/") and not where.startswith("/".join(base)):
        found.append(where)
    if "secure" in answer.headers.get("set-cookie", "").lower():
        found.append("a cookie for another scheme")
    return found


@pytest.mark.parametrize("name", [STRANGER, "rjz.lead", "national.lead", "administrator", "program rjz.lead"])
def test_no_page_takes_it_up(nation: Nation, name: str) -> None:
    _, _, who = name.rpartition(" ")
    made = nation.program if name.startswith("program ") else nation.browser
    honest, foreign, wrong, asked = made(who), come_from_elsewhere(made(who)), [], 0
    for route in routes(honest.app):
        if route.method != "GET" or (name != STRANGER and route.right is PUBLIC):
            continue
        address = path_of(nation, route)
        answer = foreign.get(address)
        asked += answer.status_code == 200
        wrong += [(route.path, each) for each in traces(answer)]
        if answer.status_code != honest.get(address).status_code:
            wrong.append((route.path, str(answer.status_code)))
    assert not wrong
    assert asked >= 5, "nothing is shown by this"


def path_of(nation: Nation, route: Route) -> str:
    query = route.query()
    return route.to((one(nation, query, OWN) if query else None) or "RJZ")


@pytest.mark.parametrize("host", HOSTS)
def test_a_name_that_is_none_changes_nothing(nation: Nation, host: str) -> None:
    browser = nation.browser(STRANGER)
    for path in ("/", "/trust", "/api/me", "/fhir/r4/Condition", "/nowhere", "/fhir/r4/metadata", "/data/changes.atom"):
        honest = browser.get(path)
        answer = browser.get(path, headers=[(b"Host", host.encode("latin-1"))])
        assert (answer.status_code, answer.content) == (honest.status_code, honest.content), path


def test_letters_lead_to_the_registry(nation: Nation, tmp_path: Path) -> None:
    settings = nation.house.settings
    mail = settings.mail.model_copy(update={"host": "127.0.0.1", "tls": "none"})
    mailing = House(settings.model_copy(update={"mail": mail}), nation.house.store, nation.house.ids)
    lead = come_from_elsewhere(mailing.signed_in(nation.people["rjz.lead"]))
    form = form_in(lead.get("/trust/users/invite"), "/trust/users/invite")
    invited = form | {"name": "Anna Bell", "address": "anna.bell@ward.example", "roles": "vte_nurse"}
    assert lead.post("/trust/users/invite", data=invited).status_code == 303
    reader = come_from_elsewhere(mailing.browser())
    assert send(reader, "/learning/subscribe", {"email": "reader@ward.example"}).status_code == 200
    found = letters(nation, settings.model_copy(update={"data_dir": tmp_path}))
    for way in ("/invitation/", "/learning/subscription/"):
        assert any(f"{settings.base_url}{way}" in each for each in found), way
    assert FOREIGN not in "".join(found).lower()


def letters(nation: Nation, settings: Settings) -> list[str]:
    """Everything that waits, as it leaves: head and text."""
    send_waiting(nation.house.store, nation.house.secrets, settings, datetime.now(UTC))
    files = folder_of(settings).rglob("*.eml")
    return [str(message_from_bytes(each.read_bytes(), policy=default)) for each in files]


def test_a_link_for_a_password_leads_to_the_registry(nation: Nation) -> None:
    chief = come_from_elsewhere(nation.browser("administrator"))
    page = f"/admin/people/{nation.people['rjz.nurse']}"
    answer = send(chief, f"{page}/link", seen=page)
    assert f"{nation.house.settings.base_url}/set-password/" in answer.text
    assert traces(answer) == []


def test_a_consultant_s_link_leads_to_the_registry(settings: Settings, store: Store, admin: psycopg.Connection) -> None:
    here = team(settings, store, admin)
    here.allow()
    come_from_elsewhere(here.nurse)
    ask(here)
    assert f"{settings.base_url}/answer/RRV/" in "".join(here.letters())
    assert FOREIGN not in "".join(here.letters()).lower()
