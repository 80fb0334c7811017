"""The languages of the public pages: English, and Welsh as far as a person has translated it.

Every text of a public template is a message (`{% trans %}`, `_()`); `catalogues/cy.po` holds the Welsh ones and is read as it stands. Below
`/cy` a page whose template is translated as a whole is Welsh. One that is not stays English, is marked so for screen readers, and says that
its translation is awaited: half a sentence of each helps nobody. What programs write (sentences with figures, names) stays English and is
marked so.

`python -m registry.web.texts` brings the catalogue up to date after a text has changed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from babel.messages import Catalog
from babel.messages.pofile import read_po, write_po
from markupsafe import Markup

FOLDER = Path(__file__).parent / "catalogues"


class Language(StrEnum):
    """By its code, as it stands in `lang`."""

    ENGLISH = "en"
    WELSH = "cy"

    @property
    def name_in_it(self) -> str:
        return {"en": "English", "cy": "Cymraeg"}[self.value]


PREFIX = {Language.ENGLISH: "", Language.WELSH: "/cy"}
_current: ContextVar[Language] = ContextVar("language", default=Language.ENGLISH)


def language_of(path: str) -> Language:
    """The language that an address asks for."""
    return Language.WELSH if path == "/cy" or path.startswith("/cy/") else Language.ENGLISH


def in_language(path: str, language: Language) -> str:
    """The same page's address in a language."""
    plain = path.removeprefix(PREFIX[language_of(path)]) or "/"
    return PREFIX[language] + plain if plain != "/" else PREFIX[language] or "/"


@lru_cache
def catalogue(language: Language) -> dict[str, str]:
    """The texts that a person has translated; those that wait or are marked as doubtful are not among them."""
    if language is Language.ENGLISH:
        return {}
    return {
        message.id: message.string
        for message in _read(language)
        if isinstance(message.id, str) and isinstance(message.string, str) and message.string and not message.fuzzy
    }


def _read(language: Language) -> Catalog:
    with (FOLDER / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language.value, domain="public")


def said(words: str) -> str:
    """A message in the language of the text that is being made; English where it is not translated."""
    return catalogue(_current.get()).get(words, words)


def said_of(one: str, many: str, number: int) -> str:
    """A message that counts something."""
    return said(one if number == 1 else many)


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """For as long as the block lasts, messages are said in this language."""
    token = _current.set(language)
    try:
        yield
    finally:
        _current.reset(token)


def frame_words(words: str, language: Language) -> Markup:
    """A word of the head or foot of a page: in its language, else in English and marked so."""
    found = catalogue(language).get(words)
    if language is Language.ENGLISH or found is not None:
        return Markup.escape(found or words)
    return Markup('<span lang="en">{}</span>').format(words)


def english(words: object) -> object:
    """What a program wrote in English: marked so where the text around it is not."""
    if _current.get() is Language.ENGLISH or words in (None, ""):
        return words
    return Markup('<span lang="en">{}</span>').format(words)


def translated(messages: frozenset[str], language: Language) -> bool:
    """Whether every one of these messages is there in the language."""
    return messages <= catalogue(language).keys() or language is Language.ENGLISH


def renew(messages: dict[str, list[str]], language: Language) -> int:
    """Write the catalogue with these messages (and where each stands), what is translated kept; gives how many are not."""
    old = {message.id: message for message in _read(language)}
    made = Catalog(
        locale=language.value,
        domain="public",
        project="HAT registry",
        version="1",
        copyright_holder="",
        charset="utf-8",
    )
    made.revision_date = made.creation_date
    for words, places in sorted(messages.items()):
        known = old.get(words)
        made.add(words, known.string if known else "", locations=[(place, 0) for place in sorted(set(places))])
    with (FOLDER / f"{language}.po").open("wb") as file:
        write_po(file, made, width=120, omit_header=True, include_lineno=False, sort_output=False)
    return sum(not message.string for message in made if message.id)
