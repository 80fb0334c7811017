"""The form of a case, as both its pages use it: which questions, what was typed, what was found, and the page that shows all of it.

Nothing that a person typed is lost: every answer to the form that does not store it has the form in it again, filled in.
"""

import re
import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from registry.cases.online import Difference
from registry.submissions.senders import Sender
from registry.web import forms
from registry.web.applies import condition
from registry.web.bodies import read_form
from registry.web.fields import Fault, text
from registry.web.pages import render
from registry.web.trust.cases.present import HELD
from schemas.codelist import CodeList
from schemas.dictionary import field as field_of
from schemas.dictionary import fields
from schemas.finding import Finding, Severity
from schemas.record import RecordKind

CASE = RecordKind.CASE
MOST_FIELDS = 400
ONCE = re.compile(r"[0-9a-f]{32}")

_NEVER_TYPED = frozenset({"ethnic_category", "nhs_number_status"})
"""These come from the hospital system alone."""
QUESTIONS = tuple(each.name for each in fields(CASE) if each.name not in _NEVER_TYPED | {"withdraw_reason"})
IDENTIFYING = tuple(each.name for each in fields(CASE) if each.item.identifying)
KEY = "local_case_id"


async def case_form(request: Request) -> FormData:
    """The form, with a field for each question and several for each date."""
    return await read_form(request, max_fields=MOST_FIELDS)


Typed = Annotated[FormData, Depends(case_form)]


@dataclass(frozen=True, slots=True)
class Filled:
    """What came with the form. `answers` has the questions that it asked; `confirmed` the rules whose warnings were looked at."""

    answers: Mapping[str, str]
    base_version: int
    once: str
    screened: bool
    revealed: bool
    confirmed: frozenset[int]
    wants: str


def names(*, new: bool, revealed: bool) -> tuple[str, ...]:
    """The questions of a form: the number of a case is given once, what identifies is asked again only where it was shown."""
    left_out = set() if new else {KEY}
    if not new and not revealed:
        left_out |= set(IDENTIFYING)
    return tuple(name for name in QUESTIONS if name not in left_out)


def filled(form: FormData, *, new: bool) -> Filled:
    revealed = text(form, "revealed") == "true"
    return Filled(
        answers=forms.answers(form, CASE, names(new=new, revealed=revealed)),
        base_version=_number(text(form, "base_version")),
        once=text(form, "once") if ONCE.fullmatch(text(form, "once")) else secrets.token_hex(16),
        screened=text(form, "opt_out_screened") == "true",
        revealed=revealed,
        confirmed=frozenset(map(_number, text(form, "confirmed").split(","))),
        wants=text(form, "wants"),
    )


def _number(typed: str) -> int:
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 9 else 0


@dataclass(frozen=True, slots=True)
class Differing:
    """One field in which two people, or a person and a file, said different things; what identifies is not shown."""

    question: str
    base: str
    theirs: str
    mine: str
    clash: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """The page of the form. `case_id` is empty for a new case; `said` is told above it."""

    sender: Sender
    answers: Mapping[str, str]
    base_version: int = 0
    case_id: str = ""
    key: str = ""
    revealed: bool = False
    screened: bool = False
    findings: Collection[Finding] = ()
    faults: tuple[Fault, ...] = ()
    differing: tuple[Differing, ...] = ()
    held: frozenset[str] = frozenset()
    said: str = ""
    to_confirm: tuple[Finding, ...] = field(default=())

    @property
    def new(self) -> bool:
        return not self.case_id

    @property
    def action(self) -> str:
        return "/trust/cases/new" if self.new else f"/trust/cases/{self.case_id}/edit"


def page(request: Request, sheet: Sheet, *, status: int = 200) -> Response:
    """The form, filled in, with a number of its own."""
    asked = names(new=sheet.new, revealed=sheet.revealed)
    form = forms.questions(CASE, asked, sheet.answers, sheet.sender.nation, findings=sheet.findings)
    return render(
        request,
        "trust/cases/form.html",
        status=status,
        sheet=sheet,
        form=form,
        conditions={each.name: condition(CASE, each.name) for each in form.questions},
        faults=[*sheet.faults, *form.faults, *_elsewhere(sheet.findings, asked)],
        warnings=[_warning(each, asked) for each in sheet.to_confirm],
        confirming=",".join(str(each.rule) for each in sheet.to_confirm),
        masked=[field_of(CASE, name).item.question for name in IDENTIFYING if name in sheet.held],
        once=secrets.token_hex(16),
    )


def _elsewhere(findings: Iterable[Finding], asked: Collection[str]) -> list[Fault]:
    """Errors in what this form does not ask."""
    return [
        Fault("identifying" if each.field in IDENTIFYING else "", _said(each))
        for each in findings
        if each.severity is Severity.ERROR and each.field not in asked
    ]


def _warning(finding: Finding, asked: Collection[str]) -> Fault:
    return Fault(finding.field or "" if finding.field in asked else "", _said(finding))


def _said(finding: Finding) -> str:
    question = f"{field_of(CASE, finding.field).item.question}: " if finding.field else ""
    return f"{question}{finding.words} {finding.mend}"


def warnings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(each for each in findings if each.severity is Severity.WARNING)


def differing(found: Iterable[Difference]) -> tuple[Differing, ...]:
    """The differences in words."""
    return tuple(_differing(each) for each in found)


def _differing(each: Difference) -> Differing:
    one = field_of(CASE, each.field)
    base, theirs, mine = (
        _shown(one.codes, one.item.identifying, value) for value in (each.base, each.theirs, each.mine)
    )
    return Differing(one.item.question, base, theirs, mine, each.clash)


def _shown(codes: type[CodeList] | None, identifying: bool, value: str | None) -> str:
    if not value:
        return "Nothing"
    if identifying:
        return HELD
    words = {each.value: each.words for each in codes or ()}
    return ", ".join(words.get(part, part) for part in value.split("|")) if words else value
