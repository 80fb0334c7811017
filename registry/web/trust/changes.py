"""`/trust/submissions/…/changes`: which records a file changes, or would change, and in which fields. No value of any of them."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from registry import submissions
from registry.access import Actor, Right
from registry.errors import NotFound
from registry.store import Store
from registry.submissions import Receipt, changes
from registry.submissions.changes import LISTED, Change
from registry.submissions.order import UNIT_KINDS
from registry.submissions.request import sheet_format
from registry.web.actor import require
from registry.web.pages import render
from registry.web.trust.present import kind_words
from schemas.dictionary import fields
from schemas.record import RecordKind

router = APIRouter(prefix="/trust/submissions")

Reading = Annotated[Actor, require(Right.READ_SUBMISSIONS)]
Page = Annotated[int, Query(ge=1, le=LISTED)]
PAGE = 50


@dataclass(frozen=True, slots=True)
class Line:
    """One record as the page shows it."""

    row: int
    key: str
    does: str
    fields: str
    kept: str


@router.get("/{submission_id}/changes")
def index(request: Request, actor: Reading, submission_id: UUID, page: Page = 1) -> Response:
    """One page of the records that are listed. NotFound beyond the last."""
    tenants = actor.tenants(Right.READ_SUBMISSIONS)
    store: Store = request.app.state.store
    with store.readonly(tenants=tenants) as connection:
        reference = submissions.find(connection, tenants, submission_id)
        receipt = submissions.get(connection, reference)
        listed = changes.listed(connection, reference)
        found = changes.page(connection, reference, start=(page - 1) * PAGE, limit=PAGE)
    if not found and page > 1:
        raise NotFound
    return render(
        request,
        "trust/changes.html",
        receipt=receipt,
        kind=kind_words(receipt.kind),
        lines=[_line(each, RecordKind(receipt.kind)) for each in found],
        counted=max(counted(receipt), listed),
        sheet=sheet_format(receipt.format) is not None,
        listed=listed,
        number=page,
        last=max(1, -(-listed // PAGE)),
    )


def counted(receipt: Receipt) -> int:
    """How many records a submission changes or withdraws, however many are listed."""
    return (receipt.changed or 0) + (receipt.withdrawn or 0)


def _line(each: Change, kind: RecordKind) -> Line:
    said = {"changed": "Changed", "withdrawn": "Withdrawn"}
    return Line(each.row, each.key, said[each.does], _questions(each.fields, kind), _questions(each.kept, kind))


def _questions(names: list[str], kind: RecordKind) -> str:
    """The questions of fields. What came as FHIR is counted as cases and may hold their reviews and months too."""
    own = {each.name: each for among in (*reversed(UNIT_KINDS), kind) for each in fields(among)}
    return "; ".join(own[name].item.question for name in names)
