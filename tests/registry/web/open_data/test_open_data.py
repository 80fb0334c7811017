"""Open data: files at addresses that stay, the same bytes for the same figures, what stands in place of a number."""

import csv
import io
import json
import zipfile
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import openpyxl
import pytest
from python_calamine import CalamineWorkbook
from starlette.testclient import TestClient

from registry import identifiers
from registry.access import Role
from registry.app import create_app
from registry.publications import published
from registry.publications.auditing import signed_words
from registry.settings import Settings
from registry.store import Store
from registry.web.open_data.making import files
from tests.registry.publications.make import hold_counts, split_counts
from tests.registry.web.at_release_desk import prepared, released, two_trusts
from tests.registry.web.visitors import House, words_of
from tests.registry.web.welsh import all_translated, check_welsh

MARCH = date(2025, 3, 1)
NAMES = (
    "cells.csv", "figures.csv", "figures.json", "hat-registry.ods", "hat-registry.xlsx", "measures.csv", "numbers.csv", "places.csv",
)  # fmt: skip


@pytest.fixture
def doors(settings: Settings, store: Store) -> House:
    return two_trusts(settings, store, few=3)


@pytest.fixture
def analyst(doors: House) -> TestClient:
    return doors.signed_in(doors.person("analyst", (Role.NATIONAL_ANALYST, None)))


@pytest.fixture
def reader(doors: House, analyst: TestClient) -> TestClient:
    """Somebody, once there is a release."""
    released(doors, analyst, prepared(analyst, "The first."))
    return doors.browser()


def lines(browser: TestClient, address: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(browser.get(address).content.decode("utf-8-sig"))))


def test_before_the_first_release_there_is_nothing(doors: House) -> None:
    nobody = doors.browser()
    assert "Nothing has been released yet." in words_of(nobody.get("/data"))
    for address in ("/data/latest", "/data/latest/cells.csv", "/data/releases/1", "/data/releases/1/cells.csv"):
        assert nobody.get(address).status_code == 404
    assert b"<entry>" not in nobody.get("/data/changes.atom").content


def test_every_file_stands_at_its_address_and_says_what_it_is(reader: TestClient) -> None:
    page = words_of(reader.get("/data"))
    assert all(name in page for name in NAMES)
    package = reader.get("/data/latest/datapackage.json").json()
    assert sorted(one["path"].rpartition("/")[2] for one in package["resources"]) == sorted(NAMES)
    number = package["version"]
    for one in package["resources"]:
        answer = reader.get(one["path"])
        assert answer.status_code == 200
        assert one["hash"] == f"sha256:{identifiers.digest(answer.content).hex()}"
        assert one["bytes"] == len(answer.content)
        name = one["path"].rpartition("/")[2]
        assert reader.get(f"/data/latest/{name}").content == answer.content
        assert answer.headers["content-location"] == f"/data/releases/{number}/{name}"
        if "schema" in one:
            head = answer.content.decode("utf-8-sig").splitlines()[0]
            assert [field["name"] for field in one["schema"]["fields"]] == head.split(",")


@pytest.mark.parametrize("path", ["1/none.csv", "01/cells.csv", "99/cells.csv", "x/cells.csv", "1x/cells.csv"])
def test_what_is_not_there_is_not_found(reader: TestClient, path: str) -> None:
    assert reader.get(f"/data/releases/{path}").status_code == 404


def test_whoever_has_a_file_is_told_so(reader: TestClient) -> None:
    for name in (*NAMES, "datapackage.json", "revisions.json", "proof.json"):
        first = reader.get(f"/data/latest/{name}")
        tag = first.headers["etag"]
        assert not tag.startswith("W/")
        again = reader.get(f"/data/latest/{name}", headers={"If-None-Match": f'"other", {tag}'})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert first.headers["cache-control"] == "public, max-age=300"
        assert "open-government-licence" in first.headers["link"]
        looked = reader.head(f"/data/latest/{name}")
        assert (looked.status_code, looked.headers["etag"]) == (200, tag)
    assert reader.head("/data/releases/1/cells.csv").status_code == 200
    assert reader.head("/data/changes.atom").status_code == 200
    assert reader.head("/data/latest/none.csv").status_code == 404


def test_cells_hold_rounded_counts_or_a_code(reader: TestClient) -> None:
    found = {line["cell_id"]: line["value"] for line in lines(reader, "/data/latest/cells.csv")}
    assert found
    assert all(value.startswith("[") or (int(value) % 5 == 0 and int(value) >= 10) for value in found.values())
    assert found["grid-1/hat_cases/trust/RH5/month/2025-03/total"] == "[low]"
    assert 36 <= int(found["grid-1/hat_cases/trust/RRV/month/2025-03/total"]) <= 44


def test_workbooks_and_files_hold_the_same(reader: TestClient) -> None:
    figures = lines(reader, "/data/latest/figures.csv")
    book = openpyxl.load_workbook(io.BytesIO(reader.get("/data/latest/hat-registry.xlsx").content))
    sheet = list(book["Figures"].iter_rows(values_only=True))
    opened = CalamineWorkbook.from_filelike(io.BytesIO(reader.get("/data/latest/hat-registry.ods").content))
    open_document = opened.get_sheet_by_name("Figures").to_python()
    assert len(sheet) == len(open_document) == len(figures) + 1
    place = list(sheet[0]).index("numerator")
    said = [line["numerator"] for line in figures]
    assert [str(row[place]) for row in sheet[1:]] == said
    assert [str(row[place]).removesuffix(".0") for row in open_document[1:]] == said
    assert json.loads(reader.get("/data/latest/figures.json").content)["figures"][0]["measure"] == figures[0]["measure"]


def test_the_same_figures_give_the_same_bytes(reader: TestClient, doors: House) -> None:
    with doors.store.readonly(role="hat_reader") as connection:
        release = published.latest(connection)
        assert release is not None
        first, again = files(connection, release)(), files(connection, release)()
    assert [one.digest for one in first] == [one.digest for one in again]
    assert {one.name: one.content for one in first} == {
        one.name: reader.get(f"/data/latest/{one.name}").content for one in first
    }, "what is kept is what would be made anew"


def test_the_spreadsheet_is_sound_open_document(reader: TestClient) -> None:
    with zipfile.ZipFile(io.BytesIO(reader.get("/data/latest/hat-registry.ods").content)) as packed:
        assert packed.namelist()[0] == "mimetype"
        assert packed.getinfo("mimetype").compress_type == zipfile.ZIP_STORED
        for name in packed.namelist()[1:]:
            ElementTree.fromstring(packed.read(name))


def test_the_proof_can_be_checked_with_the_public_key(reader: TestClient) -> None:
    proof = reader.get("/data/latest/proof.json").json()
    public = bytes.fromhex(reader.get("/data/key.json").json()["public_key"])
    message = signed_words(proof["release"], proof["data_sha256"], proof["audit_report_sha256"])
    assert identifiers.is_signed(public, message, bytes.fromhex(proof["signature"]))
    assert not identifiers.is_signed(public, message + b"x", bytes.fromhex(proof["signature"]))


def test_a_later_release_says_what_changed_and_the_earlier_stays(
    reader: TestClient, doors: House, analyst: TestClient
) -> None:
    first = int(reader.get("/data/latest/datapackage.json").json()["version"])
    kept = {name: reader.get(f"/data/releases/{first}/{name}").content for name in NAMES}
    with doors.store.transaction(role="hat_jobs") as connection:
        counts = split_counts(80, overnight=60, preventable=20, not_investigated=2)
        hold_counts(connection, doors.ids["RRV"], MARCH.replace(month=4), counts)
    released(doors, analyst, prepared(analyst, "With April."))
    newest = int(reader.get("/data/latest/datapackage.json").json()["version"])
    assert newest > first
    assert {name: reader.get(f"/data/releases/{first}/{name}").content for name in NAMES} == kept
    page = words_of(reader.get(f"/data/releases/{newest}"))
    assert "Trusts by month: cases" in page
    assert "Months or years were added." in page
    assert "With April." in page
    assert f"The latest is release {newest}" in words_of(reader.get(f"/data/releases/{first}"))
    revised = reader.get(f"/data/releases/{newest}/revisions.json").json()
    assert {one["geography_kind"] for one in revised} == {"trust", "region"}
    feed = ElementTree.fromstring(reader.get("/data/changes.atom").content)
    titles = [one.text or "" for one in feed.iter("{http://www.w3.org/2005/Atom}title")]
    assert [title.split(":")[0] for title in titles[1:]] == [f"Release {newest}", f"Release {first}"]


def test_the_pages_need_no_role_but_the_public_one(reader: TestClient, doors: House, tmp_path: Path) -> None:
    """A process that was given the public role alone answers all of them."""
    settings = doors.settings
    only = TestClient(
        create_app(settings, Store.from_settings(settings, roles=["hat_reader"])), base_url=settings.base_url
    )
    number = reader.get("/data/latest/datapackage.json").json()["version"]
    for base in ("/data/latest", f"/data/releases/{number}"):
        for address in (
            base,
            *(f"{base}/{name}" for name in (*NAMES, "datapackage.json", "revisions.json", "proof.json")),
        ):
            assert only.get(address).status_code == 200, address
    assert only.get("/data").status_code == only.get("/data/changes.atom").status_code == 200
    with all_translated(tmp_path):
        for address in ("/data", "/data/latest", f"/data/releases/{number}"):
            check_welsh(only.get(f"/cy{address}"))
