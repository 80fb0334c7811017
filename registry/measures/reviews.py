"""Reviews: how many cases had one, how many in time, and how far two reviewers of the same case agree."""

from registry.disclosure.grid import REVIEW_DAYS, Split
from registry.measures.counts import cases
from registry.measures.figures import Measure, Shown
from registry.measures.making import Beside, ShareOf
from registry.measures.readers import Agreeing
from registry.measures.words import CASES_OUT, FROM_REVIEWS, REVIEWS, ROUNDED, YEARLY_REVISION

_DONE = cases(Split.ADEQUACY, "inadequate", "not_inadequate")
_NOT_DONE = cases(Split.ADEQUACY, "not_investigated")

REVIEW_COMPLETED = Measure(
    ident="review-completed",
    title="Among patients with HAT: review completed",
    subject="the share of cases with a completed review",
    unit="% of cases",
    definition="Of all hospital-associated thromboses, the share whose review is complete: it has recorded a category and a judgement on "
    "preventability, whatever kind of review it was.",
    numerator="Cases with a completed review",
    denominator="All cases",
    exclusions=CASES_OUT,
    limits=("A completed review says nothing about how good it was, or what was done about its findings.", ROUNDED),
    revision=YEARLY_REVISION,
    source=FROM_REVIEWS,
    theme=REVIEWS,
    making=ShareOf(_DONE, _NOT_DONE),
    headings=("Completed", "Cases"),
    period=Shown.FINANCIAL_YEAR,
    contributors="trusts_year",
    percent=True,
    decimals=1,
)

REVIEW_IN_TIME = Measure(
    ident="review-in-time",
    title=f"Among patients with HAT: review completed within {REVIEW_DAYS} days",
    subject=f"the share of cases with a review completed within {REVIEW_DAYS} days of the diagnosis",
    unit="% of cases",
    definition=f"Of all hospital-associated thromboses, the share whose review was judged within {REVIEW_DAYS} days of the diagnosis.",
    numerator=f"Cases whose review is complete and was judged at most {REVIEW_DAYS} days after the diagnosis",
    denominator="All cases whose review is complete with the date of its judgement, or not complete",
    exclusions=("Completed reviews without the date of the judgement: counted beside the share", *CASES_OUT),
    limits=("The day of the judgement is what the reviewer entered.", ROUNDED),
    revision=YEARLY_REVISION,
    source=FROM_REVIEWS,
    theme=REVIEWS,
    making=ShareOf(
        cases(Split.REVIEW, "in_time"),
        (*cases(Split.REVIEW, "late"), *_NOT_DONE),
        (
            Beside("late", "Completed later", cases(Split.REVIEW, "late")),
            Beside("not_completed", "Not completed", _NOT_DONE),
            Beside("undated", "Completed, without a date", cases(Split.REVIEW, "undated")),
        ),
    ),
    headings=(f"Within {REVIEW_DAYS} days", "Cases"),
    period=Shown.FINANCIAL_YEAR,
    contributors="trusts_year",
    percent=True,
    decimals=1,
)

READER_AGREEMENT = Measure(
    ident="reader-agreement",
    title="Among patients with HAT: two reviewers agree on preventability",
    subject="the share of cases read twice in which both reviewers agree on preventability",
    unit="% of cases read twice",
    definition="Of the cases that a second person read without knowing the first judgement, the share in which both called the thrombosis "
    "potentially preventable, or both did not. From 30 cases read twice Gwet's AC1 and Cohen's kappa stand beside it, which take off the "
    "agreement that chance alone would give.",
    numerator="Cases in which both judgements are the same",
    denominator="Cases judged by two readers, the second blind to the first",
    exclusions=("Second readings by somebody who had been shown the first judgement", *CASES_OUT),
    limits=(
        "Cases are read twice because they were drawn at random, because the patient died, or because their attribution is disputed; the "
        "last two are not like other cases.",
        "Where nearly all cases are judged alike, kappa can be low although readers agree: read it beside the percentage and AC1.",
        ROUNDED,
    ),
    revision=YEARLY_REVISION,
    source="Second readings made at the desks of trusts and health boards",
    theme=REVIEWS,
    making=Agreeing(
        *cases(Split.SECOND_READING, "both_preventable", "first_only", "second_only", "neither_preventable")
    ),
    headings=("Agreed", "Read twice"),
    period=Shown.FINANCIAL_YEAR,
    contributors="trusts_year",
    percent=True,
    decimals=1,
)

MEASURES = (REVIEW_COMPLETED, REVIEW_IN_TIME, READER_AGREEMENT)
