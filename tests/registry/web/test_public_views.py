"""Funnel, map, small charts, regions and trusts as anybody reads them: whatever came in, a figure or a stated reason, and never a rank."""

import csv
import io
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from sqlalchemy import event
from starlette.testclient import TestClient

from registry.app import create_app
from registry.measures import MEASURES, Shown
from registry.publications import published, whole
from registry.publications.published import Release
from registry.settings import Settings
from registry.store import Store
from registry.web.public.frame import Kept
from registry.web.public.shown import areas, of_area
from tests.conftest import Database
from tests.registry.web.released import REGIONS, Published, month, months_from, nation, publish, trust
from tests.registry.web.visitors import words_of

YEAR = months_from(date(2025, 4, 1), 12)


@pytest.fixture
def http(settings: Settings, store: Store) -> TestClient:
    """A browser that may use the public database role and nothing else."""
    reader = Store.from_settings(settings, roles=["hat_reader"])
    return TestClient(create_app(settings, reader), base_url=settings.base_url, follow_redirects=False)


def test_every_view_of_a_nation_is_there_and_made_by_ten_statements_at_most(
    http: TestClient, store: Store, database: Database
) -> None:
    publish(database, nation(trusts=16, number=30))
    app_store: Store = http.app.state.store  # type: ignore[attr-defined] # the application under test
    statements: list[str] = []
    event.listen(app_store._engine("hat_reader"), "before_cursor_execute", lambda *given: statements.append(given[2]))
    paths = [
        "/",
        "/figures",
        "/figures/compare",
        "/figures/trusts",
        "/figures/trusts/RM2",
        "/figures/regions/Y58",
        "/figures/regions/w92000004",
    ]
    for measure in MEASURES:
        paths += [f"/figures/{measure}", f"/figures/{measure}/regions", f"/figures/{measure}?area=y56"]
    for path in paths:
        statements.clear()
        answer = http.get(path)
        if path.endswith("area=y56") and answer.status_code == 404:
            assert MEASURES[path.split("/")[2].split("?")[0]].period is Shown.QUARTER
            continue
        assert answer.status_code == 200, path
        words = words_of(answer)
        assert not {"None", "nan", "inf"} & set(words.split()), path
        assert len(statements) <= 10, path
        statements.clear()
        assert http.get(path).content == answer.content
        assert len(statements) <= 3, path


def test_lines_are_those_of_the_stored_periods(http: TestClient, store: Store, database: Database) -> None:
    """Whatever of a release is read at once says the same as each measure read by itself."""
    publish(database, nation(trusts=10, number=26))
    with store.readonly(role="hat_reader") as connection:
        release = published.latest(connection)
        assert release is not None
        everything = whole.read(connection, release)
        for measure in MEASURES.values():
            if measure.period is Shown.MONTH and measure.cells:
                alone = published.region_months(connection, release, measure)
                for area in areas(everything, measure):
                    found = {line.start: line.figure for line in of_area(everything, measure, area).lines}
                    if len(area.places) == 1:
                        told = {start: measure.figure(counts) for start, counts in alone[area.places[0]].items()}
                        assert found == {start: figure for start, figure in told.items() if start in found}
                        assert all(told[start].estimate.value is None for start in told.keys() - found.keys())


def test_the_funnel_has_no_order_but_names_and_says_why_a_trust_is_apart(http: TestClient, database: Database) -> None:
    """One trust in each state: counted, low, pending, without return, with nobody admitted; and one closed after six months."""
    many = [trust(f"R{n:02d}", name=f"{letter} Trust") for n, letter in enumerate("ZYXWVUTSRQ")]
    low, late, silent, empty, blind = (trust(code) for code in ("RLO", "RLA", "RSI", "REM", "RBL"))
    closed = trust("RCL", closed_on=date(2025, 10, 1))
    months = [month(each, start, 20) for each in many for start in YEAR]
    months += [month(low, start, 0, 100) for start in YEAR]
    months += [month(silent, start, 5, case_return=None) for start in YEAR]
    months += [month(empty, start, 0, 0) for start in YEAR]
    months += [month(blind, start, 20, sources=1) for start in YEAR]
    months += [month(closed, start, 20) for start in YEAR[:6]]
    publish(database, Published(months, [*many, low, late, silent, empty, blind, closed]))
    page = http.get("/figures/compare?year=2025&trust=RLO")
    words = words_of(page)
    names = re.findall(r'<a href="/figures/trusts/R\d\d">(.) Trust</a>', page.text)
    assert names == sorted(names)
    assert "Of the 11 that can be compared" in words
    assert "limits are widened for the rounding" in words
    apart = words.split("that are not drawn, and why")[1]
    assert "Trust RLO fewer than 10" in apart
    assert "Trust RLA no final month in this year" in apart
    assert "Trust RSI no complete return" in apart
    assert "Trust REM fewer than 10" in apart
    assert "Trust RBL ascertainment cannot be assessed: 1 of 5 sources" in apart
    assert re.search(r"Trust RCL 1[12]\d 48,00\d", words)
    rows = {
        row["code"]: row
        for row in csv.DictReader(io.StringIO(http.get("/figures/compare.csv").content.decode("utf-8-sig")))
    }
    assert (rows["RLO"]["rate"], rows["RLO"]["note"]) == ("", "fewer than 10")
    assert rows["RBL"]["where"] == ""
    assert not re.search(r"<td[^>]*>\s*</td>", http.get("/figures/trusts?year=2025").text)
    assert float(rows["R00"]["low_95"]) < float(rows["R00"]["rate"]) < float(rows["R00"]["highest_99_8"])
    assert http.get("/figures/compare?trust=R99").status_code == 404
    assert http.get("/figures/compare?year=1999").status_code == 404


def test_a_year_that_is_not_final_has_no_funnel(http: TestClient, database: Database) -> None:
    each = trust("RA1")
    publish(database, Published([month(each, start, 30, provisional=start == YEAR[-1]) for start in YEAR], [each]))
    for path in ("/figures/compare", "/figures/trusts", "/figures/regions/Y56"):
        page = http.get(path)
        assert "A year is published once it is over and all its months are final." in words_of(page)
        assert "<svg" not in page.text.split("<main")[1].split("</main>")[0]
    assert http.get("/figures/compare.csv").text.count("\n") == 1


def test_a_merged_trust_begins_a_new_phase_and_the_closed_one_leads_to_it(http: TestClient, database: Database) -> None:
    old, new = trust("ROL", name="Old Trust", closed_on=date(2024, 3, 31)), trust("RNE", name="New Trust")
    starts = months_from(date(2022, 4, 1), 48)
    months = [month(old, start, 30) for start in starts[:24]]
    months += [month(new, start, 30 if start < date(2024, 4, 1) else 60) for start in starts]
    publish(database, Published(months, [old, new], successors={"ROL": "RNE"}))
    closed = http.get("/figures/trusts/ROL")
    assert "Closed on 31 March 2024" in words_of(closed)
    assert '<a href="/figures/trusts/RNE">New Trust</a>' in closed.text
    words = words_of(http.get("/figures/trusts/RNE"))
    assert (
        "Old Trust was merged into it from 1 April 2024; figures before and after are not of the same trust." in words
    )
    assert "April 2024: Old Trust was merged into it; a new phase begins." in words


def test_thirteen_months_of_nothing_and_of_nil_have_reasons_and_no_picture(
    http: TestClient, database: Database
) -> None:
    silent, nil = trust("RSI"), trust("RNI")
    starts = months_from(date(2025, 1, 1), 13)
    months = [month(silent, start, 0, case_return=None) for start in starts]
    months += [month(nil, start, 0, case_return="nil") for start in starts]
    publish(database, Published(months, [silent, nil]))
    page = http.get("/figures/trusts/RSI")
    assert "no period has a figure. The reasons stand in the table: no complete return." in words_of(page)
    assert "<svg" not in page.text.split("<main")[1].split("</main>")[0]
    words = words_of(http.get("/figures/trusts/RNI"))
    assert "The reasons stand in the table: fewer than 10" in words or "too few to show" in words
    assert "0.00" not in words
    assert "There is no final figure" in words_of(http.get("/figures/hat-rate"))


def test_a_revised_count_is_on_the_page_as_soon_as_it_is_released(http: TestClient, database: Database) -> None:
    """The page of the first release was kept; the second release has twice the cases."""
    each = trust("RA1")
    publish(database, Published([month(each, start, 50) for start in YEAR], [each]))
    first = words_of(http.get("/figures/hat-rate?area=y56"))
    assert http.get("/figures/hat-rate?area=y56").headers["etag"]
    publish(database, Published([month(each, start, 100) for start in YEAR], [each]))
    second = words_of(http.get("/figures/hat-rate?area=y56"))
    assert "was 6." in first or "was 5.6" in first
    assert "was 12." in second
    assert first != second


def test_ascertainment_and_who_takes_part_stand_beside_the_figure(http: TestClient, database: Database) -> None:
    blind, seeing, absent = trust("RBL"), trust("RSE"), trust("RAB")
    months = [month(blind, start, 40, sources=1) for start in YEAR] + [
        month(seeing, start, 40, sources=4) for start in YEAR
    ]
    months += [month(absent, start, 40, case_return="partial", sources=None) for start in YEAR]
    publish(database, Published(months, [blind, seeing, absent]))
    words = words_of(http.get("/figures/hat-rate?area=y56"))
    assert "In the latest figure: 2 of 3 trusts that take part." in words
    assert "can be assessed for 1 of 2 trusts in it" in words
    listed = words_of(http.get("/figures/trusts?year=2025"))
    assert "cannot be assessed: 1 of 5 sources" in listed
    assert "cannot be assessed: not told" in listed
    assert "12 4 of 5 sources final" in listed


def test_nobody_with_two_sources_cannot_be_assessed(http: TestClient, database: Database) -> None:
    blind = trust("RBL")
    publish(database, Published([month(blind, start, 40, sources=None) for start in YEAR], [blind]))
    assert "cannot be assessed. No trust in it told" in words_of(http.get("/figures/hat-rate?area=y56"))


def test_the_map_has_a_tile_for_every_region_with_figure_interval_and_link(
    http: TestClient, database: Database
) -> None:
    everywhere = [trust(f"R{n:02d}", code) for n, code in enumerate(REGIONS)]
    months = [month(each, start, 90 if each.region_code == "Y56" else 30) for each in everywhere for start in YEAR]
    publish(database, Published(months, everywhere))
    page = http.get("/figures/hat-rate/regions")
    tiles = re.findall(r'<a href="/figures/hat-rate\?area=([a-z0-9]+)" class="hat-map__tile">(.*?)</a>', page.text)
    assert {code for code, _ in tiles} == {*(code.lower() for code in REGIONS if code.startswith("Y")), "wales"}
    assert len(tiles) == 16  # wide and narrow
    london = next(inside for code, inside in tiles if code == "y56")
    assert re.search(r"London .*11\.\d\d ▲ .* to ", london)
    assert "In 1 of 8 regions the 95% interval lies above it, in 7 below it" in words_of(page)
    assert page.text.count("<h3") == 8
    assert http.get("/figures/hat-rate/regions?year=1999").status_code == 404
    assert http.get("/figures/no-such/regions").status_code == 404
    assert http.get("/figures/regions/Y99").status_code == 404


def test_boards_are_sums_of_their_rounded_trusts(http: TestClient, database: Database) -> None:
    members = [trust("RB1", "Y58", board="QOX"), trust("RB2", "Y58", board="QOX")]
    publish(database, Published([month(each, start, 20) for each in members for start in YEAR], members))
    rows = list(csv.DictReader(io.StringIO(http.get("/figures/trusts.csv").content.decode("utf-8-sig"))))
    cases = sum(int(row["cases"]) for row in rows)
    assert f"Board QOX 2 of 2 {cases} " in words_of(http.get("/figures/regions/Y58?year=2025"))


def test_a_trust_s_file_has_its_months_quarters_and_years(http: TestClient, database: Database) -> None:
    each = trust("RA1")
    publish(database, Published([month(each, start, 30) for start in YEAR], [each]))
    rows = list(csv.DictReader(io.StringIO(http.get("/figures/trusts/RA1.csv").content.decode("utf-8-sig"))))
    assert [row["period"] for row in rows] == [
        *(f"{start:%Y-%m}" for start in YEAR), "2025-Q2", "2025-Q3", "2025-Q4", "2026-Q1", "2025-26",
    ]  # fmt: skip
    number = http.get("/figures/hat-rate.json").json()["release"]["number"]
    for path in ("trusts/RA1", "trusts", "compare", "hat-rate"):
        lines = list(csv.DictReader(io.StringIO(http.get(f"/figures/{path}.csv").content.decode("utf-8-sig"))))
        assert {line["release"] for line in lines} == {str(number)}
        assert all(datetime.fromisoformat(line["counted_as_at"]) for line in lines)
    assert http.get("/figures/trusts/XX9.csv").status_code == 404


def test_nothing_is_kept_that_is_not_there(http: TestClient, database: Database) -> None:
    each = trust("RA1")
    publish(database, Published([month(each, start, 30) for start in YEAR], [each]))
    for path in ("/figures/trusts/XX9", "/figures/hat-rate?area=nowhere", "/figures/compare?trust=XX9"):
        assert [http.get(path).status_code for _ in range(2)] == [404, 404]
    kept: Kept | None = getattr(http.app.state, "kept", None)  # type: ignore[attr-defined] # the application under test
    assert kept is not None
    assert kept.used == 0
    for junk in ("?a=1", "?a=2", ""):
        http.get(f"/figures/hat-rate{junk}")
    assert kept.used < 2 * len(http.get("/figures/hat-rate").content)


def release(number: int, *, draft: bool = False) -> Release:
    at = datetime(2026, 11, 1, tzinfo=UTC)
    head = Release(UUID(int=number), number, "", at, at, "1", 1, {}, "", "")
    return replace(head, draft=draft)


def test_what_is_kept_of_pages_is_bounded_and_never_of_a_draft() -> None:
    """Thirty bytes that cannot be made smaller: two such pages have room, a third takes the place of the one least used."""
    page = bytes(range(30))
    kept = Kept(room=100)
    for number in range(10):
        kept.keep_page(release(1), (f"/{number}",), page)
        assert kept.used <= 100
    assert kept.page(release(1), ("/0",)) is None
    assert kept.page(release(1), ("/9",)) == page
    assert kept.page(release(2), ("/9",)) is None
    before = kept.used
    kept.keep_page(release(1), ("/9",), page[:10])
    assert kept.used < before
    assert kept.page(release(1), ("/9",)) == page[:10]
    kept.keep_page(release(3, draft=True), ("/9",), b"z")
    assert kept.page(release(3, draft=True), ("/9",)) is None
    before = kept.used
    kept.keep_page(release(1), ("/large",), bytes(range(200)))
    assert kept.used == before
