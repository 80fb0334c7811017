"""A pretended translation of every public text, so that pages are read as they will be once a person has translated them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from babel.messages import Catalog
from babel.messages.pofile import write_po
from httpx2 import Response

from registry.web import languages
from registry.web.texts import messages

MARK = "¤"
"""It stands before each text of the pretended translation."""


@contextmanager
def all_translated(folder: Path) -> Iterator[None]:
    """While it lasts, every text of the public pages is there in Welsh."""
    made = Catalog(locale="cy", domain="public", charset="utf-8")
    for words in messages():
        made.add(words, MARK + words)
    with (folder / "cy.po").open("wb") as file:
        write_po(file, made, omit_header=True)
    kept = languages.FOLDER
    languages.FOLDER = folder
    languages.catalogue.cache_clear()
    try:
        yield
    finally:
        languages.FOLDER = kept
        languages.catalogue.cache_clear()


def check_welsh(answer: Response) -> None:
    """The page is Welsh as a whole: what is English in it is marked so, and no mark is shown as text or stands in the title."""
    page = answer.text
    assert answer.status_code == 200, answer.url
    assert '<html lang="cy">' in page
    assert '<div class="nhsuk-width-container" lang="en">' not in page
    assert "not yet available in Welsh" not in page
    title = re.search(r"<title>(.*?)</title>", page, re.DOTALL)
    assert title is not None
    assert "<" not in title[1]
    assert MARK in page.split("<main", 1)[1]
    assert "&lt;span" not in page
    assert "%(" not in page
    assert "%%" not in page
