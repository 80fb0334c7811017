"""England's own publication of risk assessments, shown exactly as it is published."""

from datetime import date

from registry.measures.figures import ENGLAND, Measure, Shown
from registry.measures.making import Published
from registry.measures.words import CARE

TARGET = 0.95
_OUT = ("Wales: there is no such return, which is not the same as a missing one",)
_REVISION = "NHS England revises its figures; a later file replaces the earlier one, figure by figure."
_SOURCE = "NHS England, VTE risk assessment data collection, under the Open Government Licence v3.0"
_BREAKS = (
    (date(2019, 4, 1), "from April 2019 people aged 16 or over, before that 18 or over"),
    (date(2024, 4, 1), "the collection was suspended from April 2020 to March 2024"),
)
_CLOCK = "The clock was described as 14 hours from admission, later as 14 hours from the decision to admit."

RISK_ASSESSMENT = Measure(
    ident="risk-assessment",
    title="Risk assessment within 14 hours",
    subject="the share risk-assessed within 14 hours",
    unit="% of admissions",
    definition="The share of admissions of people aged 16 or over in whom the risk of thrombosis and of bleeding was assessed within 14 "
    "hours, as NHS England publishes it for each quarter.",
    numerator="Admissions with a risk assessment within 14 hours",
    denominator="All admissions of people aged 16 or over, day cases, maternity and transfers included",
    exclusions=_OUT,
    limits=(
        "Shown exactly as NHS England publishes it, added up over providers of NHS-funded acute care; independent providers are included.",
        "A trust may assess groups of similar patients at low risk together, under a policy.",
        _CLOCK,
        "An assessment that was done says nothing about whether it was right or acted on.",
    ),
    revision=_REVISION,
    source=_SOURCE,
    theme=CARE,
    making=Published("risk_assessed", "risk_assessment_admissions"),
    headings=("Risk-assessed", "Admissions"),
    contributors="risk_assessment_providers",
    contributor_words=("provider", "providers"),
    nations=(ENGLAND,),
    percent=True,
    decimals=1,
    target=(TARGET, "The target of 95%"),
    breaks=_BREAKS,
)

RISK_ASSESSMENT_PROVIDERS = Measure(
    ident="risk-assessment-providers",
    title="Providers at or above 95% of risk assessments",
    subject="the share of providers that assessed at least 95% within 14 hours",
    unit="% of providers",
    definition="The share of providers of NHS-funded acute care that assessed the risk of thrombosis and of bleeding within 14 hours in at least "
    "95% of a quarter's admissions.",
    numerator="Providers with 95% or more of the quarter's admissions assessed within 14 hours",
    denominator="Providers with published figures and with admissions in the quarter",
    exclusions=_OUT,
    limits=(
        "Worked out of the numbers that NHS England publishes, not of rounded percentages: 94.96% is below 95%.",
        "A small provider counts as much as a large one.",
        _CLOCK,
    ),
    revision=_REVISION,
    source=_SOURCE,
    theme=CARE,
    making=Published("quarter_providers_at_target", "quarter_providers"),
    headings=("At or above 95%", "Providers"),
    period=Shown.QUARTER,
    contributors="quarter_providers",
    contributor_words=("provider", "providers"),
    nations=(ENGLAND,),
    percent=True,
    decimals=1,
    breaks=_BREAKS,
)

MEASURES = (RISK_ASSESSMENT, RISK_ASSESSMENT_PROVIDERS)
