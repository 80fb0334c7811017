"""When a question applies, where that can be told from the answer to another: declared once, for the small script that folds away what does
not apply. Without scripts every question is shown, with the dataset's own words for when it applies.

A question that was answered, or in which something is wrong, is never folded away.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.codes import (
    DiagnosisSetting,
    DiedWithin90Days,
    DvtSite,
    Given,
    VteType,
    Yes,
    YesNo,
)
from schemas.record import RecordKind

NOTHING = ""
ANYTHING = "*"


@dataclass(frozen=True, slots=True)
class Condition:
    """The question applies while the answer to `field` is one of `answers`: codes, `NOTHING` while unanswered, `ANYTHING` once answered."""

    field: str
    answers: tuple[str, ...]

    def holds(self, answer: object) -> bool:
        """Whether the question applies, by the answer to the one that decides."""
        if answer is None or answer == NOTHING:
            return NOTHING in self.answers
        return ANYTHING in self.answers or answer in self.answers

    @property
    def listed(self) -> str:
        """The answers as an attribute of the page holds them."""
        return "|".join(map(str, self.answers))


_DVT = (VteType.DVT, VteType.PE_AND_DVT)
_PE = (VteType.PE, VteType.PE_AND_DVT)
_DIED = Condition("died_within_90_days", (DiedWithin90Days.YES,))

CONDITIONS: Mapping[tuple[RecordKind, str], Condition] = {
    (RecordKind.CASE, "nhs_number_reason"): Condition("nhs_number", (NOTHING,)),
    (RecordKind.CASE, "discharge_date"): Condition("still_in", (NOTHING, Yes.NO)),
    (RecordKind.CASE, "still_in"): Condition("discharge_date", (NOTHING,)),
    (RecordKind.CASE, "dvt_site"): Condition("vte_type", _DVT),
    (RecordKind.CASE, "dvt_side"): Condition("vte_type", _DVT),
    (RecordKind.CASE, "pe_extent"): Condition("vte_type", _PE),
    (RecordKind.CASE, "line_related"): Condition("dvt_site", (DvtSite.UPPER_LIMB, DvtSite.JUGULAR)),
    (RecordKind.CASE, "readmission_date"): Condition(
        "diagnosis_setting", (DiagnosisSetting.READMISSION, DiagnosisSetting.EMERGENCY_DEPARTMENT)
    ),
    (RecordKind.CASE, "earlier_discharge_date"): Condition("earlier_admission_date", (ANYTHING,)),
    (RecordKind.CASE, "death_date"): _DIED,
    (RecordKind.CASE, "death_cause"): _DIED,
    (RecordKind.RCA, "missed_dose_reasons"): Condition("prophylaxis_given", (Given.PARTLY, Given.NO)),
    (RecordKind.RCA, "candour_told_on"): Condition("candour_threshold_met", (YesNo.YES,)),
}

IN_WORDS_ONLY = frozenset(
    {
        (RecordKind.CASE, "transferred_from"),
        (RecordKind.CASE, "earlier_admission_date"),
        (RecordKind.RCA, "extended"),
    }
)
"""What no other answer tells: these are always shown, with their words."""


def condition(kind: RecordKind, name: str) -> Condition | None:
    """When a field applies; None where it always may."""
    return CONDITIONS.get((kind, name))
