"""The door for Bundles over HTTP, on a real application and a real database."""

import gzip
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import uuid4

import orjson
import psycopg
import pytest
from starlette.testclient import TestClient

from registry.access import Role
from registry.settings import Settings
from registry.store import Store
from schemas import fhir
from tests.fhir_units import batch, bundle, case_answers, measure_report, rca_bundle, review
from tests.make import cases, nhs_number, valid_activity, valid_case, valid_rca
from tests.registry.web.fhir.at_the_door import (
    BASE,
    CANARIES,
    CANARY,
    entries,
    issues,
    kept,
    machine,
    new_name,
    outcome,
    post,
    rules,
)
from tests.registry.web.programs import program, screened
from tests.registry.web.visitors import House, house

OURS = "RRV"
ISSUED = f"4{4:09d}"
"""A number such as patients have, and so nothing to look at."""
WRONG = nhs_number(1)[:-1] + str((int(nhs_number(1)[-1]) + 1) % 10)
"""Its check digit is another."""
Resource = dict[str, Any]


@pytest.fixture
def full(settings: Settings, store: Store) -> House:
    made = house(settings, store)
    screened(made)
    return made


@pytest.fixture
def client(full: House) -> TestClient:
    return program(full, OURS)


def case(**changes: str) -> Resource:
    """A case without anything to look at: its number is none of those for tests."""
    return bundle(valid_case(**({"nhs_number": ISSUED} | changes)), organisation=OURS, name=new_name())


def count(admin: psycopg.Connection, table: str) -> int:
    return kept(admin)[f"records.{table}"]


# --- a transaction


def test_a_case_is_stored_and_each_entry_answered_in_its_order(client: TestClient, admin: psycopg.Connection) -> None:
    sent = bundle(valid_case(), valid_rca(), organisation=OURS)
    answered = entries(post(client, sent))
    assert [each["status"] for each in answered] == ["200 OK", "200 OK", *["201 Created"] * 3]
    named = [each["location"].split("/")[0] for each in answered if "location" in each]
    assert named == ["Condition", "QuestionnaireResponse", "QuestionnaireResponse"]
    assert {each["etag"] for each in answered if "location" in each} == {'W/"1"'}
    assert all(datetime.fromisoformat(each["lastModified"]).tzinfo for each in answered if "location" in each)
    assert (count(admin, "case_version"), count(admin, "rca_version"), count(admin, "submission")) == (1, 1, 1)


def test_what_was_stored_can_be_read_at_its_location(client: TestClient) -> None:
    answered = entries(post(client, bundle(valid_case(), valid_rca(), organisation=OURS)))
    for each in answered[2:]:
        read = client.get(f"{BASE}/{each['location']}")
        assert read.status_code == 200
        assert read.headers["etag"] == each["etag"]
        assert read.json()["resourceType"] == each["location"].split("/")[0]


def test_the_same_bundle_again_is_the_same_answer(client: TestClient, admin: psycopg.Connection) -> None:
    sent = case()
    first = post(client, sent)
    before = kept(admin)
    again = post(client, sent)
    assert entries(again) == entries(first)
    assert again.headers["idempotent-replay"] == "true"
    assert "idempotent-replay" not in first.headers
    assert kept(admin) == before


def test_the_same_name_with_other_content_is_a_conflict(client: TestClient, admin: psycopg.Connection) -> None:
    name = new_name()
    post(client, bundle(valid_case(), organisation=OURS, name=name))
    before = kept(admin)
    (issue,) = outcome(post(client, bundle(valid_case(sex="male"), organisation=OURS, name=name)), 409)
    assert issue["code"] in ("conflict", "duplicate")
    assert kept(admin) == before


def test_the_same_content_under_a_new_name_makes_no_version(client: TestClient, admin: psycopg.Connection) -> None:
    post(client, case())
    answered = entries(post(client, case()))
    assert (answered[2]["status"], answered[2]["etag"]) == ("200 OK", 'W/"1"')
    assert count(admin, "case_version") == 1


def test_other_content_makes_a_new_version(client: TestClient, admin: psycopg.Connection) -> None:
    post(client, case())
    answered = entries(post(client, case(sex="male")))
    assert (answered[2]["status"], answered[2]["etag"]) == ("200 OK", 'W/"2"')
    assert answered[2]["location"].endswith("/_history/2")
    assert count(admin, "case_version") == 2


@pytest.mark.parametrize(("named", "status"), [('W/"1"', 200), ('W/"7"', 412), ('"1"', 200)])
def test_if_match_names_the_version_that_must_stand(client: TestClient, named: str, status: int) -> None:
    post(client, case())
    sent = case(sex="male")
    sent["entry"][2]["request"]["ifMatch"] = named
    answer = post(client, sent)
    assert answer.status_code == status
    if status == 412:
        assert issues(answer)[0]["code"] == "conflict"


def test_a_review_comes_later_by_itself(client: TestClient) -> None:
    post(client, case())
    (answered,) = entries(post(client, rca_bundle(valid_rca(), organisation=OURS)))
    assert answered["status"] == "201 Created"
    assert answered["location"].startswith("QuestionnaireResponse/")


def test_a_case_is_withdrawn_by_its_status_and_is_gone(client: TestClient) -> None:
    stored = entries(post(client, case()))[2]["location"].partition("/_history")[0]
    withdrawn = case()
    status = withdrawn["entry"][2]["resource"]["verificationStatus"]["coding"][0]
    status["code"] = "entered-in-error"
    assert entries(post(client, withdrawn))[2]["etag"] == 'W/"2"'
    assert outcome(client.get(f"{BASE}/{stored}"), 410)[0]["code"] == "deleted"


def test_a_body_may_be_packed(client: TestClient) -> None:
    packed = gzip.compress(orjson.dumps(case()))
    assert len(entries(post(client, packed, Content_Encoding="gzip"))) == 4


def test_plain_json_is_taken_too(client: TestClient) -> None:
    content = b"\xef\xbb\xbf" + orjson.dumps(case())
    assert entries(post(client, content, Content_Type="application/json; charset=utf-8"))


def test_what_is_left_out_is_told_to_those_who_ask(client: TestClient) -> None:
    def named() -> Resource:
        sent = case()
        sent["entry"][0]["resource"]["name"] = [{"family": CANARY}]
        return sent

    quiet = entries(post(client, named()))
    assert all("outcome" not in each for each in quiet)
    answer = post(client, named(), Prefer="return=OperationOutcome")
    told = entries(answer)
    assert all("outcome" in each for each in told)
    assert "HAT-387" in rules(told[0]["outcome"]["issue"])
    assert CANARY not in answer.text


def test_what_was_stored_comes_back_to_those_who_ask(client: TestClient) -> None:
    answer = post(client, case(), Prefer="return=representation")
    entries(answer)
    given = [entry.get("resource", {}).get("resourceType") for entry in answer.json()["entry"]]
    assert given == [None, None, "Condition", "QuestionnaireResponse"]
    for value in (ISSUED, valid_case()["birth_date"]):
        assert value not in answer.text


def test_several_refused_at_once_all_faults_at_their_places(client: TestClient, admin: psycopg.Connection) -> None:
    before = kept(admin)
    sent = case(nhs_number=WRONG, discharge_date="2025-08-01", sex="female")
    found = outcome(post(client, sent), 422)
    places = [each["expression"][0] for each in found if each["severity"] == "error"]
    assert "Bundle.entry[0].resource.identifier[0].value" in places
    assert any("period" in place for place in places)
    assert kept(admin) == before


def test_the_declaration_is_needed_for_patients(client: TestClient, admin: psycopg.Connection) -> None:
    before = kept(admin)
    found = outcome(post(client, case(sex="x"), Opt_Out_Screened="false"), 400)
    assert found[0]["code"] == "required"
    assert "opt_out_screened" in found[0]["details"]["text"]
    assert len(found) > 1
    assert kept(admin) == before
    answer = client.post(
        f"{BASE}?opt_out_screened=true", content=orjson.dumps(case()), headers={"Content-Type": "application/json"}
    )
    assert entries(answer)


def test_another_organisation_is_refused_in_words_that_tell_nothing(
    client: TestClient, admin: psycopg.Connection
) -> None:
    before = kept(admin)
    answers = []
    for code in ("RH5", "XX9"):
        sent = bundle(valid_case(), organisation=code, name=new_name())
        found = outcome(post(client, sent), 403)
        assert found[0]["code"] == "forbidden"
        assert found[0]["expression"][0].endswith("assigner.identifier.value")
        answers.append(found)
    assert answers[0] == answers[1]
    assert kept(admin) == before


def test_whoever_sends_for_several_names_one(full: House) -> None:
    several = program(full, OURS, "RH5")
    assert entries(post(several, case()))
    unsaid = case()
    del unsaid["entry"][2]["resource"]["identifier"][0]["assigner"]
    found = outcome(post(several, unsaid), 422)
    assert found[0]["code"] == "required"
    assert entries(post(program(full, OURS), unsaid))


def test_a_scope_is_needed_by_machine_clients(full: House) -> None:
    assert entries(post(machine(full), case()))
    without = machine(full, scope="system/bulk-submit system/Condition.rs")
    answer = post(without, case())
    assert outcome(answer, 403)[0]["code"] == "forbidden"
    assert "insufficient_scope" in answer.headers["www-authenticate"]
    outcome(post(without, measure_report(valid_activity(), organisation=OURS), "/MeasureReport"), 403)


def test_the_same_bundle_twice_at_the_same_moment_is_stored_once(full: House, admin: psycopg.Connection) -> None:
    sent, clients = case(), [program(full, OURS) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda each: post(each, sent), clients))
    told = [entries(each) for each in answers]
    assert all(each == told[0] for each in told)
    assert sum("idempotent-replay" in each.headers for each in answers) == 3
    assert (count(admin, "case_version"), count(admin, "submission")) == (1, 1)


def test_two_bundles_about_one_case_at_the_same_moment_are_two_versions(full: House, admin: psycopg.Connection) -> None:
    clients = [program(full, OURS) for _ in range(2)]
    with ThreadPoolExecutor(2) as threads:
        both = list(threads.map(post, clients, [case(), case(sex="male")]))
    assert sorted(entries(each)[2]["etag"] for each in both) == ['W/"1"', 'W/"2"']
    assert count(admin, "case_version") == 2


# --- a batch


def test_each_entry_of_a_batch_stands_by_itself(client: TestClient, admin: psycopg.Connection) -> None:
    post(client, case())
    sent = batch(
        [
            measure_report(valid_activity(), organisation=OURS),
            review(valid_rca(), organisation=OURS),
            measure_report(valid_activity(month="2025-10", medical_overnight="-4"), organisation=OURS),
            measure_report(valid_activity(month="2025-11"), organisation="RH5"),
            case_answers(valid_case(), organisation=OURS),
        ]
    )
    answer = post(client, sent)
    told = entries(answer, "batch")
    assert [each["status"][:3] for each in told] == ["201", "201", "422", "403", "422"]
    refused = told[2]["outcome"]["issue"][0]
    assert refused["expression"][0].startswith("Bundle.entry[2].resource")
    assert (count(admin, "activity_version"), count(admin, "rca_version")) == (1, 1)


def test_a_batch_with_a_name_is_replayed_entry_by_entry(client: TestClient, admin: psycopg.Connection) -> None:
    sent = batch([measure_report(valid_activity(), organisation=OURS)])
    sent["identifier"] = {"system": fhir.URI, "value": new_name()}
    first = entries(post(client, sent), "batch")
    before = kept(admin)
    assert entries(post(client, sent), "batch") == first
    assert kept(admin) == before
    sent["entry"][0]["resource"] = measure_report(valid_activity(month="2025-10"), organisation=OURS)
    (told,) = entries(post(client, sent), "batch")
    assert told["status"] == "409 Conflict"


def test_a_case_is_sent_as_a_transaction(client: TestClient, admin: psycopg.Connection) -> None:
    before = kept(admin)
    sent = case() | {"type": "batch"}
    told = entries(post(client, sent), "batch")
    assert all(each["status"][:3] in ("400", "422") for each in told)
    assert kept(admin) == before


# --- a monthly return by itself


def report(**changes: str) -> Resource:
    return measure_report(valid_activity(**changes), organisation=OURS)


def test_a_return_is_created_with_its_headers(client: TestClient) -> None:
    answer = post(client, report(), "/MeasureReport")
    assert (answer.status_code, answer.content) == (201, b"")
    assert answer.headers["etag"] == 'W/"1"'
    assert parsedate_to_datetime(answer.headers["last-modified"]).tzinfo
    location = answer.headers["location"]
    assert f"{BASE}/MeasureReport/" in location
    read = client.get(location)
    assert (read.status_code, read.json()["resourceType"]) == (200, "MeasureReport")


def test_a_return_is_created_only_where_there_is_none(client: TestClient, admin: psycopg.Connection) -> None:
    only_new = f"identifier={fhir.RETURN_ID}|{OURS}-2025-09"
    assert post(client, report(), "/MeasureReport", If_None_Exist=only_new).status_code == 201
    before = kept(admin)
    answer = post(client, report(medical_overnight="7"), "/MeasureReport", If_None_Exist=only_new)
    assert (answer.status_code, answer.headers["etag"]) == (200, 'W/"1"')
    assert kept(admin) == before
    again = post(client, report(medical_overnight="7"), "/MeasureReport")
    assert (again.status_code, again.headers["etag"]) == (200, 'W/"2"')


def test_a_return_is_updated_by_its_identifier(client: TestClient) -> None:
    path = f"/MeasureReport?identifier={fhir.RETURN_ID}|{OURS}-2025-09"
    assert post(client, report(), path, method="PUT").status_code == 201
    changed = post(client, report(medical_overnight="7"), path, method="PUT", If_Match='W/"1"')
    assert (changed.status_code, changed.headers["etag"]) == (200, 'W/"2"')
    late = post(client, report(medical_overnight="8"), path, method="PUT", If_Match='W/"1"')
    assert outcome(late, 412)[0]["code"] == "conflict"
    other = f"/MeasureReport?identifier={fhir.RETURN_ID}|{OURS}-2025-10"
    outcome(post(client, report(), other, method="PUT"), 400)
    outcome(post(client, report(), "/MeasureReport", method="PUT"), 400)


def test_a_return_comes_back_to_those_who_ask(client: TestClient) -> None:
    answer = post(client, report(), "/MeasureReport", Prefer="return=representation")
    assert (answer.status_code, answer.json()["resourceType"]) == (201, "MeasureReport")
    told = post(client, report(), "/MeasureReport", Prefer="return=OperationOutcome")
    assert outcome(told, 200)[0]["severity"] == "information"


@pytest.mark.parametrize("header", ["identifier=", "month=2025-09", "x", "identifier=a&identifier=b"])
def test_a_condition_that_cannot_be_heeded_is_refused(client: TestClient, header: str) -> None:
    outcome(post(client, report(), "/MeasureReport", If_None_Exist=header), 400)


def test_what_is_no_return_is_no_return(client: TestClient, admin: psycopg.Connection) -> None:
    before = kept(admin)
    foreign = report() | {"measure": "http://elsewhere.example/Measure/x"}
    assert rules(outcome(post(client, foreign, "/MeasureReport"), 422)) >= {"HAT-392"}
    outcome(post(client, {"resourceType": "Patient"}, "/MeasureReport"), 422)
    outcome(post(client, b"[", "/MeasureReport"), 400)
    assert kept(admin) == before


# --- checked, not kept


def test_a_good_case_is_all_right_and_not_kept(client: TestClient, admin: psycopg.Connection) -> None:
    before = kept(admin)
    found = outcome(post(client, case(), "/Bundle/$validate"), 200)
    assert all(each["severity"] == "information" for each in found)
    assert kept(admin) == before


def test_a_faulty_case_is_told_everything(client: TestClient, admin: psycopg.Connection) -> None:
    before = kept(admin)
    sent = case(nhs_number=WRONG, sex="nothing")
    sent["entry"][1]["resource"]["subject"]["reference"] = f"urn:uuid:{uuid4()}"
    found = outcome(post(client, sent, "/Bundle/$validate"), 200)
    assert len(rules([each for each in found if each["severity"] == "error"])) >= 3
    assert kept(admin) == before


def test_checking_and_storing_say_the_same(client: TestClient) -> None:
    sent = case(nhs_number=WRONG, discharge_date="2025-08-01")
    checked = outcome(post(client, sent, "/Bundle/$validate"), 200)
    assert outcome(post(client, sent), 422) == checked


def test_any_resource_is_checked(client: TestClient) -> None:
    patient = {"resourceType": "Patient", "gender": "womanly", "birthDate": "1931-02-30"}
    for path in ("/Bundle/$validate", "/Patient/$validate"):
        found = outcome(post(client, patient, path), 200)
        assert len([each for each in found if each["severity"] == "error"]) == 2
    outcome(post(client, patient, "/Condition/$validate"), 400)
    assert outcome(post(client, {"resourceType": "Medication"}, "/Bundle/$validate"), 200)
    searchset = {"resourceType": "Bundle", "type": "searchset", "total": 0}
    assert outcome(post(client, searchset, "/Bundle/$validate"), 200)


def test_a_batch_is_checked_entry_by_entry(client: TestClient) -> None:
    sent = batch([report(), report(month="2025-10", medical_overnight="-4")])
    found = outcome(post(client, sent, "/Bundle/$validate"), 200)
    assert {each["expression"][0][:15] for each in found if each["severity"] == "error"} == {"Bundle.entry[1]"}


def test_an_organisation_that_is_not_theirs_is_told_by_checking_too(client: TestClient) -> None:
    sent = bundle(valid_case(), organisation="RH5", name=new_name())
    assert outcome(post(client, sent, "/Bundle/$validate"), 200)[0]["code"] == "forbidden"


@pytest.mark.parametrize("content", [b"{", b"[]", b"1", b'"Patient"', b"{}", b'{"resourceType": 1}'])
def test_what_is_no_resource_cannot_be_checked(client: TestClient, content: bytes) -> None:
    outcome(post(client, content, "/Bundle/$validate"), 400)


# --- who, and in what form


def test_strangers_and_those_without_the_right(full: House) -> None:
    stranger = full.browser()
    answer = post(stranger, case())
    assert outcome(answer, 401)[0]["code"] == "login"
    assert answer.headers["www-authenticate"] == "Bearer"
    analyst = program(full, role=Role.NATIONAL_ANALYST)
    assert post(analyst, case()).content == analyst.get(f"{BASE}/nowhere").content
    outcome(post(analyst, case()), 404)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content_Type": "application/fhir+xml"}, 415),
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Type": ""}, 415),
        ({"Content_Type": "application/fhir+json; charset=utf-16"}, 415),
        ({"Content_Type": "application/fhir+json; fhirVersion=3.0"}, 415),
        ({"Content_Encoding": "br"}, 415),
        ({"Content_Encoding": "gzip"}, 400),
        ({"Accept": "application/fhir+xml"}, 406),
        ({"Opt_Out_Screened": CANARY}, 400),
    ],
)
def test_forms_that_are_not_taken(client: TestClient, headers: dict[str, str], status: int) -> None:
    outcome(post(client, case(), **headers), status)


def test_parameters_that_mean_nothing_are_not_passed_over(client: TestClient) -> None:
    path = f"?name={CANARY}"
    assert outcome(post(client, case(), path), 400)[0]["code"] == "invalid"
    assert entries(post(client, case(), path, Prefer="handling=lenient"))


@pytest.mark.parametrize("path", ["", "/MeasureReport", "/Patient/$validate"])
def test_an_unknown_method_is_told_those_there_are(client: TestClient, path: str) -> None:
    answer = client.delete(f"{BASE}{path}")
    assert outcome(answer, 405)[0]["code"] == "not-supported"
    assert "POST" in answer.headers["allow"]


@pytest.mark.parametrize("resource_type", ["Condition", "QuestionnaireResponse", "MeasureReport"])
def test_nothing_clinical_is_deleted(client: TestClient, resource_type: str) -> None:
    answer = client.delete(f"{BASE}/{resource_type}/{uuid4()}")
    assert outcome(answer, 405)
    assert "GET" in answer.headers["allow"]


def test_a_senders_numbers_come_back_with_what_was_stored(client: TestClient) -> None:
    answer = post(client, case(), X_Request_Id="abc-1", X_Correlation_Id="def-2")
    assert (answer.headers["x-request-id"], answer.headers["x-correlation-id"]) == ("abc-1", "def-2")


# --- bad input


def planted() -> Resource:
    """A case with a canary in many of its values."""
    sent = case(nhs_number=nhs_number(777_777), birth_date="1931-07-19", ward="Quillfeather")
    sent["entry"][0]["resource"]["name"] = [{"family": CANARY}]
    return sent


def changed(change: Callable[[Resource], object]) -> bytes:
    sent = planted()
    change(sent)
    return orjson.dumps(sent)


def text(old: str, new: str) -> bytes:
    content = orjson.dumps(planted()).decode()
    assert old in content
    return content.replace(old, new, 1).encode()


def nested(sent: Resource) -> None:
    inner: Resource = {"url": CANARY, "valueString": CANARY}
    for _ in range(40):
        inner = {"url": CANARY, "extension": [inner]}
    sent["entry"][0]["resource"]["extension"] = [inner]


def refers(to: str) -> Callable[[Resource], object]:
    def change(sent: Resource) -> None:
        sent["entry"][2]["resource"]["subject"]["reference"] = to

    return change


BAD: dict[str, tuple[Callable[[], bytes], int]] = {
    "cut off": (lambda: orjson.dumps(planted())[:-40], 400),
    "two values": (lambda: orjson.dumps(planted()) * 2, 400),
    "empty": (lambda: b"", 400),
    "blanks": (lambda: b" \n ", 400),
    "a key twice": (lambda: text('"gender":', f'"gender":"{CANARY}","gender":'), 400),
    "NaN": (lambda: text('"type":"transaction"', '"type":"transaction","total":NaN'), 400),
    "a huge number": (lambda: text('"type":"transaction"', f'"type":"transaction","total":{"9" * 400}'), 400),
    "1e400": (lambda: text('"type":"transaction"', '"type":"transaction","total":1e400'), 400),
    "40 levels": (lambda: changed(nested), 400),
    "100,000 levels": (lambda: b"[" * 100_000 + b"]" * 100_000, 400),
    "a lone surrogate": (lambda: text(CANARY, CANARY + "\\ud800"), 400),
    "a control character": (lambda: text(CANARY, CANARY + "\\u0000"), 400),
    "UTF-16": (lambda: orjson.dumps(planted()).decode().encode("utf-16"), 400),
    "Windows-1252": (lambda: text(CANARY, "Zoë").decode().encode("cp1252"), 400),
    "XML": (lambda: f"<Patient><name value='{CANARY}'/></Patient>".encode(), 400),
    "an unknown type": (lambda: changed(lambda b: b["entry"][0]["resource"].update(resourceType=CANARY)), 400),
    "no type": (lambda: changed(lambda b: b["entry"][0]["resource"].pop("resourceType")), 400),
    "an unknown element": (lambda: changed(lambda b: b["entry"][0]["resource"].update(gendre=CANARY)), 400),
    "null": (lambda: changed(lambda b: b["entry"][0]["resource"].update(gender=None)), 422),
    "a dangling reference": (lambda: changed(refers(f"urn:uuid:{uuid4()}")), 400),
    "an external reference": (lambda: changed(refers(f"http://127.0.0.1:1/{CANARY}")), 400),
    "a relative reference": (lambda: changed(refers(f"Patient/{CANARY}")), 400),
    "another kind of Bundle": (lambda: changed(lambda b: b.update(type="collection")), 400),
    "no kind of Bundle": (lambda: changed(lambda b: b.pop("type")), 400),
    "no Bundle": (lambda: orjson.dumps(planted()["entry"][0]["resource"]), 400),
    "a list": (lambda: orjson.dumps([planted()]), 400),
    "nothing in it": (lambda: changed(lambda b: b.update(entry=[])), 400),
    "no name": (lambda: changed(lambda b: b.pop("identifier")), 422),
    "no patient": (lambda: changed(lambda b: b["entry"].pop(0)), 400),
    "two cases": (lambda: changed(lambda b: b["entry"].append(planted()["entry"][2])), 400),
    "101 entries": (lambda: changed(lambda b: b.update(entry=b["entry"] * 26)), 413),
    "1 MB": (lambda: changed(lambda b: b["entry"][0]["resource"]["name"][0].update(text=CANARY * 120_000)), 413),
    "6 MB": (lambda: b" " * 6 * 1024 * 1024, 413),
    "deleting": (lambda: changed(lambda b: b["entry"][2]["request"].update(method="DELETE")), 422),
    "another organisation": (lambda: orjson.dumps(planted()).replace(b'"RRV"', b'"RH5"'), 403),
}


def test_bad_input_is_told_clearly_and_nothing_of_it_is_kept(client: TestClient, admin: psycopg.Connection) -> None:
    entries(post(client, planted()))
    before = kept(admin)
    differ = {}
    for name, (content, status) in BAD.items():
        answer = post(client, content())
        found = issues(answer)
        assert found[0]["severity"] in ("error", "fatal"), name
        assert found[0]["details"]["text"], name
        if answer.status_code != status:
            differ[name] = (answer.status_code, [(each["details"]["text"], each.get("expression")) for each in found])
        assert kept(admin) == before, name
    assert not differ


def test_bad_input_to_be_checked_is_told_too(client: TestClient, admin: psycopg.Connection) -> None:
    before = kept(admin)
    for name, (content, _) in BAD.items():
        answer = post(client, content(), "/Bundle/$validate")
        assert answer.status_code in (200, 400, 413), name
        assert issues(answer)[0]["severity"] in ("error", "fatal") or name == "no Bundle", name
    assert kept(admin) == before


def test_201_entries_are_too_many_for_a_batch(client: TestClient, admin: psycopg.Connection) -> None:
    before = kept(admin)
    assert rules(outcome(post(client, batch([report()] * 201)), 413)) == {"HAT-384"}
    assert kept(admin) == before


def test_a_packed_bomb_is_refused(client: TestClient) -> None:
    bomb = gzip.compress(b" " * 64 * 1024 * 1024)
    outcome(post(client, bomb, Content_Encoding="gzip"), 413)


def test_no_canary_is_in_what_is_answered_about_what_was_stored(client: TestClient) -> None:
    for wished in ("return=minimal", "return=OperationOutcome", "return=representation"):
        answer = post(client, planted() | {"identifier": {"system": fhir.URI, "value": new_name()}}, Prefer=wished)
        entries(answer)
        for canary in CANARIES:
            assert canary not in answer.text


def test_people_of_many_trusts_are_kept_apart(full: House, admin: psycopg.Connection) -> None:
    """The same number of a case is one case for each trust."""
    for code in (OURS, "RH5"):
        entries(post(program(full, code), bundle(cases(1)[0], organisation=code, name=new_name())))
    assert count(admin, "case_record") == 2
