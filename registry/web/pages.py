"""Pages: the template environment, and `render`, the one way a page is made.

Every template is compiled when the environment is built, so the first visitor waits no longer than the second. Values are
escaped everywhere; no template uses `safe`, an inline style or an inline script (the content policy forbids both).
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

import jinja2
from jinja2.meta import find_referenced_templates
from jinja2.runtime import Context
from markupsafe import Markup
from sqlalchemy import Connection, text
from starlette.requests import Request
from starlette.responses import HTMLResponse

from registry.access import ANYBODY, NATIONAL_ROLES, Actor, Kind, Right
from registry.store import SYSTEM_TENANT
from registry.web.forgery import FORM_FIELD, form_token
from registry.web.languages import (
    Language,
    catalogue,
    english,
    frame_words,
    in_language,
    language_of,
    said,
    said_of,
    speaking,
    translated,
)
from registry.web.moments import said_day, said_time
from schemas.days import LONDON

SERVICE = "HAT registry"
STATIC = Path(__file__).parent / "static"
TEMPLATES = Path(__file__).parent / "templates"
FRAME = "base.html"
SOUND = (200, 422)
"""How a page is answered that has what it needs: as asked for, or as a form with faults in it."""


@dataclass(frozen=True, slots=True)
class Link:
    """`current` is "page" on the page itself, "true" below it, else empty: the values of aria-current."""

    words: str
    href: str
    current: str = ""
    number: str = ""
    """How much waits there, and of what: `12 overdue`."""


FOOTER = (
    Link("National figures", "/figures"),
    Link("About the data", "/about/data"),
    Link("Guides", "/guide"),
    Link("Sending as FHIR", "/fhir"),
    Link("What is held about patients", "/about/patients"),
    Link("Accessibility", "/accessibility"),
)

# words, address, and the right without which the page is refused; none: for everybody
NAVIGATION: tuple[tuple[str, str, Right | None], ...] = (
    ("National figures", "/figures", None),
    ("Learning", "/learning", None),
    ("Your returns", "/trust", Right.READ_SUBMISSIONS),
    ("Worklist", "/trust/worklist", Right.READ_CASES),
    ("Cases", "/trust/cases", Right.READ_CASES),
    ("Between trusts", "/trust/attributed", Right.READ_CASES),
    ("Your figures", "/trust/figures", Right.READ_CASES),
    ("Learning for others", "/trust/learning", Right.READ_CASES),
    ("Moderation", "/moderation", Right.MODERATE_LESSONS),
    ("Outlier notifications", "/trust/outliers", Right.ANSWER_OUTLIERS),
    ("Registry office", "/office", Right.RESOLVE_PAIRS),
    ("Cases for your answer", "/review", Right.REVIEW_CASE),
    ("National work", "/team", Right.READ_DRAFTS),
    ("Administration", "/admin", Right.MANAGE_SETTINGS),
)

BOTH = ("/figures", "/learning", "/about/data", "/about/patients", "/accessibility")
"""What of these links is there in Welsh too."""

# The same beside the name of whoever is signed in.
ACCOUNT: tuple[tuple[str, str, Right | None], ...] = (("Notices", "/notices", Right.OWN_ACCOUNT),)

MOST_COUNTED = 99
"""More than these are only said to be more."""


@dataclass(frozen=True, slots=True)
class Number:
    """How much waits behind a link, and what it is called. `sql` is a query of ours for one number, which ends counting at `:most`; it may
    name `:tenants`, the organisations whose cases the person reads, `:person`, `:on`, the day, and what `given` gives of the person."""

    sql: str
    words: str
    given: Callable[[Actor], Mapping[str, Any]] = lambda _: {}


NUMBERS: dict[str, Number] = {}
"""What stands beside a link in the head of the page, by its address; put in by the module whose page it is."""


def links(actor: Actor, path: str, numbers: Mapping[str, str] = MappingProxyType({})) -> tuple[Link, ...]:
    """The links in the head of the page for whoever asks. What is not linked is refused all the same."""
    seen = [entry for entry in NAVIGATION if entry[2] is None or actor.may(entry[2])]
    nearest = max((href for _, href, _ in seen if _current(href, path)), key=len, default="")
    return tuple(
        Link(words, href, _current(href, path) if href == nearest else "", numbers.get(href, ""))
        for words, href, _ in seen
    )


def _own_links(actor: Actor, path: str, numbers: Mapping[str, str]) -> tuple[Link, ...]:
    seen = (entry for entry in ACCOUNT if entry[2] is None or actor.may(entry[2]))
    return tuple(Link(words, href, _current(href, path), numbers.get(href, "")) for words, href, _ in seen)


def count_numbers(request: Request, connection: Connection, actor: Actor) -> None:
    """Count what stands in the head of the page, in a transaction that is open anyway; else a page opens one of its own for it.

    That of an organisation does not hold what a national role is told, so for these the page's own transaction counts.
    """
    if set(actor.roles).isdisjoint(NATIONAL_ROLES):
        _count(request, connection, actor)


def _count(request: Request, connection: Connection, actor: Actor) -> None:
    shown = {href for _, href, right in (*NAVIGATION, *ACCOUNT) if right is not None and actor.may(right)}
    asked = {href: number for href, number in NUMBERS.items() if href in shown}
    given = {
        "tenants": list(actor.tenants(Right.READ_CASES)),
        "person": actor.id,
        "on": datetime.now(LONDON).date(),
        "most": MOST_COUNTED + 1,
    }
    for number in asked.values():
        given |= number.given(actor)
    counts = ", ".join(f"({number.sql})" for number in asked.values())
    found = connection.execute(text(f"select {counts}"), given).one() if asked else ()
    request.state.numbers = {
        href: f"{count if count <= MOST_COUNTED else f'{MOST_COUNTED}+'} {number.words}".strip()
        for (href, number), count in zip(asked.items(), found, strict=True)
        if count
    }


def _numbers(request: Request, actor: Actor, status: int) -> Mapping[str, str]:
    """None for a page that tells of a fault: it must need nothing else to work."""
    national = not set(actor.roles).isdisjoint(NATIONAL_ROLES)
    tenants = (*actor.organisations, *((SYSTEM_TENANT,) if national else ()))
    if actor.kind is not Kind.PERSON or status not in SOUND or not tenants:
        return {}
    if not hasattr(request.state, "numbers"):
        with request.app.state.store.readonly(tenants=tenants) as connection:
            _count(request, connection, actor)
    numbers: Mapping[str, str] = request.state.numbers
    return numbers


def _current(href: str, path: str) -> str:
    if path == href:
        return "page"
    return "true" if path.startswith(href + "/") else ""


def render(request: Request, template: str, page: object = None, *, status: int = 200, **words: object) -> HTMLResponse:
    """A page. The template finds `page` and `words` by name, beside the frame (who is signed in, links, banner).

    Whoever asks is `request.state.actor`, put there where a session is looked up. A page made for somebody signed in is
    never stored by a browser or a proxy.
    """
    actor: Actor = getattr(request.state, "actor", ANYBODY)
    path = request.url.path
    language = language_of(path)
    person = actor if actor.kind is Kind.PERSON else None
    numbers = _numbers(request, actor, status)
    frame = {
        "request": request,
        "service": SERVICE,
        "title": SERVICE,
        "person": person,
        "links": _here(links(actor, in_language(path, Language.ENGLISH), numbers), language),
        "account": _own_links(actor, path, numbers),
        "footer": _here(FOOTER, language),
        "demonstration": request.app.state.settings.demo,
        "page": page,
    }
    spoken = language if translated(messages_of(template, language), language) else Language.ENGLISH
    frame |= {
        "language": language,
        "spoken": spoken,
        "frame_words": lambda words: frame_words(words, language),
        "frame_plain": lambda words: catalogue(language).get(words, words),
        "here": lambda path: in_language(path, language),
        "languages": [(each, in_language(path, each)) for each in Language if each is not language],
    }
    with speaking(spoken):
        text = environment().get_template(template).render(frame | words)
    headers = {"Cache-Control": "no-store"} if person else {}
    return HTMLResponse(text, status, headers)


def _here(links: Iterable[Link], language: Language) -> tuple[Link, ...]:
    """Links to what is there in both languages, in the language of the page."""
    if language is Language.ENGLISH:
        return tuple(links)
    return tuple(replace(one, href=in_language(one.href, language)) if one.href in BOTH else one for one in links)


@lru_cache
def messages_of(template: str, language: Language) -> frozenset[str]:
    """The texts of a template and of what it takes from others, without the frame of the page; none are asked for in English."""
    if language is Language.ENGLISH:
        return frozenset()
    return frozenset(text for name in taken_from(template) for text in texts_in(name))


@lru_cache
def taken_from(template: str) -> frozenset[str]:
    """A template and every other that it includes or takes macros from, however far away; the frame is not among them."""
    found, ahead = set[str](), [template]
    while ahead:
        name = ahead.pop()
        found.add(name)
        tree = environment().parse((TEMPLATES / name).read_text("utf-8"))
        ahead += {other for other in find_referenced_templates(tree) if other} - found - {FRAME}
    return frozenset(found)


def texts_in(name: str) -> frozenset[str]:
    """The messages of one template."""
    source = (TEMPLATES / name).read_text("utf-8")
    found = environment().extract_translations(source)  # type: ignore[attr-defined] # as above
    return frozenset(
        text for _, _, said in found for text in ([said] if isinstance(said, str) else said) if text is not None
    )


@lru_cache(maxsize=1)
def environment() -> jinja2.Environment:
    """The templates, all compiled. nhsuk-frontend-jinja's macros stand in `nhsuk` under their own names."""
    made = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.FileSystemLoader(TEMPLATES), jinja2.PackageLoader("nhsuk_frontend_jinja")]),
        autoescape=True,
        undefined=jinja2.ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        cache_size=-1,
        auto_reload=False,
        extensions=["jinja2.ext.i18n"],
    )
    made.policies["ext.i18n.trimmed"] = True
    made.install_gettext_callables(said, said_of, newstyle=True)  # type: ignore[attr-defined] # the extension's own method
    made.filters |= {"english": english, "said_day": said_day, "said_time": said_time}
    made.globals |= {
        "language": Language.ENGLISH, "spoken": Language.ENGLISH, "languages": (), "frame_words": str, "frame_plain": str, "here": str,
    }  # fmt: skip
    made.globals |= {"nhsuk": _library(made), "icon": _icon(made), "asset": asset, "token_field": token_field}
    for path in TEMPLATES.rglob("*.html"):
        made.get_template(path.relative_to(TEMPLATES).as_posix())
    return made


def _library(made: jinja2.Environment) -> SimpleNamespace:
    """Each macro of the library: `nhsuk.errorSummary({...})`, `nhsuk.table({...})` and so on."""
    macros: dict[str, Any] = {}
    for name in made.list_templates(filter_func=lambda name: name.endswith("/macro.jinja")):
        module = made.get_template(name).module
        macros |= {key: value for key, value in vars(module).items() if not key.startswith("_")}
    return SimpleNamespace(**macros)


def _icon(made: jinja2.Environment) -> Any:
    return vars(made.get_template("nhsuk/macros/icon.jinja").module)["nhsukIcon"]


@lru_cache
def asset(path: str) -> str:
    """The address of a file in static/, with a digest of its content: it may be kept for a year and is never stale.

    A path that is not there is a fault of the template: FileNotFoundError.
    """
    digest = hashlib.sha256((STATIC / path).read_bytes()).hexdigest()
    return f"/static/{path}?v={digest[:12]}"


@jinja2.pass_context
def token_field(context: Context) -> Markup:
    """The hidden field every form with method="post" starts with (before a file field, so that it can be read first)."""
    token = form_token(context["request"])
    return Markup('<input type="hidden" name="{}" value="{}">').format(FORM_FIELD, token)
