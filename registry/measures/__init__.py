"""The national measures, declared as data: words, cells of the publication grid, and how a figure is made of protected counts.

A measure is one entry of a file of its theme; its page, its downloads and its definition are drawn from it. A figure is made of rounded
cells only, so nothing here can tell more than the cells do. The official figures are England's own publication and come as they are.
"""

from registry.measures import care, findings, official, rates, returns, reviews
from registry.measures.care import (
    ASSESSED_SHARE,
    FIRST_DOSE_SHARE,
    INFORMATION_ADMISSION_SHARE,
    INFORMATION_DISCHARGE_SHARE,
    MISSED_DOSES_SHARE,
)
from registry.measures.counts import (
    ADMISSIONS,
    CASES,
    NOT_INVESTIGATED,
    NOT_PREVENTABLE,
    OVERNIGHT_ADMISSIONS,
    OVERNIGHT_CASES,
    PREVENTABLE,
    TOTAL,
    CellKey,
    Counts,
    ExactCounts,
    cases,
    together,
)
from registry.measures.figures import ENGLAND, WALES, Figure, Further, Measure, Number, Shown
from registry.measures.findings import (
    AFTER_DISCHARGE_SHARE,
    FATAL_PE_SHARE,
    INADEQUATE_SHARE,
    PE_SHARE,
    PREVENTABLE_SHARE,
    TIME_TO_DIAGNOSIS,
)
from registry.measures.official import RISK_ASSESSMENT, RISK_ASSESSMENT_PROVIDERS
from registry.measures.rates import (
    HAT_RATE,
    HAT_RATE_MEDICAL,
    HAT_RATE_OBSTETRIC,
    HAT_RATE_OVERNIGHT,
    HAT_RATE_SURGICAL,
)
from registry.measures.returns import RETURNS_LATE, RETURNS_NIL, RETURNS_RECEIVED
from registry.measures.reviews import READER_AGREEMENT, REVIEW_COMPLETED, REVIEW_IN_TIME
from registry.measures.words import THEMES

MEASURES: dict[str, Measure] = {
    each.ident: each for theme in (rates, findings, care, official, reviews, returns) for each in theme.MEASURES
}

__all__ = [
    "ADMISSIONS", "AFTER_DISCHARGE_SHARE", "ASSESSED_SHARE", "CASES", "ENGLAND", "FATAL_PE_SHARE", "FIRST_DOSE_SHARE", "HAT_RATE",
    "HAT_RATE_MEDICAL", "HAT_RATE_OBSTETRIC", "HAT_RATE_OVERNIGHT", "HAT_RATE_SURGICAL", "INADEQUATE_SHARE",
    "INFORMATION_ADMISSION_SHARE", "INFORMATION_DISCHARGE_SHARE", "MEASURES", "MISSED_DOSES_SHARE", "NOT_INVESTIGATED",
    "NOT_PREVENTABLE", "OVERNIGHT_ADMISSIONS", "OVERNIGHT_CASES", "PE_SHARE", "PREVENTABLE", "PREVENTABLE_SHARE",
    "READER_AGREEMENT", "RETURNS_LATE", "RETURNS_NIL", "RETURNS_RECEIVED", "REVIEW_COMPLETED", "REVIEW_IN_TIME",
    "RISK_ASSESSMENT", "RISK_ASSESSMENT_PROVIDERS", "THEMES", "TIME_TO_DIAGNOSIS", "TOTAL", "WALES", "CellKey", "Counts", "ExactCounts",
    "Figure", "Further", "Measure", "Number", "Shown", "cases", "together",
]  # fmt: skip
