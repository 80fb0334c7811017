"""`/fhir`: the page for those who build a sending system, and the files of its examples. A test runs every request on it."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from registry.access import Scope
from registry.errors import NotFound
from registry.settings import Settings
from registry.web.fhir import examples
from registry.web.public import page
from schemas import fhir
from schemas.record import RecordKind

router = APIRouter()

MEDIA = {"json": "application/fhir+json", "ndjson": "application/fhir+ndjson"}
WORDS = (
    ("case.json", "a case."),
    ("faulty.json", "the same case with three faults."),
    ("review.json", "its review."),
    ("returns.json", "a monthly return."),
    ("cases.ndjson", "two cases, one a line."),
)
ASSERTION = """import json, sys, time, uuid
from joserfc import jwt
from joserfc.jwk import ECKey

CLIENT, KEY_FILE, TOKEN_URL = sys.argv[1:4]
key = ECKey.import_key(json.load(open(KEY_FILE)))  # a private key of P-384 as JWK, with its kid
now = int(time.time())
claims = {"iss": CLIENT, "sub": CLIENT, "aud": TOKEN_URL, "iat": now, "exp": now + 240, "jti": str(uuid.uuid4())}
header = {"alg": "ES384", "typ": "JWT", "kid": key.kid}
print(jwt.encode(header, claims, key, algorithms=["ES384"]))
"""


@router.get("/fhir")
def index(request: Request) -> Response:
    """What to send where, with requests to copy."""
    settings: Settings = request.app.state.settings
    first = examples.rows(RecordKind.CASE)[0]
    return page(
        request,
        "fhir/guide.html",
        base_url=settings.base_url,
        examples=WORDS,
        assertion=ASSERTION,
        scopes=" ".join(Scope),
        local_case_id=fhir.LOCAL_CASE_ID,
        number=first["local_case_id"],
        published=fhir.canonical(fhir.Artefact.MEASURE, "hat-rate"),
    )


@router.get("/fhir/examples/{name}")
def example(name: str) -> Response:
    """One of the examples, as a file."""
    content = examples.examples().get(name)
    if content is None:
        raise NotFound
    headers = {"Cache-Control": "public, max-age=300", "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=MEDIA[name.rpartition(".")[2]], headers=headers)
