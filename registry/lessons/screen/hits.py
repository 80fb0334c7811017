"""What the screen finds: of what sort, and where. Never the words themselves, so that a hit may be said and kept anywhere."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Sort(StrEnum):
    """Of what sort a find is."""

    NUMBER = "number"
    POSTCODE = "postcode"
    PHONE = "phone"
    EMAIL = "email"
    DATE = "date"
    TITLE = "title"
    PERSON = "person"
    INITIALS = "initials"
    HOSPITAL_NUMBER = "hospital_number"
    PROFESSIONAL = "professional"
    AGE = "age"
    PLACE = "place"
    OWN = "own"
    HIDDEN = "hidden"
    CAPITAL = "capital"
    RARE = "rare"


_WORDS: Final = {
    Sort.NUMBER: ("ten or more digits, as an NHS number has", "Leave the number out."),
    Sort.POSTCODE: ("a postcode", "Leave it out."),
    Sort.PHONE: ("a telephone, bleep or extension number", "Leave it out."),
    Sort.EMAIL: ("an e-mail address", "Leave it out."),
    Sort.DATE: ("a date", "Say instead how long it was after admission, or leave it out."),
    Sort.TITLE: ("a title with a name", "Write the role instead."),
    Sort.PERSON: ("a person's name", "Write “the patient”, or the role."),
    Sort.INITIALS: ("initials", "Write “the patient”, or the role."),
    Sort.HOSPITAL_NUMBER: ("a number of a patient, case or report", "Leave it out."),
    Sort.PROFESSIONAL: ("a professional's registration number", "Leave it out."),
    Sort.AGE: ("an age of 90 or more", "Write “an older patient”."),
    Sort.PLACE: ("the name of a ward, bed, site or place", "Write what kind of ward or hospital it is."),
    Sort.OWN: ("something that stands in this patient's own record", "Leave it out."),
    Sort.HIDDEN: ("a character that cannot be seen", "Delete it and type the word again."),
    Sort.CAPITAL: ("a word that may be a name", "Write it with a small letter if it is none."),
    Sort.RARE: ("something unusual that, with the rest, may tell who it was", "Say it more generally."),
}

ASKING: Final = frozenset({Sort.CAPITAL, Sort.RARE})
"""These have to be looked at and confirmed; whoever sees that they tell nobody may go on."""
BLOCKING: Final = frozenset(Sort) - ASKING


@dataclass(frozen=True, slots=True, order=True)
class Hit:
    """One find: characters `start` to `end` of the text, counted from 0, the last one not included."""

    start: int
    end: int
    sort: Sort

    @property
    def blocks(self) -> bool:
        return self.sort in BLOCKING

    @property
    def words(self) -> str:
        """What and where, as a sentence or two; it quotes nothing."""
        what, mend = _WORDS[self.sort]
        place = f"Characters {self.start + 1} to {self.end}" if self.end - self.start > 1 else f"Character {self.end}"
        return f"{place}: {what}. {mend}"


def words_of(sort: str) -> str:
    """What a sort is called."""
    return _WORDS[Sort(sort)][0] if sort in set(Sort) else sort
