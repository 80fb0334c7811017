"""How a code list is declared: a class whose members carry value, words, standard code, nation and how sure the fact is."""

from enum import StrEnum
from typing import Self


class Nation(StrEnum):
    ENGLAND = "England"
    WALES = "Wales"


class Sure(StrEnum):
    """How well a fact is sourced. One from memory only never becomes a hard refusal."""

    SOURCE = "read in a public source"
    OWN = "defined by this dataset"
    MEMORY = "not yet confirmed in a source"


class CodeList(StrEnum):
    """Base of the code lists. A cell holds the value or the words, in any case.

    A member is declared as `value, words` and may add `code=` (the standard's own code), `nation=` (only this nation's
    list holds it) and `sure=`. Class attributes of a list: its docstring is its title.
    """

    words: str
    code: str | None
    nation: Nation | None
    sure: Sure

    def __new__(
        cls,
        value: str,
        words: str = "",
        code: str | None = None,
        nation: Nation | None = None,
        sure: Sure = Sure.OWN,
    ) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.words = words or value
        member.code = code
        member.nation = nation
        member.sure = sure
        return member

    @classmethod
    def system(cls) -> str | None:
        """The address of the code system of `code`, None where the list is our own."""
        return None

    @classmethod
    def open_pattern(cls) -> str | None:
        """A pattern that other codes may have where our copy of the list is known to be incomplete: kept, with a warning."""
        return None

    @classmethod
    def of(cls, nation: Nation) -> tuple[Self, ...]:
        """The members in use in one nation."""
        return tuple(member for member in cls if member.nation in (None, nation))
