"""`/trust/quality`: how complete cases and reviews are by month of admission, and how many warnings the files had, as charts and a table."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from registry.access import Actor, Right
from registry.store import Store
from registry.submissions.quality import Month, by_month
from registry.web.actor import require
from registry.web.charts import Chart, Point, number, sentence
from registry.web.drawing import drawing
from registry.web.pages import render
from registry.web.series import month_words
from registry.web.trust.choosing import choose
from registry.web.trust.present import today

router = APIRouter(prefix="/trust/quality")

Reading = Annotated[Actor, require(Right.READ_CASES)]


@dataclass(frozen=True, slots=True)
class Measured:
    """One of the small charts: what it shows of a month, and the counts behind it. A share has a percent sign, a rate has none."""

    ident: str
    title: str
    subject: str
    unit: str
    value: Callable[[Month], float | None]
    counts: Callable[[Month], tuple[int, int]]
    absent: str
    percent: bool = True


MEASURED = (
    Measured(
        "case-items", "Core items of cases answered", "the share of core items of cases that are answered", "% of items",
        lambda each: each.case_share, lambda each: (each.case_answers, each.case_items), "no cases",
    ),
    Measured(
        "review-items", "Core items of reviews answered", "the share of core items of reviews that are answered", "% of items",
        lambda each: each.review_share, lambda each: (each.review_answers, each.review_items), "no reviews",
    ),
    Measured(
        "complete", "Cases with a complete review", "the share of cases with a complete review", "% of cases",
        lambda each: each.complete_share, lambda each: (each.complete, each.cases), "no cases",
    ),
    Measured(
        "warnings", "Warnings, by month of receipt", "the number of warnings", "warnings per 100 rows",
        lambda each: each.warnings_per_100, lambda each: (each.warnings, each.rows), "no rows", percent=False,
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Small:
    """A small chart, its sentence, and the values of the months as the table has them, in the order of the months."""

    title: str
    picture: Markup
    sentence: str
    cells: tuple[tuple[str, str], ...]


@router.get("")
def index(request: Request, actor: Reading, organisation: str = "") -> Response:
    """The last two years of one organisation."""
    choice = choose(request, actor, Right.READ_CASES, organisation)
    store: Store = request.app.state.store
    with store.readonly(tenants=(choice.chosen.id,)) as connection:
        months = by_month(connection, choice.chosen.id, on=today())
    return render(
        request,
        "trust/quality.html",
        choice=choice,
        smalls=[_small(each, months) for each in MEASURED] if months else [],
        months=[month_words(each.month) for each in months],
    )


def _small(measured: Measured, months: Iterable[Month]) -> Small:
    points = tuple(_point(measured, each) for each in months)
    chart = Chart(
        ident=f"quality-{measured.ident}",
        title=measured.title,
        subject=measured.subject,
        unit=measured.unit,
        points=points,
        percent=measured.percent,
        decimals=0 if measured.percent else 1,
    )
    cells = tuple(
        (_value(chart, each), f"{each.top} of {each.bottom}" if each.value is not None else "") for each in points
    )
    return Small(measured.title, drawing(chart, narrow=True), sentence(chart), cells)


def _value(chart: Chart, point: Point) -> str:
    return number(chart, point.value) if point.value is not None else point.absent


def _point(measured: Measured, each: Month) -> Point:
    top, bottom = measured.counts(each)
    return Point(
        start=each.month,
        label=month_words(each.month),
        value=measured.value(each),
        top=f"{top:,}",
        bottom=f"{bottom:,}",
        absent=measured.absent,
    )
