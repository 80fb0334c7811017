"""How often: hospital-associated thrombosis per 1,000 admissions, of all and of groups."""

from registry.disclosure.grid import Count, Split
from registry.measures.counts import ADMISSIONS, CASES, OVERNIGHT_ADMISSIONS, OVERNIGHT_CASES, CellKey
from registry.measures.figures import Measure, Shown
from registry.measures.making import Rate
from registry.measures.words import (
    ASCERTAINMENT,
    CASES_AND_ADMISSIONS,
    CASES_OUT,
    HAT,
    RATES,
    REVISION,
    ROUNDED,
    YEARLY_REVISION,
)

_OVERNIGHT_OUT = ("Thromboses after day cases and stays without a night", *CASES_OUT)

HAT_RATE = Measure(
    ident="hat-rate",
    title="HAT per 1,000 admissions",
    subject="the rate of hospital-associated thrombosis",
    unit="per 1,000 admissions",
    definition="How many hospital-associated thromboses (HAT) there were for every 1,000 admissions of people aged 16 or over. "
    f"{HAT} is counted once, in the month and the trust of admission of the stay it belongs to.",
    numerator="Hospital-associated thromboses by month of admission of the index stay",
    denominator="All admissions of people aged 16 or over in the same month and the same trusts, day cases included",
    exclusions=CASES_OUT,
    limits=(
        ASCERTAINMENT,
        "The number depends on how many day cases a trust has; trusts are better compared by the rate per 1,000 overnight admissions.",
        ROUNDED,
    ),
    revision=REVISION,
    source=CASES_AND_ADMISSIONS,
    theme=RATES,
    making=Rate(CASES, ADMISSIONS),
    headings=("Cases", "Admissions"),
)

HAT_RATE_OVERNIGHT = Measure(
    ident="hat-rate-overnight",
    title="HAT per 1,000 overnight admissions",
    subject="the rate of hospital-associated thrombosis after an overnight stay",
    unit="per 1,000 overnight admissions",
    definition="How many hospital-associated thromboses followed a stay of at least one night, for every 1,000 such admissions of people "
    "aged 16 or over.",
    numerator="Hospital-associated thromboses whose index stay lasted one night or more, by month of its admission",
    denominator="Admissions of people aged 16 or over of one night or more, in the same month and the same trusts",
    exclusions=_OVERNIGHT_OUT,
    limits=(ASCERTAINMENT, ROUNDED),
    revision=REVISION,
    source=CASES_AND_ADMISSIONS,
    theme=RATES,
    making=Rate(OVERNIGHT_CASES, OVERNIGHT_ADMISSIONS),
    headings=("Cases", "Overnight admissions"),
)


def _of_group(ident: str, words: str, group: str, more: str) -> Measure:
    """The overnight rate of one group of admissions."""
    return Measure(
        ident=ident,
        title=f"HAT per 1,000 overnight {words} admissions",
        subject=f"the rate of hospital-associated thrombosis after an overnight {words} stay",
        unit=f"per 1,000 overnight {words} admissions",
        definition=f"How many hospital-associated thromboses followed a {words} stay of at least one night, for every 1,000 such "
        "admissions of people aged 16 or over.",
        numerator=f"Hospital-associated thromboses whose index stay was {words} and lasted one night or more, by year of its admission",
        denominator=f"Admissions of people aged 16 or over to {words} care of one night or more, in the same months and trusts",
        exclusions=_OVERNIGHT_OUT,
        limits=(ASCERTAINMENT, more, ROUNDED),
        revision=YEARLY_REVISION,
        source=CASES_AND_ADMISSIONS,
        theme=RATES,
        making=Rate(*(CellKey(count, Split.OVERNIGHT_GROUP, group) for count in Count)),
        headings=("Cases", "Overnight admissions"),
        period=Shown.FINANCIAL_YEAR,
        contributors="trusts_year",
    )


_GROUPS_APART = (
    "Critical care and trauma and orthopaedics are groups of their own in the returns and in neither the medical nor the surgical rate; "
    "published studies often count orthopaedic stays as surgical."
)
HAT_RATE_MEDICAL = _of_group("hat-rate-overnight-medical", "medical", "medical", _GROUPS_APART)
HAT_RATE_SURGICAL = _of_group("hat-rate-overnight-surgical", "surgical", "surgical", _GROUPS_APART)

HAT_RATE_OBSTETRIC = Measure(
    ident="hat-rate-obstetric",
    title="HAT per 1,000 maternity admissions",
    subject="the rate of hospital-associated thrombosis after a maternity admission",
    unit="per 1,000 maternity admissions",
    definition="How many hospital-associated thromboses followed a maternity admission, for every 1,000 maternity admissions of people "
    "aged 16 or over.",
    numerator="Hospital-associated thromboses whose index stay was obstetric, by year of its admission",
    denominator="All maternity admissions of people aged 16 or over, day cases and stays without a night included, in the same months and trusts",
    exclusions=CASES_OUT,
    limits=(
        ASCERTAINMENT,
        "Thrombosis in pregnancy or after a birth without an admission in the 90 days before is not in it, so this is not the rate of "
        "pregnancy-associated thrombosis.",
        "Cases are few; the figure is given for years, and for a region often not at all.",
        ROUNDED,
    ),
    revision=YEARLY_REVISION,
    source=CASES_AND_ADMISSIONS,
    theme=RATES,
    making=Rate(*(CellKey(count, Split.ADMISSION_GROUP, "obstetric") for count in Count)),
    headings=("Cases", "Maternity admissions"),
    period=Shown.FINANCIAL_YEAR,
    contributors="trusts_year",
)

MEASURES = (HAT_RATE, HAT_RATE_OVERNIGHT, HAT_RATE_MEDICAL, HAT_RATE_SURGICAL, HAT_RATE_OBSTETRIC)
