"""The official quarterly file from its bytes to what is shown: 120 of 216 providers at 95% or more (domain facts, 4)."""

from collections.abc import Iterator
from datetime import date

import pytest

from registry.measures import RISK_ASSESSMENT, RISK_ASSESSMENT_PROVIDERS, Figure
from registry.official import Severity, read_risk_assessments
from registry.publications import official, published, reviewing
from registry.publications.telling import at_target, quarter_of
from registry.register import join_activity_only
from registry.settings import Settings
from registry.store import Store
from tests.registry.publications.make import (
    Team,
    hold_counts,
    make_team,
    make_trust,
    prepare,
)

HEADINGS = (
    "org_code,org_name,icb_name,region,operated_by,org_type,number_of_vte_assessed_admissions,total_admissions,"
    "percentage_of_admitted_patients_risk_assessed_for_vte,operational_standard_met,date"
)
MONTHS = ("2024-07-01", "2024-08-01", "2024-09-01")
QUARTER = date(2024, 7, 1)
REGIONS = ("LONDON", "SOUTH WEST", "NORTH WEST")
PROVIDERS, REACHED = 216, 120


def share(place: int, month: int) -> tuple[int, int]:
    """Assessed and admitted. The first reaches 95% exactly, the second in the quarter only; the 121st misses by one of 30,000."""
    if place == 0:
        return 950, 1000
    if place == 1:
        return ((900, 1000), (1000, 1000), (955, 1000))[month]
    if place == REACHED:
        return (9500, 10_000) if month else (9499, 10_000)
    return (970 + place % 20, 1000) if place < REACHED else (600 + place, 1000)


def lines() -> Iterator[str]:
    yield HEADINGS
    for place in range(PROVIDERS):
        nhs = place < 119
        code = f"R{chr(65 + place // 26)}{chr(65 + place % 26)}" if nhs else f"NT{place:03d}"
        for number, month in enumerate(MONTHS):
            assessed, admitted = share(place, number)
            kind = "NHS acute care provider" if nhs else "Independent sector provider"
            yield (
                f"{code},PROVIDER {place},NHS BOARD,{REGIONS[place % 3]},,{kind},{assessed},{admitted},"
                f"{assessed / admitted:.4f},{'yes' if assessed / admitted >= 0.95 else 'no'},{month}"
            )


@pytest.fixture
def team(store: Store, settings: Settings) -> Team:
    made = make_team(store)
    trust = make_trust(store, settings, "ZZ1", "Y56", date(2024, 4, 1))
    with store.transaction(role="hat_jobs") as connection:
        hold_counts(connection, trust, date(2024, 4, 1), {("total", "total"): 3})
    return made


def imported(store: Store, team: Team) -> int:
    rows, faults = read_risk_assessments("\r\n".join(lines()).encode())
    assert [fault for fault in faults if fault.severity is Severity.ERROR] == []
    assert len(rows) == PROVIDERS * len(MONTHS)
    with store.transaction(role="hat_national") as connection:
        waiting = official.keep(connection, b"", len(rows), team.analyst)
        unknown = official.difference(connection, rows).unknown
        ids = join_activity_only(connection, [(row.code, row.name, row.independent) for row in rows], by=team.analyst)
        return official.confirm(connection, waiting, rows, ids, len(unknown), team.analyst)


def figures(store: Store, settings: Settings, team: Team) -> dict[str, Figure]:
    """The quarter by place, as a draft shows it."""
    draft = prepare(store, settings, team)
    with store.readonly(role="hat_national") as connection:
        release = reviewing.draft(connection, draft)
        found = published.region_months(connection, release, RISK_ASSESSMENT_PROVIDERS)
    return {
        code: RISK_ASSESSMENT_PROVIDERS.figure(series[QUARTER])
        for (_, code), series in found.items()
        if QUARTER in series
    }


def test_120_of_216_providers(store: Store, settings: Settings, team: Team) -> None:
    assert imported(store, team) == PROVIDERS * len(MONTHS)
    found = figures(store, settings, team)
    england = found["England"]
    assert (england.top.words, england.bottom.words) == ("120", "216")
    assert england.estimate.value == pytest.approx(120 / 216)
    assert {code: (figure.top.words, figure.bottom.words) for code, figure in found.items() if code != "England"} == {
        "Y56": ("40", "72"), "Y58": ("40", "72"), "Y62": ("40", "72"),
    }  # fmt: skip


def test_the_share_of_admissions_is_of_all_providers_together(store: Store, settings: Settings, team: Team) -> None:
    imported(store, team)
    draft = prepare(store, settings, team)
    with store.readonly(role="hat_national") as connection:
        release = reviewing.draft(connection, draft)
        july = published.region_months(connection, release, RISK_ASSESSMENT)["nation", "England"][QUARTER]
    assessed = sum(share(place, 0)[0] for place in range(PROVIDERS))
    admitted = sum(share(place, 0)[1] for place in range(PROVIDERS))
    assert RISK_ASSESSMENT.figure(july).estimate.value == assessed / admitted
    assert july.numbers["risk_assessment_providers"] == PROVIDERS


@pytest.mark.parametrize(
    ("assessed", "admitted", "reached"),
    [(95, 100, True), (19, 20, True), (94_999, 100_000, False), (0, 1, False), (949_999_999, 1_000_000_000, False)],
)
def test_the_target_is_reached_without_rounding(assessed: int, admitted: int, reached: bool) -> None:
    assert at_target(assessed, admitted) is reached


def test_quarters_begin_in_january_april_july_and_october() -> None:
    months = [date(2024, month, 1) for month in range(1, 13)]
    assert [quarter_of(month).month for month in months] == [1, 1, 1, 4, 4, 4, 7, 7, 7, 10, 10, 10]
