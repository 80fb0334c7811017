"""MeasureReport by GET: one address for two things. The released figures are anybody's; a trust's own returns are the trust's.

What is asked for decides, not who asks, so that no cache can mix them up: an `identifier`, the measure of the monthly return, or an
id that is a record's, asks for own returns, and for the right to read them; everything else is the released figures.
"""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from registry.access import Actor, Right
from registry.web.actor import Asked
from registry.web.fhir import bundles, published
from registry.web.fhir.parameters import names_canonical
from registry.web.fhir.readable import read_uuid
from registry.web.fhir.reading import read_as
from registry.web.fhir.searching import search_as
from schemas import fhir

router = APIRouter(prefix=bundles.BASE)


@router.get("/MeasureReport")
def search(request: Request) -> Response:
    """Released figures by measure and period; or own returns by identifier, period and when they last changed."""
    if not _asks_for_own(request):
        return published.search(request)
    return search_as(request, _reader(request), request.query_params.multi_items())


@router.get("/MeasureReport/{ident}")
def read(request: Request, ident: str) -> Response:
    """One report of a release; or one of the own returns as it stands."""
    if read_uuid(ident) is None:
        return published.read(request, ident)
    return read_as(request, _reader(request), ident)


def _asks_for_own(request: Request) -> bool:
    given = request.query_params
    return "identifier" in given or names_canonical(given.get("measure", ""), fhir.ACTIVITY_MEASURE)


def _reader(request: Request) -> Actor:
    """Whoever asks, if they may read a trust's own records; asked here because the address itself is public."""
    return Asked(Right.READ_CASES)(request)
