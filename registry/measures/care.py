"""Care before the thrombosis, among patients who had one: assessment, first dose, missed doses, information."""

from registry.disclosure.grid import Split
from registry.measures.counts import CellKey, cases
from registry.measures.figures import Measure, Shown
from registry.measures.making import Beside, ShareOf
from registry.measures.words import AMONG_CASES, CARE, CASES_OUT, FROM_REVIEWS, NOT_KNOWN, ROUNDED, YEARLY_REVISION

NOT_RECORDED, NOT_APPLICABLE = "not_recorded", "not_applicable"


def _of(split: Split, part: str, rest: str, *beside: tuple[str, str]) -> ShareOf:
    def only(category: str) -> tuple[CellKey, ...]:
        return cases(split, category)

    return ShareOf(only(part), only(rest), tuple(Beside(code, title, only(code)) for code, title in beside))


def _measure(
    ident: str, title: str, subject: str, definition: str, sides: tuple[str, str], making: ShareOf, *limits: str, heading: str,
) -> Measure:  # fmt: skip
    return Measure(
        ident=ident,
        title=f"Among patients with HAT: {title}",
        subject=f"the share {subject}, among patients with a hospital-associated thrombosis",
        unit="% of cases in which it is known",
        definition=definition,
        numerator=sides[0],
        denominator=sides[1],
        exclusions=CASES_OUT,
        limits=(AMONG_CASES, NOT_KNOWN, *limits, ROUNDED),
        revision=YEARLY_REVISION,
        source=FROM_REVIEWS,
        theme=CARE,
        making=making,
        headings=(heading, "Known"),
        period=Shown.FINANCIAL_YEAR,
        contributors="trusts_year",
        percent=True,
        decimals=1,
    )


_UNSAID = (NOT_RECORDED, "Not recorded, or not reviewed")

ASSESSED_SHARE = _measure(
    "assessed-within-14-hours",
    "risk assessed within 14 hours",
    "whose risk was assessed within 14 hours of admission",
    "Of the patients with a hospital-associated thrombosis of whom it is known, the share whose risk of thrombosis and bleeding had been "
    "assessed within 14 hours of admission to the stay the thrombosis belongs to.",
    (
        "Cases with an assessment within 14 hours",
        "Cases of which it is known whether there was one; none at all is known",
    ),
    _of(Split.ASSESSED_IN_TIME, "yes", "no", (NOT_APPLICABLE, "Assessment does not apply"), _UNSAID),
    "Whether the assessment was right is another question.",
    heading="Within 14 hours",
)
FIRST_DOSE_SHARE = _measure(
    "first-dose-within-14-hours",
    "first dose within 14 hours",
    "who had the first dose of prophylaxis within 14 hours of admission",
    "Of the patients with a hospital-associated thrombosis for whom drug prophylaxis was indicated and of whom it is known, the share who "
    "had the first dose within 14 hours of admission.",
    (
        "Cases with the first dose within 14 hours",
        "Cases in which a first dose was due and of which it is known when it was given",
    ),
    _of(Split.FIRST_DOSE_IN_TIME, "yes", "no", (NOT_APPLICABLE, "No dose was due"), _UNSAID),
    heading="Within 14 hours",
)
MISSED_DOSES_SHARE = _measure(
    "missed-doses",
    "doses missed avoidably",
    "with at least one dose missed avoidably",
    "Of the patients with a hospital-associated thrombosis who had been prescribed drug prophylaxis and of whom it is known, the share with at "
    "least one dose missed that need not have been.",
    (
        "Cases with a dose missed avoidably",
        "Cases with drug prophylaxis prescribed and of which missed doses are known",
    ),
    _of(Split.MISSED_DOSES, "some", "none", (NOT_APPLICABLE, "No prophylaxis was prescribed"), _UNSAID),
    "A dose that the patient refused, or that was withheld for a good reason, is not missed avoidably.",
    heading="Doses missed",
)


def _information(ident: str, when: str, split: Split) -> Measure:
    return _measure(
        ident,
        f"written information {when}",
        f"given written information {when}",
        f"Of the patients with a hospital-associated thrombosis of whom it is known, the share who were given written information about "
        f"thrombosis {when}.",
        (f"Cases with written information given {when}", "Cases of which it is known whether it was given"),
        _of(split, "yes", "no", _UNSAID),
        heading="Information given",
    )


INFORMATION_ADMISSION_SHARE = _information(
    "information-on-admission", "on admission", Split.INFORMATION_ADMISSION
)  # fmt: skip
INFORMATION_DISCHARGE_SHARE = _information(
    "information-on-discharge", "on discharge", Split.INFORMATION_DISCHARGE
)  # fmt: skip

MEASURES = (
    ASSESSED_SHARE,
    FIRST_DOSE_SHARE,
    MISSED_DOSES_SHARE,
    INFORMATION_ADMISSION_SHARE,
    INFORMATION_DISCHARGE_SHARE,
)
