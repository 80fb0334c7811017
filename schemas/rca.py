"""A root-cause analysis, or whichever learning response was chosen: what the review of one case found."""

from typing import Annotated, ClassVar

from schemas import codes
from schemas.item import Item, Stage
from schemas.record import Record, RecordKind
from schemas.values import Clearance, Date, DateTime, LearningText, LocalId, ShortText, SmallCount, Weight

CORE, OPTIONAL = Stage.COMPLETION, Stage.OPTIONAL


class Rca(Record):
    """The review of one case. It may arrive unfinished; it is complete once category and preventability are recorded."""

    kind: ClassVar[RecordKind] = RecordKind.RCA
    key: ClassVar[tuple[str, ...]] = ("local_case_id",)
    title: ClassVar[str] = "Root-cause analyses"

    local_case_id: Annotated[
        LocalId,
        Item(
            question="Your own number of the case",
            section="Review",
            stage=CORE,
            identifying=False,
            fhir="QuestionnaireResponse.extension.value.identifier.value",
        ),
    ]
    response_type: Annotated[
        codes.ResponseType, Item(question="Kind of learning response", section="Review", stage=CORE, identifying=False)
    ]
    judged_by: Annotated[
        codes.JudgedBy | None,
        Item(question="Judged by", section="Review", stage=CORE, identifying=False, hint="The role, never a name."),
    ] = None
    judged_on: Annotated[
        Date | None, Item(question="Date of the judgement", section="Review", stage=CORE, identifying=False)
    ] = None
    risk_assessed: Annotated[
        codes.RiskAssessment | None,
        Item(question="Risk assessment done", section="Risk assessment", stage=CORE, identifying=False),
    ] = None
    assessed_within_14_hours: Annotated[
        codes.Timely | None,
        Item(question="Assessed within 14 hours", section="Risk assessment", stage=CORE, identifying=False),
    ] = None
    assessment_correct: Annotated[
        codes.Correct | None,
        Item(question="Assessment correct on review", section="Risk assessment", stage=CORE, identifying=False),
    ] = None
    prophylaxis_indicated: Annotated[
        codes.Indicated | None,
        Item(question="Drug prophylaxis indicated", section="Prophylaxis", stage=CORE, identifying=False),
    ] = None
    prophylaxis_prescribed: Annotated[
        codes.YesNo | None,
        Item(question="Drug prophylaxis prescribed", section="Prophylaxis", stage=CORE, identifying=False),
    ] = None
    prophylaxis_given: Annotated[
        codes.Given | None,
        Item(question="Drug prophylaxis given", section="Prophylaxis", stage=CORE, identifying=False),
    ] = None
    first_dose_within_14_hours: Annotated[
        codes.Timely | None,
        Item(question="First dose within 14 hours", section="Prophylaxis", stage=CORE, identifying=False),
    ] = None
    doses_missed_avoidably: Annotated[
        SmallCount | None, Item(question="Doses missed avoidably", section="Prophylaxis", stage=CORE, identifying=False)
    ] = None
    mechanical: Annotated[
        codes.Mechanical | None,
        Item(question="Mechanical prophylaxis", section="Prophylaxis", stage=CORE, identifying=False),
    ] = None
    extended: Annotated[
        codes.Extended | None,
        Item(
            question="Extended prophylaxis",
            section="Prophylaxis",
            stage=CORE,
            identifying=False,
            applies="it is expected after this operation",
        ),
    ] = None
    category: Annotated[
        codes.HatCategory | None, Item(question="Finding", section="Findings", stage=CORE, identifying=False)
    ] = None
    inadequacies: Annotated[
        frozenset[codes.Inadequacy] | None,
        Item(
            question="What fell short",
            section="Findings",
            stage=CORE,
            identifying=False,
            hint="Several codes are separated by |.",
        ),
    ] = None
    preventability: Annotated[
        codes.Preventability | None, Item(question="Preventability", section="Findings", stage=CORE, identifying=False)
    ] = None
    would_have_changed_outcome: Annotated[
        codes.OutcomeChange | None,
        Item(question="Would better care have changed the outcome?", section="Findings", stage=CORE, identifying=False),
    ] = None
    contributory_factors: Annotated[
        frozenset[codes.ContributoryFactor] | None,
        Item(
            question="Contributory factors",
            section="Findings",
            stage=CORE,
            identifying=False,
            hint="Several codes are separated by |.",
        ),
    ] = None
    candour_threshold_met: Annotated[
        codes.YesNo | None,
        Item(question="Duty of candour threshold met", section="Candour", stage=CORE, identifying=False),
    ] = None
    candour_told_on: Annotated[
        Date | None,
        Item(
            question="Date when the patient or family was told",
            section="Candour",
            stage=CORE,
            identifying=False,
            applies="the threshold was met",
        ),
    ] = None
    learning_point: Annotated[
        LearningText | None,
        Item(
            question="Learning point",
            section="Learning",
            stage=CORE,
            identifying=True,
            hint="What others can learn; no names, numbers or dates.",
        ),
    ] = None
    notable_practice: Annotated[
        LearningText | None,
        Item(
            question="Notable practice",
            section="Learning",
            stage=CORE,
            identifying=True,
            hint="What went well; no names, numbers or dates.",
        ),
    ] = None
    actions: Annotated[
        SmallCount | None,
        Item(
            question="Number of actions",
            section="Learning",
            stage=CORE,
            identifying=False,
            hint="The actions themselves are entered online or sent by FHIR.",
        ),
    ] = None

    assessed_at: Annotated[
        DateTime | None,
        Item(
            question="Date and time of the risk assessment",
            section="Risk assessment",
            stage=OPTIONAL,
            identifying=False,
        ),
    ] = None
    mobility: Annotated[
        codes.Mobility | None,
        Item(question="Mobility box ticked", section="Risk assessment", stage=OPTIONAL, identifying=False),
    ] = None
    thrombosis_factors: Annotated[
        frozenset[codes.ThrombosisFactor] | None,
        Item(
            question="Thrombosis factors ticked",
            section="Risk assessment",
            stage=OPTIONAL,
            identifying=False,
            hint="Several codes are separated by |.",
        ),
    ] = None
    bleeding_factors: Annotated[
        frozenset[codes.BleedingFactor] | None,
        Item(
            question="Bleeding factors ticked",
            section="Risk assessment",
            stage=OPTIONAL,
            identifying=False,
            hint="Several codes are separated by |.",
        ),
    ] = None
    agent: Annotated[
        codes.Agent | None, Item(question="Drug", section="Prophylaxis", stage=OPTIONAL, identifying=False)
    ] = None
    dose: Annotated[
        ShortText | None, Item(question="Dose and frequency", section="Prophylaxis", stage=OPTIONAL, identifying=True)
    ] = None
    dose_fit: Annotated[
        codes.DoseFit | None,
        Item(
            question="Dose right for weight and renal function",
            section="Prophylaxis",
            stage=OPTIONAL,
            identifying=False,
        ),
    ] = None
    first_dose_at: Annotated[
        DateTime | None,
        Item(question="Date and time of the first dose", section="Prophylaxis", stage=OPTIONAL, identifying=False),
    ] = None
    doses_due: Annotated[
        SmallCount | None, Item(question="Doses due", section="Prophylaxis", stage=OPTIONAL, identifying=False)
    ] = None
    doses_given: Annotated[
        SmallCount | None, Item(question="Doses given", section="Prophylaxis", stage=OPTIONAL, identifying=False)
    ] = None
    missed_dose_reasons: Annotated[
        frozenset[codes.MissedDoseReason] | None,
        Item(
            question="Why doses were missed",
            section="Prophylaxis",
            stage=OPTIONAL,
            identifying=False,
            hint="Several codes are separated by |.",
            applies="doses were missed",
        ),
    ] = None
    extended_days: Annotated[
        SmallCount | None,
        Item(
            question="Days of extended prophylaxis supplied", section="Prophylaxis", stage=OPTIONAL, identifying=False
        ),
    ] = None
    weight_kg: Annotated[
        Weight | None, Item(question="Weight in kg", section="Patient", stage=OPTIONAL, identifying=False)
    ] = None
    creatinine_clearance: Annotated[
        Clearance | None,
        Item(question="Creatinine clearance in ml/min", section="Patient", stage=OPTIONAL, identifying=False),
    ] = None
    information_on_admission: Annotated[
        codes.YesNo | None,
        Item(question="Written information on admission", section="Information", stage=OPTIONAL, identifying=False),
    ] = None
    information_on_discharge: Annotated[
        codes.YesNo | None,
        Item(question="Written information on discharge", section="Information", stage=OPTIONAL, identifying=False),
    ] = None
    physical_harm: Annotated[
        codes.PhysicalHarm | None, Item(question="Physical harm", section="Candour", stage=OPTIONAL, identifying=False)
    ] = None
    psychological_harm: Annotated[
        codes.PsychologicalHarm | None,
        Item(question="Psychological harm", section="Candour", stage=OPTIONAL, identifying=False),
    ] = None
    incident_reference: Annotated[
        ShortText | None, Item(question="LFPSE or Datix reference", section="Candour", stage=OPTIONAL, identifying=True)
    ] = None
    withdraw_reason: Annotated[
        codes.WithdrawReason | None,
        Item(question="Withdraw this review because", section="Review", stage=OPTIONAL, identifying=False),
    ] = None
