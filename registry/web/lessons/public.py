"""`/learning`: what trusts learnt and did, by theme and year; summaries as page, PDF and feed. Read under the role that sees what is published
and nothing else."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from registry.errors import NotFound
from registry.lessons import feed, published, themes
from registry.lessons.lists import Kind, theme_words, year_words
from registry.lessons.published import Lesson, Summary
from registry.lessons.summaries import quarter_words
from registry.lessons.themes import GROUPS, TOGETHER
from registry.lessons.words import WHY_DOWN
from registry.store import Store
from registry.web import print_out
from registry.web.moments import said_day
from registry.web.public import FRESH, READER
from registry.web.public import page as public_page

router = APIRouter()

PAGE = 20
LONGEST_WORDS = 100


def _page(request: Request, template: str, **words: Any) -> Response:
    return public_page(request, template, translatable=True, **words)


def _store(request: Request) -> Store:
    held: Store = request.app.state.store
    return held


@router.get("/learning")
@router.get("/cy/learning")
def index(request: Request, theme: str = "", kind: str = "", year: str = "", q: str = "", page: int = 1) -> Response:
    """What is published, chosen by theme, kind, year and words; and how often reviews found each theme."""
    words = " ".join(q.split())[:LONGEST_WORDS]
    number = int(year) if year.isdecimal() and len(year) == len("2025") else None
    at = max(1, min(page, 1000))
    with _store(request).readonly(role=READER) as connection:
        held, years = published.choices(connection)
        found = published.lessons(
            connection, theme=theme, kind=kind, year=number, words=words, limit=PAGE + 1, offset=(at - 1) * PAGE
        )
        counted = themes.as_json(themes.read(connection))
        summaries = published.summaries(connection, limit=4)
    return _page(
        request,
        "lessons/learning.html",
        found=found[:PAGE],
        more=len(found) > PAGE,
        at=at,
        theme=theme,
        kind=kind,
        year=year,
        q=words,
        themes=sorted(((each, theme_words(each)) for each in held), key=lambda pair: pair[1]),
        kinds=[(each.value, each.words) for each in Kind],
        years=[(str(each), year_words(each)) for each in years],
        counted=counted,
        groups=GROUPS,
        together=TOGETHER,
        summaries=[(each, quarter_words(each.quarter)) for each in summaries if each.withdrawn_at is None],
    )


@router.get("/learning/feed.atom")
def atom(request: Request, theme: str = "") -> Response:
    """The feed, all of it or of one theme."""
    with _store(request).readonly(role=READER) as connection:
        lessons = published.lately(connection)
        summaries = published.summaries(connection)
    known = theme if any(each.theme == theme for each in lessons) else ""
    chosen = [each for each in lessons if not known or each.theme == known]
    content = feed.feed(request.app.state.settings.base_url, chosen, summaries, theme=known)
    return Response(content, media_type=feed.MEDIA_TYPE, headers={"Cache-Control": FRESH})


# --- summaries (before a text: an address of theirs would fit both)


@router.get("/learning/summaries")
@router.get("/cy/learning/summaries")
def summaries(request: Request) -> Response:
    """All summaries, the latest first."""
    with _store(request).readonly(role=READER) as connection:
        found = published.summaries(connection)
    return _page(request, "lessons/summaries.html", found=[(each, quarter_words(each.quarter)) for each in found])


@router.get("/learning/summaries/{number}.pdf")
def summary_pdf(request: Request, number: int) -> Response:
    """A summary for paper."""
    words = _summary(request, number)
    demonstration = request.app.state.settings.demo
    return print_out.pdf_page("lessons/summary_paper.html", f"learning-{number}", demonstration=demonstration, **words)


@router.get("/learning/summaries/{number}")
@router.get("/cy/learning/summaries/{number}")
def summary(request: Request, number: int) -> Response:
    """A summary; of one that was withdrawn, that it was."""
    return _page(request, "lessons/summary.html", **_summary(request, number))


def _summary(request: Request, number: int) -> Mapping[str, Any]:
    with _store(request).readonly(role=READER) as connection:
        held: Summary | None = published.summary(connection, number)
        lessons = published.chosen(connection, held.chosen) if held else []
    if held is None:
        raise NotFound
    return {
        "it": held,
        "quarter": quarter_words(held.quarter),
        "published": said_day(held.published_at),
        "withdrawn": said_day(held.withdrawn_at),
        "reason": WHY_DOWN.get(held.reason or "", ""),
        "themes": _by_theme(lessons),
        "new": [theme_words(each) for each in held.counts.get("new", [])],
        "groups": GROUPS,
    }


def _by_theme(lessons: list[Lesson]) -> list[tuple[str, list[Lesson]]]:
    found: dict[str, list[Lesson]] = {}
    for each in lessons:
        found.setdefault(each.theme_words, []).append(each)
    return list(found.items())


@router.get("/learning/{ident}")
@router.get("/cy/learning/{ident}")
def one(request: Request, ident: UUID) -> Response:
    """One text; of one that was taken down, when and why."""
    with _store(request).readonly(role=READER) as connection:
        held = published.one(connection, ident)
    if held is None:
        raise NotFound
    gone = said_day(held.taken_down_at)
    return _page(
        request,
        "lessons/lesson.html",
        it=held,
        gone=gone,
        reason=WHY_DOWN.get(held.reason or "", ""),
        published=said_day(held.published_at),
    )
