"""The lists that a learning point is put together of: what it is, what it is about, and where on the patient's way it belongs.

The theme is the shortcoming it answers (`schemas.codes.Inadequacy`), so that a review finds it beside the same box; the contributory
factor is the review's own (`schemas.codes.ContributoryFactor`).
"""

from enum import StrEnum
from typing import Final

from schemas.codes import ContributoryFactor, Inadequacy, MissedDoseReason

LONGEST: Final = 500
"""Characters of a text."""


class Kind(StrEnum):
    """What a text is."""

    LESSON = "lesson"
    PRACTICE = "practice"
    ACTION = "action"

    @property
    def words(self) -> str:
        return {"lesson": "Learning point", "practice": "Notable practice", "action": "What a trust did"}[self]


class Stage(StrEnum):
    """Where on the way through the hospital it belongs."""

    ADMISSION = "admission"
    PRESCRIBING = "prescribing"
    GIVING = "giving"
    PROCEDURE = "procedure"
    TRANSFER = "transfer"
    CHANGE = "change"
    DISCHARGE = "discharge"
    AFTER = "after"

    @property
    def words(self) -> str:
        return _STAGES[self]


_STAGES: Final = {
    Stage.ADMISSION: "Admission and first assessment",
    Stage.PRESCRIBING: "Prescribing",
    Stage.GIVING: "Giving the doses",
    Stage.PROCEDURE: "Around an operation or procedure",
    Stage.TRANSFER: "Transfer and handover",
    Stage.CHANGE: "When the patient's state changes",
    Stage.DISCHARGE: "Discharge",
    Stage.AFTER: "After discharge",
}

THEMES: Final = tuple((each.value, each.words) for each in Inadequacy)
STAGES: Final = tuple((each.value, each.words) for each in Stage)
FACTORS: Final = tuple((each.value, each.words) for each in ContributoryFactor)
REASONS: Final = tuple((each.value, each.words) for each in MissedDoseReason)
_THEME_WORDS: Final = dict(THEMES)
_FACTOR_WORDS: Final = dict(FACTORS)


def theme_words(theme: str) -> str:
    """A theme as people read it; a code of no list as it is."""
    return _THEME_WORDS.get(theme, theme)


def factor_words(factor: str) -> str:
    """A contributory factor as people read it."""
    return _FACTOR_WORDS.get(factor, factor)


def year_words(start: int) -> str:
    """A financial year by the calendar year in which it begins: `2025 to 2026`."""
    return f"{start} to {start + 1}"
