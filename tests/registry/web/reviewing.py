"""People at a review, for tests of its pages: a trust with a nurse signed in, cases in any state, forms filled in as a browser sends them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import unescape
from uuid import UUID

import httpx2 as httpx
import psycopg
from starlette.testclient import TestClient

from registry.access import Actor, Role
from registry.accounts.actors import actor_of_person
from registry.cases import domains
from registry.cases.states import CaseState
from registry.settings import Settings
from registry.store import Store
from registry.store.desk import outbox
from tests.registry.cases.at_desk import Place
from tests.registry.cases.reviews import case_in
from tests.registry.web.visitors import House, house, words_of

OURS = "RRV"
CARE = {
    "risk_assessed": "complete",
    "assessed_within_14_hours": "yes",
    "assessment_correct": "correct",
    "prophylaxis_indicated": "yes",
    "prophylaxis_prescribed": "yes",
    "prophylaxis_given": "partly",
    "first_dose_within_14_hours": "yes",
    "doses_missed_avoidably": "2",
    "missed_dose_reasons": "not_signed|refused",
    "mechanical": "none_indicated",
    "extended": "not_expected",
}
FINDINGS = {
    "judged_by": "vte_nurse",
    "judged_on": "2026-01-15",
    "category": "inadequate_prophylaxis",
    "inadequacies": "missed_doses",
    "preventability": "preventable",
    "would_have_changed_outcome": "cannot_say",
    "contributory_factors": "communication|staff",
    "candour_threshold_met": "no",
    "learning_point": "Doses on transfer are missed where two wards share a chart",
}
SEVERAL = ("inadequacies", "contributory_factors", "missed_dose_reasons", "thrombosis_factors", "bleeding_factors")
SCREENING = {
    **{name: answer for name, answer in CARE.items() if name != "missed_dose_reasons"},
    "prophylaxis_given": "yes",
    "doses_missed_avoidably": "0",
    "judged_by": "vte_nurse",
    "judged_on": "2026-01-15",
}


@dataclass(frozen=True)
class Team:
    """A trust, its nurse's browser, and the way past all rights."""

    place: Place
    nurse: TestClient
    admin: psycopg.Connection

    @property
    def house(self) -> House:
        return self.place.house

    def case(self, state: CaseState = CaseState.CONFIRMED, name: str = "CASE-A", *, reviewed: bool = False) -> UUID:
        return case_in(self.place, self.admin, state, name, reviewed=reviewed)

    def browser(self, name: str, role: Role = Role.VTE_NURSE, code: str = OURS) -> TestClient:
        return self.house.signed_in(self.house.person(name, (role, code)))

    def state(self, case: UUID) -> str:
        row = self.admin.execute("select state from records.case_work where case_id = %s", [case]).fetchone()
        assert row is not None
        return str(row[0])

    def put(self, case: UUID, **values: object) -> None:
        """Change the work on a case past all rules."""
        for name, value in values.items():
            self.admin.execute(f"update records.case_work set {name} = %s where case_id = %s", [value, case])

    def allow(self, domain: str = "trust.example") -> None:
        with self.place.desk() as desk:
            domains.allow(desk, domain)

    def letters(self) -> list[str]:
        """The texts that wait in the outbox."""
        with self.place.desk() as desk:
            from registry.cases.desk import unseal

            rows = desk.connection.execute(outbox.select()).all()
            return [unseal(desk, "outbox", row.id, "body", row.body_ct) or "" for row in rows]

    def recorded(self, case: UUID) -> dict[str, object]:
        """The review's version that stands, as the database has it."""
        row = self.admin.execute(
            "select to_jsonb(v) from records.case_record c join records.rca_record r using (tenant_id, local_case_id)"
            " join records.rca_version v on v.tenant_id = r.tenant_id and v.record_id = r.id and v.version = r.version"
            " where c.id = %s",
            [case],
        ).fetchone()
        return {} if row is None else dict(row[0])


def team(settings: Settings, store: Store, admin: psycopg.Connection) -> Team:
    full = house(settings, store)
    nurse = full.person("nurse", (Role.VTE_NURSE, OURS))
    with store.readonly(tenants=(full.ids[OURS],)) as connection:
        by: Actor = actor_of_person(connection, nurse)
    return Team(Place(full, by, full.ids[OURS]), full.signed_in(nurse), admin)


def href(case: UUID) -> str:
    return f"/trust/cases/{case}/review"


# --- forms as a browser sends them


def form_of(page: httpx.Response, action: str) -> str:
    """The form of a page that goes to an address."""
    for form in re.findall(r"<form.*?</form>", page.text, re.DOTALL):
        if f'action="{action}"' in form:
            return str(form)
    raise AssertionError(f"no form goes to {action}: {words_of(page)[:600]}")


def hidden(form: str) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form)
    return {name: unescape(value) for name, value in found}


def fill(answers: Mapping[str, str]) -> dict[str, str | list[str]]:
    """Answers as text into the boxes that a form has for them."""
    boxes: dict[str, str | list[str]] = {}
    for name, value in answers.items():
        day = re.fullmatch(r"(\d{4})-(\d{2})-(\d{2})(?: (\d{2}:\d{2}))?", value)
        if day:
            parts = zip(("year", "month", "day", "time"), day.groups(), strict=True)
            boxes |= {f"{name}-{part}": found for part, found in parts if found}
        elif "|" in value or name in SEVERAL:
            boxes[name] = ["", *(each for each in value.split("|") if each)]
        else:
            boxes[name] = value
    return boxes


def send(
    browser: TestClient, page: str, answers: Mapping[str, str], *, action: str = "", then: str = "store", **more: str
) -> httpx.Response:
    """Open a page and send the form that goes to `action` (the page itself), filled in."""
    opened = browser.get(page)
    assert opened.status_code == 200, words_of(opened)
    return again(browser, opened, answers, action=action or page, then=then, **more)


def again(
    browser: TestClient,
    opened: httpx.Response,
    answers: Mapping[str, str],
    *,
    action: str,
    then: str = "store",
    **more: str,
) -> httpx.Response:
    """Send the form of a page that is open already."""
    fields = hidden(form_of(opened, action))
    for name in SEVERAL:
        if fields.get(name) == "" and name not in answers:
            del fields[name]
    return browser.post(action, data={**fields, "then": then, **fill(answers), **more})


def errors(page: httpx.Response) -> list[str]:
    """Where the error summary leads."""
    summary = re.search(r'class="nhsuk-error-summary.*?</ul>', page.text, re.DOTALL)
    return re.findall(r'href="#([^"]*)"', summary[0]) if summary else []


def later(days: int) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


def all_in(words: str, said: Iterable[str]) -> None:
    missing = [each for each in said if each not in words]
    assert not missing, f"{missing} not in: {words[:1500]}"


def value_of(page: httpx.Response, name: str) -> str | None:
    """What stands in a question: the text of its box, or the code that is chosen; None where nothing is."""
    for tag in re.findall(rf'<input[^>]*name="{name}"[^>]*>', page.text):
        value = re.search(r'value="([^"]*)"', tag)
        if "checked" in tag or 'type="text"' in tag or "type=" not in tag:
            return unescape(value[1]) if value else ""
    chosen = re.search(rf'<select[^>]*name="{name}".*?</select>', page.text, re.DOTALL)
    option = re.search(r'value="([^"]*)"[^>]*selected', chosen[0]) if chosen else None
    return option[1] if option else None
