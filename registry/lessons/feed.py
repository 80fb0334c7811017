"""What is published of learning as an Atom feed (RFC 4287), the latest change first; what was taken down as a tombstone (RFC 6721)."""

from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID
from xml.etree import ElementTree

from registry.lessons.published import Lesson, Summary
from registry.lessons.summaries import quarter_words

ATOM = "http://www.w3.org/2005/Atom"
TOMBSTONES = "http://purl.org/atompub/tombstones/1.0"
MEDIA_TYPE = "application/atom+xml; charset=utf-8"


def feed(base_url: str, lessons: Iterable[Lesson], summaries: Iterable[Summary], *, theme: str = "") -> bytes:
    """The feed, as UTF-8 bytes that are the same for the same content."""
    ElementTree.register_namespace("", ATOM)
    ElementTree.register_namespace("at", TOMBSTONES)
    root = ElementTree.Element(f"{{{ATOM}}}feed", {"{http://www.w3.org/XML/1998/namespace}lang": "en"})
    own = f"{base_url}/learning/feed.atom" + (f"?theme={theme}" if theme else "")
    _add(root, "id", own)
    _add(root, "title", "Learning about hospital-associated thrombosis")
    _add(root, "link", rel="self", type="application/atom+xml", href=own)
    _add(root, "link", rel="alternate", type="text/html", href=f"{base_url}/learning")
    author = _add(root, "author")
    _add(author, "name", "HAT registry")
    made = [*(_lesson(base_url, each) for each in lessons), *(_summary(base_url, each) for each in summaries)]
    made.sort(key=lambda each: each[0], reverse=True)
    _add(root, "updated", _moment(made[0][0] if made else datetime(2000, 1, 1, tzinfo=UTC)))
    root.extend(element for _, element in made)
    ElementTree.indent(root)
    content: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return content


def _lesson(base_url: str, held: Lesson) -> tuple[datetime, ElementTree.Element]:
    if held.text is None:
        return _gone(f"urn:uuid:{held.id}", held.taken_down_at or held.published_at)
    entry = _entry(f"urn:uuid:{held.id}", f"{held.kind.words}: {held.theme_words}", held.published_at)
    _add(entry, "link", rel="alternate", type="text/html", href=f"{base_url}/learning/{held.id}")
    _add(entry, "category", term=held.theme, label=held.theme_words)
    said = f"{held.text}\n\n{held.theme_words}, {held.year_words}" + (
        f". {held.state_words}" if held.state_words else ""
    )
    _add(entry, "content", said, type="text")
    return held.published_at, entry


def _summary(base_url: str, held: Summary) -> tuple[datetime, ElementTree.Element]:
    ident = f"urn:uuid:{UUID(int=(0x48415453 << 96) | held.number)}"
    if held.withdrawn_at is not None:
        return _gone(ident, held.withdrawn_at)
    entry = _entry(ident, f"Summary of learning, {quarter_words(held.quarter)}", held.published_at)
    href = f"{base_url}/learning/summaries/{held.number}"
    _add(entry, "link", rel="alternate", type="text/html", href=href)
    _add(entry, "link", rel="alternate", type="application/pdf", href=f"{href}.pdf")
    _add(entry, "summary", held.introduction or "What reviews found, and what trusts did about it.", type="text")
    return held.published_at, entry


def _entry(ident: str, title: str, at: datetime) -> ElementTree.Element:
    entry = ElementTree.Element(f"{{{ATOM}}}entry")
    _add(entry, "id", ident)
    _add(entry, "title", title)
    _add(entry, "published", _moment(at))
    _add(entry, "updated", _moment(at))
    return entry


def _gone(ident: str, at: datetime) -> tuple[datetime, ElementTree.Element]:
    entry = ElementTree.Element(f"{{{TOMBSTONES}}}deleted-entry", {"ref": ident, "when": _moment(at)})
    comment = ElementTree.SubElement(entry, f"{{{TOMBSTONES}}}comment")
    comment.text = "Withdrawn"
    return at, entry


def _add(parent: ElementTree.Element, name: str, words: str = "", **attributes: str) -> ElementTree.Element:
    made = ElementTree.SubElement(parent, f"{{{ATOM}}}{name}", attributes)
    if words:
        made.text = words
    return made


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
