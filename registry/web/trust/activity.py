"""`/trust/activity`: twelve months of one organisation to type or paste, and a press for a month without a case.

What is saved is made into a file and goes through the same door as a file: received, checked, stored month by month; what is wrong with a
month stands in its cells, and what was typed stays.
"""

import hashlib
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ingest.characters import LONGEST_CELL
from registry import submissions
from registry.access import Actor, Right
from registry.errors import BadRequest, Conflict, NotFound, TooMany
from registry.store import Store
from registry.submissions import Door, Format, Mode, Receipt, Reference
from registry.submissions.due import months_before
from registry.submissions.monthly import ACTIVITY, COUNTS, Cells, Held, as_file, changed, held, sent_as
from registry.web.actor import require
from registry.web.bodies import read_form
from registry.web.fields import Fault, text
from registry.web.pages import render
from registry.web.trust.choosing import Choice, choose
from registry.web.trust.grid import MONTHS, box, grid, months_from, seen_in, typed_in
from registry.web.trust.paste import month_of, read
from registry.web.trust.present import today
from registry.web.uploads import Spool, deliver
from schemas.finding import Finding

router = APIRouter(prefix="/trust/activity")

MOST_FIELDS = 600
FORM_LIMIT = 512 * 1024  # bytes
ONCE = re.compile(r"[0-9a-f]{32}")


async def grid_form(request: Request) -> FormData:
    """The form, with a field for each cell."""
    return await read_form(request, max_fields=MOST_FIELDS)


Sending = Annotated[Actor, require(Right.SUBMIT)]
Form = Annotated[FormData, Depends(grid_form)]


@dataclass(frozen=True, slots=True)
class Work:
    """One press of a button: whose months, how they stand, what is typed; and what the page says of it."""

    request: Request
    actor: Actor
    choice: Choice
    held: Mapping[date, Held]
    typed: Mapping[date, Cells]
    findings: Mapping[date, list[Finding]] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    told: str = ""
    receipt: UUID | None = None
    moved: frozenset[date] = frozenset()
    paste: str = ""

    @property
    def tenant(self) -> int:
        return self.choice.chosen.id


@router.get("")
def ask(request: Request, actor: Sending, organisation: str = "", saved: UUID | None = None) -> Response:
    """Twelve months as they stand: those before the present one, or from `from`. `saved` names what was just stored of them."""
    choice = choose(request, actor, Right.SUBMIT, organisation)
    work = _standing(request, actor, choice, _first(request.query_params.get("from", "")))
    return _page(work if saved is None else _after(work, saved))


@router.post("", max_body_size=FORM_LIMIT)
def save(request: Request, actor: Sending, form: Form) -> Response:
    """Fill the page in from what was pasted, or store the months that changed, or one month as nil."""
    choice = choose(request, actor, Right.SUBMIT, text(form, "organisation"))
    stands = _standing(request, actor, choice, _first(text(form, "from")))
    work = replace(stands, typed=typed_in(form, stands.held))
    pressed = text(form, "do")
    if pressed == "fill":
        return _page(_filled(work, form))
    if long := tuple(_long(work)):
        return _page(replace(work, faults=long))
    if pressed.startswith("nil-"):
        return _nil(work, form, month_of(pressed.removeprefix("nil-")))
    return _store_months(work, form, changed(work.held, work.typed))


def _long(work: Work) -> Iterator[Fault]:
    """Cells that no file holds: with one of them none of the months could be read."""
    for month, cells in work.typed.items():
        for name, value in cells.items():
            if len(value) > LONGEST_CELL:
                words = f"{month:%B %Y}: a cell is longer than {LONGEST_CELL:,} characters. A count has a few digits"
                yield Fault(box(month, name), words)


# --- filling in


def _filled(work: Work, form: FormData) -> Work:
    """The page with the pasted cells in it; nothing is stored."""
    raw = form.get("paste")
    given = raw if isinstance(raw, str) else ""
    pasted = read(given, list(work.held))
    open_months = {month for month, one in work.held.items() if one.signed_at is None}
    typed = {month: dict(cells) for month, cells in work.typed.items()}
    for (month, name), cell in pasted.cells.items():
        if month in open_months:
            typed[month][name] = cell
    faults = tuple(Fault("paste", words) for words in pasted.faults)
    told = (
        f"{len(pasted.cells):,} cells are filled in. Nothing is stored yet: look through them, then save."
        if pasted.cells
        else ""
    )
    return replace(work, typed=typed, faults=faults, told=told, paste=given if faults else "")


# --- storing


def _nil(work: Work, form: FormData, month: date | None) -> Response:
    """Store one month as having had no case."""
    if month is None or month not in work.held:
        raise NotFound
    cells = {**work.typed[month], "case_return": "nil"}
    work = replace(work, typed={**work.typed, month: cells})
    if not any(cells[name] for name in COUNTS):
        words = f"{month:%B %Y}: fill in the admissions too. A nil return says that there was no case among them."
        return _page(replace(work, faults=(Fault(box(month, COUNTS[0]), words),)))
    return _store_months(work, form, [month] if changed({month: work.held[month]}, {month: cells}) else [])


def _store_months(work: Work, form: FormData, months: list[date]) -> Response:
    """Store some months; the others stay on the page as they were typed."""
    months = [month for month in months if work.held[month].signed_at is None]
    once = f"grid-{_once(form)}-"
    if not months:
        return _nothing(work, once)
    content = as_file({month: work.typed[month] for month in months})
    key = f"{once}{hashlib.sha256(content).hexdigest()[:24]}"
    try:
        receipt = _deliver(work, form, months, content, key)
    except _MovedError as moved:
        return _page(_conflict(work, moved.months), status=409)
    except (BadRequest, Conflict, TooMany) as refused:
        return _page(replace(work, faults=(Fault("", refused.detail),)), status=refused.status)
    return _answer(work, months, receipt)


def _nothing(work: Work, once: str) -> Response:
    """There is nothing to store: the same page was sent before, or nothing was changed in it."""
    with _store(work.request).readonly(tenants=(work.tenant,)) as connection:
        before = sent_as(connection, work.tenant, once)
    if before is not None:
        return RedirectResponse(f"{_address(work)}&saved={before}", 303)
    return _page(replace(work, told="Nothing was changed, so nothing was stored."))


class _MovedError(Exception):
    """Somebody else has stored months since the page was opened."""

    def __init__(self, months: frozenset[date]) -> None:
        self.months = months
        super().__init__()


def _deliver(work: Work, form: FormData, months: list[date], content: bytes, key: str) -> Receipt:
    """The receipt of what was sent; the same page sent twice gives the same one."""
    with _store(work.request).readonly(tenants=(work.tenant,)) as connection:
        again = sent_as(connection, work.tenant, key)
        if again is not None:
            return submissions.get(connection, Reference(work.tenant, again))
    seen = seen_in(form, months)
    moved = frozenset(month for month in months if work.held[month].version != seen[month])
    if moved:
        raise _MovedError(moved)
    wanted = submissions.Request(
        tenant_id=work.tenant,
        kind=ACTIVITY,
        format=Format.CSV,
        mode=Mode.ACCEPT_GOOD_ROWS,
        rehearsal=False,
        door=Door.FORM,
        actor=work.actor.label,
        role=work.actor.role,
        idempotency_key=key,
        file_name="the page of twelve months",
    )
    with Spool(work.request.app.state.settings) as spool:
        spool.take(content)
        spool.flush()
        return deliver(work.request.app.state, wanted, spool).receipt


def _answer(work: Work, months: list[date], receipt: Receipt) -> Response:
    """On to the page of what was stored; the page itself again where a month is refused, or something else is not stored yet."""
    if receipt.waiting:
        return RedirectResponse(f"/trust/submissions/{receipt.id}", 303)
    rest = set(changed(work.held, work.typed)) - set(months)
    if not receipt.errors and not rest:
        return RedirectResponse(f"{_address(work)}&saved={receipt.id}", 303)
    now = _standing(work.request, work.actor, work.choice, min(work.held))
    return _page(_outcome(replace(now, typed={**now.typed, **work.typed}), months, receipt))


def _conflict(work: Work, months: frozenset[date]) -> Work:
    said = ", ".join(f"{month:%B %Y}" for month in sorted(months))
    words = (
        f"Somebody else has stored {said} since you opened this page. What you typed is still here; what stands now is beside each cell "
        "that differs. Save again to put yours in its place."
    )
    first = min(months)
    return replace(work, faults=(Fault(box(first, "case_return"), words),), moved=months)


# --- what was found


def _after(work: Work, saved: UUID) -> Work:
    """The page of months that were just stored, with the warnings about them."""
    with _store(work.request).readonly(tenants=(work.tenant,)) as connection:
        receipt = submissions.get(connection, Reference(work.tenant, saved))
    stored = sorted(month for month, one in work.held.items() if one.submission_id == saved)
    return _outcome(work, stored, receipt)


def _outcome(work: Work, months: list[date], receipt: Receipt) -> Work:
    """What was found in the months of a submission. Its rows are those months in order: row 2 is the first."""
    with _store(work.request).readonly(tenants=(work.tenant,)) as connection:
        listed = submissions.findings(connection, Reference(work.tenant, receipt.id))
    found: dict[date, list[Finding]] = {}
    if receipt.rows == len(months):
        for each in listed:
            if each.row is not None and 2 <= each.row < len(months) + 2:
                found.setdefault(months[each.row - 2], []).append(each)
    return replace(work, findings=found, told=_told(receipt), receipt=receipt.id)


def _told(receipt: Receipt) -> str:
    stored, refused = receipt.stored or 0, receipt.refused or 0
    said = f"{stored} {'month is' if stored == 1 else 'months are'} stored." if stored else "Nothing is stored yet."
    if refused:
        said += f" {refused} {'month is' if refused == 1 else 'months are'} not: see what is wrong with {'it' if refused == 1 else 'them'}."
    elif receipt.warnings:
        said += " Some cells ask you to look again."
    return said


# --- the page


def _page(work: Work, *, status: int = 200) -> Response:
    table = grid(work.held, work.typed, work.choice.chosen.nation, findings=work.findings, moved=work.moved)
    faults = [*work.faults, *(each.fault for each in table.found if each.error)]
    first = min(work.held)
    return render(
        work.request,
        "trust/activity.html",
        status=422 if faults and status == 200 else status,
        choice=work.choice,
        grid=table,
        faults=faults,
        told=work.told,
        receipt=work.receipt,
        paste=work.paste,
        first=f"{first:%Y-%m}",
        earlier=f"{months_before(first, MONTHS):%Y-%m}",
        later=f"{months_before(first, -MONTHS):%Y-%m}" if months_before(first, -MONTHS) <= today() else "",
        once=secrets.token_hex(16),
        unsaved=bool(changed(work.held, work.typed)),
    )


def _standing(request: Request, actor: Actor, choice: Choice, first: date) -> Work:
    with _store(request).readonly(tenants=(choice.chosen.id,)) as connection:
        found = held(connection, choice.chosen.id, months_from(first))
    return Work(request, actor, choice, found, {month: one.cells for month, one in found.items()})


def _first(given: str) -> date:
    """The first month of the page; where none is asked for, the twelve before the present one."""
    if not given:
        return months_before(today(), MONTHS)
    found = month_of(given)
    if found is None:
        raise NotFound
    return found


def _address(work: Work) -> str:
    return f"/trust/activity?organisation={work.choice.chosen.code}&from={min(work.held):%Y-%m}"


def _once(form: FormData) -> str:
    """The form's own number; a new one where it was tampered with."""
    given = text(form, "once")
    return given if ONCE.fullmatch(given) else secrets.token_hex(16)


def _store(request: Request) -> Store:
    held_store: Store = request.app.state.store
    return held_store
