"""The pages of the nation's analysts and lead: where things stand, exact aggregates, the official file. The release desk is `release`.

Everything runs under the database role that sees aggregates of organisations and no row of a patient.
"""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from registry import register
from registry.access import Actor, Right
from registry.errors import NotFound
from registry.official import RiskAssessment, Severity, read_risk_assessments
from registry.official.files import LARGEST
from registry.publications import aggregates, official, reviewing
from registry.publications.aggregates import Exact
from registry.publications.cells import TrustMonth
from registry.publications.transitions import State
from registry.store import Store
from registry.web.actor import require
from registry.web.bodies import submitted_form
from registry.web.edge import MIB
from registry.web.fields import Fault, content
from registry.web.pages import render

router = APIRouter(prefix="/team")

ROLE = "hat_national"
SHOWN = 500
FILE_LIMIT = min(LARGEST, 5 * MIB)

Reader = Annotated[Actor, require(Right.READ_DRAFTS)]
Analyst = Annotated[Actor, require(Right.READ_AGGREGATES)]
Importer = Annotated[Actor, require(Right.IMPORT_FIGURES)]
Form = Annotated[FormData, Depends(submitted_form)]


def _store(request: Request) -> Store:
    store: Store = request.app.state.store
    return store


@router.get("")
def index(request: Request, actor: Reader, done: str = "") -> Response:
    """Where things stand: the last count, drafts and releases, and what this person may do."""
    with _store(request).readonly(role=ROLE) as connection:
        heads = reviewing.heads(connection)
        counted_at = aggregates.counted_at(connection)
    return render(
        request,
        "team/index.html",
        heads=heads,
        words_of={each.value: each.words for each in State},
        counted_at=counted_at,
        may={right.value: actor.may(right) for right in Right},
        done=DONE.get(done, ""),
    )


DONE = {
    "released": "The figures are released and public.",
    "discarded": "The figures are discarded. What is public has not changed.",
}


# --- exact aggregates


@router.get("/aggregates")
def show_aggregates(request: Request, _actor: Analyst, period: str = "") -> Response:
    """The exact figures of every organisation in one month (`2026-03`) or financial year (`2025-26`)."""
    with _store(request).readonly(role=ROLE) as connection:
        rows = aggregates.read(connection)
    choice = _periods(rows)
    chosen = period or next(iter(choice), "")
    if period and period not in choice:
        raise NotFound
    return render(request, "team/aggregates.html", periods=choice, chosen=chosen, rows=choice.get(chosen, []))


def _periods(rows: list[TrustMonth]) -> Mapping[str, list[Exact]]:
    """The figures by period: financial years first, each kind from the latest back."""
    found: dict[str, list[Exact]] = {}
    for each in sorted(aggregates.financial_years(rows), key=lambda one: one.start, reverse=True):
        found.setdefault(f"{each.start.year}-{(each.start.year + 1) % 100:02d}", []).append(each)
    for each in sorted(aggregates.months(rows), key=lambda one: one.start, reverse=True):
        found.setdefault(f"{each.start:%Y-%m}", []).append(each)
    return found


# --- the official file


@router.get("/official")
def ask_official(request: Request, _actor: Importer, done: int | None = None) -> Response:
    """Choose a file; what was imported before."""
    return _ask_official(request, (), done=done)


def _ask_official(request: Request, faults: tuple[Fault, ...], *, done: int | None = None) -> Response:
    with _store(request).readonly(role=ROLE) as connection:
        imports = official.imports(connection)
    status = 422 if faults else 200
    return render(request, "team/official.html", status=status, imports=imports, faults=faults, done=done)


@router.post("/official", max_body_size=FILE_LIMIT + MIB)
def preview_official(request: Request, actor: Importer, form: Form) -> Response:
    """What the file holds and would change, with its faults; nothing is imported yet."""
    data = content(form, "file")
    if not data or len(data) > FILE_LIMIT:
        words = (
            "Choose a file that is not empty"
            if not data
            else "The official files are smaller than 5 MB: is it the right one?"
        )
        return _ask_official(request, (Fault("file", words),))
    rows, faults = read_risk_assessments(data)
    with _store(request).transaction(role=ROLE) as connection:
        difference = official.difference(connection, rows)
        waiting = official.keep(connection, data, len(rows), actor) if rows else None
    return render(
        request,
        "team/official_preview.html",
        difference=difference,
        waiting=waiting,
        faults=sorted(faults, key=lambda fault: fault.severity is Severity.WARNING)[:SHOWN],
        refused=sum(fault.severity is Severity.ERROR for fault in faults),
        warned=sum(fault.severity is Severity.WARNING for fault in faults),
    )


@router.post("/official/{import_id}/confirm")
def confirm_official(request: Request, import_id: UUID, actor: Importer, _form: Form) -> Response:
    """Import what was shown. Providers that the register does not know join it, for these figures only."""
    with _store(request).transaction(role=ROLE) as connection:
        rows, _ = read_risk_assessments(official.waiting(connection, import_id))
        unknown = official.difference(connection, rows).unknown
        ids = register.join_activity_only(connection, _providers(rows), by=actor)
        kept = official.confirm(connection, import_id, rows, ids, len(unknown), actor)
    return RedirectResponse(f"/team/official?done={kept}", 303)


def _providers(rows: tuple[RiskAssessment, ...]) -> list[tuple[str, str, bool | None]]:
    return list({row.code: (row.code, row.name, row.independent) for row in rows}.values())
