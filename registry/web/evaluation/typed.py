"""`/evaluation/counts` and `/evaluation/series`: counts that a reader types, pastes or uploads, through the same evaluation.

Anybody may: published counts, or a trust's own. Nothing of it is stored or logged; it travels in the body of the request alone.
"""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from registry.errors import Unprocessable
from registry.statistics.evaluation import evaluate
from registry.web.actor import who
from registry.web.bodies import submitted_form
from registry.web.evaluation import asking, rows
from registry.web.evaluation.comparing import ClaimShown, RatesShown, SharesShown, SourcesShown
from registry.web.evaluation.present import Shown
from registry.web.fields import Fault, content, texts
from registry.web.pages import render

router = APIRouter()

Form = Annotated[FormData, Depends(submitted_form)]
FILE_LIMIT = 64 * 1024
LONGEST_NAME = 60


@router.get("/evaluation/counts")
@router.get("/cy/evaluation/counts")
def ask_counts(request: Request) -> Response:
    """Two periods: a form."""
    return _counts(request, {})


@router.post("/evaluation/counts")
@router.post("/cy/evaluation/counts")
def counts(request: Request, form: Form) -> Response:
    """Two periods: what their counts give."""
    values = texts(form)
    found = asking.typed(values)
    names = (_name(values, "before_name", "Before"), _name(values, "after_name", "After"))
    if found.faults:
        return _counts(request, values, found.faults)
    return _counts(
        request,
        values,
        rates=RatesShown(found.rates, names) if found.rates else None,
        shares=SharesShown(found.shares, names) if found.shares else None,
        claim=ClaimShown(found.claim) if found.claim else None,
    )


def _counts(
    request: Request, values: Mapping[str, str], faults: list[Fault] | None = None, **shown: object
) -> Response:
    return _page(request, "evaluation/counts.html", values, faults, **shown)


@router.get("/evaluation/sources")
@router.get("/cy/evaluation/sources")
def ask_sources(request: Request) -> Response:
    """Two sources of cases: a form."""
    return _page(request, "evaluation/sources.html", {})


@router.post("/evaluation/sources")
@router.post("/cy/evaluation/sources")
def sources(request: Request, form: Form) -> Response:
    """How many cases there are at least, from two sources that somebody linked case by case."""
    values = texts(form)
    given, faults = asking.sources(values)
    return _page(request, "evaluation/sources.html", values, faults, shown=SourcesShown(given) if given else None)


@router.get("/evaluation/series")
@router.get("/cy/evaluation/series")
def ask_series(request: Request) -> Response:
    """A monthly series: a form."""
    return _page(request, "evaluation/series.html", {})


@router.post("/evaluation/series")
@router.post("/cy/evaluation/series")
def series(request: Request, form: Form) -> Response:
    """A monthly series: periods, regression, chart."""
    values, shown, faults = _read(form)
    return _page(request, "evaluation/series.html", values, faults, shown=shown)


@router.post("/evaluation/series.csv")
def series_csv(request: Request, form: Form) -> Response:
    """The same as a file: every month with what was fitted. Refuses what cannot be read."""
    who(request)
    _, shown, faults = _read(form)
    if shown is None:
        raise Unprocessable(errors=[(fault.field, fault.words) for fault in faults])
    return rows.as_file(shown, "evaluation.csv")


def _read(form: FormData) -> tuple[dict[str, str], Shown | None, list[Fault]]:
    values = texts(form)
    pasted = form.get("series")
    text = pasted if isinstance(pasted, str) else ""
    file = content(form, "file")
    faults = []
    if file:
        try:
            text = file[: FILE_LIMIT + 1].decode("utf-8-sig")
        except UnicodeDecodeError:
            faults.append(Fault("file", "The file is no text. Save the sheet as CSV, or paste its cells"))
        if len(file) > FILE_LIMIT:
            faults.append(Fault("file", "The file is larger than a series of months can be"))
    values["series"] = text.replace("\r\n", "\n")
    if faults:
        return values, None, faults
    months, wrong = asking.series(text)
    plan, unplanned = asking.plan(values)
    if wrong or unplanned or plan is None:
        return values, None, [*wrong, *unplanned]
    events, population = _name(values, "events", "events"), _name(values, "population", "population")
    return values, Shown("typed", "Your series", events, population, evaluate(months, plan)), []


def _name(values: Mapping[str, str], field: str, default: str) -> str:
    return values.get(field, "")[:LONGEST_NAME] or default


def _page(
    request: Request, template: str, values: Mapping[str, str], faults: list[Fault] | None = None, **words: object
) -> Response:
    who(request)
    response = render(
        request,
        template,
        status=422 if faults else 200,
        translatable=True,
        values=values,
        faults=faults or [],
        phases=asking.PHASES,
        seasons=asking.HARMONICS,
        kinds=asking.CHANGES,
        **words,
    )
    response.headers["Cache-Control"] = "no-store"
    return response
