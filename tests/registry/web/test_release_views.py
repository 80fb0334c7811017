"""A draft as the public pages would draw it: for those who decide about it, and nobody else."""

from datetime import date

from registry.access import Role
from registry.settings import Settings
from registry.store import Store
from tests.registry.publications.make import hold_counts, split_counts
from tests.registry.web.at_release_desk import prepared
from tests.registry.web.released import months_from
from tests.registry.web.visitors import house, words_of


def test_a_lead_sees_a_draft_as_the_public_would_and_nobody_else_does(settings: Settings, store: Store) -> None:
    doors = house(settings, store)
    with store.transaction(role="hat_jobs") as connection:
        for start in months_from(date(2025, 4, 1), 12):
            counts = split_counts(40, overnight=30, preventable=8, not_investigated=2)
            hold_counts(connection, doors.ids["RRV"], start, counts, sources=3)
            hold_counts(connection, doors.ids["RH5"], start, counts)
    analyst = doors.signed_in(doors.person("analyst", (Role.NATIONAL_ANALYST, None)))
    lead = doors.signed_in(doors.person("lead", (Role.NATIONAL_LEAD, None)))
    address = f"{prepared(analyst)}/views"
    page = lead.get(address)
    words = words_of(page)
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    assert "In March 2026 the rate of hospital-associated thrombosis" in words
    assert "hat-chart__final" in page.text
    assert "Of the 1 that can be compared 1 lie within the 95% limits" in words
    assert "cannot be assessed" in words.partition("Not in the funnel")[2]
    assert words_of(lead.get(f"{address}?measure=pe-share&area=england")).count("pulmonary embolism") > 2
    assert lead.get(f"{address}?measure=no-such").status_code == 404
    assert doors.browser().get(address).status_code == 303
    nurse = doors.signed_in(doors.person("nurse", (Role.VTE_NURSE, "RRV")))
    assert nurse.get(address).status_code == 404
    assert doors.browser().get("/figures/hat-rate.csv").status_code == 404, "nothing of it is public"
