"""What has a shape: numbers, dates, addresses, titles with names, initials, ages, wards. Each rule gives where in the text it is."""

import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Final

from registry.lessons.screen.hits import Hit, Sort
from registry.lessons.screen.vocabulary import (
    ACRONYMS,
    AFTER_TITLES,
    AFTER_WARD,
    ALWAYS_TITLES,
    GENERIC_PLACES,
    RARE_EVENTS,
    TITLES,
)

_MONTHS = r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)"
_FULL = r"(?:January|February|March|April|June|July|August|September|October|November|December)"
_DAY = r"(?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?"
_YEAR = r"(?:19|20)\d\d"
_CAPITAL = r"[A-Z][\w'’-]*"
_SPAN = tuple[int, int]


def _rule(pattern: str, *, case: bool = False) -> re.Pattern[str]:
    return re.compile(pattern, 0 if case else re.IGNORECASE)


DATES: Final = tuple(
    map(
        _rule,
        (
            r"\b\d{1,2}\s?[/.\-]\s?\d{1,2}\s?[/.\-]\s?(?:\d{4}|\d{2})\b",
            rf"\b{_YEAR}[-/.]\d{{1,2}}[-/.]\d{{1,2}}\b",
            rf"\b{_DAY}(?:\s+of)?[\s-]+{_MONTHS}\b\.?(?:[\s,-]+(?:{_YEAR}|['’]?\d\d\b))?",
            rf"\b{_MONTHS}\.?\s+{_DAY}\b(?:,?\s+{_YEAR})?",
            rf"\b{_FULL}\s+{_YEAR}\b",
            rf"\b(?:in|since|during|until|from|by|of|last|early|late|mid|this|next|end of)[\s-]+{_FULL}\b",
            r"(?<=\bon )(?:0?[1-9]|[12]\d|3[01])/(?:0?[1-9]|1[0-2])\b(?!\s?(?:ago|days?|weeks?|months?|doses?))",
            rf"\b(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2]){_YEAR}\b",
            rf"\b(?:dob|d\.o\.b\.?|date of birth|born(?: on| in)?)\W{{0,3}}(?:\d{{6}}|{_YEAR})\b",
            rf"(?<=\bin ){_YEAR}\b|(?<=\bsince ){_YEAR}\b|(?<=\bduring ){_YEAR}\b|(?<=\bfrom ){_YEAR}\b|(?<=\bof ){_YEAR}\b",
            r"\b(?:Christmas (?:Day|Eve)|Boxing Day|New Year['’]?s (?:Day|Eve)|Good Friday|Easter (?:Sunday|Monday))\b",
            rf"\b(?:mon|tues|wednes|thurs|fri|satur|sun)day(?:\s+the)?\s+{_DAY}\b",
        ),
    )
)
NUMBER: Final = _rule(r"(?<!\d)\d(?:[ \-.]?\d){9,}(?!\d)")
POSTCODE: Final = _rule(
    r"\b(?:[A-PR-UWYZ][A-HK-Y]?\d[A-Z\d]?|GIR)\s{0,2}\d[ABD-HJLNP-UW-Z]{2}\b|(?<=postcode )[A-Z]{1,2}\d[A-Z\d]?\b"
)
PHONES: Final = (
    _rule(r"(?<![\d.])(?:\+44\s?\(?0?\)?|\(?0)\d(?:[ \-()]{0,2}\d){8,9}(?!\d)"),
    _rule(
        r"\b(?:bleep(?:ed)?|blp|pager|ext(?:ension|n)?|dect|tel(?:ephone)?|phone(?:d)?|mobile|switchboard|fax)\b[^\d\n.;]{0,12}#?\d[\d ]{2,}\d?\b"
    ),
)
EMAIL: Final = _rule(r"[^\s@,;<>()]+@[^\s@,;<>()]+\.[a-z]{2,}|[\w.+-]+\s?(?:\(at\)|\[at\])\s?[\w.-]+")
PROFESSIONAL: Final = _rule(r"\b(?:gmc|nmc|gphc|hcpc)\b[^\d\n]{0,14}(?=[A-Z\d]*\d)[A-Z\d]{5,9}\b")
HOSPITAL_NUMBERS: Final = (
    _rule(
        r"\b(?:mrn|nhs|hospital|hosp|unit|case|patient|pt|record|crn|pas|datix|incident|lfpse|steis|report|reference|ref|id)\b"
        r"(?:\s+(?:no|number|num|id|ref(?:erence)?))?\W{0,4}(?=[A-Z\d/-]*\d{3})[A-Z]{0,4}[-/]?\d[\d/-]{2,}[A-Z\d]*\b"
    ),
    _rule(r"\b[A-Z]{1,4}[-/]?\d{5,}[A-Z]?\b"),
    _rule(r"(?<![\d.,/])\d{6,9}(?![\d,/]|\.\d)"),
    _rule(r"\bW\d{4,}\b"),
)
AGES: Final = (
    _rule(r"\b(?:9\d|1[01]\d)\s?-?\s?(?:years?|yrs?)[\s-]*(?:old|of age)?\b(?!\s+ago)"),
    _rule(r"\bage[ds]?\s*(?:of\s*|:\s*)?(?:9\d|1[01]\d)\b"),
    _rule(r"\b(?:9\d|1[01]\d)\s?y\s?/?\s?o\b|\b(?:9\d|1[01]\d)[MF]\b"),
    _rule(r"\b(?:in (?:his|her|their) (?:nineties|90s|hundredth)|nonagenarian|centenarian|over 100 years)\b"),
    _rule(r"\bninety(?:-|\s)?(?:one|two|three|four|five|six|seven|eight|nine)?(?:-|\s)years?\b"),
)
INITIALS: Final = (
    _rule(
        r"\b(?:[Pp]ts?|PT|[Pp]atient|[Pp]x|[Ii]nitials)\b[\s:,.()\[\]-]{1,3}((?:[A-Z]\.?\s?){1,3}[A-Z]\.?)(?![\w])",
        case=True,
    ),
    _rule(r"(?<![A-Z.])((?:[A-Z]\.\s?){1,3}[A-Z]\.)(?!\w)", case=True),
    _rule(r"\(((?:[A-Z]){2,3})\)", case=True),
)
_ALWAYS = "|".join(ALWAYS_TITLES)
TITLE: Final = (
    _rule(rf"\b(?:{'|'.join(TITLES)})\b\.?\s+((?:{_CAPITAL}\.?)(?:\s+(?:de |van |von |O['’])?{_CAPITAL})?)", case=True),
    _rule(rf"\b(?:{_ALWAYS})\b\.?\s+([a-z'’-]+)"),
)
WARDS: Final = (
    _rule(
        r"\b[Ww](?:ard|d)s?\s+((?:[A-Z]{0,2}\d{1,3}[A-Z]?|[A-Z]\b|" + _CAPITAL + r")(?:\s+" + _CAPITAL + ")?)",
        case=True,
    ),
    _rule(r"\b(?:bed|bay|side ?room|room|theatre|pod|level)\s+(?:no\.? ?)?[A-Z]?\d{1,3}[A-Z]?\b"),
    _rule(r"\b((?:[A-Z]\d{1,2}|\d{1,2}[A-Z]))\s+[Ww]ard\b", case=True),
)
NAMED: Final = _rule(
    rf"((?:(?:St|{_CAPITAL})\.?['’]?s?\s+){{1,4}})"
    r"(?:Hospitals?|Infirmary|Hospice|Clinic|Ward|Unit|Suite|Surgery|Medical Centre|Health Centre|Nursing Home|Care Home|Lodge|Court|Practice)\b",
    case=True,
)
RARE: Final = _rule(rf"\b(?:{'|'.join(RARE_EVENTS)})\b")
ANY_AGE: Final = _rule(r"\b(?:aged?\s+\d{1,3}|\d{1,3}\s?-?\s?(?:years?|yrs?)[\s-]*old|\d{1,3}\s?y\s?/?\s?o)\b")


def shapes(text: str) -> Iterator[Hit]:
    """Everything that has a shape."""
    for sort, rules in _PLAIN:
        for rule in rules:
            yield from (Hit(*found.span(), sort) for found in rule.finditer(text))
    for rule, sort, passes in _JUDGED:
        for found in rule.finditer(text):
            span = passes(found)
            if span is not None:
                yield Hit(*span, sort)
    yield from hidden(text)
    yield from _rare(text)


def hidden(text: str) -> Iterator[Hit]:
    """Characters that nobody sees: they break a word that would be found."""
    for place, character in enumerate(text):
        if unicodedata.category(character) in ("Cf", "Co", "Cn"):
            yield Hit(place, place + 1, Sort.HIDDEN)


def _rare(text: str) -> Iterator[Hit]:
    """A rare circumstance together with an age or with another one."""
    found = [each.span() for each in RARE.finditer(text)]
    if len({text[start:end].casefold() for start, end in found}) > 1 or (found and ANY_AGE.search(text)):
        yield from (Hit(*span, Sort.RARE) for span in found)


def _title(found: re.Match[str]) -> _SPAN | None:
    name = found[1]
    first = re.split(r"[\s.]", name)[0]
    if first.casefold() in AFTER_TITLES or (first.isupper() and first in ACRONYMS):
        return None
    return found.span()


def _initials(found: re.Match[str]) -> _SPAN | None:
    letters = re.sub(r"[^A-Z]", "", found[1])
    return None if letters in ACRONYMS else found.span(1)


def _ward(found: re.Match[str]) -> _SPAN | None:
    first = found[1].split()[0]
    if first.casefold() in AFTER_WARD or (first.isupper() and first in ACRONYMS):
        return None
    return found.span()


def _named(found: re.Match[str]) -> _SPAN | None:
    """What stands before “Hospital”, “Ward” and so on, from its first word that does not merely say of what kind."""
    words = list(re.finditer(r"\S+", found[1]))
    names = [each for each in words if not _generic(each[0])]
    if not names:
        return None
    return found.start(1) + names[0].start(), found.end()


def _generic(word: str) -> bool:
    plain = word.strip(".'’").casefold()
    return plain in GENERIC_PLACES or (word.isupper() and word in ACRONYMS)


_PLAIN: Final = (
    (Sort.NUMBER, (NUMBER,)),
    (Sort.POSTCODE, (POSTCODE,)),
    (Sort.PHONE, PHONES),
    (Sort.EMAIL, (EMAIL,)),
    (Sort.DATE, DATES),
    (Sort.PROFESSIONAL, (PROFESSIONAL,)),
    (Sort.HOSPITAL_NUMBER, HOSPITAL_NUMBERS),
    (Sort.AGE, AGES),
    (Sort.PLACE, (WARDS[1],)),
)
_JUDGED: Final[tuple[tuple[re.Pattern[str], Sort, Callable[[re.Match[str]], _SPAN | None]], ...]] = (
    *((rule, Sort.TITLE, _title) for rule in TITLE),
    *((rule, Sort.INITIALS, _initials) for rule in INITIALS),
    (WARDS[0], Sort.PLACE, _ward),
    (WARDS[2], Sort.PLACE, _ward),
    (NAMED, Sort.PLACE, _named),
)
