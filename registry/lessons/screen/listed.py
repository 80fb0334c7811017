"""What stands on a list: given names, people and places of the register, a trust's own words, the patient's own record (exact and close)."""

import re
from collections.abc import Iterator

from registry.lessons.screen.hits import Hit, Sort
from registry.lessons.screen.known import FUZZY_NAME, Known, Patient, without_one
from registry.lessons.screen.vocabulary import ACRONYMS, COMMON_WORDS_TOO, GENERIC_PLACES, GIVEN_NAMES, KNOWN_CAPITALS

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_DIGITS = re.compile(r"\d(?:[ \-.]?\d){7,11}")
_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9/_-]*[A-Za-z0-9]")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_ENDS = re.compile(r"(?:^|[.!?:;•\n]|\d\))\W*$")
_BEFORE = re.compile(r"\b([A-Z][a-z'’-]+)\s+$")
_AFTER = re.compile(r"\s+(?:(?:de|van|von|O['’])\s?)?([A-Z][a-z'’-]+(?:[A-Z-][a-z]+)*)")
FUZZY_ID = 5
"""A patient's local number as long as this is found with one character wrong."""


def people(text: str, known: Known) -> Iterator[Hit]:
    """Given names, and names of the register's people, whole or with one letter wrong."""
    for found in _WORD.finditer(text):
        word, plain = found[0], re.sub(r"['’]s?$", "", found[0].casefold())
        if not word[0].isupper() or (word.isupper() and word in ACRONYMS):
            continue
        begins = bool(_ENDS.search(text[: found.start()]))
        if (plain in GIVEN_NAMES and not (begins and plain in COMMON_WORDS_TOO)) or _of_register(plain, known):
            yield Hit(*_whole(text, found), Sort.PERSON)
        elif not begins and _may_be_name(word, plain):
            yield Hit(*found.span(), Sort.CAPITAL)


def _of_register(plain: str, known: Known) -> bool:
    if any(part in known.names for part in {plain, *plain.split("-")}):
        return True
    if len(plain) < FUZZY_NAME:
        return False
    shorter = without_one(plain)
    return (
        plain in known.near
        or bool(shorter & known.names)
        or bool({each for each in shorter if each in known.near and len(each) >= FUZZY_NAME - 1})
    )


def _whole(text: str, found: re.Match[str]) -> tuple[int, int]:
    """The name with another that stands right before or after it."""
    start, end = found.span()
    before = _BEFORE.search(text, 0, start)
    if before is not None and before[1].casefold() not in KNOWN_CAPITALS | GENERIC_PLACES:
        start = before.start(1)
    after = _AFTER.match(text, end)
    if after is not None and after[1].casefold() not in KNOWN_CAPITALS:
        end = after.end()
    return start, end


def _may_be_name(word: str, plain: str) -> bool:
    """A word with a capital inside a sentence that is none of those that are written so."""
    if word.isupper():
        return len(word) in (2, 3) and word not in ACRONYMS
    return plain not in KNOWN_CAPITALS | GENERIC_PLACES and not any(
        part.isupper() and part in ACRONYMS for part in word.split("-")
    )


def places(text: str, known: Known) -> Iterator[Hit]:
    """Places of the register as they are written, with a capital; a trust's own words in any letters."""
    lower = text.casefold()
    if len(lower) != len(text):  # a letter that is two in small letters: places would shift
        lower = text.lower() if len(text.lower()) == len(text) else text
    for phrase in known.places:
        for start in _places_of(lower, phrase):
            begins = bool(_ENDS.search(text[:start]))
            if text[start].isupper() and not (begins and " " not in phrase):
                yield Hit(start, start + len(phrase), Sort.PLACE)
    for phrase in known.words:
        yield from (Hit(start, start + len(phrase), Sort.PLACE) for start in _places_of(lower, phrase))


def _places_of(lower: str, phrase: str) -> Iterator[int]:
    start = lower.find(phrase)
    while start >= 0:
        end = start + len(phrase)
        if not lower[start - 1 : start].isalnum() and not lower[end : end + 1].isalnum():
            yield start
        start = lower.find(phrase, start + 1)


# --- the patient's own record


def own(text: str, patient: Patient) -> Iterator[Hit]:
    """The patient's number, local number and birth date, also with one character wrong; the year of birth; what else identifies."""
    yield from _own_number(text, patient.nhs_number)
    yield from _own_local(text, patient.local_id)
    if patient.birth_date is not None:
        yield from _own_birth(text, patient)
    for other in patient.others:
        wanted = " ".join(other.casefold().split())
        if len(wanted) > 1:
            lower = text.lower()
            yield from (Hit(start, start + len(wanted), Sort.OWN) for start in _places_of(lower, wanted))


def _own_number(text: str, number: str) -> Iterator[Hit]:
    if number:
        for found in _DIGITS.finditer(text):
            if close(re.sub(r"\D", "", found[0]), number):
                yield Hit(*found.span(), Sort.OWN)


def _own_local(text: str, local_id: str) -> Iterator[Hit]:
    wanted = _letters(local_id)
    for found in _TOKEN.finditer(text):
        token = _letters(found[0])
        same = token == wanted or (len(wanted) >= FUZZY_ID and any(map(str.isdigit, token)) and close(token, wanted))
        if len(wanted) > 1 and same:
            yield Hit(*found.span(), Sort.OWN)


def _own_birth(text: str, patient: Patient) -> Iterator[Hit]:
    born = patient.birth_date
    if born is None:
        return
    for found in _YEAR.finditer(text):
        if int(found[0]) == born.year:
            yield Hit(*found.span(), Sort.OWN)
    for written in (f"{born:%d%m%y}", f"{born:%d%m%Y}", f"{born:%y%m%d}"):
        yield from (Hit(start, start + len(written), Sort.OWN) for start in _places_of(text, written))


def _letters(token: str) -> str:
    return re.sub(r"[^0-9a-z]", "", token.casefold())


def close(one: str, other: str) -> bool:
    """Whether two words are equal but for one character that is wrong, missing, too many, or two that changed places."""
    if one == other:
        return True
    if abs(len(one) - len(other)) > 1:
        return False
    if len(one) == len(other):
        differ = [place for place, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
        if len(differ) == 1:
            return True
        if len(differ) == 2 and differ[1] == differ[0] + 1:
            first, second = differ
            return one[first] == other[second] and one[second] == other[first]
        return False
    longer, shorter = (one, other) if len(one) > len(other) else (other, one)
    return shorter in without_one(longer)
