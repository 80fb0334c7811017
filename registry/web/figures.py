"""A trust's own figures, exact: months, financial and calendar years, each rate with its limits. Never public.

They are read under the trust's own context, so the database shows no other's.
"""

from collections import defaultdict
from typing import Annotated, Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from registry.access import Actor, Right
from registry.errors import NotFound
from registry.publications import aggregates
from registry.publications.cells import Organisation, TrustMonth
from registry.store import Store
from registry.web import series
from registry.web.actor import require
from registry.web.pages import render

router = APIRouter(prefix="/trust/figures")

APART = {
    "day_case": "After a day case (in the rate of all admissions)",
    "immobilisation": "Lower-limb immobilisation without an admission",
    "line_related": "Line-related, of the arm or neck",
    "pregnancy_associated": "Pregnancy-associated, without an admission before",
}


@router.get("")
def own(request: Request, actor: Annotated[Actor, require(Right.READ_CASES)], organisation: str = "") -> Response:
    """The exact figures of one of the person's organisations, chosen by its code; the first where none is."""
    store: Store = request.app.state.store
    with store.readonly(tenants=actor.tenants(Right.READ_CASES)) as connection:
        rows = aggregates.read(connection)
        counted_at = aggregates.counted_at(connection)
    grouped: defaultdict[Organisation, list[TrustMonth]] = defaultdict(list)
    for row in rows:
        grouped[row.organisation].append(row)
    chosen = next((one for one in grouped if not organisation or one.code == organisation), None)
    if organisation and chosen is None:
        raise NotFound
    return render(
        request,
        "figures/own.html",
        organisations=list(grouped),
        chosen=chosen,
        counted_at=counted_at,
        tables=_tables(grouped[chosen]) if chosen else [],
        apart=_apart(grouped[chosen]) if chosen else [],
    )


def _tables(rows: list[TrustMonth]) -> list[dict[str, Any]]:
    """The three tables, the latest period first."""
    kinds = (
        ("financial", "By financial year", aggregates.financial_years(rows), series.year_words),
        ("calendar", "By calendar year", aggregates.calendar_years(rows), lambda start: f"{start.year}"),
        ("months", "By month", aggregates.months(rows), series.month_words),
    )
    return [
        {"ident": ident, "title": title, "lines": [(words(one.start), one) for one in reversed(found)]}
        for ident, title, found, words in kinds
    ]


def _apart(rows: list[TrustMonth]) -> list[tuple[str, int]]:
    """What is held and shown apart, over all months."""
    counted = [(words, sum(row.own.get(("apart", name), 0) for row in rows)) for name, words in APART.items()]
    return [(words, number) for words, number in counted if number]
