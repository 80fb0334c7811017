"""What the screen is told besides the text: the patient's own record, people and places of the register, a trust's own words."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Self

from registry.lessons.screen.vocabulary import GENERIC_PLACES, KNOWN_CAPITALS, NO_STAFF

SHORTEST_NAME = 3
FUZZY_NAME = 6
"""A name as long as this is found with one letter wrong."""
SHORTEST_PLACE = 4
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_ENDINGS = re.compile(
    r"\b(?:NHS|Foundation|Trust|University|Teaching|Health ?[Bb]oard|Hospitals?|Healthcare|Health Care|Board|and|of|the|for|The)\b"
)


@dataclass(frozen=True, slots=True)
class Patient:
    """What the record of the same case holds that identifies, without a name: none is collected."""

    nhs_number: str = ""
    local_id: str = ""
    birth_date: date | None = None
    others: tuple[str, ...] = ()
    """Whatever else identifies: a ward, a reference of an incident report."""


@dataclass(frozen=True, slots=True)
class Known:
    """Lists to look in. `names` are single words in lower case, `near` each of them with one letter left out, `places` and `words` phrases
    in lower case."""

    patient: Patient = field(default_factory=Patient)
    names: frozenset[str] = frozenset()
    near: frozenset[str] = frozenset()
    places: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        *,
        patient: Patient | None = None,
        people: Iterable[str] = (),
        organisations: Iterable[str] = (),
        towns: Iterable[str] = (),
        own: Iterable[str] = (),
    ) -> Self:
        """From people's full names, organisations' official names, towns, and a trust's own words (wards, sites, consultants)."""
        names = frozenset(name for each in people for name in name_words(each))
        phrases = {place for each in organisations for place in short_names(each)} | {
            each.casefold() for each in towns if len(each) >= SHORTEST_PLACE
        }
        return cls(
            patient=patient or Patient(),
            names=names,
            near=frozenset(less for name in names if len(name) >= FUZZY_NAME for less in without_one(name)),
            places=tuple(sorted(phrases)),
            words=tuple(sorted({" ".join(each.casefold().split()) for each in own if each.strip()})),
        )


def name_words(name: str) -> set[str]:
    """The words of a person's name by which they would be called, in lower case."""
    found = (each.casefold() for each in _WORD.findall(name))
    return {
        each for each in found if len(each) >= SHORTEST_NAME and each not in NO_STAFF | KNOWN_CAPITALS | GENERIC_PLACES
    }


def short_names(name: str) -> set[str]:
    """An organisation's name, and what people call it: without what all are called."""
    core = " ".join(_ENDINGS.sub(" ", name).replace(",", " ").split())
    return {each.casefold() for each in (name, core) if len(each) >= SHORTEST_PLACE}


def without_one(word: str) -> set[str]:
    """The word with each of its letters left out in turn."""
    return {word[:place] + word[place + 1 :] for place in range(len(word))}
