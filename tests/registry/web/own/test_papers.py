"""The committee pack and the sheet of evidence: their sentences against figures counted by hand, their PDFs, and that no patient is in them."""

from datetime import date

import psycopg
import pytest

from registry.cases.own_audit import Audited, AuditMonth, sheet, sheets
from registry.cases.own_figures import Themes
from registry.cases.periods import Period, Span, containing, parsed
from registry.settings import Settings
from registry.store import Store
from registry.web.own import pack_words
from registry.web.own.evidence import sentences
from registry.web.own.pack_words import Summed
from schemas.record import RecordKind
from tests.make import nhs_number, valid_activity
from tests.registry.publications.make import hold_counts, split_counts
from tests.registry.submissions.make import send
from tests.registry.web.own.world import World, world
from tests.registry.web.paper import needs_pango, words_of_pdf
from tests.registry.web.visitors import words_of

QUARTER = parsed("2025-04-q")
COUNTED = Summed(
    period=parsed("2025-04"),
    cases=10,
    admissions=8123,
    overnight_cases=9,
    overnight_admissions=3000,
    inside=(date(2025, 4, 1),),
    outside=(),
    provisional=(),
    held_outside=0,
    pending=0,
)


@pytest.fixture
def made(settings: Settings, store: Store) -> World:
    """The trust of `world`, with what was counted of two quarters: 10 of 24,000 admissions, and 30 of 24,000 a year before."""
    found = world(settings, store)
    with store.transaction(role="hat_jobs") as connection:
        for year, cases in ((2024, (12, 9, 9)), (2025, (5, 5, 0))):
            for month, number in zip((4, 5, 6), cases, strict=True):
                counts = split_counts(number, overnight=0, preventable=1, not_investigated=0) if number else {}
                returned = "complete" if number else "partial"
                admissions = 12_000 if year == 2025 else 8_000
                hold_counts(
                    connection, found.tenant, date(year, month, 1), counts, admissions=admissions, case_return=returned,
                    provisional=year == 2025,
                )  # fmt: skip
    return found


# --- periods


def test_periods_are_named_by_codes_that_mean_one_thing() -> None:
    for code, first, span, words in (
        ("2010-11", date(2010, 11, 1), Span.MONTH, "November 2010"),
        ("2010-fy", date(2010, 4, 1), Span.FINANCIAL_YEAR, "April 2010 to March 2011"),
        ("2010", date(2010, 1, 1), Span.CALENDAR_YEAR, "2010"),
        ("2010-10-q", date(2010, 10, 1), Span.QUARTER, "October to December 2010"),
    ):
        period = parsed(code)
        assert (period.first, period.span, period.words, period.code) == (first, span, words, code)
    assert parsed("2025-12").end == date(2026, 1, 1)
    assert parsed("2025-fy").before == parsed("2024-fy")
    assert containing(date(2026, 3, 31), Span.FINANCIAL_YEAR) == parsed("2025-fy")
    for wrong in ("", "2025-00", "2025-13", "2025-1", "25", "2025-26x", "9999-fy", "٢٠٢٥"):
        with pytest.raises(ValueError, match="no period"):
            parsed(wrong)


# --- the words of the pack


def test_the_rate_is_said_with_its_limits() -> None:
    """statistics.md 1.1: 10 of 8,123 is 1.231 (0.589 to 2.264)."""
    nothing = pack_words.summed([], parsed("2024-04"))
    assert pack_words.of_rate(COUNTED, nothing, "") == [
        "In April 2025 there were 10 hospital-associated thromboses (HAT) among 8,123 admissions: 1.23 per 1,000 admissions (95% limits "
        "0.59 to 2.26).",
        "9 of these followed a stay of one night or more, among 3,000 such admissions: 3.00 per 1,000 (95% limits 1.37 to 5.69).",
    ]


def test_without_a_month_there_is_no_rate() -> None:
    nothing = pack_words.summed([], QUARTER)
    (said,) = pack_words.of_rate(nothing, nothing, "")
    assert (
        said == "There is no rate for April to June 2025 yet: no month of it has its admissions and a complete return."
    )


def test_kings_shares_are_given_as_bounds_where_too_few_were_reviewed() -> None:
    """counting.md 4.4: 57 of 152 reviewed of 236 cases, 24.2 to 59.7 %; 64 % reviewed is below the floor."""
    found = Themes(236, 152, 57, {}, {}, {}, {}, 0, 0)
    assert pack_words.of_reviews(found, 0.8) == [
        "152 of 236 cases that this organisation reported for the period have a complete review (64%).",
        "That is less than 80%, so no share of preventable cases is given; 57 of the reviewed were found potentially preventable.",
        "If none of the others were preventable, or all of them, the share of all cases would be 24% or 60%.",
    ]


def test_a_share_of_enough_reviews_has_wilsons_limits() -> None:
    """statistics.md 1.2: 65 of 100 is 55.3 to 73.6 %."""
    said = pack_words.of_reviews(Themes(100, 100, 65, {}, {}, {}, {}, 2, 7), 0.8)
    assert said[1] == "65 of these were potentially preventable: 65% (95% limits 55% to 74%)."
    assert said[2] == "In 2 cases doses were missed avoidably, 7 in all."


# --- the pack


def test_the_pack_of_a_quarter(made: World) -> None:
    """10 of 24,000: 0.417, Byar's 0.199 to 0.766; 30 of 24,000: 1.250, 0.843 to 1.785. Reviewed 3 of the 4 own cases."""
    words = words_of(made.nurse.get("/trust/figures/pack?period=2025-04-q"))
    for said in (
        "Hospital-associated thrombosis: committee pack, April to June 2025",
        "In April to June 2025 there were 10 hospital-associated thromboses (HAT) among 24,000 admissions: 0.42 per 1,000 admissions (95% "
        "limits 0.20 to 0.77).",
        "Without June 2025, of which no complete return has been counted.",
        "April 2025 and May 2025 are provisional: cases may still arrive and the numbers may change.",
        "In April to June 2024 it was 1.25 per 1,000 (95% limits 0.84 to 1.78). The difference is more than chance is likely to have made",
        "3 of 4 cases that this organisation reported for the period have a complete review (75%).",
        "If none of the others were preventable, or all of them, the share of all cases would be 50% or 75%.",
        "Doses missed avoidably 2 67%",
        "No action is recorded.",
        "1 case of April to June 2025 has no complete review yet.",
    ):
        assert said in words, said


def test_actions_and_overdue_work_are_in_it(made: World, admin: psycopg.Connection) -> None:
    """Two open (one overdue) and one done in April; three cases at work, two of them overdue."""
    case = "(select id from records.case_record where local_case_id = 'A-1')"
    for due, done, themes in (
        ("2025-05-01", None, "{missed_doses}"),
        ("2999-01-01", None, "{}"),
        ("2025-04-10", "2025-04-09", "{}"),
    ):
        admin.execute(
            f"insert into records.action (tenant_id, id, case_id, owner_role, due_on, done_on, themes, made_by, made_at) "
            f"values (%s, gen_random_uuid(), {case}, 'pharmacist', %s, %s, %s, 'tester', '2025-04-02')",
            (made.tenant, due, done, themes),
        )
    for due in ("2025-05-01", "2025-05-02", "2999-01-01"):
        admin.execute(
            "insert into records.case_work (tenant_id, case_id, state, since, due_on, drawn) "
            "values (%s, gen_random_uuid(), 'rca_open', now(), %s, false)",
            (made.tenant, due),
        )
    words = words_of(made.nurse.get("/trust/figures/pack?period=2025-04-q"))
    for said in (
        "3 actions were begun in April to June 2025 and 1 done.",
        "2 actions are open now, 1 of them overdue.",
        "Doses missed avoidably 1 50%",
        "Pharmacist 2",
        "Review open: 3 cases, 2 overdue.",
    ):
        assert said in words, said


def test_the_pdf_says_the_same_and_no_patient_is_in_either(made: World) -> None:
    needs_pango()
    page = made.nurse.get("/trust/figures/pack?period=2025-04-q")
    answer = made.nurse.get("/trust/figures/pack.pdf?period=2025-04-q")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == 'attachment; filename="RRV-committee-pack-2025-04-q.pdf"'
    words = words_of_pdf(answer.content)
    assert "among 24,000 admissions: 0.42 per 1,000 admissions" in words
    assert "Nothing is overdue" not in words
    for hidden in ("A-1", "A-3", nhs_number(1), "1951", "Ward 7", "Stroke unit"):
        assert hidden not in words
        assert hidden not in words_of(page)


def test_the_pack_of_another_trust_is_not_there(made: World) -> None:
    for address in ("pack", "pack.pdf", "exemplar", "exemplar.pdf", "papers", "themes", "download"):
        assert made.nurse.get(f"/trust/figures/{address}?organisation=RH5").status_code == 404


# --- evidence


def month(number: int, audited: int | None, *counts: int | None) -> AuditMonth:
    return AuditMonth(date(2025, number, 1), audited, tuple(zip(Audited, counts, strict=True)))


def test_shares_are_of_months_with_both_counts() -> None:
    """Prophylaxis 65 of 100 in one month (statistics.md 1.2: 55.3 to 73.6 %); on admission 10 of 10; nothing on discharge."""
    months = [month(4, 100, 65, None, None), month(5, 10, None, 10, None), month(6, None, 7, 7, 7)]
    assert sentences(sheet(months, parsed("2025-fy"))) == [
        "In April 2025 to March 2026, 110 patients were audited, in 2 of 12 months.",
        "65 of 100 (65.0%; 95% limits 55.3% to 73.6%) had appropriate prophylaxis, counted in 1 of 12 months.",
        "10 of 10 (100.0%; 95% limits 72.2% to 100.0%) had written information on admission, counted in 1 of 12 months.",
        "Nothing was returned about written information on discharge.",
    ]
    assert sentences(sheet(months, parsed("2024-fy"))) == ["No audit was returned for April 2024 to March 2025."]


def test_months_fall_into_both_kinds_of_year() -> None:
    months = [month(3, 10, 9, 8, 7), month(4, 20, 18, 16, 14)]
    assert [(each.period.code, each.audited) for each in sheets(months, Span.FINANCIAL_YEAR)] == [
        ("2025-fy", 20),
        ("2024-fy", 10),
    ]
    assert [(each.period, each.audited) for each in sheets(months, Span.CALENDAR_YEAR)] == [
        (Period(date(2025, 1, 1), Span.CALENDAR_YEAR), 30)
    ]


def test_the_sheet_is_made_from_the_monthly_returns(made: World, store: Store, settings: Settings) -> None:
    """65 and 60 of 100 patients in two months: 125 of 200 is 62.5 % (Wilson 55.6 to 68.9 %)."""
    counts = {"patients_audited": "100", "information_on_admission": "100", "information_on_discharge": "0"}
    rows = [
        valid_activity(month=f"2025-{number:02d}", appropriate_prophylaxis=part, **counts)
        for number, part in ((7, "65"), (8, "60"))
    ]
    assert send(store, settings, made.tenant, rows, kind=RecordKind.ACTIVITY).new == 2
    words = words_of(made.nurse.get("/trust/figures/exemplar?period=2025-fy"))
    assert (
        "125 of 200 (62.5%; 95% limits 55.6% to 68.9%) had appropriate prophylaxis, counted in 2 of 12 months." in words
    )
    assert "July 2025 100 65 of 100 65.0% (55.3% to 73.6%) 100 of 100" in words
    assert "April 2025 to March 2026 2 of 12 200 125 of 200 62.5% (55.6% to 68.9%)" in words
    assert made.nurse.get("/trust/figures/exemplar?period=2025-07").status_code == 404
    needs_pango()
    assert "125 of 200" in words_of_pdf(made.nurse.get("/trust/figures/exemplar.pdf?period=2025-fy").content)


def test_one_press_leads_to_the_last_quarter(made: World) -> None:
    page = made.nurse.get("/trust/figures/papers")
    assert page.status_code == 200
    assert 'formaction="/trust/figures/pack.pdf"' in page.text
    assert made.nurse.get("/trust/figures/pack").status_code == 200
