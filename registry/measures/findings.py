"""What was found: where and how late the thrombosis showed, pulmonary embolism and death, preventability and inadequate prophylaxis."""

from registry.disclosure.grid import DAYS_AFTER, IN_STAY, Split
from registry.measures.counts import NOT_INVESTIGATED, NOT_PREVENTABLE, PREVENTABLE, cases
from registry.measures.figures import Measure, Shown
from registry.measures.making import Beside, Investigated, ShareOf
from registry.measures.waiting import FoundAfter
from registry.measures.words import (
    CASES_OUT,
    FINDINGS,
    FROM_CASES,
    FROM_REVIEWS,
    REVISION,
    ROUNDED,
    YEARLY_REVISION,
)
from registry.statistics.rates import INVESTIGATED_FLOOR

_BANDS = cases(Split.SETTING, *(f"days_{first}_{last}" for first, last in DAYS_AFTER))
_IN_STAY = cases(Split.SETTING, IN_STAY)
_BOUNDS = (
    "The bounds say what the share of all cases would be if none, or all, of the cases not investigated were so. Where less than "
    f"{INVESTIGATED_FLOOR:.0%} of cases are investigated, only the bounds are shown."
)

PREVENTABLE_SHARE = Measure(
    ident="preventable-share",
    title="Among patients with HAT: potentially preventable",
    subject="the share that was potentially preventable",
    unit="% of investigated cases",
    definition="Of the hospital-associated thromboses that were investigated, the share found to be potentially preventable. A case is "
    "investigated once its review has recorded a category and a judgement on preventability, whatever kind of review it was.",
    numerator="Investigated cases judged potentially preventable",
    denominator="All investigated cases, those that could not be classified included",
    exclusions=CASES_OUT,
    limits=(
        "This is among patients who had a thrombosis. It does not say how many patients were given the right prophylaxis.",
        _BOUNDS,
        "Preventability is a judgement, and reviewers differ.",
        ROUNDED,
    ),
    revision=REVISION,
    source=FROM_REVIEWS,
    theme=FINDINGS,
    making=Investigated(PREVENTABLE, NOT_PREVENTABLE, NOT_INVESTIGATED),
    headings=("Preventable", "Investigated"),
    percent=True,
    decimals=1,
)

INADEQUATE_SHARE = Measure(
    ident="inadequate-prophylaxis-share",
    title="Among patients with HAT: inadequate prophylaxis",
    subject="the share with inadequate prophylaxis",
    unit="% of investigated cases",
    definition="Of the hospital-associated thromboses that were investigated, the share in which prophylaxis was found inadequate, and at "
    "least one thing in which prophylaxis itself fell short was recorded: not prescribed, wrong drug or dose, begun late, doses missed, "
    "not restarted, or mechanical or extended prophylaxis left out or wrong.",
    numerator="Investigated cases with inadequate prophylaxis",
    denominator="All investigated cases, those that could not be classified included",
    exclusions=CASES_OUT,
    limits=(
        "This is among patients who had a thrombosis. It does not say how many of all patients had inadequate prophylaxis.",
        "A late or missing risk assessment, a gap in the notes or a dose that the patient refused, and nothing else, is a gap in care but "
        "not inadequate prophylaxis.",
        _BOUNDS,
        "Published comparisons (King's College Hospital 2010 and 2011) have bounds that overlap: a fall in this share may come from who "
        "was investigated.",
        ROUNDED,
    ),
    revision=YEARLY_REVISION,
    source=FROM_REVIEWS,
    theme=FINDINGS,
    making=Investigated(*cases(Split.ADEQUACY, "inadequate", "not_inadequate", "not_investigated")),
    headings=("Inadequate", "Investigated"),
    period=Shown.FINANCIAL_YEAR,
    contributors="trusts_year",
    percent=True,
    decimals=1,
)

AFTER_DISCHARGE_SHARE = Measure(
    ident="found-after-discharge",
    title="Among patients with HAT: found after discharge",
    subject="the share found after discharge",
    unit="% of cases",
    definition="Of all hospital-associated thromboses, the share found 0 to 90 days after discharge from the stay they belong to. The rest "
    "were found during that stay, more than 24 hours after its beginning.",
    numerator="Cases found 0 to 90 days after discharge from their index stay",
    denominator="All cases",
    exclusions=CASES_OUT,
    limits=(
        "A trust that looks for cases only in its own wards finds few after discharge.",
        "Shorter stays move cases from the first group to the second without any change in care.",
        ROUNDED,
    ),
    revision=YEARLY_REVISION,
    source=FROM_CASES,
    theme=FINDINGS,
    making=ShareOf(_BANDS, _IN_STAY, (Beside("in_stay", "Found during the stay", _IN_STAY),)),
    headings=("After discharge", "Cases"),
    period=Shown.FINANCIAL_YEAR,
    contributors="trusts_year",
    percent=True,
    decimals=1,
)

TIME_TO_DIAGNOSIS = Measure(
    ident="time-to-diagnosis",
    title="Among patients with HAT after discharge: found within 30 days",
    subject="the share found within 30 days of discharge",
    unit="% of cases found after discharge",
    definition="Of the hospital-associated thromboses found after discharge, the share found within 30 days of it. Beside it stand the bands of "
    "days within which a quarter, a half (the median) and three quarters of them were found.",
    numerator="Cases found 0 to 30 days after discharge from their index stay",
    denominator="Cases found 0 to 90 days after discharge",
    exclusions=("Cases found during the stay", *CASES_OUT),
    limits=(
        "Only people who had a thrombosis within 90 days are counted, so this is not the risk of a thrombosis by day.",
        "Times are published in bands (0 to 7, 8 to 14, 15 to 30, 31 to 60 and 61 to 90 days). The median is given as the band it lies in; "
        "where rounding leaves open which of two, as both together.",
        ROUNDED,
    ),
    revision=YEARLY_REVISION,
    source=FROM_CASES,
    theme=FINDINGS,
    making=FoundAfter(_BANDS, early=3),
    headings=("Within 30 days", "After discharge"),
    period=Shown.FINANCIAL_YEAR,
    contributors="trusts_year",
    percent=True,
    decimals=1,
)

PE_SHARE = Measure(
    ident="pe-share",
    title="Among patients with HAT: pulmonary embolism",
    subject="the share with a pulmonary embolism",
    unit="% of cases",
    definition="Of all hospital-associated thromboses, the share with a pulmonary embolism, alone or with a deep vein thrombosis.",
    numerator="Cases with a pulmonary embolism",
    denominator="All cases",
    exclusions=CASES_OUT,
    limits=(
        "It depends on who is scanned for what: a trust without a service for deep vein thrombosis finds relatively more pulmonary embolism.",
        ROUNDED,
    ),
    revision=REVISION,
    source=FROM_CASES,
    theme=FINDINGS,
    making=ShareOf(cases(Split.VTE_TYPE, "pe"), cases(Split.VTE_TYPE, "dvt")),
    headings=("Pulmonary embolism", "Cases"),
    percent=True,
    decimals=1,
)

FATAL_PE_SHARE = Measure(
    ident="fatal-pe-share",
    title="Among patients with HAT and a pulmonary embolism: died within 90 days",
    subject="the share of patients with a pulmonary embolism who died within 90 days",
    unit="% of cases with a pulmonary embolism",
    definition="Of the patients with a hospital-associated pulmonary embolism of whom it is known, the share who died within 90 days of its "
    "diagnosis, whatever they died of.",
    numerator="Cases with a pulmonary embolism in which the patient died within 90 days of the diagnosis",
    denominator="Cases with a pulmonary embolism of which it is known whether the patient died within 90 days",
    exclusions=("Cases without a pulmonary embolism", *CASES_OUT),
    limits=(
        "Deaths from any cause are counted, so it is higher than the share of deaths that the embolism caused.",
        "An embolism that nobody looked for before or after a death is not among the cases.",
        "Where it is not known whether the patient lived, a case is in neither number; how many there were is counted beside the share.",
        ROUNDED,
    ),
    revision=YEARLY_REVISION,
    source=FROM_CASES,
    theme=FINDINGS,
    making=ShareOf(
        cases(Split.PE_OUTCOME, "died"),
        cases(Split.PE_OUTCOME, "survived"),
        (Beside("not_known", "Not known whether the patient died", cases(Split.PE_OUTCOME, "not_known")),),
    ),
    headings=("Died", "Known outcome"),
    period=Shown.FINANCIAL_YEAR,
    contributors="trusts_year",
    percent=True,
    decimals=1,
)

MEASURES = (
    PREVENTABLE_SHARE,
    INADEQUATE_SHARE,
    PE_SHARE,
    FATAL_PE_SHARE,
    AFTER_DISCHARGE_SHARE,
    TIME_TO_DIAGNOSIS,
)
