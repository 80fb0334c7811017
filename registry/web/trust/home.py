"""`/trust`: what is due, what was sent last, and where to go from here; and the templates to fill in."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from registry import submissions
from registry.access import Actor, Right
from registry.store import Store
from registry.submissions.due import Due, due
from registry.submissions.senders import Sender, senders
from registry.web.actor import require
from registry.web.api.dataset import PREFIX, artefacts
from registry.web.pages import render
from registry.web.trust.present import NO_RETURN, RETURNS, kind_words, shown, today
from schemas.codes import CaseReturn
from schemas.dictionary import VERSION
from schemas.record import RecordKind

router = APIRouter(prefix="/trust")

Reading = Annotated[Actor, require(Right.READ_SUBMISSIONS)]
LATEST = 5


@dataclass(frozen=True, slots=True)
class MonthLine:
    """One month of the table of what is due."""

    month: date
    words: str
    colour: str
    cases: int


@dataclass(frozen=True, slots=True)
class Desk:
    """One organisation on the page."""

    sender: Sender
    months: tuple[MonthLine, ...]
    missing: int
    partial: int
    unreviewed: int


@router.get("")
def home(request: Request, actor: Reading) -> Response:
    """What the person's organisations owe, and their last submissions."""
    store: Store = request.app.state.store
    tenants = actor.tenants(Right.READ_SUBMISSIONS)
    with store.readonly(tenants=tenants) as connection:
        ours = senders(connection, tenants)
        owed = due(connection, tenants, on=today())
        found = submissions.latest(connection, tenants, limit=LATEST)
    names = {each.id: each for each in ours}
    return render(
        request,
        "trust/home.html",
        desks=[_desk(each, owed[each.id]) for each in ours if not each.closed or owed[each.id].unreviewed],
        latest=[shown(each, names[each.tenant_id]) for each in found],
        several=len(ours) > 1,
        may_send=actor.may(Right.SUBMIT),
        may_manage=actor.may(Right.MANAGE_OWN_PEOPLE),
    )


def _desk(sender: Sender, owed: Due) -> Desk:
    months = tuple(
        MonthLine(each.month, *RETURNS.get(each.case_return or "", NO_RETURN), each.cases) for each in owed.months
    )
    missing = sum(each.case_return is None for each in owed.months)
    partial = sum(each.case_return == CaseReturn.PARTIAL for each in owed.months)
    return Desk(sender, months, missing, partial, owed.unreviewed)


@dataclass(frozen=True, slots=True)
class File:
    """A file to download: what it is, its form, where it is."""

    words: str
    form: str
    href: str


FORMS = (
    ("{}.xlsx", "All items", "Excel"),
    ("{}.csv", "All items", "CSV"),
    ("{}-core.xlsx", "Core items only", "Excel"),
    ("{}-core.csv", "Core items only", "CSV"),
    ("{}-example.csv", "Filled in as an example", "CSV"),
    ("{}.schema.json", "For programmers: JSON Schema", "JSON"),
)


@router.get("/templates")
def templates(request: Request, _actor: Reading) -> Response:
    """The templates of every kind of record, and the guide."""
    there = artefacts()
    kinds = [
        (
            kind_words(kind),
            [
                File(words, form, f"{PREFIX}/{VERSION}/{name.format(kind.value)}")
                for name, words, form in FORMS
                if name.format(kind.value) in there
            ],
        )
        for kind in RecordKind
    ]
    return render(request, "trust/templates.html", kinds=kinds, version=VERSION, guide=f"{PREFIX}/{VERSION}/guide.md")
