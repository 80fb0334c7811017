"""`/team/publications/{id}/views`: what is not public yet, as the public pages would draw it, by the same code."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from registry.access import Actor, Right
from registry.measures import HAT_RATE, MEASURES
from registry.publications import reviewing, whole
from registry.store import Store
from registry.web.actor import require
from registry.web.pages import render
from registry.web.public.compare import compare
from registry.web.public.measures import named
from registry.web.public.shown import areas, in_area
from registry.web.public.trusts import chosen_year

router = APIRouter(prefix="/team/publications")

ROLE = "hat_national"


@router.get("/{publication_id}/views")
def page(
    request: Request,
    publication_id: UUID,
    _actor: Annotated[Actor, require(Right.READ_DRAFTS)],
    measure: str = HAT_RATE.ident,
    area: str = "",
) -> Response:
    """One measure in one area, and the funnel of the latest final year; nothing of it is kept."""
    asked = named(measure)
    store: Store = request.app.state.store
    with store.readonly(role=ROLE) as connection:
        release = reviewing.draft(connection, publication_id)
        everything = whole.read(connection, release)
    years = everything.final_years
    final = [year for year, over in years.items() if over]
    return render(
        request,
        "release/views.html",
        release=release,
        measures=MEASURES.values(),
        measure=asked,
        areas=areas(everything, asked),
        shown=in_area(everything, asked, area),
        made=compare(everything, chosen_year(years, str(final[0].year)) or final[0]) if final else None,
    )
