"""One journey: the data manager's workbook of 500 cases, saved by LibreOffice, 20 of its rows faulty, becomes clean figures; then the month
is returned and signed off."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Locator

from registry import register
from registry.access import OPERATOR, Role
from registry.settings import Settings
from registry.store import SYSTEM_TENANT, Store
from registry.submissions.due import months_before
from registry.web.trust.present import today
from schemas.codes import Sex
from schemas.dictionary import field
from schemas.record import RecordKind
from tests.journeys import workbooks
from tests.journeys import world as worlds
from tests.journeys.browsing import Visitor
from tests.journeys.workbooks import CASES, FAULTY, mended, saved_by_libreoffice, workbook
from tests.journeys.world import World
from tests.make import valid_activity

pytestmark = pytest.mark.slow

TRUST = "RRV"
IN_THE_WORKBOOK = sorted(FAULTY)[:8]
"""The faulty rows that are mended in the annotated workbook; the others on the page."""
ON_THE_PAGE = sorted(FAULTY)[8:]


@pytest.fixture
def world(settings: Settings, store: Store, tmp_path: Path) -> Iterator[World]:
    """A file of more than 100 rows waits for a worker, as one of more than 2,000 does elsewhere."""
    small = settings.model_copy(update={"small_rows": 100})
    with worlds.world(small, store, tmp_path, "spoilt workbook") as made:
        yield made


def test_from_a_spoilt_workbook_to_clean_figures(world: World) -> None:
    given_a_trust_that_takes_part_since_a_year(world)
    right = given_500_cases(world)
    with world.signed_in("manager") as manager:
        when_they_read_the_guide(manager)
        given_the_worker_is_away(world)
        when_they_send(manager, workbook(right, FAULTY, world.folder, "VTE log"))
        then_nothing_is_lost_while_the_file_waits(manager)
        when_the_worker_is_back(world)
        then_the_page_shows_the_20_faults_in_words_of_the_sheet(manager)
        when_they_send(manager, their_workbook_with_eight_rows_mended(manager, right, world))
        then_twelve_faults_are_left(manager)
        when_they_mend_the_rest_on_the_page(manager, right)
        then_the_rehearsal_tells_the_difference(manager)
        when_they_store_it(manager)
        then_the_receipt_says_what_it_changed_in_the_trust_s_figures(manager)
        when_they_send_the_next_month_s_file(manager, right, world)
        then_the_rehearsal_tells_what_would_change_and_what_is_absent(manager)
        when_they_paste_the_admissions_of_eleven_months(manager)
        when_the_first_month_had_no_case(manager)
        then_the_calendar_knows(manager)
        then_the_quality_page_draws_it(manager)
    with world.signed_in("lead", scripts=False) as lead:
        when_the_lead_signs_off_last_month(lead)
    with world.signed_in("manager") as manager:
        then_last_month_stands_as_it_is_on_the_page_of_months(manager)
        when_the_manager_asks_to_have_it_unlocked(manager)
    with world.signed_in("lead", scripts=False, phone=True) as lead:
        when_the_lead_unlocks_it(lead)


# --- given


def given_a_trust_that_takes_part_since_a_year(world: World) -> None:
    with world.house.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        register.edit(connection, world.house.ids[TRUST], group=None, live_from=_months()[0], by=OPERATOR)
    world.house.person("manager", (Role.TRUST_UPLOADER, TRUST))
    world.house.person("lead", (Role.TRUST_LEAD, TRUST))


def given_500_cases(world: World) -> pl.DataFrame:
    """Of all months but the first, in which there was none."""
    return workbooks.generated(TRUST, today(), _months()[1], today(), world.folder)


def given_the_worker_is_away(world: World) -> None:
    world.service.worker.stop()


def _months() -> list[date]:
    """The twelve before the present one."""
    return [months_before(today(), ago) for ago in range(12, 0, -1)]


def _last_month() -> date:
    return _months()[-1]


# --- when


def when_they_read_the_guide(manager: Visitor) -> None:
    manager.follow("Your returns")
    manager.follow("Guides")
    manager.follow("For the data manager")
    manager.sees("A file is checked before anything of it is stored")


def when_they_send(manager: Visitor, file: Path) -> None:
    manager.follow("Your returns")
    manager.sees("What is due")
    manager.press("Send a file")
    manager.sees("Nothing of it is stored before you say so.")
    manager.choose("Cases")
    manager.page.locator("input[type=file]").set_input_files(file)
    manager.choose("Store nothing until every row is right")
    manager.choose("The national data opt-out was applied to this file")
    manager.shows_the_guide("send-a-file")
    manager.press("Check the file")


def when_the_worker_is_back(world: World) -> None:
    world.service.start()


def their_workbook_with_eight_rows_mended(manager: Visitor, right: pl.DataFrame, world: World) -> Path:
    """The annotated one: it has beside each row what to mend, and may be sent as it is."""
    path = world.folder / "VTE log mended.xlsx"
    path.write_bytes(manager.gets("Annotated workbook (Excel)"))
    mended(path, right, set(IN_THE_WORKBOOK))
    return saved_by_libreoffice(path, world.folder)


def when_they_mend_the_rest_on_the_page(manager: Visitor, right: pl.DataFrame) -> None:
    manager.press("Mend the faulty rows here")
    manager.sees(f"Mend {len(ON_THE_PAGE)} rows")
    manager.shows_the_guide("mend", _row(manager, ON_THE_PAGE[1], right))
    for row in ON_THE_PAGE:
        _mend(manager, row, right)
    manager.press("Check the mended rows")


def _row(manager: Visitor, row: int, right: pl.DataFrame) -> Locator:
    return manager.page.get_by_role("group", name=f"Row {row}: {right['local_case_id'][row - 2]}", exact=True)


def _mend(manager: Visitor, row: int, right: pl.DataFrame) -> None:
    cell = right[FAULTY[row].field][row - 2]
    written = Sex(cell).words if FAULTY[row].field == "sex" else str(cell)
    manager.answer(field(RecordKind.CASE, FAULTY[row].field).item.question, written, inside=_row(manager, row, right))


def when_they_store_it(manager: Visitor) -> None:
    manager.press("Store these rows")


def when_they_send_the_next_month_s_file(manager: Visitor, right: pl.DataFrame, world: World) -> None:
    """The same cases: of two it is known by now that they had had one before, and one is not in the file any more."""
    known = pl.when(pl.col("local_case_id").is_in(right["local_case_id"][:2].to_list())).then(pl.lit("yes"))
    later = right.with_columns(recurrent=known.otherwise(pl.col("recurrent"))).head(CASES - 1)
    when_they_send(manager, workbook(later, {}, world.folder, "VTE log of the next month"))


def when_they_paste_the_admissions_of_eleven_months(manager: Visitor) -> None:
    manager.follow("Your returns")
    manager.follow("Admissions of twelve months")
    manager.sees("leave a month empty until it is known")
    manager.unfold("Paste from a spreadsheet")
    manager.write("Cells copied from your sheet", _pasted(_months()[1:], case_return="complete"))
    manager.press("Fill in the table")
    manager.sees("Nothing is stored yet")
    manager.shows_the_guide("activity", manager.page.get_by_role("table"))
    manager.press("Save the months")
    manager.sees("are stored")


def when_the_first_month_had_no_case(manager: Visitor) -> None:
    first = _months()[0]
    manager.unfold("Paste from a spreadsheet")
    manager.write("Cells copied from your sheet", _pasted([first], case_return=""))
    manager.press("Fill in the table")
    manager.press(f"Nil : no case in {first:%B %Y}")
    manager.sees("The receipt of what was stored")


def _pasted(months: list[date], *, case_return: str) -> str:
    """As copied from a sheet: headings of the template, a month a line, divided by tabs."""
    rows = [valid_activity(month=f"{month:%Y-%m}", case_return=case_return) for month in months]
    names = [name for name, cell in rows[0].items() if cell or name == "case_return"]
    return "\n".join(["\t".join(names), *("\t".join(row[name] for name in names) for row in rows)])


def when_the_lead_signs_off_last_month(lead: Visitor) -> None:
    lead.follow("Your returns")
    lead.follow("Sign-off")
    lead.sees("A sign-off is a statement by the trust lead about a month")
    lead.shows_the_guide("sign-off", lead.page.get_by_role("region", name=f"{_last_month():%B %Y}"))
    lead.press(f"Sign off {_last_month():%B %Y}")
    lead.sees("Signed off")


def when_the_manager_asks_to_have_it_unlocked(manager: Visitor) -> None:
    month = f"{_last_month():%B %Y}"
    manager.follow("Your returns")
    manager.follow("Sign-off")
    manager.unfold(f"Ask to have unlocked: {month}")
    manager.write("Reason", "")
    manager.press(f"Ask to unlock {month}")
    manager.sees("There is a problem")
    manager.complaints.clear()  # the browser's own word for a refusal
    manager.write("Reason", "Day cases of one site were missing")
    manager.press(f"Ask to unlock {month}")
    manager.sees("Day cases of one site were missing")


def when_the_lead_unlocks_it(lead: Visitor) -> None:
    month = f"{_last_month():%B %Y}"
    lead.open("/trust/sign-off")
    lead.sees("Day cases of one site were missing")
    lead.unfold(f"Unlock {month}")
    lead.press(f"Unlock {month}")
    lead.page.get_by_role("button", name=f"Sign off {month}").wait_for()
    lead.picture("unlocked")


# --- then


def then_nothing_is_lost_while_the_file_waits(manager: Visitor) -> None:
    manager.sees("nothing can be lost from here")
    assert manager.heading() == "This file is being checked"
    manager.shows_the_guide("waiting")


def then_the_page_shows_the_20_faults_in_words_of_the_sheet(manager: Visitor) -> None:
    """It renews itself. Each fault stands at its row, its column and its heading, and never what was typed."""
    manager.sees("What was found")
    assert manager.heading() == "Checked: what this file would do"
    assert f"{len(FAULTY)} errors" in manager.words()
    for row, fault in FAULTY.items():
        line = manager.page.get_by_role("row").filter(has_text=fault.rule).filter(has_text=fault.field)
        assert line.filter(has_text=str(row)).count() >= 1, (row, fault)
        assert fault.typed is None or fault.typed not in manager.words().replace("female", "")
    manager.shows_the_guide("findings-of-a-file", manager.page.get_by_role("table", name="By rule and column"))


def then_twelve_faults_are_left(manager: Visitor) -> None:
    manager.sees("What was found")
    assert f"{len(ON_THE_PAGE)} errors" in manager.words()


def then_the_rehearsal_tells_the_difference(manager: Visitor) -> None:
    manager.sees("Rows in the file")
    assert f"Rows in the file {CASES} New {CASES} Changed 0 Unchanged 0 Faulty 0" in manager.words()
    manager.shows_the_guide("rehearsal")


def then_the_receipt_says_what_it_changed_in_the_trust_s_figures(manager: Visitor) -> None:
    manager.sees("Receipt: stored")
    assert f"{CASES} sent = {CASES} stored + 0 unchanged + 0 refused." in manager.words()
    manager.sees("What this file changed")
    cells = manager.page.get_by_role("table", name="What this file changed").locator("tbody tr")
    assert sum(int(each) for each in cells.locator("td:nth-child(2)").all_inner_texts()) == CASES
    assert all(each.startswith("+") for each in cells.locator("td:nth-child(5)").all_inner_texts())
    manager.shows_the_guide("receipt")


def then_the_rehearsal_tells_what_would_change_and_what_is_absent(manager: Visitor) -> None:
    manager.sees("Rows in the file")
    said = manager.words()
    assert f"Rows in the file {CASES - 1} New 0 Changed 2 Unchanged {CASES - 3} Faulty 0" in said
    assert "1 that you hold; they stay as they are" in said
    manager.follow("See which records would change")
    manager.sees("Records in the order of your sheet")
    manager.shows_the_guide("difference")


def then_the_calendar_knows(manager: Visitor) -> None:
    manager.follow("Your returns")
    manager.follow("Calendar of returns")
    manager.sees("Months of admission, the newest first")
    assert "Nil" in manager.row(f"{_months()[0]:%B %Y}").inner_text()
    assert "Complete" in manager.row(f"{_last_month():%B %Y}").inner_text()
    assert "Overdue" not in manager.page.get_by_role("table").first.inner_text()
    manager.shows_the_guide("calendar", manager.page.get_by_role("table").first)


def then_the_quality_page_draws_it(manager: Visitor) -> None:
    manager.follow("Your returns")
    manager.follow("Completeness and data quality")
    manager.sees("By month, the newest first")


def then_last_month_stands_as_it_is_on_the_page_of_months(manager: Visitor) -> None:
    manager.open("/trust/activity")
    manager.sees("Signed off")
    assert manager.page.get_by_label(f"{_last_month():%B %Y}: Cases of this month").count() == 0
