"""What is counted and how figures are protected; what is held about patients; accessibility."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from registry.disclosure.protected import BLANKS, LOW, LOW_SUM
from registry.measures import MEASURES
from registry.publications.published import Release
from registry.settings import CountingRules
from registry.web.public.frame import page, reading

router = APIRouter()


@router.get("/about/data")
@router.get("/cy/about/data")
def about_data(request: Request) -> Response:
    """Definitions, rounding, what the codes mean, revision."""
    with reading(request) as (_, release):
        rules = _rules(request, release)
    codes = [(wording.code, wording.words) for wording in (LOW, LOW_SUM, *BLANKS.values())]
    return page(
        request, "public/about_data.html", translatable=True, release=release, measures=MEASURES.values(), rules=rules, codes=codes
    )  # fmt: skip


def _rules(request: Request, release: Release | None) -> CountingRules:
    """The numbers by which the latest release was made; before the first, those that are set."""
    if release is None:
        current: CountingRules = request.app.state.settings.counting
        return current
    recorded = {name: value for name, value in release.rules.items() if name in CountingRules.model_fields}
    return CountingRules.model_validate(recorded)


@router.get("/about/patients")
@router.get("/cy/about/patients")
def about_patients(request: Request) -> Response:
    """What is held about patients, why, for how long, and how to object."""
    with reading(request) as (_, release):
        modes = release.rules.get("opt_out_in_force", {}) if release else {}
    rules = request.app.state.settings.counting
    return page(request, "public/about_patients.html", translatable=True, rules=rules, modes=modes)


@router.get("/accessibility")
@router.get("/cy/accessibility")
def accessibility(request: Request) -> Response:
    """How far the pages can be used by everybody, and what to do where they cannot."""
    return page(request, "public/accessibility.html", translatable=True)
