"""Canaries: the words of one invented patient, in all the forms in which they could turn up where they must not be."""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from tests.make import nhs_number

NUMBER = nhs_number(777_777)
BIRTH = date(1931, 7, 19)
WARD = "Quillfeather Ward"
STORY = "Zibeline Ochterlony fell on the stairs of the old chapel"
DOSE = "as Mrs Ochterlony had asked"
REFERENCE = "DTX-Ochterlony-4711"
FILE_NAME = "Ochterlony-Zibeline.csv"
EPOCH = date(2000, 1, 1)

CASE = {"nhs_number": NUMBER, "birth_date": BIRTH.isoformat(), "ward": WARD}
REVIEW = {"learning_point": STORY, "notable_practice": STORY, "dose": DOSE, "incident_reference": REFERENCE}


@dataclass(frozen=True)
class Term:
    """One form of one canary."""

    words: str
    bytes: bytes


def written() -> Iterator[Term]:
    """As people and programs write them."""
    spaced = f"{NUMBER[:3]} {NUMBER[3:6]} {NUMBER[6:]}"
    texts = (
        NUMBER, spaced, spaced.replace(" ", "-"), BIRTH.isoformat(), f"{BIRTH:%d/%m/%Y}", f"{BIRTH:%d.%m.%Y}", f"{BIRTH:%Y%m%d}",
        "Quillfeather", "Ochterlony", "Zibeline", "old chapel",
    )  # fmt: skip
    for text in texts:
        yield Term(text, text.encode())


def stored() -> Iterator[Term]:
    """As a database could hold them: also in hexadecimal, in base 64, in UTF-16, as a date, as a bare digest."""
    for term in written():
        yield term
        yield Term(f"{term.words}, hexadecimal", term.bytes.hex().encode())
        yield Term(f"{term.words}, base 64", base64.b64encode(term.bytes).rstrip(b"=")[:-1])
        yield Term(f"{term.words}, UTF-16", term.words.encode("utf-16-le"))
    days = (BIRTH - EPOCH).days.to_bytes(4, "big", signed=True)
    yield Term("the birth date as COPY sends it", b"\0\0\0\x04" + days)
    for name in ("md5", "sha1", "sha256", "sha512"):
        digest = hashlib.new(name, NUMBER.encode()).digest()
        yield Term(f"{name} of the number", digest)
        yield Term(f"{name} of the number, hexadecimal", digest.hex().encode())


def found(places: Mapping[str, bytes], terms: Iterator[Term]) -> list[tuple[str, str]]:
    """Which canary is where; letters of any case."""
    listed = [(term, term.bytes.lower()) for term in terms]
    lowered = {place: content.lower() for place, content in places.items()}
    return [
        (place, term.words)
        for term, sought in listed
        for place, content in lowered.items()
        if sought in content or term.bytes in places[place]
    ]
