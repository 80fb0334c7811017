"""Official files into the register: first what would change, then, confirmed, the change.

Nothing is kept between the two: the file travels, compressed, in the form that confirms it, is read again, and is applied only if
it would still change exactly what was shown.
"""

import base64
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy import Connection
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from registry import register
from registry.access import Actor, Right
from registry.errors import BadRequest, Conflict
from registry.official import Fault as FileFault
from registry.official import Severity, read_ods, read_organisations, read_successions
from registry.official.files import LARGEST
from registry.register import Difference
from registry.store import SYSTEM_TENANT, Store
from registry.web.actor import require
from registry.web.admin.organisations import secrets_of
from registry.web.bodies import submitted_form
from registry.web.edge import MIB
from registry.web.fields import Fault, content, text
from registry.web.pages import render

router = APIRouter(prefix="/admin/organisations/import")

Administrator = Annotated[Actor, require(Right.MANAGE_ORGANISATIONS)]
Form = Annotated[FormData, Depends(submitted_form)]

SOURCES = {
    "register": "The registry's own layout (organisations.csv)",
    "nhs_trust": "ODS download of NHS trusts (etr.csv)",
    "local_health_board": "ODS download of Welsh health boards (wlhb.csv)",
    "independent_provider": "ODS download of independent providers (ephp.csv)",
    "successions": "ODS download of successions (succ.csv)",
}
PART = 60_000  # letters of a form field; the reader of forms takes 64 KiB
PARTS = 15
SHOWN = 500


@dataclass(frozen=True, slots=True)
class Chosen:
    """A file, and as what it is to be read."""

    source: str
    add_new: bool
    data: bytes


@router.get("")
def ask(request: Request, _actor: Administrator) -> Response:
    """Choose a file."""
    return render(request, "admin/import.html", sources=SOURCES, values={}, faults=[])


@router.post("", max_body_size=LARGEST + MIB)
def preview(request: Request, _actor: Administrator, form: Form) -> Response:
    """What the file would change, and its faults; nothing is changed yet."""
    store: Store = request.app.state.store
    chosen = Chosen(text(form, "source"), text(form, "add_new") == "yes", content(form, "file"))
    wrong = _wrong(chosen)
    parts = [] if wrong else packed(chosen.data)
    if len(parts) > PARTS:
        wrong = [Fault("file", "The file is too large to be shown first. Divide it and import the parts one by one")]
    if wrong:
        values = {"source": chosen.source, "add_new": text(form, "add_new")}
        return render(request, "admin/import.html", status=422, sources=SOURCES, values=values, faults=wrong)
    with store.readonly() as connection:
        difference, faults = _planned(connection, chosen)
    return render(
        request,
        "admin/import_preview.html",
        chosen=chosen,
        source=SOURCES[chosen.source],
        parts=parts,
        difference=difference,
        shown=difference.changes[:SHOWN],
        file_faults=sorted(faults, key=lambda fault: fault.severity is Severity.WARNING)[:SHOWN],
        refused=len([fault for fault in faults if fault.severity is Severity.ERROR]),
    )


def _wrong(chosen: Chosen) -> list[Fault]:
    wrong = [] if chosen.source in SOURCES else [Fault("source", "Choose which file it is")]
    return wrong if chosen.data else [*wrong, Fault("file", "Choose a file that is not empty")]


def _planned(connection: Connection, chosen: Chosen) -> tuple[Difference, Collection[FileFault]]:
    if chosen.source == "successions":
        followed, faults = read_successions(chosen.data)
        return register.plan_successions(connection, followed), faults
    if chosen.source == "register":
        read, faults = read_organisations(chosen.data)
        return register.plan(connection, read), faults
    read, faults = read_ods(chosen.data, kind=chosen.source)
    return register.plan(connection, read, add_new=chosen.add_new), faults


@router.post("/confirm", max_body_size=PARTS * PART + MIB)
def confirm(request: Request, actor: Administrator, form: Form) -> Response:
    """Apply what was shown. Raises Conflict where the register has changed since."""
    store: Store = request.app.state.store
    chosen = Chosen(text(form, "source"), text(form, "add_new") == "yes", _unpacked(form))
    if _wrong(chosen):
        raise BadRequest("Choose the file again.")
    secrets = secrets_of(request)
    with store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        difference, _ = _planned(connection, chosen)
        if difference.digest != text(form, "digest"):
            raise Conflict("The register has changed since the difference was shown. Choose the file again.")
        register.apply_difference(connection, difference, secrets=secrets, by=actor)
    return RedirectResponse("/admin/organisations?done=imported", 303)


def packed(data: bytes) -> list[str]:
    """A file as the values of hidden fields."""
    letters = base64.b64encode(zlib.compress(data, 9)).decode()
    return [letters[start : start + PART] for start in range(0, len(letters), PART)]


def _unpacked(form: FormData) -> bytes:
    letters = "".join(text(form, f"part-{number}") for number in range(PARTS))
    unpacking = zlib.decompressobj()
    try:
        data = unpacking.decompress(base64.b64decode(letters, validate=True), LARGEST)
    except (ValueError, zlib.error):
        raise BadRequest("Choose the file again.") from None
    if not unpacking.eof:
        raise BadRequest("Choose the file again.")
    return data
