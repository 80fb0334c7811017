"""What the FHIR door says of itself, for everybody and without a token: capabilities, profiles, questionnaires, code lists, measures,
the package, and how a machine client signs in.

The resources are the committed artefacts of the dataset, byte for byte; the measures of the publication are made of their words here.
"""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from fastapi import APIRouter
from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from registry.access import Scope
from registry.accounts.keys import ALGORITHMS
from registry.errors import BadRequest, NotFound
from registry.measures import MEASURES, Measure
from registry.web.fhir import bundles
from registry.web.fhir.asking import only_known
from registry.web.fhir.bundles import BASE
from registry.web.fhir.parameters import Search, search_in
from registry.web.fhir.refusals import MEDIA_TYPE
from registry.web.fhir.token import GRANT, token_url
from registry.web.public import FRESH, download, page
from schemas.fhir import VERSION, Artefact
from schemas.publish import FOLDER, fhir
from schemas.publish.fhir import measures
from schemas.publish.fhir.package import package
from schemas.publish.fhir.service import CONFORMANCE, NAME, PACKAGE
from schemas.publish.fhir.terminology import said
from schemas.rule import CATALOGUE

PACKED: Final = "application/gzip"
SEARCHED: Final = ("_id", "url", "version")

Files = Mapping[str, bytes]

router = APIRouter()


class _Kinds(Convertor[str]):
    """The types of conformance resource as a part of an address, so that the other types of R4 are left to their own doors."""

    regex = "|".join(CONFORMANCE)

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("conformance", _Kinds())


@router.get(f"{BASE}/metadata")
def capabilities(request: Request) -> Response:
    """The CapabilityStatement, with the address at which this service really stands."""
    only_known(request, "mode")
    if request.query_params.get("mode", "full") != "full":
        raise BadRequest("Only mode=full is offered.")
    statement = json.loads(committed()[f"{Artefact.CAPABILITY_STATEMENT}-{NAME}.json"])
    statement["implementation"]["url"] = bundles.address(request)
    return download(request, _json(statement), MEDIA_TYPE)


@router.get(f"{BASE}/.well-known/smart-configuration")
def smart_configuration(request: Request) -> Response:
    """How a machine client comes to a token: SMART Backend Services."""
    told = {
        "token_endpoint": token_url(request.app.state.settings),
        "grant_types_supported": [GRANT],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "scopes_supported": [scope.value for scope in Scope],
        "capabilities": ["client-confidential-asymmetric", "permission-v2"],
    }
    return JSONResponse(told, headers={"Cache-Control": FRESH})


@router.get(f"{BASE}/{{kind:conformance}}")
def listing(request: Request, kind: Artefact) -> Response:
    """The resources of one type, by address and version."""
    search = search_in(request, request.query_params.multi_items(), SEARCHED)
    found = [each for each in _of_type(kind).values() if _meant(json.loads(each), search)]
    return download(request, _json(_searchset(request, kind, search, found)), MEDIA_TYPE)


@router.get(f"{BASE}/{{kind:conformance}}/{{ident}}")
def one(request: Request, kind: Artefact, ident: str) -> Response:
    """One resource by its id."""
    only_known(request)
    found = _of_type(kind).get(ident)
    if found is None:
        raise NotFound
    return download(request, found, MEDIA_TYPE)


@router.get("/fhir/package.tgz")
def packed(request: Request) -> Response:
    """The FHIR package of all committed resources."""
    only_known(request)
    response = download(request, _package(), PACKED)
    response.headers["Content-Disposition"] = f'attachment; filename="{PACKAGE}-{VERSION}.tgz"'
    return response


@router.get("/fhir/rules/{ident}")
def rule(request: Request, ident: str) -> Response:
    """The page of one rule, to which every issue links."""
    found = next((each for each in CATALOGUE if each.id == ident), None)
    if found is None:
        raise NotFound
    return page(request, "public/rule.html", rule=found, words=said(found.words), mend=said(found.mend))


# --- what is served


@cache
def committed() -> Files:
    """The committed artefacts by file name."""
    return {path.name: path.read_bytes() for path in sorted((FOLDER / fhir.FOLDER).iterdir())}


@cache
def _package() -> bytes:
    return package(committed())


@cache
def _of_type(kind: Artefact) -> Files:
    """The resources of one type by id."""
    files = {name: content for name, content in committed().items() if name.startswith(f"{kind}-")}
    found = {name.removeprefix(f"{kind}-").removesuffix(".json"): content for name, content in files.items()}
    return found | {each.ident: _measure(each) for each in MEASURES.values()} if kind is Artefact.MEASURE else found


def _measure(measure: Measure) -> bytes:
    return measures.published(
        name=measure.ident,
        title=measure.title,
        unit=measure.unit,
        definition=measure.definition,
        numerator=measure.numerator,
        denominator=measure.denominator,
        share=measure.percent,
        exclusions=measure.exclusions,
        notes=(*measure.limits, measure.revision, f"Source: {measure.source}"),
    )


# --- searching


def _meant(resource: dict[str, Any], search: Search) -> bool:
    """Whether a resource is what every parameter asks for."""
    held = {"_id": resource["id"], "url": resource.get("url"), "version": resource.get("version")}
    asked = {name: search.one(name) for name in SEARCHED}
    return all(wanted is None or held[name] in wanted.split(",") for name, wanted in asked.items())


def _searchset(request: Request, kind: Artefact, search: Search, found: list[bytes]) -> dict[str, Any]:
    """One page of what was found, in order of their ids."""
    resources = sorted((json.loads(each) for each in found), key=lambda each: str(each["id"]))
    if search.total_only:
        return bundles.total(request, kind, search, len(resources))
    rest = [each for each in resources if each["id"] > (search.cursor or "")]
    shown = rest[: search.count]
    cursor = shown[-1]["id"] if len(rest) > len(shown) else None
    return bundles.searchset(request, kind, search, shown, cursor=cursor) | {"total": len(resources)}


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
