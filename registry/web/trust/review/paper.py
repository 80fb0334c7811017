"""A review on paper: the report for the notes, and letters filled in for printing.

All are made in the request and stored nowhere. Who the patient is stands on none of them: it is written by hand into the blanks, or
typed into the page that shows the letter, which sends nothing.
"""

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from registry.access import Actor, Right
from registry.cases import actions, second_reading
from registry.cases.review import response_words, title
from registry.cases.second_reading import Place
from registry.cases.states import CONSULTANT_SILENT
from registry.errors import Conflict
from registry.web.pages import render
from registry.web.print_out import pdf_page
from registry.web.trust.present import said_day, said_time
from registry.web.trust.review.editing import Editing, Reading
from registry.web.trust.review.opening import Opened, opened
from registry.web.trust.review.overview import ANSWERS, HEADS
from registry.web.trust.review.present import case_rows, fact_rows, field_words, judgement_rows, said, tag_of
from schemas.codelist import Nation

router = APIRouter()

REPORT = "trust/review/report.html"
CANDOUR = "trust/review/candour.html"
CONSULTANT = "trust/review/consultant_letter.html"

DUTY = {
    Nation.ENGLAND: (
        "duty of candour",
        "Regulation 20 of the Health and Social Care Act 2008 (Regulated Activities) Regulations 2014",
    ),
    Nation.WALES: ("duty of candour", "the Health and Social Care (Quality and Engagement) (Wales) Act 2020"),
}
TEAM = {Nation.ENGLAND: "learning response", Nation.WALES: "root cause analysis"}


@router.get("/report")
def report(request: Request, actor: Reading, case_id: UUID) -> Response:
    """The report for the notes, to be printed."""
    words, href = _report(request, actor, case_id)
    return render(request, REPORT, back_href=href, pdf_href=f"{href}/report.pdf", **words)


@router.get("/report.pdf")
def report_pdf(request: Request, actor: Reading, case_id: UUID) -> Response:
    """The same as a PDF."""
    words, _ = _report(request, actor, case_id)
    return pdf_page(REPORT, f"review-{words['case'].number}", **words)


def _report(request: Request, actor: Actor, case_id: UUID) -> tuple[dict[str, Any], str]:
    with opened(request, actor, Right.READ_CASES, case_id) as held:
        _must_show(held)
        words = {**_common(held), **_judged(held), "actions": actions.of_case(held.desk, case_id)}
        held.note_looked()
        return words, held.href


def _must_show(held: Opened) -> None:
    """Raises Conflict while a second reader is to judge blind."""
    if held.hidden:
        raise Conflict("This case waits for its second reader. Its report is here again once both have judged.")


def _common(held: Opened) -> dict[str, Any]:
    case, text = held.case, held.review.text
    return {
        "case": case,
        "title": f"{title(case.nation)}: {case.number}",
        "review_title": title(case.nation),
        "rows": case_rows(case),
        "facts": fact_rows(case, text),
        "response": response_words(text.get("response_type", ""), case.nation),
        "printed": said_time(held.desk.at),
        "today": said_day(held.desk.on),
    }


def _judged(held: Opened) -> dict[str, Any]:
    case = held.case
    found = second_reading.readings(held.connection, case.tenant_id, case.case_id)
    order = [each for each in Place if each in found] if Place.SECOND in found else []
    return {
        "state": tag_of(held.work)[0],
        "sections": said(held.review.text, ANSWERS, case.nation),
        "silent": held.work.complete_as == CONSULTANT_SILENT,
        "answered": [said_day(each.date()) for each in case.answered],
        "readings": judgement_rows((found[each].judgement for each in order), case.nation),
        "heads": [HEADS[each] for each in order],
    }


# --- letters


@router.get("/letters/candour")
def candour(request: Request, actor: Editing, case_id: UUID) -> Response:
    """The letter to the patient or family, with blanks for who they are."""
    with opened(request, actor, Right.EDIT_CASES, case_id) as held:
        _must_show(held)
        name, law = DUTY[held.case.nation]
        told = field_words("candour_told_on", held.review.text.get("candour_told_on", ""), held.case.nation)
        words = {**_common(held), "duty": name, "law": law, "told": told, "looking": TEAM[held.case.nation]}
        held.note_looked()
    return _letter(request, held, CANDOUR, words)


@router.get("/letters/consultant")
def consultant_letter(request: Request, actor: Editing, case_id: UUID) -> Response:
    """The letter to the consultant of the index admission: the case by its numbers, the questions, blanks for the rest."""
    with opened(request, actor, Right.EDIT_CASES, case_id) as held:
        _must_show(held)
        days = held.desk.settings.counting.consultant_reply_days
        words = {**_common(held), "looking": TEAM[held.case.nation], "days": days}
        held.note_looked()
    return _letter(request, held, CONSULTANT, words)


def _letter(request: Request, held: Opened, template: str, words: dict[str, Any]) -> Response:
    answer = render(request, template, back_href=held.href, **words)
    answer.headers["Cache-Control"] = "no-store"
    return answer
