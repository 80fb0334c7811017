"""`/team/case-mix`: observed over expected of every trust and board, exact, with the funnel; direct rates of nations and regions; freezing."""

import csv
import io
from datetime import UTC, date, datetime
from importlib.metadata import version
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ingest.quoting import quoted_record
from registry.access import Actor, Right
from registry.errors import Conflict, NotFound
from registry.publications import case_mix, outlier_cycles, reference_rates
from registry.publications.case_mix import ALL, Mix, Year
from registry.publications.reference_rates import Reference
from registry.store import Store
from registry.web.actor import require
from registry.web.bodies import submitted_form
from registry.web.fields import text
from registry.web.outliers import present
from registry.web.outliers.present import MixRow
from registry.web.pages import render
from registry.web.trust.present import said_time

router = APIRouter(prefix="/team/case-mix")

ROLE = "hat_national"
Counting = Annotated[Actor, require(Right.READ_AGGREGATES)]
Checking = Annotated[Actor, require(Right.CHECK_OUTLIERS)]
Form = Annotated[FormData, Depends(submitted_form)]
COLUMNS = (
    "code", "name", "year", "months", "observed", "admissions", "expected", "basis", "ratio", "lower_95", "upper_95",
    "lower_998", "upper_998", "note",
)  # fmt: skip
GROUPS = {
    "medical": "Medical", "surgical": "Surgical", "obstetric": "Obstetric", "critical_care": "Critical care",
    "orthopaedic_trauma": "Trauma and orthopaedic",
}  # fmt: skip


@router.get("")
def page(request: Request, actor: Counting, year: str = "", done: str = "") -> Response:
    """One financial year of everybody."""
    return _page(request, actor, year, done="The reference is frozen." if done else "")


@router.get("/year.csv")
def as_csv(request: Request, _actor: Counting, year: str = "") -> Response:
    """The same as a file."""
    chosen, _, mixes, _, _ = _read(request, year)
    if chosen is None:
        raise NotFound
    text_file = io.StringIO(newline="")
    writer = csv.DictWriter(text_file, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(quoted_record(_record(one)) for one in mixes)
    name = f"case-mix-{present.year_code(chosen)}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    content = b"\xef\xbb\xbf" + text_file.getvalue().encode()
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)


@router.post("/freeze")
def freeze(request: Request, actor: Checking, form: Form) -> Response:
    """Freeze the rates of a year, for good."""
    with _store(request).readonly(role=ROLE) as connection:
        years = case_mix.years(connection)
    code = text(form, "year")
    chosen = present.year_of(code, years) if code else None
    if chosen is None:
        raise NotFound
    try:
        with _store(request).transaction(role=ROLE) as connection:
            reference_rates.freeze(
                connection, chosen, by=actor, at=datetime.now(UTC), code_version=version("hat-registry")
            )
    except Conflict as refused:
        return _page(request, actor, "", wrong=refused.detail, status=refused.status)
    return RedirectResponse(f"/team/case-mix?year={present.year_code(date(chosen.year + 1, 4, 1))}&done=frozen", 303)


Found = tuple[date | None, list[date], list[Mix], list[Year], Reference | None]


def _read(request: Request, code: str) -> Found:
    with _store(request).readonly(role=ROLE) as connection:
        years = case_mix.years(connection)
        chosen = present.year_of(code, years)
        if chosen is None:
            return None, years, [], [], None
        frozen = reference_rates.reference_of(connection, reference_rates.before(chosen))
        counted = case_mix.read(connection, chosen)
    mixes = [case_mix.standardised(one, frozen.rates) for one in counted] if frozen else []
    return chosen, years, mixes, counted, frozen


def _page(request: Request, actor: Actor, code: str, *, done: str = "", wrong: str = "", status: int = 200) -> Response:
    chosen, years, mixes, counted, frozen = _read(request, code)
    if code and chosen is None and years:
        raise NotFound
    by = outlier_cycles.spread(one for one in mixes if one.plotted and one.year.months == case_mix.MONTHS)
    before = reference_rates.before(chosen) if chosen else None
    return render(
        request,
        "outliers/mix.html",
        status=status,
        years=[(present.year_code(each), present.year_words(each)) for each in years],
        chosen=present.year_code(chosen) if chosen else "",
        words=present.year_words(chosen) if chosen else "",
        before_words=present.year_words(before) if before else "",
        before_code=present.year_code(before) if before else "",
        before_counted=before in years,
        rows=[MixRow(one) for one in mixes],
        drawn=present.funnel("case-mix", "Observed over expected", mixes, by) if mixes else None,
        how=by.words,
        multiplicity=present.multiplicity(sum(one.plotted for one in mixes)),
        not_with_each_other=present.NOT_WITH_EACH_OTHER,
        read_low=present.READ_LOW,
        reference=frozen,
        frozen_at=said_time(frozen.frozen_at) if frozen else "",
        rates=_rates(frozen) if frozen else [],
        direct=case_mix.direct(counted, frozen.rates) if frozen else [],
        may_freeze=actor.may(Right.CHECK_OUTLIERS),
        done=done,
        wrong=wrong,
    )


def _rates(frozen: Reference) -> list[tuple[str, str, str, int, int, str]]:
    """The reference by stratum as words."""
    rows = []
    for (band, sex, group), (cases, people) in frozen.rates.items():
        rate = f"{1000 * cases / people:.3f}" if people else "–"
        said = ("all ages", "both sexes") if band == ALL else (band, sex)
        rows.append((*said, GROUPS.get(group, group), cases, people, rate))
    return rows


def _record(one: Mix) -> dict[str, Any]:
    near, far = one.ratio(), one.ratio(0.998)
    who = one.year.organisation
    cells = (
        who.code, who.name, present.year_code(one.year.year), one.year.months, one.observed, one.year.admissions,
        _digits(one.expected), one.basis or "", _digits(near.value), _digits(near.lower), _digits(near.upper),
        _digits(far.lower), _digits(far.upper), one.why,
    )  # fmt: skip
    return dict(zip(COLUMNS, cells, strict=True))


def _digits(value: float | None) -> float | None:
    return None if value is None else round(value, 9)


def _store(request: Request) -> Store:
    held: Store = request.app.state.store
    return held
