"""`/trust/figures/download`: a trust's own cases and reviews as CSV or workbook.

It is chosen on one page and confirmed on another, with the password, however small it is; the confirmation says what leaves. The audit
entry is written before the first byte.
"""

import tempfile
from collections.abc import Iterator, Mapping
from typing import IO, Annotated, Any

from fastapi import APIRouter, Depends
from sqlalchemy import Connection
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from registry import submissions
from registry.access import Actor, Right
from registry.cases import own_export
from registry.cases.own_export import MOST_IN_WORKBOOK, Wanted
from registry.cases.periods import Period
from registry.errors import NotFound, Unprocessable
from registry.store import Store, audit
from registry.web import step_up
from registry.web.actor import require
from registry.web.bodies import submitted_form
from registry.web.downloads import CSV, WORKBOOK
from registry.web.fields import Fault, text, texts
from registry.web.own.present import choices, period_of
from registry.web.pages import render
from registry.web.trust.choosing import Choice, choose
from registry.web.trust.present import today
from registry.web.uploads import keys_of
from schemas.dictionary import fields
from schemas.record import RecordKind

router = APIRouter()

Reading = Annotated[Actor, require(Right.READ_CASES)]
Form = Annotated[FormData, Depends(submitted_form)]

KINDS = {RecordKind.CASE.value: "Cases", RecordKind.RCA.value: "Reviews"}
FORMATS = {"csv": ("CSV", CSV), "xlsx": ("Excel workbook", WORKBOOK)}
PIECE = 1 << 16


@router.get("/download")
def ask(request: Request, actor: Reading, organisation: str = "") -> Response:
    """What is to be downloaded."""
    choice = choose(request, actor, Right.READ_CASES, organisation)
    return _asked(request, choice, {"kind": "case", "format": "csv"}, [])


@router.post("/download/confirm")
def confirm(request: Request, actor: Reading, form: Form) -> Response:
    """What that is, in numbers, and the password."""
    choice = choose(request, actor, Right.READ_CASES, text(form, "organisation"))
    faults = _faults(form)
    if faults:
        return _asked(request, choice, texts(form), faults, 422)
    with _store(request).readonly(tenants=(choice.chosen.id,)) as connection:
        rows = own_export.count(connection, _wanted(request, connection, choice, form, opened=False))
    if too_many := _too_many(form, rows):
        return _asked(request, choice, texts(form), too_many, 422)
    return _to_confirm(request, choice, form, rows, [])


@router.post("/download")
def give(request: Request, actor: Reading, form: Form) -> Response:
    """The file, where the password is right; the confirmation again where it is not."""
    choice = choose(request, actor, Right.READ_CASES, text(form, "organisation"))
    if _faults(form):
        raise NotFound
    wrong = step_up.confirmed(request, actor, form)
    if wrong is not None:
        with _store(request).readonly(tenants=(choice.chosen.id,)) as connection:
            rows = own_export.count(connection, _wanted(request, connection, choice, form, opened=False))
        return _to_confirm(request, choice, form, rows, [wrong], 422)
    file = tempfile.TemporaryFile(dir=submissions.spool(request.app.state.settings))  # noqa: SIM115 (closed once it is sent)
    try:
        with _store(request).transaction(tenants=(choice.chosen.id,)) as connection:
            rows = _written(request, connection, choice, form, file, actor)
    except BaseException:
        file.close()
        raise
    return _sent(file, _name(choice, form), FORMATS[text(form, "format")][1])


def _written(
    request: Request, connection: Connection, choice: Choice, form: FormData, file: IO[bytes], by: Actor
) -> int:
    wanted = _wanted(request, connection, choice, form, opened=True)
    write = own_export.write_csv if text(form, "format") == "csv" else own_export.write_workbook
    if too_many := _too_many(form, own_export.count(connection, wanted)):
        raise Unprocessable(too_many[0].words)
    rows = write(connection, wanted, file)
    audit.record(
        connection,
        tenant=choice.chosen.id,
        actor=by.label,
        role=by.role,
        action="own data downloaded",
        object_type="export",
        object_id=wanted.kind.value,
        detail={
            "rows": rows,
            "identifying": wanted.keys is not None,
            "format": text(form, "format"),
            "period": wanted.period.code if wanted.period else "all",
        },
    )
    return rows


def _sent(file: IO[bytes], name: str, media_type: str) -> Response:
    length = file.tell()
    file.seek(0)
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
        "Content-Length": str(length),
    }
    return StreamingResponse(_pieces(file), media_type=media_type, headers=headers)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(PIECE):
            yield piece


def _name(choice: Choice, form: FormData) -> str:
    period = text(form, "period") or "all"
    return f"{choice.chosen.code}-{text(form, 'kind')}-{period}.{text(form, 'format')}"


# --- what is chosen


def _faults(form: FormData) -> list[Fault]:
    found = []
    if text(form, "kind") not in KINDS:
        found.append(Fault("kind", "Choose cases or reviews"))
    if text(form, "format") not in FORMATS:
        found.append(Fault("format", "Choose the kind of file"))
    return found


def _too_many(form: FormData, rows: int) -> list[Fault]:
    if text(form, "format") != "xlsx" or rows <= MOST_IN_WORKBOOK:
        return []
    words = f"A workbook holds at most {MOST_IN_WORKBOOK:,} rows here. Choose a CSV file, or one year"
    return [Fault("format", words)]


def _wanted(request: Request, connection: Connection, choice: Choice, form: FormData, *, opened: bool) -> Wanted:
    """What the form asks for. `opened`: with the keys, where what identifies is asked for."""
    keys = keys_of(request.app.state, connection, choice.chosen.id) if opened and _identifying(form) else None
    return Wanted(choice.chosen.id, RecordKind(text(form, "kind")), _period(form), keys)


def _period(form: FormData) -> Period | None:
    """One period, or everything. NotFound for what is none."""
    code = text(form, "period")
    return period_of(code, today()) if code else None


def _identifying(form: FormData) -> bool:
    return text(form, "identifying") == "yes"


# --- pages


def _asked(
    request: Request, choice: Choice, values: Mapping[str, str], faults: list[Fault], status: int = 200
) -> Response:
    return render(
        request,
        "figures/download.html",
        status=status,
        choice=choice,
        values=values,
        faults=faults,
        kinds=list(KINDS.items()),
        formats=[(each, words) for each, (words, _) in FORMATS.items()],
        periods=choices(period_of("", today()), today()),
        identifying=[
            each.item.question for kind in KINDS for each in fields(RecordKind(kind)) if each.item.identifying
        ],
    )


def _to_confirm(
    request: Request, choice: Choice, form: FormData, rows: int, faults: list[Fault], status: int = 200
) -> Response:
    kind, period = RecordKind(text(form, "kind")), _period(form)
    hidden: dict[str, Any] = {name: text(form, name) for name in ("kind", "format", "period", "identifying")}
    return render(
        request,
        "figures/download_confirm.html",
        status=status,
        choice=choice,
        faults=faults,
        hidden={name: value for name, value in hidden.items() if value} | {"organisation": choice.chosen.code},
        rows=rows,
        what=KINDS[kind.value].lower(),
        format=FORMATS[text(form, "format")][0],
        period=period.words if period else "everything that stands",
        identifying=[each.item.question for each in fields(kind) if each.item.identifying]
        if _identifying(form)
        else [],
    )


def _store(request: Request) -> Store:
    held: Store = request.app.state.store
    return held
