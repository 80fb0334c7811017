"""What happened to a patient around one thrombosis, in order, from the case and its review; and what of it nobody recorded.

Pure: values go in as records hold them, words come out. Nothing that identifies is among them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from schemas.codelist import CodeList
from schemas.codes import DiagnosisSetting, DiedWithin90Days, Given, Indicated, RiskAssessment, Timely, VteType, Yes
from schemas.days import LONDON

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened. `at` is a moment where the time is known, else a day; None where not even that is."""

    what: str
    at: date | datetime | None
    words: str = ""

    @property
    def day(self) -> date | None:
        return self.at.astimezone(LONDON).date() if isinstance(self.at, datetime) else self.at

    @property
    def clock(self) -> str:
        """The time of day in London; empty where it is not known."""
        return f"{self.at.astimezone(LONDON):%H:%M}" if isinstance(self.at, datetime) else ""


@dataclass(frozen=True, slots=True)
class Timeline:
    """`steps` by day; `undated` is known to have happened, or not to have, without a day; `missing` nobody recorded."""

    steps: tuple[Step, ...]
    undated: tuple[Step, ...]
    missing: tuple[str, ...]


def timeline(case: Values, review: Values) -> Timeline:
    """The steps of a case; `review` is empty where there is none."""
    found = [*_before(case), *_stay(case), *_prophylaxis(review), *_clot(case), *_after(case)]
    dated = [(place, each) for place, each in enumerate(found) if each.at is not None]
    dated.sort(key=lambda one: (one[1].day, _minute(one[1]), one[0]))
    said = [each for each in found if each.at is None and each.words]
    return Timeline(
        tuple(each for _, each in dated),
        tuple(said),
        tuple(each.what for each in found if each.at is None and not each.words),
    )


def _minute(step: Step) -> str:
    """Of one day, what has no time of day stands at noon."""
    return step.clock or "12:00"


def _before(case: Values) -> Iterator[Step]:
    if case.get("earlier_admission_date") or case.get("earlier_discharge_date"):
        yield Step("Admitted to an earlier stay", case.get("earlier_admission_date"))
        yield Step("Discharged from the earlier stay", case.get("earlier_discharge_date"))


def _stay(case: Values) -> Iterator[Step]:
    transferred = "by transfer" if case.get("transferred_from") else ""
    yield Step("Admitted", case.get("admitted_at") or case.get("admission_date"), transferred)
    if case.get("procedure_date"):
        yield Step("Operation", case["procedure_date"])


_ASSESSED: Mapping[str | None, str] = {
    RiskAssessment.COMPLETE: "done",
    RiskAssessment.INCOMPLETE: "done, incomplete",
    RiskAssessment.NO: "not done",
    RiskAssessment.EXEMPT_COHORT: "of a group that is not assessed one by one",
}
_NO_DOSE = (Indicated.NO, Indicated.CONTRAINDICATED, Indicated.ALREADY_TREATED, Indicated.DECLINED)


def _prophylaxis(review: Values) -> Iterator[Step]:
    """Assessment and doses: what the review says of them, with a time or without one."""
    done = _ASSESSED.get(review.get("risk_assessed"), "")
    yield Step("Risk assessment", review.get("assessed_at"), _joined(done, _timely(review, "assessed_within_14_hours")))
    indicated = review.get("prophylaxis_indicated")
    if indicated in _NO_DOSE:
        yield Step("First dose", review.get("first_dose_at"), Indicated(indicated).words)
        return
    given = "not given" if review.get("prophylaxis_given") == Given.NO else ""
    yield Step("First dose", review.get("first_dose_at"), _joined(given, _timely(review, "first_dose_within_14_hours")))
    missed = review.get("doses_missed_avoidably")
    yield Step("Doses missed avoidably", None, "" if missed is None else str(missed))


def _timely(review: Values, name: str) -> str:
    said: Mapping[str | None, str] = {Timely.YES: "within 14 hours", Timely.NO: "later than 14 hours"}
    return said.get(review.get(name), "")


def _joined(*words: str) -> str:
    return ", ".join(each for each in words if each)


def _clot(case: Values) -> Iterator[Step]:
    if case.get("symptom_onset_date"):
        yield Step("Symptoms began", case["symptom_onset_date"])
    where = _words(DiagnosisSetting, case.get("diagnosis_setting"))
    words = _joined(_words(VteType, case.get("vte_type")), where[:1].lower() + where[1:])
    yield Step("Clot diagnosed", case.get("diagnosed_at") or case.get("diagnosis_date"), words)


def _words(codes: type[CodeList], value: str | None) -> str:
    return codes(value).words if value in set(codes) else ""


def _after(case: Values) -> Iterator[Step]:
    left = case.get("discharged_at") or case.get("discharge_date")
    yield Step("Discharged", left, "still in hospital" if left is None and case.get("still_in") == Yes.YES else "")
    if case.get("readmission_date") or case.get("diagnosis_setting") == DiagnosisSetting.READMISSION:
        yield Step("Readmitted with the clot", case.get("readmission_date"))
    yield _death(case)


def _death(case: Values) -> Step:
    died = case.get("died_within_90_days")
    if case.get("death_date") or died == DiedWithin90Days.YES:
        return Step("Died", case.get("death_date"), "within 90 days" if died == DiedWithin90Days.YES else "")
    return Step("Death within 90 days", None, "no" if died == DiedWithin90Days.NO else "")
