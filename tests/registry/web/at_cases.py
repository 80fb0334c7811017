"""People at the pages of cases, for tests: a trust with cases, a nurse's browser, and forms filled in as a person fills them."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape

import httpx2 as httpx
from starlette.testclient import TestClient

from registry.access import Role
from registry.cases import states
from registry.settings import Settings
from registry.store import Store
from schemas.dictionary import fields
from schemas.record import RecordKind
from schemas.values import DateTimeType, DateType
from tests.make import nhs_number, valid_case, valid_rca
from tests.registry.cases.at_desk import OURS, Place, place
from tests.registry.submissions.make import send
from tests.registry.web.programs import screened
from tests.registry.web.visitors import House

CASE, RCA = RecordKind.CASE, RecordKind.RCA


@dataclass(frozen=True)
class Ward:
    """A trust at work: its place, and the browser of its nurse."""

    place: Place
    nurse: TestClient

    @property
    def house(self) -> House:
        return self.place.house

    def browser(self, name: str, role: Role = Role.VTE_NURSE, code: str | None = OURS) -> TestClient:
        return self.house.signed_in(self.house.person(name, (role, code)))

    def hold(self, *names: str, code: str = OURS, **more: str) -> None:
        """Cases of a trust by file, each of a person of its own."""
        first = 1000 * (1 + list(self.house.ids).index(code))
        rows = [
            valid_case(**{"local_case_id": name, "nhs_number": nhs_number(first + _place(name)), **more})
            for name in names
        ]
        receipt = send(self.house.store, self.house.settings, self.house.ids[code], rows)
        assert receipt.state == "accepted", receipt

    def review(self, name: str, **more: str) -> None:
        row = valid_rca(local_case_id=name, **more)
        assert send(self.house.store, self.house.settings, self.place.tenant, [row], kind=RCA).state == "accepted"

    def take_in(self, *names: str) -> None:
        with self.place.desk() as desk:
            for name in names:
                states.begin(desk, self.place.case(name))

    def path(self, name: str) -> str:
        return f"/trust/cases/{self.place.case(name)}"


def ward(settings: Settings, store: Store) -> Ward:
    made = place(settings.model_copy(update={"demo": True}), store)
    screened(made.house)
    assert made.nurse.id is not None
    return Ward(made, made.house.signed_in(made.nurse.id))


def _place(name: str) -> int:
    """A place among the numbers of people that goes with the name of a case."""
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % 900


def form_in(page: httpx.Response, action: str) -> dict[str, str]:
    """The form of a page that goes to `action`, as a browser would send it untouched."""
    found = next(
        each for each in re.findall(r"<form\b.*?</form>", page.text, re.DOTALL) if f'action="{action}"' in each
    )
    sent = {}
    for tag in re.findall(r"<input\b[^>]*>", found):
        name, kind = _of(tag, "name"), _of(tag, "type")
        if name and (kind not in ("radio", "checkbox") or " checked" in tag):
            sent[name] = _of(tag, "value")
    for tag, text in re.findall(r"(<textarea\b[^>]*>)(.*?)</textarea>", found, re.DOTALL):
        sent[_of(tag, "name")] = _plain(text)
    for tag, options in re.findall(r"(<select\b[^>]*>)(.*?)</select>", found, re.DOTALL):
        chosen = re.search(r"<option\b[^>]*value=\"([^\"]*)\"[^>]*selected", options) or re.search(
            r"<option\b[^>]*value=\"([^\"]*)\"", options
        )
        sent[_of(tag, "name")] = _plain(chosen[1]) if chosen else ""
    return sent


def _of(tag: str, name: str) -> str:
    found = re.search(rf'\b{name}="([^"]*)"', tag)
    return _plain(found[1]) if found else ""


def _plain(text: str) -> str:
    return unescape(text)


def typed(row: Mapping[str, str]) -> dict[str, str]:
    """The answers of a row as they are typed into a form: dates in their boxes."""
    kinds = {each.name: each.holds for each in fields(CASE)}
    found: dict[str, str] = {}
    for name, value in row.items():
        if isinstance(kinds[name], DateType | DateTimeType):
            year, month, day = value.split("-") if value else ("", "", "")
            found |= {f"{name}-day": day, f"{name}-month": month, f"{name}-year": year}
        else:
            found[name] = value
    return found


def entered(ward: Ward, row: Mapping[str, str], browser: TestClient | None = None, **more: str) -> httpx.Response:
    """Fill in the form of a new case and save it, warnings confirmed."""
    nurse = browser or ward.nurse
    fields = form_in(nurse.get("/trust/cases/new"), "/trust/cases/new") | typed(row)
    return nurse.post("/trust/cases/new", data=fields | {"opt_out_screened": "true", "wants": "save"} | more)


def press(browser: TestClient, page: httpx.Response, action: str, **changes: str) -> httpx.Response:
    """Send the form of a page that goes to `action`, with these changes."""
    return browser.post(action, data=form_in(page, action) | changes)
