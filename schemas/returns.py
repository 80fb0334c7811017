"""What a trust returns beside cases: admissions by month, their strata by year, its case finding, and the Welsh count."""

from typing import Annotated, ClassVar

from schemas import codes
from schemas.item import Item, Stage
from schemas.record import Record, RecordKind
from schemas.values import Count, FinancialYear, Month, OdsCode

CORE, OPTIONAL = Stage.NOTIFICATION, Stage.OPTIONAL

_ORGANISATION = Item(
    question="Organisation",
    section="Return",
    stage=CORE,
    identifying=False,
    hint="Leave empty, or the organisation that you send for.",
)


def _admissions(words: str) -> Item:
    return Item(
        question=f"Admissions aged 16 or over: {words}",
        section="Admissions",
        stage=CORE,
        identifying=False,
        hint="By month of admission. Write 0 where there were none.",
    )


def _optional_count(question: str, section: str) -> Item:
    return Item(question=question, section=section, stage=OPTIONAL, identifying=False)


class Activity(Record):
    """One month of one organisation: its admissions, and whether its cases of that month are complete."""

    kind: ClassVar[RecordKind] = RecordKind.ACTIVITY
    key: ClassVar[tuple[str, ...]] = ("month",)
    title: ClassVar[str] = "Monthly activity"

    organisation: Annotated[OdsCode | None, _ORGANISATION] = None
    month: Annotated[
        Month,
        Item(
            question="Month of admission",
            section="Return",
            stage=CORE,
            identifying=False,
            fhir="MeasureReport.period",
        ),
    ]
    case_return: Annotated[
        codes.CaseReturn,
        Item(question="Cases of this month", section="Return", stage=CORE, identifying=False),
    ]
    medical_day_case: Annotated[Count, _admissions("medical, day case")]
    medical_regular_attender: Annotated[Count, _admissions("medical, regular attender")]
    medical_no_night: Annotated[Count, _admissions("medical, no night")]
    medical_overnight: Annotated[Count, _admissions("medical, one night or more")]
    surgical_day_case: Annotated[Count, _admissions("surgical, day case")]
    surgical_regular_attender: Annotated[Count, _admissions("surgical, regular attender")]
    surgical_no_night: Annotated[Count, _admissions("surgical, no night")]
    surgical_overnight: Annotated[Count, _admissions("surgical, one night or more")]
    obstetric_day_case: Annotated[Count, _admissions("obstetric, day case")]
    obstetric_regular_attender: Annotated[Count, _admissions("obstetric, regular attender")]
    obstetric_no_night: Annotated[Count, _admissions("obstetric, no night")]
    obstetric_overnight: Annotated[Count, _admissions("obstetric, one night or more")]
    critical_care_day_case: Annotated[Count, _admissions("critical care, day case")]
    critical_care_regular_attender: Annotated[Count, _admissions("critical care, regular attender")]
    critical_care_no_night: Annotated[Count, _admissions("critical care, no night")]
    critical_care_overnight: Annotated[Count, _admissions("critical care, one night or more")]
    orthopaedic_trauma_day_case: Annotated[Count, _admissions("trauma and orthopaedic, day case")]
    orthopaedic_trauma_regular_attender: Annotated[Count, _admissions("trauma and orthopaedic, regular attender")]
    orthopaedic_trauma_no_night: Annotated[Count, _admissions("trauma and orthopaedic, no night")]
    orthopaedic_trauma_overnight: Annotated[Count, _admissions("trauma and orthopaedic, one night or more")]
    patients_audited: Annotated[Count | None, _optional_count("Patients audited", "Audit")] = None
    appropriate_prophylaxis: Annotated[
        Count | None, _optional_count("Of these, with appropriate prophylaxis", "Audit")
    ] = None
    information_on_admission: Annotated[
        Count | None, _optional_count("Of these, with written information on admission", "Audit")
    ] = None
    information_on_discharge: Annotated[
        Count | None, _optional_count("Of these, with written information on discharge", "Audit")
    ] = None
    coded_candidates: Annotated[
        Count | None, _optional_count("Coded VTE that could be hospital-associated", "Audit")
    ] = None
    risk_assessed: Annotated[
        Count | None, _optional_count("Risk-assessed within 14 hours (your own early figure)", "Risk assessment")
    ] = None
    risk_assessment_method: Annotated[
        codes.RiskAssessmentReturn | None,
        Item(question="How that figure was made", section="Risk assessment", stage=OPTIONAL, identifying=False),
    ] = None


class ActivityStrata(Record):
    """Admissions of one year in one stratum: the denominators of case mix."""

    kind: ClassVar[RecordKind] = RecordKind.ACTIVITY_STRATA
    key: ClassVar[tuple[str, ...]] = ("year", "age_band", "sex", "admission_group", "overnight")
    title: ClassVar[str] = "Yearly activity by age, sex and group"

    organisation: Annotated[OdsCode | None, _ORGANISATION] = None
    year: Annotated[FinancialYear, Item(question="Financial year", section="Stratum", stage=CORE, identifying=False)]
    age_band: Annotated[
        codes.AgeBand, Item(question="Age on admission", section="Stratum", stage=CORE, identifying=False)
    ]
    sex: Annotated[codes.StratumSex, Item(question="Sex", section="Stratum", stage=CORE, identifying=False)]
    admission_group: Annotated[
        codes.AdmissionGroup, Item(question="Group of the admission", section="Stratum", stage=CORE, identifying=False)
    ]
    overnight: Annotated[
        codes.Yes, Item(question="One night or more", section="Stratum", stage=CORE, identifying=False)
    ]
    admissions: Annotated[Count, Item(question="Admissions", section="Stratum", stage=CORE, identifying=False)]


def _source(words: str) -> Item:
    return Item(question=f"Cases are found from: {words}", section="Case finding", stage=CORE, identifying=False)


class OrganisationProfile(Record):
    """How an organisation finds its cases, by year."""

    kind: ClassVar[RecordKind] = RecordKind.ORGANISATION_PROFILE
    key: ClassVar[tuple[str, ...]] = ("year",)
    title: ClassVar[str] = "Organisation profile"

    organisation: Annotated[OdsCode | None, _ORGANISATION] = None
    year: Annotated[FinancialYear, Item(question="Financial year", section="Return", stage=CORE, identifying=False)]
    imaging_list: Annotated[codes.YesNo, _source("a list of imaging results")]
    coding: Annotated[codes.YesNo, _source("clinical coding")]
    anticoagulant_clinic: Annotated[codes.YesNo, _source("the anticoagulant clinic")]
    medical_examiner: Annotated[codes.YesNo, _source("the medical examiner or bereavement office")]
    other_trusts: Annotated[codes.YesNo, _source("other trusts")]


class WalesQuarter(Record):
    """The Welsh count-only return: shown alone, never added to figures from cases."""

    kind: ClassVar[RecordKind] = RecordKind.WALES_QUARTER
    key: ClassVar[tuple[str, ...]] = ("quarter",)
    title: ClassVar[str] = "Welsh quarterly count"

    organisation: Annotated[OdsCode | None, _ORGANISATION] = None
    quarter: Annotated[
        Month, Item(question="First month of the quarter", section="Return", stage=CORE, identifying=False)
    ]
    potentially_preventable: Annotated[
        Count,
        Item(question="Potentially preventable HAT in the quarter", section="Return", stage=CORE, identifying=False),
    ]
    all_hat: Annotated[Count | None, _optional_count("All HAT in the quarter", "Return")] = None
