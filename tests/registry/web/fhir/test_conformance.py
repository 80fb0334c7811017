"""What the FHIR door says of itself, asked over HTTP by nobody in particular."""

import gzip
import io
import json
import re
import tarfile

import pytest
from fhir.resources.R4B import get_fhir_model_class
from starlette.testclient import TestClient

from registry.app import create_app
from registry.measures import MEASURES
from registry.settings import Settings
from registry.store import Store
from registry.web.fhir.conformance import committed
from registry.web.fhir.refusals import MEDIA_TYPE
from schemas.fhir import RULE_ADDRESS, Artefact
from schemas.publish.fhir.service import CONFORMANCE
from schemas.rule import CATALOGUE

BASE_URL = "http://127.0.0.1:8000"
BASE = "/fhir/r4"


@pytest.fixture(scope="module")
def http() -> TestClient:
    """A program without a token; the store has no database behind it."""
    return TestClient(create_app(Settings(base_url=BASE_URL), Store({})), base_url=BASE_URL, follow_redirects=False)


def refused(http: TestClient, address: str, status: int, **headers: str) -> str:
    answer = http.get(address, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert answer.json()["resourceType"] == "OperationOutcome"
    return str(answer.json()["issue"][0]["details"]["text"])


def test_the_capabilities_name_the_address_of_this_service(http: TestClient) -> None:
    answer = http.get(f"{BASE}/metadata")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert get_fhir_model_class("CapabilityStatement").model_validate(answer.json())
    assert answer.json()["implementation"]["url"] == f"{BASE_URL}{BASE}"
    assert http.get(f"{BASE}/metadata?mode=full").content == answer.content
    refused(http, f"{BASE}/metadata?mode=terminology", 400)


def test_a_client_learns_how_to_sign_in(http: TestClient) -> None:
    told = http.get(f"{BASE}/.well-known/smart-configuration").json()
    assert told["token_endpoint"] == f"{BASE_URL}{BASE}/token"
    assert told["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]
    assert told["token_endpoint_auth_signing_alg_values_supported"] == ["RS384", "ES384", "RS512"]
    assert told["grant_types_supported"] == ["client_credentials"]
    assert "client-confidential-asymmetric" in told["capabilities"]
    assert "system/Bundle.c" in told["scopes_supported"]


@pytest.mark.parametrize("name", committed())
def test_every_committed_resource_is_served_as_it_is(http: TestClient, name: str) -> None:
    kind, _, ident = name.removesuffix(".json").partition("-")
    if kind == Artefact.CAPABILITY_STATEMENT:
        return
    answer = http.get(f"{BASE}/{kind}/{ident}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, MEDIA_TYPE)
    assert answer.content == committed()[name]


@pytest.mark.parametrize("path", ["Questionnaire/hat-case", "Measure/hat-rate", "CodeSystem", "metadata"])
def test_whoever_has_it_already_is_told_so(http: TestClient, path: str) -> None:
    first = http.get(f"{BASE}/{path}")
    assert first.headers["cache-control"].startswith("public")
    again = http.get(f"{BASE}/{path}", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = http.get(f"{BASE}/{path}", headers={"If-None-Match": '"another"'})
    assert other.content == first.content


@pytest.mark.parametrize("ident", MEASURES)
def test_every_measure_of_the_publication_is_a_measure(http: TestClient, ident: str) -> None:
    told = http.get(f"{BASE}/Measure/{ident}").json()
    assert get_fhir_model_class("Measure").model_validate(told)
    assert (told["title"], told["description"]) == (MEASURES[ident].title, MEASURES[ident].definition)
    assert all(words in told["guidance"] for words in (*MEASURES[ident].exclusions, *MEASURES[ident].limits))


def test_a_type_is_listed_page_by_page(http: TestClient) -> None:
    known = {name for name in committed() if name.startswith("CodeSystem-")}
    found, address = [], f"{BASE}/CodeSystem?_count=20"
    while address:
        bundle = http.get(address).json()
        assert get_fhir_model_class("Bundle").model_validate(bundle)
        assert bundle["total"] == len(known)
        found += [each["fullUrl"] for each in bundle["entry"]]
        links = {each["relation"]: each["url"] for each in bundle["link"]}
        assert links["self"] == f"{BASE_URL}{BASE}/CodeSystem?_count=20"
        address = links.get("next", "").removeprefix(BASE_URL)
    assert sorted(found) == found
    assert {f"CodeSystem-{url.rsplit('/', 1)[1]}.json" for url in found} == known


@pytest.mark.parametrize("kind", CONFORMANCE)
def test_a_resource_is_found_by_its_canonical_address(http: TestClient, kind: Artefact) -> None:
    first = http.get(f"{BASE}/{kind}").json()["entry"][0]["resource"]
    by_id = http.get(f"{BASE}/{kind}", params={"_id": first["id"]}).json()
    assert [each["resource"] for each in by_id["entry"]] == [first]
    if "url" in first:
        asked = {"url": first["url"], "version": first["version"]}
        assert http.get(f"{BASE}/{kind}", params=asked).json()["entry"] == by_id["entry"]
        none = http.get(f"{BASE}/{kind}", params=asked | {"version": "9.9.9"}).json()
        assert none["total"] == 0
        assert "entry" not in none
    counted = http.get(f"{BASE}/{kind}?_summary=count").json()
    assert counted["total"] > 0
    assert "entry" not in counted


def test_a_parameter_that_means_nothing_is_refused_unless_that_is_preferred(http: TestClient) -> None:
    words = refused(http, f"{BASE}/CodeSystem?subject=HAT-2026-0042", 400)
    assert "HAT-2026" not in words
    assert "version" in words
    refused(http, f"{BASE}/CodeSystem/hat-sex?url=x", 400)
    lenient = http.get(f"{BASE}/CodeSystem?subject=x&_count=1", headers={"Prefer": "handling=lenient"})
    assert lenient.status_code == 200
    assert "subject" not in lenient.json()["link"][0]["url"]
    assert http.get(f"{BASE}/CodeSystem?_format=json&_count=1").status_code == 200


@pytest.mark.parametrize("path", ["CodeSystem/none", "CodeSystem/hat-sex.json", "CodeSystem/..", "Measure/hat-sex"])
def test_what_is_not_published_is_not_found(http: TestClient, path: str) -> None:
    refused(http, f"{BASE}/{path.replace('..', '%2e%2e')}", 404)


@pytest.mark.parametrize("path", ["CodeSystem/..%2FValueSet-hat-sex", "CapabilityStatement/hat-registry", "Library"])
def test_where_nothing_is_served_a_stranger_is_asked_for_a_token(http: TestClient, path: str) -> None:
    refused(http, f"{BASE}/{path}", 401)


def test_only_json_is_offered(http: TestClient) -> None:
    refused(http, f"{BASE}/metadata", 406, Accept="application/fhir+xml")
    refused(http, f"{BASE}/CodeSystem?_format=xml", 406)


def test_nothing_is_changed_here(http: TestClient) -> None:
    answer = http.post(f"{BASE}/CodeSystem", json={"resourceType": "CodeSystem"})
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


def test_the_package_holds_all_that_is_committed(http: TestClient) -> None:
    answer = http.get("/fhir/package.tgz")
    assert answer.headers["content-type"] == "application/gzip"
    assert 'filename="hat.registry-1.0.0.tgz"' in answer.headers["content-disposition"]
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(answer.content))) as archive:
        names = set(archive.getnames())
        assert names == {f"package/{name}" for name in (*committed(), "package.json", ".index.json")}
        manifest = archive.extractfile("package/package.json")
        assert manifest is not None
        assert json.load(manifest)["version"] == "1.0.0"
    again = http.get("/fhir/package.tgz", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


def test_every_issue_links_to_the_page_of_its_rule(http: TestClient) -> None:
    for rule in CATALOGUE:
        path = re.sub(r"^https://[^/]*", "", f"{RULE_ADDRESS}/{rule.id}")
        answer = http.get(path, headers={"Accept": "text/html"})
        assert answer.status_code == 200
        assert f'<h1 class="nhsuk-heading-l">Rule {rule.id}</h1>' in answer.text
        assert "{" not in re.sub(r"<script.*?</script>", "", answer.text, flags=re.DOTALL)
    refused(http, "/fhir/rules/HAT-000", 404)
