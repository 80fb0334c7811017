"""`/trust/figures/case-mix`: a trust's own observed over expected, exact, stratum by stratum. It compares with 1, never with another's."""

from typing import Annotated

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from registry.access import Actor, Right
from registry.errors import NotFound
from registry.publications import own_mix
from registry.publications.own_mix import OwnStratum, OwnYear
from registry.store import Store
from registry.web.actor import require
from registry.web.outliers import present
from registry.web.pages import render
from registry.web.trust.choosing import choose

router = APIRouter(prefix="/trust/figures/case-mix")

Reading = Annotated[Actor, require(Right.READ_CASES)]
GROUPS = {
    "medical": "Medical", "surgical": "Surgical", "obstetric": "Obstetric", "critical_care": "Critical care",
    "orthopaedic_trauma": "Trauma and orthopaedic",
}  # fmt: skip


@router.get("")
def page(request: Request, actor: Reading, organisation: str = "", year: str = "") -> Response:
    """One financial year, the latest that has something expected where none is chosen."""
    choice = choose(request, actor, Right.READ_CASES, organisation)
    store: Store = request.app.state.store
    with store.readonly(tenants=(choice.chosen.id,)) as connection:
        years = own_mix.years(connection, choice.chosen.id)
        order = sorted(years, key=lambda each: (each.expected is None, -each.year.toordinal()))
        found = next((each for each in order if not year or present.year_code(each.year) == year), None)
        if found is None and year:
            raise NotFound
        strata = own_mix.strata(connection, choice.chosen.id, found.year) if found else []
    return render(
        request,
        "outliers/own.html",
        choice=choice,
        years=[(present.year_code(each.year), present.year_words(each.year)) for each in years],
        chosen=present.year_code(found.year) if found else "",
        found=_shown(found) if found else None,
        strata=[_stratum(each) for each in strata if found and found.basis and each.used(found.basis)],
        not_with_each_other=present.NOT_WITH_EACH_OTHER,
        read_low=present.READ_LOW,
    )


def _shown(found: OwnYear) -> dict[str, object]:
    near, far = found.ratio(), found.ratio(0.998)
    return {
        "it": found,
        "words": present.year_words(found.year),
        "reference": present.year_words(found.reference_year) if found.reference_year else "",
        "expected": present.number(found.expected, 2),
        "ratio": present.number(near.value),
        "limits": present.between(near),
        "wide": present.between(far),
    }


def _stratum(one: OwnStratum) -> tuple[str, str, str, int, str, str, str]:
    rate = 1000 * one.expected / one.admissions if one.expected is not None and one.admissions else None
    all_of = one.age_band == "all"
    return (
        "all ages" if all_of else one.age_band,
        "both sexes" if all_of else one.sex,
        GROUPS.get(one.admission_group, one.admission_group),
        one.cases,
        "–" if one.admissions is None else f"{one.admissions:,}",
        present.number(rate),
        present.number(one.expected, 2),
    )
