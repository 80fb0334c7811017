"""A case: one thrombosis of one patient, with the hospital stay it may belong to."""

from typing import Annotated, ClassVar

from schemas import codes
from schemas.item import Item, Stage
from schemas.record import Record, RecordKind
from schemas.values import Date, DateTime, LocalId, Minutes, NHSNumber, OdsCode, ShortText, SnomedId

CORE, OPTIONAL = Stage.NOTIFICATION, Stage.OPTIONAL


class Case(Record):
    """One thrombosis, once for each patient and index stay."""

    kind: ClassVar[RecordKind] = RecordKind.CASE
    key: ClassVar[tuple[str, ...]] = ("local_case_id",)
    title: ClassVar[str] = "Cases"

    local_case_id: Annotated[
        LocalId,
        Item(
            question="Your own number for this case",
            section="Case",
            stage=CORE,
            identifying=False,
            hint="Any number that is yours; never the NHS number or the hospital number.",
            fhir="Condition.identifier.value",
        ),
    ]
    attributed_organisation: Annotated[
        OdsCode | None,
        Item(
            question="Organisation the case belongs to",
            section="Case",
            stage=CORE,
            identifying=False,
            hint="Leave empty when it is your own.",
            fhir="Encounter.serviceProvider.identifier.value",
        ),
    ] = None
    nhs_number: Annotated[
        NHSNumber | None,
        Item(
            question="NHS number",
            section="Patient",
            stage=CORE,
            identifying=True,
            hint="Ten digits; spaces are allowed.",
            fhir="Patient.identifier.value",
        ),
    ] = None
    nhs_number_reason: Annotated[
        codes.NHSNumberReason | None,
        Item(
            question="Why there is no NHS number",
            section="Patient",
            stage=CORE,
            identifying=False,
            applies="there is no NHS number",
        ),
    ] = None
    birth_date: Annotated[
        Date, Item(question="Date of birth", section="Patient", stage=CORE, identifying=True, fhir="Patient.birthDate")
    ]
    sex: Annotated[
        codes.Sex, Item(question="Sex", section="Patient", stage=CORE, identifying=False, fhir="Patient.gender")
    ]
    admission_date: Annotated[
        Date,
        Item(
            question="Date of admission of the index stay",
            section="Stay",
            stage=CORE,
            identifying=False,
            hint="The stay that the clot belongs to, not a readmission with the clot.",
            fhir="Encounter.period.start",
        ),
    ]
    discharge_date: Annotated[
        Date | None,
        Item(
            question="Date of discharge of the index stay",
            section="Stay",
            stage=CORE,
            identifying=False,
            applies="the patient has been discharged",
            fhir="Encounter.period.end",
        ),
    ] = None
    still_in: Annotated[
        codes.Yes | None,
        Item(
            question="Still in hospital",
            section="Stay",
            stage=CORE,
            identifying=False,
            applies="there is no date of discharge",
        ),
    ] = None
    patient_classification: Annotated[
        codes.PatientClassification,
        Item(question="How the patient was in hospital", section="Stay", stage=CORE, identifying=False),
    ]
    admission_group: Annotated[
        codes.AdmissionGroup, Item(question="Group of the admission", section="Stay", stage=CORE, identifying=False)
    ]
    main_specialty: Annotated[
        codes.MainSpecialty,
        Item(
            question="Main specialty",
            section="Stay",
            stage=CORE,
            identifying=False,
            hint="Three-digit main specialty code.",
        ),
    ]
    vte_type: Annotated[
        codes.VteType,
        Item(
            question="What was found",
            section="Clot",
            stage=CORE,
            identifying=False,
            hint="A DVT followed by a PE is one case: choose both.",
            fhir="Condition.code",
        ),
    ]
    dvt_site: Annotated[
        codes.DvtSite | None,
        Item(
            question="Where the DVT was",
            section="Clot",
            stage=CORE,
            identifying=False,
            applies="a DVT was found",
            fhir="Condition.bodySite",
        ),
    ] = None
    diagnosis_date: Annotated[
        Date,
        Item(
            question="Date of diagnosis",
            section="Clot",
            stage=CORE,
            identifying=False,
            hint="The date of the scan or of the death.",
            fhir="Condition.recordedDate",
        ),
    ]
    diagnosis_setting: Annotated[
        codes.DiagnosisSetting, Item(question="Where it was diagnosed", section="Clot", stage=CORE, identifying=False)
    ]
    confirmation: Annotated[
        codes.Confirmation, Item(question="How it was confirmed", section="Clot", stage=CORE, identifying=False)
    ]
    present_on_admission: Annotated[
        codes.PresentOnAdmission,
        Item(question="Was the clot there on admission?", section="Clot", stage=CORE, identifying=False),
    ]
    how_found: Annotated[
        codes.HowFound, Item(question="How you learnt of the case", section="Case", stage=CORE, identifying=False)
    ]
    died_within_90_days: Annotated[
        codes.DiedWithin90Days | None,
        Item(
            question="Died within 90 days of the diagnosis",
            section="Outcome",
            stage=CORE,
            identifying=False,
            hint="May follow later.",
        ),
    ] = None

    transferred_from: Annotated[
        OdsCode | None,
        Item(
            question="Transferred in from",
            section="Stay",
            stage=OPTIONAL,
            identifying=False,
            applies="the stay began by transfer",
        ),
    ] = None
    readmission_date: Annotated[
        Date | None,
        Item(
            question="Date of readmission with the clot",
            section="Stay",
            stage=OPTIONAL,
            identifying=False,
            applies="the patient came back with the clot",
        ),
    ] = None
    pregnancy_status: Annotated[
        codes.PregnancyStatus | None, Item(question="Pregnancy", section="Patient", stage=OPTIONAL, identifying=False)
    ] = None
    earlier_admission_date: Annotated[
        Date | None,
        Item(
            question="Date of admission of an earlier stay",
            section="Stay",
            stage=OPTIONAL,
            identifying=False,
            applies="the clot was there on admission or found within 24 hours",
        ),
    ] = None
    earlier_discharge_date: Annotated[
        Date | None,
        Item(
            question="Date of discharge of that earlier stay",
            section="Stay",
            stage=OPTIONAL,
            identifying=False,
            applies="an earlier stay is given",
        ),
    ] = None
    admitted_at: Annotated[
        DateTime | None, Item(question="Date and time of admission", section="Stay", stage=OPTIONAL, identifying=False)
    ] = None
    discharged_at: Annotated[
        DateTime | None, Item(question="Date and time of discharge", section="Stay", stage=OPTIONAL, identifying=False)
    ] = None
    diagnosed_at: Annotated[
        DateTime | None, Item(question="Date and time of diagnosis", section="Clot", stage=OPTIONAL, identifying=False)
    ] = None
    line_related: Annotated[
        codes.YesNo | None,
        Item(
            question="Related to a central line",
            section="Clot",
            stage=OPTIONAL,
            identifying=False,
            applies="the clot was in the upper limb or neck",
        ),
    ] = None
    dvt_side: Annotated[
        codes.Side | None,
        Item(question="Side of the DVT", section="Clot", stage=OPTIONAL, identifying=False, applies="a DVT was found"),
    ] = None
    pe_extent: Annotated[
        codes.PeExtent | None,
        Item(question="Extent of the PE", section="Clot", stage=OPTIONAL, identifying=False, applies="a PE was found"),
    ] = None
    diagnosis_snomed: Annotated[
        SnomedId | None,
        Item(question="SNOMED CT id of the diagnosis", section="Clot", stage=OPTIONAL, identifying=False),
    ] = None
    symptom_onset_date: Annotated[
        Date | None,
        Item(
            question="Date when symptoms began",
            section="Clot",
            stage=OPTIONAL,
            identifying=False,
            fhir="Condition.onsetDateTime",
        ),
    ] = None
    recurrent: Annotated[
        codes.YesNo | None,
        Item(question="Earlier VTE in this patient", section="Clot", stage=OPTIONAL, identifying=False),
    ] = None
    incidental: Annotated[
        codes.YesNo | None, Item(question="Found by chance", section="Clot", stage=OPTIONAL, identifying=False)
    ] = None
    on_anticoagulant: Annotated[
        codes.YesNo | None,
        Item(question="On full anticoagulation when it began", section="Clot", stage=OPTIONAL, identifying=False),
    ] = None
    active_cancer: Annotated[
        codes.YesNo | None, Item(question="Active cancer", section="Patient", stage=OPTIONAL, identifying=False)
    ] = None
    death_date: Annotated[
        Date | None,
        Item(
            question="Date of death",
            section="Outcome",
            stage=OPTIONAL,
            identifying=False,
            applies="the patient died",
            fhir="Patient.deceasedDateTime",
        ),
    ] = None
    death_cause: Annotated[
        codes.DeathCause | None,
        Item(
            question="Part of the clot in the death",
            section="Outcome",
            stage=OPTIONAL,
            identifying=False,
            applies="the patient died",
        ),
    ] = None
    admission_method: Annotated[
        codes.AdmissionMethod | None,
        Item(question="Admission method", section="Stay", stage=OPTIONAL, identifying=False),
    ] = None
    discharge_method: Annotated[
        codes.DischargeMethod | None,
        Item(question="Discharge method", section="Stay", stage=OPTIONAL, identifying=False),
    ] = None
    discharge_destination: Annotated[
        codes.DischargeDestination | None,
        Item(question="Discharge destination", section="Stay", stage=OPTIONAL, identifying=False),
    ] = None
    index_site: Annotated[
        OdsCode | None, Item(question="Site of the index stay", section="Stay", stage=OPTIONAL, identifying=False)
    ] = None
    ward: Annotated[ShortText | None, Item(question="Ward", section="Stay", stage=OPTIONAL, identifying=True)] = None
    procedure_date: Annotated[
        Date | None, Item(question="Date of the operation", section="Stay", stage=OPTIONAL, identifying=False)
    ] = None
    procedure_snomed: Annotated[
        SnomedId | None,
        Item(question="SNOMED CT id of the operation", section="Stay", stage=OPTIONAL, identifying=False),
    ] = None
    anaesthetic: Annotated[
        codes.Anaesthetic | None, Item(question="Anaesthetic", section="Stay", stage=OPTIONAL, identifying=False)
    ] = None
    anaesthetic_minutes: Annotated[
        Minutes | None,
        Item(question="Anaesthetic and surgical time in minutes", section="Stay", stage=OPTIONAL, identifying=False),
    ] = None
    ethnic_category: Annotated[
        codes.EthnicCategory | None,
        Item(
            question="Ethnic category",
            section="Patient",
            stage=OPTIONAL,
            identifying=False,
            hint="From the hospital system; never ask or type it.",
        ),
    ] = None
    nhs_number_status: Annotated[
        codes.NHSNumberStatus | None,
        Item(question="NHS number status", section="Patient", stage=OPTIONAL, identifying=False),
    ] = None
    withdraw_reason: Annotated[
        codes.WithdrawReason | None,
        Item(
            question="Withdraw this case because",
            section="Case",
            stage=OPTIONAL,
            identifying=False,
            hint="Leave empty unless the case is to be withdrawn.",
        ),
    ] = None
