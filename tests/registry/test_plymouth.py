"""Plymouth's published counts, from a trust's files to the public page, by the doors alone.

217 cases among 103,845 admissions in 2010 and 176 among 119,128 in 2016 (Rowswell and Nokes, Open Heart 2017;4:e000653) are
2.090 and 1.477 per 1,000. Beside them the files hold rows that the counting rules keep out, so a figure that merely counts rows
is wrong.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from registry import register
from registry.access import OPERATOR, Role
from registry.jobs import job_named
from registry.settings import KEYS, Secrets, Settings
from registry.statistics.rates import rate
from registry.store import SYSTEM_TENANT, Store
from tests.make import csv_bytes, nhs_number, valid_activity, valid_case, valid_rca
from tests.registry.publications.hold import GROUPS, STAYS
from tests.registry.web.at_release_desk import approve, audited, prepared
from tests.registry.web.programs import program, screened, send_file
from tests.registry.web.visitors import House, words_of

CODE = "RK9"
YEARS = {2010: (217, 103_845), 2016: (176, 119_128)}
Row = dict[str, str]


def day(year: int, month: int, number: int, later: int = 0) -> str:
    return (date(year, month, number) + timedelta(days=later)).isoformat()


def stay(year: int, month: int, **more: str) -> Row:
    """An admission from the 3rd to the 8th of a month, the clot three weeks after discharge: in December's, in the year after."""
    dates = {
        "admission_date": day(year, month, 3),
        "discharge_date": day(year, month, 8),
        "diagnosis_date": day(year, month, 8, later=21),
    }
    return valid_case(**dates | more)


def readmitted(year: int, month: int) -> Row:
    """A clot that was there on readmission in the month after: it belongs to the stay before, and to that stay's month."""
    return stay(
        year, month,
        admission_date=day(year, month, 8, later=30), discharge_date=day(year, month, 8, later=33),
        diagnosis_date=day(year, month, 8, later=30), diagnosis_setting="readmission", present_on_admission="yes",
        earlier_admission_date=day(year, month, 3), earlier_discharge_date=day(year, month, 8),
    )  # fmt: skip


def kept_out(year: int) -> list[Row]:
    """What is stored and not counted: by site, by time, by age, by proof, by its line, and withdrawn."""
    return [
        stay(year, 5, vte_type="superficial", dvt_site=""),
        stay(year, 5, diagnosis_date=day(year, 5, 8, later=91)),
        stay(year, 5, birth_date=f"{year - 15}-01-01"),
        stay(year, 5, confirmation="clinical_only"),
        stay(year, 5, dvt_site="upper_limb", line_related="yes"),
        stay(year, 5, withdraw_reason="entered_in_error"),
    ]


def cases_of(year: int, number: int) -> list[Row]:
    """So many cases that count in a year, spread over its months, then those that do not. Each is another person's."""
    counted = [(readmitted if place % 10 == 3 else stay)(year, place % 12 + 1) for place in range(number)]
    not_hat = stay(year, 6)
    rows = [*counted, *kept_out(year), not_hat]
    return [
        row | {"local_case_id": f"P-{year}-{place:04d}", "nhs_number": nhs_number(year * 100 + place)}
        for place, row in enumerate(rows)
    ]


def activity_of(year: int, admissions: int) -> list[Row]:
    """The year's admissions as twelve returns, every group and kind of stay used."""
    names = [f"{group}_{each}" for group in GROUPS for each in STAYS]
    rows = []
    for month in range(1, 13):
        share = admissions // 12 + (month <= admissions % 12)
        counts = {name: str(share // 20 + (place < share % 20)) for place, name in enumerate(names)}
        rows.append(valid_activity(month=f"{year}-{month:02d}", case_return="complete", **counts))
    return rows


def stored(answer: Any) -> int:
    body = answer.json()
    assert body["state"] == "accepted", body
    return int(body["counts"]["stored"])


@pytest.fixture
def doors(store: Store, settings: Settings) -> House:
    """The registry with the register that is shipped; Plymouth takes part from January 2010."""
    secrets = Secrets.load(settings.secrets_dir, ["master"])
    with store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        register.import_register(connection, register.starting_register(), secrets=secrets, by=OPERATOR)
        ids = {one.code: one.id for one in register.organisations(connection)}
        register.edit(connection, ids[CODE], group=None, live_from=date(2010, 1, 1), by=OPERATOR)
    made = House(settings, store, ids)
    screened(made)
    return made


@pytest.fixture
def counted(doors: House) -> House:
    """The files sent by a program of the trust, then the nightly count."""
    trust = program(doors, CODE)
    for year, (number, admissions) in YEARS.items():
        rows = cases_of(year, number)
        assert stored(send_file(trust, csv_bytes(rows))) == number + 7
        review = valid_rca(
            local_case_id=rows[-1]["local_case_id"], category="not_hat", preventability="", inadequacies=""
        )
        review |= {"judged_on": day(year, 9, 1), "candour_told_on": day(year, 9, 2)}
        assert stored(send_file(trust, csv_bytes([review]), kind="rca")) == 1
        assert stored(send_file(trust, csv_bytes(activity_of(year, admissions)), kind="activity")) == 12
    secrets = Secrets.load(doors.settings.secrets_dir, KEYS)
    job = job_named("figures")
    assert job is not None
    job.run(doors.store, secrets, doors.settings, datetime.now(UTC))
    return doors


def browser(doors: House, name: str, role: Role, code: str | None = None) -> TestClient:
    return doors.signed_in(doors.person(name, (role, code)))


def limits(year: int) -> str:
    """Byar's limits of the published counts, as a page prints them."""
    found = rate(*YEARS[year])
    assert found.lower is not None
    assert found.upper is not None
    return f"{found.lower:.3f} to {found.upper:.3f}"


def test_from_the_trusts_files_to_the_public_page(counted: House) -> None:
    inside = words_of(browser(counted, "nurse", Role.VTE_NURSE, CODE).get("/trust/figures"))
    assert f"2010 12 of 12 217 103,845 2.090 {limits(2010)}" in inside
    assert f"2016 12 of 12 176 119,128 1.477 {limits(2016)}" in inside
    assert (limits(2010), limits(2016)) == ("1.821 to 2.387", "1.267 to 1.713")

    public = counted.browser()
    assert public.get("/figures/hat-rate.json").status_code == 404
    analyst = browser(counted, "analyst", Role.NATIONAL_ANALYST)
    lead = browser(counted, "lead", Role.NATIONAL_LEAD)
    second = browser(counted, "second", Role.NATIONAL_LEAD)
    draft = prepared(analyst)
    audited(counted, analyst, draft)
    assert approve(analyst, draft).status_code == 403
    assert approve(lead, draft).status_code == 303
    assert public.get("/figures/hat-rate.json").status_code == 404
    assert approve(second, draft).status_code == 303

    figures = public.get("/figures/hat-rate.json").json()["figures"]
    ours = [one for one in figures if one["area"] == "y58" and one["period"][:4] in ("2010", "2016")]
    assert len(ours) == 24
    for one in ours:
        assert_protected(one)
    page = words_of(public.get("/figures/hat-rate?area=y58"))
    assert "South West" in page
    assert "Prepared by Analyst, approved by Lead and Second" in page
    own = words_of(public.get(f"/figures/trusts/{CODE}"))
    assert "University Hospitals Plymouth NHS Trust" in own
    for exact in ("217", "176", "103,845", "119,128", "2.090", "1.477"):
        assert exact not in (page + own).split()


def assert_protected(one: dict[str, Any]) -> None:
    """A month's counts are multiples of 5 within 4 of the exact ones, and its rate is made of them alone."""
    year, month = map(int, one["period"].split("-"))
    number, admissions = YEARS[year]
    exact_cases = len([place for place in range(number) if place % 12 + 1 == month])
    exact_admissions = admissions // 12 + (month <= admissions % 12)
    cases, bottom = int(one["numerator"]), int(one["denominator"])
    assert cases % 5 == bottom % 5 == 0
    assert abs(cases - exact_cases) < 5
    assert abs(bottom - exact_admissions) < 5
    assert one["value"] == pytest.approx(1000 * cases / bottom, abs=1e-6)
