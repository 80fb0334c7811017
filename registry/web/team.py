"""The pages of the nation's analysts and lead: exact aggregates, the official file, drafts and releases.

Everything runs under the database role that sees aggregates of organisations and no row of a patient. A draft is shown as the
public would see it: the one who releases needs no exact figure for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from sqlalchemy import Connection
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from registry import register
from registry.access import Actor, Right
from registry.errors import Conflict, NotFound
from registry.measures import MEASURES, Measure
from registry.official import RiskAssessment, Severity, read_risk_assessments
from registry.official.files import LARGEST
from registry.publications import aggregates, official, protecting, published, releasing, reviewing
from registry.publications.aggregates import Exact
from registry.publications.cells import TrustMonth
from registry.publications.published import Release
from registry.settings import Secrets
from registry.store import Store
from registry.web import series
from registry.web.actor import require
from registry.web.bodies import submitted_form
from registry.web.charts import Row
from registry.web.charts import rows as chart_rows
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
Preparer = Annotated[Actor, require(Right.PREPARE_RELEASE)]
Releaser = Annotated[Actor, require(Right.RELEASE)]
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
        counted_at=counted_at,
        may={right.value: actor.may(right) for right in Right},
        done=DONE.get(done, ""),
    )


DONE = {
    "released": "The figures are released and public.",
    "discarded": "The draft is discarded. What is public has not changed.",
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


# --- drafts and releases


@router.post("/publications")
def prepare(request: Request, actor: Preparer, _form: Form) -> Response:
    """Make a draft of the figures as they were last counted; a draft before it is discarded."""
    settings = request.app.state.settings
    key = Secrets.load(settings.secrets_dir, ["offset"])["offset"]
    with _store(request).transaction(role=ROLE) as connection:
        made = protecting.prepare(
            connection,
            by=actor,
            at=datetime.now(UTC),
            key=key,
            rules=settings.counting,
            code_version=version("hat-registry"),
        )
    return RedirectResponse(f"/team/publications/{made}", 303)


@dataclass(frozen=True, slots=True)
class Compared:
    """One month of a measure in one area: as it is public, and as the draft would make it."""

    label: str
    before: str
    after: Row

    @property
    def changed(self) -> bool:
        return self.before != self.after.value


@router.get("/publications/{publication_id}")
def draft(request: Request, publication_id: UUID, actor: Reader) -> Response:
    """A draft as the public would see it, beside what is public now."""
    with _store(request).readonly(role=ROLE) as connection:
        head = reviewing.head(connection, publication_id)
        if head.state != "draft":
            raise Conflict("These figures are no longer a draft: they were released, replaced or discarded meanwhile.")
        release = reviewing.draft(connection, publication_id)
        current = published.latest(connection)
        tables = [table for measure in MEASURES.values() for table in _compared(connection, measure, release, current)]
        changes = reviewing.changes(connection, publication_id)
        trusts = reviewing.trust_changes(connection, publication_id)
    return render(
        request,
        "team/draft.html",
        head=head,
        release=release,
        current=current,
        tables=tables,
        changes=changes,
        trusts=trusts[:SHOWN],
        number_of_trusts=len(trusts),
        own=actor.id == head.prepared_by,
        may_release=actor.may(Right.RELEASE),
    )


def _compared(
    connection: Connection, measure: Measure, release: Release, current: Release | None
) -> list[dict[str, Any]]:
    """The measure in the nations and in both together, month by month, the latest first."""
    before = _months(connection, measure, current) if current else {}
    found = []
    for area, rows in _months(connection, measure, release).items():
        old = {row.period: row.value for row in before.get(area, [])}
        lines = [Compared(row.period, old.get(row.period, "–"), row) for row in reversed(rows)]
        found.append({"measure": measure, "area": area, "lines": lines, "changed": sum(line.changed for line in lines)})
    return found


def _months(connection: Connection, measure: Measure, release: Release) -> dict[str, list[Row]]:
    areas = series.areas(measure, published.places(connection, release, "region"))
    gathered = published.region_months(connection, release, measure)
    national = [area for area in areas if area.ident == series.BOTH or area.name in measure.nations]
    return {
        area.name: list(chart_rows(series.chart(measure, area, series.monthly(measure, area, gathered))))
        for area in national
    }


@router.post("/publications/{publication_id}/release")
def release_draft(request: Request, publication_id: UUID, actor: Releaser, _form: Form) -> Response:
    """Make a draft public. Whoever prepared it may not."""
    with _store(request).transaction(role=ROLE) as connection:
        releasing.release(connection, by=actor, publication_id=publication_id, at=datetime.now(UTC))
    return RedirectResponse("/team?done=released", 303)


@router.post("/publications/{publication_id}/discard")
def discard_draft(request: Request, publication_id: UUID, actor: Releaser, _form: Form) -> Response:
    """Discard a draft."""
    with _store(request).transaction(role=ROLE) as connection:
        releasing.discard(connection, by=actor, publication_id=publication_id)
    return RedirectResponse("/team?done=discarded", 303)
