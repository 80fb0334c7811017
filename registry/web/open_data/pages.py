"""`/data`: every release, its files, what changed and why. `latest` and a number are the same addresses otherwise.

A file is read from the protected store as it was made. A release by its number never changes, so it may be kept for a day; `latest` is
asked for again after five minutes, and then costs nothing where it is still the same. Programs that look whether there is something new
ask by HEAD.
"""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from registry import identifiers
from registry.errors import NotFound
from registry.publications import comparing
from registry.publications.published import Release
from registry.settings import Secrets
from registry.web.open_data import describing
from registry.web.open_data.making import ATTRIBUTION, JSON, LICENCE, LICENCE_ADDRESS, codes
from registry.web.open_data.reading import content, files, reading, release_of, releases, signed
from registry.web.open_data.words import table_words
from registry.web.public import FRESH, download, page

router = APIRouter()

FOR_A_DAY = "public, max-age=86400"
PACKAGE, REVISIONS, PROOF = "datapackage.json", "revisions.json", "proof.json"
DESCRIBING = {
    PACKAGE: "All files with their columns, for programs (Data Package)",
    REVISIONS: "What changed since the release before, table by table",
    PROOF: "Digests and signature",
}


@router.get("/data")
@router.get("/cy/data")
def index(request: Request) -> Response:
    """What there is, under which licence, and all releases."""
    with reading(request) as connection:
        found = releases(connection)
        latest = release_of(connection, "latest") if found else None
        listed = files(connection, latest) if latest else ()
    return page(
        request,
        "open_data/index.html",
        translatable=True,
        releases=found,
        files=listed,
        descriptions=describing.DESCRIPTIONS,
        codes=codes(),
        licence=(LICENCE, LICENCE_ADDRESS, ATTRIBUTION),
    )


@router.get("/data/changes.atom")
@router.head("/data/changes.atom", include_in_schema=False)
def changes(request: Request) -> Response:
    """The releases as a feed."""
    with reading(request) as connection:
        found = releases(connection)
    return download(request, describing.feed(found, _base(request)), "application/atom+xml; charset=utf-8")


@router.get("/data/key.json")
def key(request: Request) -> Response:
    """The public key with which the reports of audits are signed."""
    settings = request.app.state.settings
    public = identifiers.public_key(Secrets.load(settings.secrets_dir, ["signing"])["signing"])
    return download(request, describing.as_json({"algorithm": "Ed25519", "public_key": public.hex()}), JSON)


@router.get("/data/latest")
@router.get("/cy/data/latest")
def latest(request: Request) -> Response:
    """The latest release: its files, what changed, its proof."""
    return _release_page(request, "latest")


@router.get("/data/releases/{number}")
@router.get("/cy/data/releases/{number}")
def release(request: Request, number: str) -> Response:
    """One release, for good."""
    return _release_page(request, number)


@router.get("/data/latest/{name}")
@router.head("/data/latest/{name}", include_in_schema=False)
def latest_file(request: Request, name: str) -> Response:
    """A file of the latest release."""
    return _file(request, "latest", name)


@router.get("/data/releases/{number}/{name}")
@router.head("/data/releases/{number}/{name}", include_in_schema=False)
def release_file(request: Request, number: str, name: str) -> Response:
    """A file of one release, for good."""
    return _file(request, number, name)


def _release_page(request: Request, which: str) -> Response:
    with reading(request) as connection:
        found = release_of(connection, which)
        proof, listed = signed(connection, found), files(connection, found)
        revisions = comparing.revisions(connection, found.id)
        every = [one.number for one in releases(connection)]
    before = max((number for number in every if number < found.number), default=None)
    return page(
        request,
        "open_data/release.html",
        translatable=True,
        release=found,
        proof=proof,
        files=listed,
        descriptions=describing.DESCRIPTIONS,
        describing=DESCRIBING,
        revisions=[{"it": one, "table": table_words(one), "reasons": one.words} for one in revisions],
        before=before,
        newest=every[0],
        licence=(LICENCE, LICENCE_ADDRESS, ATTRIBUTION),
    )


def _file(request: Request, which: str, name: str) -> Response:
    """A file with its strong ETag; whoever has it already is told so without its being read."""
    with reading(request) as connection:
        found = release_of(connection, which)
        if name in DESCRIBING:
            response = download(request, _described(request, found, name), JSON)
        else:
            listed = next((one for one in files(connection, found) if one.name == name), None)
            if listed is None:
                raise NotFound
            headers = {"ETag": f'"{listed.digest[:32]}"'}
            if _has(request, headers["ETag"]):
                response = Response(status_code=304, headers=headers)
            else:
                response = Response(content(connection, found, name), media_type=listed.media_type, headers=headers)
                response.headers["Content-Disposition"] = f'attachment; filename="release-{found.number}-{name}"'
    response.headers["Cache-Control"] = FRESH if which == "latest" else FOR_A_DAY
    response.headers["Link"] = f'<{LICENCE_ADDRESS}>; rel="license"'
    response.headers["Content-Location"] = f"/data/releases/{found.number}/{name}"
    return response


def _described(request: Request, found: Release, name: str) -> bytes:
    with reading(request) as connection:
        if name == REVISIONS:
            return describing.as_json(describing.revision_records(comparing.revisions(connection, found.id)))
        proof = signed(connection, found)
        if name == PROOF:
            return describing.as_json(describing.proof_of(found, proof))
        return describing.as_json(describing.package(found, proof, files(connection, found), _base(request)))


def _has(request: Request, tag: str) -> bool:
    given = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    return tag in given or "*" in given


def _base(request: Request) -> str:
    return str(request.app.state.settings.base_url).rstrip("/")
