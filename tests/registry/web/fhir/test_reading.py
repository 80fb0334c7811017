"""Reading back over HTTP: a trust's own records, their histories and pages of them; nothing of anybody else's, no number in an address."""

from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import httpx2 as httpx
import psycopg
import pytest
from fhir.resources.R4B import get_fhir_model_class
from starlette.testclient import TestClient

from registry.access import Role
from registry.settings import Settings
from registry.store import Store
from schemas import fhir
from schemas.record import RecordKind
from tests.attack.canaries import BIRTH, DOSE, STORY, WARD
from tests.make import cases, nhs_number, valid_activity, valid_case, valid_rca
from tests.registry.accounts.make import database_now, have_access, registered
from tests.registry.submissions.make import send
from tests.registry.web.programs import program
from tests.registry.web.visitors import House, house

BASE = "/fhir/r4"
TYPES = ("Condition", "QuestionnaireResponse", "MeasureReport")
NUMBER = nhs_number(777_777)


@pytest.fixture
def full(settings: Settings, store: Store) -> House:
    return house(settings, store)


@pytest.fixture
def client(full: House) -> TestClient:
    return program(full, "RRV")


def sent(full: House, *rows: dict[str, str], kind: RecordKind = RecordKind.CASE, code: str = "RRV") -> None:
    receipt = send(full.store, full.settings, full.ids[code], rows, kind=kind)
    assert receipt.state == "accepted"


def asked(client: TestClient, path: str, **headers: str) -> httpx.Response:
    return client.get(f"{BASE}/{path}", headers=headers)


def by_form(client: TestClient, resource_type: str, **form: str) -> httpx.Response:
    return client.post(f"{BASE}/{resource_type}/_search", data={name.replace("__", "."): form[name] for name in form})


def found(answer: httpx.Response) -> list[dict[str, Any]]:
    """The resources in a Bundle, which is as R4 wants it."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/fhir+json; fhirVersion=4.0"
    bundle = answer.json()
    get_fhir_model_class("Bundle").model_validate(bundle)
    return [entry["resource"] for entry in bundle.get("entry", ())]


def link(answer: httpx.Response, relation: str) -> str | None:
    return next((each["url"] for each in answer.json()["link"] if each["relation"] == relation), None)


def refused(answer: httpx.Response, status: int) -> str:
    """The words of a refusal, which is an OperationOutcome."""
    assert answer.status_code == status, answer.text
    outcome = answer.json()
    assert outcome["resourceType"] == "OperationOutcome"
    return " ".join(each["details"]["text"] for each in outcome["issue"])


def audited(admin: psycopg.Connection) -> list[tuple[str, str, int]]:
    rows = admin.execute(
        "select action, object_type, detail->>'given' from records.audit where detail->>'door' = 'fhir' order by sequence"
    )
    return [(action, kind, int(given)) for action, kind, given in rows]


# --- one resource


def test_a_case_is_read_as_it_stands(full: House, client: TestClient, admin: psycopg.Connection) -> None:
    sent(full, valid_case(symptom_onset_date="2025-09-18"))
    (condition,) = found(asked(client, "Condition"))
    answer = asked(client, f"Condition/{condition['id']}")
    assert answer.json() == condition
    assert condition["code"]["coding"][0]["code"] == "dvt"
    assert condition["identifier"][0]["assigner"]["identifier"]["value"] == "RRV"
    assert condition["meta"]["versionId"] == "1"
    assert (answer.headers["etag"], answer.headers["cache-control"]) == ('W/"1"', "no-store")
    assert answer.headers["last-modified"].endswith("GMT")
    assert audited(admin) == [("search read", "search", 1), ("case read", "case", 1)]


def test_nothing_that_identifies_is_read(full: House, client: TestClient) -> None:
    row = valid_case(nhs_number=NUMBER, birth_date=BIRTH.isoformat(), ward=WARD)
    sent(full, row)
    sent(full, valid_rca(learning_point=STORY, dose=DOSE), kind=RecordKind.RCA)
    texts = [asked(client, name).text for name in ("Condition", "QuestionnaireResponse")]
    ident = asked(client, "Condition").json()["entry"][0]["resource"]["id"]
    texts += [asked(client, f"{name}/{ident}/_history").text for name in ("Condition", "QuestionnaireResponse")]
    assert len(texts[1]) > 1000
    for canary in (NUMBER, BIRTH.isoformat(), "Quillfeather", "Ochterlony"):
        assert not [text for text in texts if canary in text]


def test_what_is_known_is_not_sent_again(full: House, client: TestClient, admin: psycopg.Connection) -> None:
    sent(full, valid_case())
    ident = found(asked(client, "Condition"))[0]["id"]
    for tag in ('W/"1"', '"1"', 'W/"7", W/"1"', "*"):
        answer = asked(client, f"Condition/{ident}", **{"If-None-Match": tag})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", 'W/"1"')
    sent(full, valid_case(sex="male"))
    again = asked(client, f"Condition/{ident}", **{"If-None-Match": 'W/"1"'})
    assert (again.status_code, again.headers["etag"]) == (200, 'W/"2"')
    assert [action for action, _, _ in audited(admin)] == ["search read", "case read"]


def test_every_version_can_be_read(full: House, client: TestClient) -> None:
    for sex in ("female", "male", "unknown"):
        sent(full, valid_case(sex=sex))
    ident = found(asked(client, "Condition"))[0]["id"]
    history = asked(client, f"Condition/{ident}/_history")
    versions = found(history)
    assert history.json()["type"] == "history"
    assert [each["contained"][0]["gender"] for each in versions] == ["unknown", "male", "female"]
    assert [each["response"]["etag"] for each in history.json()["entry"]] == ['W/"3"', 'W/"2"', 'W/"1"']
    for version in versions:
        number = version["meta"]["versionId"]
        one = asked(client, f"Condition/{ident}/_history/{number}")
        assert (one.json(), one.headers["etag"]) == (version, f'W/"{number}"')
    for number in ("0", "4", "-1", "x", "1" * 30, "١"):
        refused(asked(client, f"Condition/{ident}/_history/{number}"), 404)


def test_a_history_comes_in_pages_too(full: House, client: TestClient) -> None:
    for sex in ("female", "male", "unknown"):
        sent(full, valid_case(sex=sex))
    ident = found(asked(client, "Condition"))[0]["id"]
    first = asked(client, f"Condition/{ident}/_history?_count=2")
    second = client.get(link(first, "next") or "")
    assert [each["meta"]["versionId"] for each in found(first) + found(second)] == ["3", "2", "1"]
    assert link(second, "next") is None
    refused(asked(client, f"Condition/{ident}/_history?_cursor=x"), 400)
    refused(asked(client, f"Condition/{ident}/_history?_since=2026-01-01"), 400)


def test_a_withdrawn_case_is_gone_and_its_history_stays(full: House, client: TestClient) -> None:
    sent(full, valid_case())
    ident = found(asked(client, "Condition"))[0]["id"]
    sent(full, valid_case(withdraw_reason="entered_in_error"))
    assert "history" in refused(asked(client, f"Condition/{ident}"), 410)
    refused(asked(client, f"QuestionnaireResponse/{ident}"), 410)
    assert found(asked(client, "Condition")) == []
    latest, first = found(asked(client, f"Condition/{ident}/_history"))
    status = [each["verificationStatus"]["coding"][0]["code"] for each in (latest, first)]
    assert status == ["entered-in-error", "confirmed"]
    answers = asked(client, f"QuestionnaireResponse/{ident}/_history/2").json()
    assert answers["status"] == "entered-in-error"


def test_answers_bear_the_ids_of_their_records(full: House, client: TestClient) -> None:
    sent(full, valid_case())
    sent(full, valid_rca(), kind=RecordKind.RCA)
    case, review = found(asked(client, "QuestionnaireResponse"))
    assert case["id"] == found(asked(client, "Condition"))[0]["id"]
    assert case["questionnaire"] == f"{fhir.QUESTIONNAIRES[RecordKind.CASE]}|{fhir.VERSION}"
    assert review["questionnaire"] == f"{fhir.QUESTIONNAIRES[RecordKind.RCA]}|{fhir.VERSION}"
    assert asked(client, f"QuestionnaireResponse/{review['id']}").json() == review
    refused(asked(client, f"Condition/{review['id']}"), 404)


def test_a_monthly_return_is_read_back(full: House, client: TestClient, admin: psycopg.Connection) -> None:
    sent(full, *(valid_activity(month=month) for month in ("2025-08", "2025-09")), kind=RecordKind.ACTIVITY)
    (report,) = found(asked(client, f"MeasureReport?identifier={fhir.RETURN_ID}|RRV-2025-09"))
    assert report["period"] == {"start": "2025-09-01", "end": "2025-09-30"}
    answer = asked(client, f"MeasureReport/{report['id']}")
    assert (answer.json(), answer.headers["etag"]) == (report, 'W/"1"')
    assert len(found(asked(client, f"MeasureReport/{report['id']}/_history"))) == 1
    own = f"MeasureReport?measure={fhir.ACTIVITY_MEASURE}"
    assert len(found(asked(client, own))) == 2
    for period, months in (
        ("2025-08", ["08"]),
        ("ge2025-09", ["09"]),
        ("lt2025-09", ["08"]),
        ("2024", []),
        ("2025", ["08", "09"]),
    ):
        assert [each["period"]["start"][5:7] for each in found(asked(client, f"{own}&period={period}"))] == months
    assert found(asked(client, f"MeasureReport?identifier={fhir.RETURN_ID}|RH5-2025-09")) == []
    assert audited(admin) == []


# --- who may


@pytest.mark.parametrize("resource_type", TYPES)
def test_what_is_anothers_answers_as_what_nobody_has(full: House, client: TestClient, resource_type: str) -> None:
    sent(full, valid_case(), code="RH5")
    sent(full, valid_activity(), kind=RecordKind.ACTIVITY, code="RH5")
    theirs = program(full, "RH5")
    path = f"{resource_type}?identifier={'RH5-2025-09' if resource_type == 'MeasureReport' else 'HAT-0001'}"
    (resource,) = found(asked(theirs, path))
    assert found(asked(client, path)) == []
    assert found(by_form(client, resource_type)) == []
    for suffix in ("", "/_history", "/_history/1"):
        hidden, absent = (asked(client, f"{resource_type}/{one}{suffix}") for one in (resource["id"], uuid4()))
        assert asked(theirs, f"{resource_type}/{resource['id']}{suffix}").status_code == 200
        assert (hidden.status_code, hidden.content) == (404, absent.content)


def test_an_id_in_another_spelling_is_absent(full: House, client: TestClient) -> None:
    sent(full, valid_case())
    ident = found(asked(client, "Condition"))[0]["id"]
    for other in (ident.upper(), ident.replace("-", ""), f"{{{ident}}}", "1", "x" * 65):
        refused(asked(client, f"Condition/{other}"), 404)


@pytest.mark.parametrize("resource_type", TYPES)
def test_a_stranger_is_asked_for_a_token(full: House, resource_type: str) -> None:
    stranger = full.browser()
    for path in (f"{resource_type}/{uuid4()}", f"{resource_type}/{uuid4()}/_history", f"{resource_type}?identifier=x"):
        refused(asked(stranger, path), 401)
    refused(by_form(stranger, resource_type), 401)


def test_whoever_may_read_no_cases_finds_nothing(full: House) -> None:
    analyst = program(full, role=Role.NATIONAL_ANALYST)
    for path in ("Condition", "QuestionnaireResponse", "MeasureReport?identifier=x", f"MeasureReport/{uuid4()}"):
        refused(asked(analyst, path), 404)


def test_a_machine_client_reads_what_its_scope_names(full: House) -> None:
    sent(full, valid_case())
    sent(full, valid_activity(), kind=RecordKind.ACTIVITY)
    machine = registered(full)
    paths = {
        "system/Condition.rs": "Condition",
        "system/QuestionnaireResponse.crus": "QuestionnaireResponse",
        "system/MeasureReport.crus": "MeasureReport?identifier=RRV-2025-09",
    }
    for scope in paths:
        program = full.browser()
        program.headers["Authorization"] = f"Bearer {have_access(full, machine, database_now(full), scope)}"
        for other, path in paths.items():
            answer = asked(program, path)
            if other == scope:
                (resource,) = found(answer)
                assert asked(program, f"{resource['resourceType']}/{resource['id']}").status_code == 200
            else:
                refused(answer, 403)
                refused(by_form(program, path.partition("?")[0]), 403)
                refused(asked(program, f"{path.partition('?')[0]}/{uuid4()}"), 403)
        assert found(asked(program, "MeasureReport")) == []


# --- searching


def test_a_case_is_found_by_its_identifier(full: House, client: TestClient) -> None:
    sent(full, *cases(3), valid_case(local_case_id="A,B|C", nhs_number=nhs_number(9)))

    def numbers(text: str) -> list[str]:
        answer = client.get(f"{BASE}/Condition", params={"identifier": text})
        return sorted(each["identifier"][0]["value"] for each in found(answer))

    assert numbers(f"{fhir.LOCAL_CASE_ID}|HAT-000001") == ["HAT-000001"]
    assert numbers("HAT-000001") == ["HAT-000001"]
    assert numbers("HAT-000001,HAT-000002,HAT-9") == ["HAT-000001", "HAT-000002"]
    assert numbers(rf"{fhir.LOCAL_CASE_ID}|A\,B\|C") == ["A,B|C"]
    assert numbers("https://elsewhere.example|HAT-000001") == []
    assert numbers("|HAT-000001") == []


def test_answers_are_found_by_their_case_and_by_their_questionnaire(full: House, client: TestClient) -> None:
    sent(full, *cases(2))
    sent(full, valid_rca(local_case_id="HAT-000001"), kind=RecordKind.RCA)
    of_case = f"identifier={fhir.LOCAL_CASE_ID}|HAT-000001"
    assert len(found(asked(client, f"QuestionnaireResponse?{of_case}"))) == 2
    for named, number in (
        ("hat-case", 2),
        ("hat-rca", 1),
        ("hat-rca|1.0.0", 1),
        ("hat-rca|9.0.0", 0),
        ("hat-other", 0),
    ):
        for address in (f"{fhir.CANONICAL}/Questionnaire/{named}", f"Questionnaire/{named}"):
            assert len(found(asked(client, f"QuestionnaireResponse?questionnaire={address}"))) == number
    both = f"QuestionnaireResponse?{of_case}&questionnaire={fhir.QUESTIONNAIRES[RecordKind.RCA]}"
    assert len(found(asked(client, both))) == 1


def test_pages_follow_one_another_until_all_was_told(
    full: House, client: TestClient, admin: psycopg.Connection
) -> None:
    sent(full, *cases(7))
    sent(full, valid_case(local_case_id="LAST", nhs_number=nhs_number(99)))
    seen: list[str] = []
    next_page: str | None = f"{BASE}/Condition?_count=3"
    while next_page:
        answer = client.get(next_page)
        seen += [each["identifier"][0]["value"] for each in found(answer)]
        assert "total" not in answer.json()
        next_page = link(answer, "next")
    assert len(seen) == len(set(seen)) == 8
    assert seen[-1] == "LAST"
    assert [given for _, _, given in audited(admin)] == [3, 3, 2]


def test_a_page_has_fifty_and_at_most_two_hundred(full: House, client: TestClient) -> None:
    sent(full, *cases(210))
    assert len(found(asked(client, "Condition"))) == 50
    assert len(found(asked(client, "Condition?_count=100000"))) == 200
    counted = asked(client, "Condition?_summary=count")
    assert (found(counted), counted.json()["total"]) == ([], 210)
    assert asked(client, "Condition?_count=0").json()["total"] == 210


def test_cases_are_found_by_when_they_last_changed(full: House, client: TestClient) -> None:
    sent(full, *cases(2))
    (first, _) = found(asked(client, "Condition"))
    sent(full, {**cases(2)[0], "sex": "male"})
    last = found(asked(client, "Condition"))[-1]
    assert (last["id"], last["meta"]["versionId"]) in {(first["id"], "2"), (last["id"], "2")}
    before, after = first["meta"]["lastUpdated"], last["meta"]["lastUpdated"]
    today = f"{datetime.now(UTC):%Y-%m-%d}"

    def number(*wanted: str) -> int:
        query = "&".join(f"_lastUpdated={each}" for each in wanted)
        return len(found(asked(client, f"Condition?{query}")))

    assert number(f"ge{before}") == 2
    assert number(f"gt{before}") == 1
    assert number(f"lt{after}") == 1
    assert number(f"ge{before}", f"lt{after}") == 1
    assert number("ge1999", f"le{today}T23:59:59Z") == 2
    assert number("lt1999") == 0
    assert number(f"ge{before.replace('Z', '+00:00')}") == 2


@pytest.mark.parametrize(
    "query",
    [
        "_lastUpdated=yesterday", "_lastUpdated=ne2025", "_lastUpdated=2025-13", "_lastUpdated=2025-02-30", "_lastUpdated=ge0000",
        "_lastUpdated=9999-12-31T23:59:59-12:00", "_count=-1", "_count=x", "_count=1e9", "_count=٣", "_cursor=x", "_cursor=%3D%3D",
        "_summary=text", "_sort=-date", "code=59282003", "_include=Condition:subject", "patient=1", "_count=1&_count=2",
        "identifier=a&identifier=b",
    ],
)  # fmt: skip
def test_what_cannot_be_heeded_is_refused(client: TestClient, query: str) -> None:
    refused(asked(client, f"Condition?{query}"), 400)


def test_a_cursor_of_another_making_is_refused(client: TestClient) -> None:
    for text in ("", "a|b", "2026-01-01|x", f"2026-01-01T00:00:00|{uuid4()}", f"2026-01-01T00:00:00+00:00|{uuid4()}x"):
        cursor = urlsafe_b64encode(text.encode()).decode().rstrip("=")
        refused(asked(client, f"Condition?_cursor={cursor}"), 400)


def test_unknown_parameters_are_passed_over_for_whoever_prefers_it(full: House, client: TestClient) -> None:
    sent(full, valid_case())
    lenient = asked(client, "Condition?code=pe&identifier=HAT-0001&_format=json", Prefer="handling=lenient")
    assert len(found(lenient)) == 1
    assert dict(parse_qsl(urlsplit(link(lenient, "self") or "").query)) == {"identifier": "HAT-0001"}


# --- NHS numbers


@pytest.mark.parametrize(
    "query",
    [
        f"patient.identifier={fhir.NHS_NUMBER}|{NUMBER}", f"subject:identifier={NUMBER}", f"identifier={fhir.NHS_NUMBER}|{NUMBER}",
        f"patient={fhir.NHS_NUMBER}|{NUMBER}",
    ],
)  # fmt: skip
def test_an_nhs_number_in_an_address_is_refused_and_not_repeated(client: TestClient, query: str) -> None:
    for answer in (
        asked(client, f"Condition?{query}"),
        asked(client, f"Condition?{query}", Prefer="handling=lenient"),
        client.post(f"{BASE}/Condition/_search?{query}", data={"_count": "5"}),
    ):
        assert "_search" in refused(answer, 400)
        assert NUMBER not in answer.text


def test_a_person_is_found_by_form(full: House, client: TestClient, admin: psycopg.Connection) -> None:
    sent(full, *cases(3), valid_case(nhs_number=NUMBER))
    sent(full, valid_rca(), kind=RecordKind.RCA)
    for name in ("patient__identifier", "subject:identifier"):
        answer = by_form(client, "Condition", **{name: f"{fhir.NHS_NUMBER}|{NUMBER}"})
        assert [each["identifier"][0]["value"] for each in found(answer)] == ["HAT-0001"]
        assert NUMBER not in answer.text
        assert "identifier" not in (link(answer, "self") or "")
    spaced = f"{NUMBER[:3]} {NUMBER[3:6]} {NUMBER[6:]}"
    answers = by_form(client, "QuestionnaireResponse", patient__identifier=f"{fhir.NHS_NUMBER}|{spaced}")
    assert len(found(answers)) == 2
    assert found(by_form(client, "Condition", patient__identifier=f"{fhir.NHS_NUMBER}|{nhs_number(5)}")) == []
    assert {action for action, _, _ in audited(admin)} == {"search read"}


@pytest.mark.parametrize("given", ["", NUMBER, f"{fhir.NHS_NUMBER}|943", f"{fhir.NHS_NUMBER}|", f"urn:x|{NUMBER}"])
def test_only_an_nhs_number_asks_for_a_person(client: TestClient, given: str) -> None:
    answer = by_form(client, "Condition", patient__identifier=given)
    refused(answer, 400)
    assert NUMBER not in answer.text


def test_a_person_with_more_cases_than_a_page_holds_is_asked_for_again(full: House, client: TestClient) -> None:
    sent(full, *(valid_case(local_case_id=f"C-{place}", diagnosis_date=f"2025-09-{place + 10}") for place in range(3)))
    person = f"{fhir.NHS_NUMBER}|{nhs_number(1)}"
    assert "_count" in refused(by_form(client, "Condition", patient__identifier=person, _count="2"), 400)
    assert len(found(by_form(client, "Condition", patient__identifier=person))) == 3


def test_a_form_takes_the_same_parameters(full: House, client: TestClient) -> None:
    sent(full, *cases(3))
    first = by_form(client, "Condition", _count="2")
    second = client.get(link(first, "next") or "")
    assert len(found(first)) + len(found(second)) == 3
    refused(by_form(client, "Condition", code="pe"), 400)
