"""The code lists of the dataset. `unknown` (nobody knows) and `not_recorded` (the notes are silent) stay apart everywhere.

Sources: NHS Data Dictionary values as carried by UK Core (FHIR R4) for the national lists; NICE NG89; the Department of
Health risk assessment tool of March 2010; LFPSE and regulation 20 for harm and candour; the rest is this dataset's own.
"""

from schemas.codelist import CodeList, Nation, Sure

ENGLAND, WALES = Nation.ENGLAND, Nation.WALES
SOURCE, MEMORY = Sure.SOURCE, Sure.MEMORY


class YesNo(CodeList):
    """Yes or no, with the two ways of not knowing kept apart"""

    YES = "yes", "Yes"
    NO = "no", "No"
    UNKNOWN = "unknown", "Unknown"
    NOT_RECORDED = "not_recorded", "Not recorded in the notes"


class Yes(CodeList):
    """A statement that is made or not"""

    YES = "yes", "Yes"
    NO = "no", "No"


class PresentOnAdmission(CodeList):
    """Whether the clot was there when the stay began"""

    YES = "yes", "Yes"
    NO = "no", "No"
    UNKNOWN = "unknown", "Unknown"


class Sex(CodeList):
    """Sex as the hospital system holds it"""

    MALE = "male", "Male", "1", None, SOURCE
    FEMALE = "female", "Female", "2", None, SOURCE
    INDETERMINATE = "indeterminate", "Not specified (indeterminate)", "9", None, SOURCE
    UNKNOWN = "unknown", "Not known", "X", None, SOURCE
    NOT_RECORDED = "not_recorded", "Not recorded"


class NHSNumberReason(CodeList):
    """Why there is no NHS number"""

    NOT_KNOWN = "not_known", "Not known", None, None, SOURCE
    OVERSEAS = "overseas", "Overseas patient", None, None, SOURCE
    OTHER_UK = "other_uk", "Registered in Scotland or Northern Ireland", None, None, SOURCE


class NHSNumberStatus(CodeList):
    """NHS number status indicator"""

    VERIFIED = "01", "Number present and verified", "01", None, SOURCE
    PRESENT = "02", "Number present but not traced", "02", None, SOURCE
    TRACE_REQUIRED = "03", "Trace required", "03", None, SOURCE
    NO_MATCH = "04", "Trace attempted: no match or several", "04", None, SOURCE
    TO_RESOLVE = "05", "Trace needs to be resolved", "05", None, SOURCE
    IN_PROGRESS = "06", "Trace in progress", "06", None, SOURCE
    NOT_REQUIRED = "07", "Number not present and not required", "07", None, SOURCE
    POSTPONED = "08", "Trace postponed (baby under six weeks)", "08", None, SOURCE
    WELSH = "nn", "Traced on the Welsh register", "nn", WALES, SOURCE


class PatientClassification(CodeList):
    """How the patient was in hospital"""

    ORDINARY = "ordinary", "Ordinary admission", "1", None, MEMORY
    DAY_CASE = "day_case", "Day case", "2", None, MEMORY
    REGULAR_DAY = "regular_day", "Regular day attender", "3", None, MEMORY
    REGULAR_NIGHT = "regular_night", "Regular night attender", "4", None, MEMORY
    NOT_ADMITTED = "not_admitted", "Not admitted: lower-limb immobilisation"


class AdmissionGroup(CodeList):
    """Group of the admission, as the activity return splits it"""

    MEDICAL = "medical", "Medical"
    SURGICAL = "surgical", "Surgical"
    OBSTETRIC = "obstetric", "Obstetric"
    CRITICAL_CARE = "critical_care", "Critical care"
    ORTHOPAEDIC_TRAUMA = "orthopaedic_trauma", "Trauma and orthopaedic"


class MainSpecialty(CodeList):
    """Main specialty of the consultant"""

    @classmethod
    def open_pattern(cls) -> str | None:
        return r"^[1-9][0-9]{2}$"

    GENERAL_SURGERY = "100", "General Surgery", "100", None, SOURCE
    UROLOGY = "101", "Urology", "101", None, SOURCE
    VASCULAR = "107", "Vascular Surgery", "107", None, SOURCE
    ORTHOPAEDICS = "110", "Trauma and Orthopaedics", "110", None, SOURCE
    ENT = "120", "Ear, Nose and Throat", "120", None, SOURCE
    MAXILLOFACIAL = "145", "Oral and Maxillofacial Surgery", "145", None, SOURCE
    NEUROSURGERY = "150", "Neurosurgery", "150", None, SOURCE
    PLASTIC = "160", "Plastic Surgery", "160", None, SOURCE
    CARDIOTHORACIC = "170", "Cardiothoracic Surgery", "170", None, SOURCE
    EMERGENCY = "180", "Emergency Medicine", "180", None, SOURCE
    ANAESTHETICS = "190", "Anaesthetics", "190", None, SOURCE
    INTENSIVE_CARE = "192", "Intensive Care Medicine", "192", None, SOURCE
    GENERAL_MEDICINE = "300", "General Internal Medicine", "300", None, SOURCE
    GASTROENTEROLOGY = "301", "Gastroenterology", "301", None, SOURCE
    ENDOCRINOLOGY = "302", "Endocrinology", "302", None, SOURCE
    HAEMATOLOGY_CLINICAL = "303", "Clinical Haematology", "303", None, SOURCE
    REHABILITATION = "314", "Rehabilitation", "314", None, SOURCE
    PALLIATIVE = "315", "Palliative Medicine", "315", None, SOURCE
    CARDIOLOGY = "320", "Cardiology", "320", None, SOURCE
    ACUTE_MEDICINE = "326", "Acute Internal Medicine", "326", None, SOURCE
    RESPIRATORY = "340", "Respiratory Medicine", "340", None, SOURCE
    INFECTIOUS = "350", "Infectious Diseases", "350", None, SOURCE
    RENAL = "361", "Renal Medicine", "361", None, SOURCE
    MEDICAL_ONCOLOGY = "370", "Medical Oncology", "370", None, SOURCE
    NEUROLOGY = "400", "Neurology", "400", None, SOURCE
    RHEUMATOLOGY = "410", "Rheumatology", "410", None, SOURCE
    PAEDIATRICS = "420", "Paediatrics", "420", None, SOURCE
    GERIATRIC = "430", "Geriatric Medicine", "430", None, SOURCE
    OBSTETRICS = "501", "Obstetrics", "501", None, SOURCE
    GYNAECOLOGY = "502", "Gynaecology", "502", None, SOURCE
    MIDWIFERY = "560", "Midwifery", "560", None, SOURCE
    ADULT_MENTAL_ILLNESS = "710", "Adult Mental Illness", "710", None, SOURCE
    CLINICAL_ONCOLOGY = "800", "Clinical Oncology", "800", None, SOURCE
    RADIOLOGY = "810", "Radiology", "810", None, SOURCE
    HAEMATOLOGY = "823", "Haematology", "823", None, SOURCE


class AdmissionMethod(CodeList):
    """Admission method; England and Wales differ"""

    WAITING_LIST = "11", "Elective: waiting list", "11", None, SOURCE
    BOOKED = "12", "Elective: booked", "12", None, SOURCE
    PLANNED = "13", "Elective: planned", "13", None, SOURCE
    EMERGENCY_DEPARTMENT = "21", "Emergency: emergency department", "21", None, SOURCE
    GP = "22", "Emergency: general practitioner", "22", None, SOURCE
    BED_BUREAU = "23", "Emergency: bed bureau", "23", None, SOURCE
    CLINIC = "24", "Emergency: consultant clinic", "24", None, SOURCE
    CRISIS_TEAM = (
        "25",
        "Emergency: 25 (England: mental health crisis team; Wales: domiciliary visit)",
        "25",
        None,
        SOURCE,
    )
    NHS_DIRECT = "27", "Emergency: NHS Direct", "27", WALES, SOURCE
    OTHER_MEANS = "28", "Emergency: other means", "28", None, SOURCE
    OTHER_PROVIDER_ED = "2A", "Emergency: emergency department of another provider", "2A", ENGLAND, SOURCE
    EMERGENCY_TRANSFER = "2B", "Emergency: transfer from another provider", "2B", ENGLAND, SOURCE
    BORN_AT_HOME = "2C", "Emergency: baby born at home", "2C", ENGLAND, SOURCE
    OTHER_EMERGENCY = "2D", "Emergency: other", "2D", ENGLAND, SOURCE
    ANTE_PARTUM = "31", "Maternity: ante partum", "31", None, SOURCE
    POST_PARTUM = "32", "Maternity: post partum", "32", None, SOURCE
    TRANSFER = "81", "Other: transfer, not an emergency", "81", None, SOURCE
    BIRTH_HERE = "82", "Other: birth here", "82", None, SOURCE
    BIRTH_OUTSIDE = "83", "Other: birth outside", "83", None, SOURCE
    NOT_APPLICABLE = "98", "Not applicable", "98", ENGLAND, SOURCE
    NOT_KNOWN = "99", "Not known", "99", ENGLAND, SOURCE


class DischargeMethod(CodeList):
    """Discharge method; England and Wales differ"""

    CLINICAL_ADVICE = "1", "On clinical advice", "1", None, SOURCE
    SELF_OR_RELATIVE = "2", "Self or relative", "2", WALES, SOURCE
    TRIBUNAL = "3", "Tribunal or court", "3", None, SOURCE
    DIED = "4", "Died", "4", None, SOURCE
    STILLBIRTH = "5", "Stillbirth", "5", None, SOURCE
    SELF = "6", "Self", "6", ENGLAND, SOURCE
    RELATIVE = "7", "Relative or advocate", "7", ENGLAND, SOURCE
    NOT_APPLICABLE = "8", "Not applicable: still in hospital", "8", None, SOURCE
    NOT_KNOWN = "9", "Not known", "9", ENGLAND, SOURCE


class DischargeDestination(CodeList):
    """Discharge destination"""

    HOME = "19", "Home", "19", None, SOURCE
    NHS_WARD = "51", "Ward of another NHS hospital", "51", None, SOURCE
    NHS_CARE_HOME = "54", "NHS care home", "54", None, SOURCE
    LOCAL_AUTHORITY = "65", "Local authority residential care", "65", None, SOURCE
    DIED = "79", "Died", "79", None, SOURCE
    CARE_HOME = "85", "Care home, not NHS", "85", None, SOURCE
    NON_NHS_HOSPITAL = "87", "Hospital, not NHS", "87", None, SOURCE
    HOSPICE = "88", "Hospice", "88", None, SOURCE
    NOT_APPLICABLE = "98", "Not applicable", "98", None, SOURCE
    NOT_KNOWN = "99", "Not known", "99", None, SOURCE

    @classmethod
    def open_pattern(cls) -> str | None:
        return r"^[0-9]{2}$"


class EthnicCategory(CodeList):
    """Ethnic category, from the hospital system"""

    A = "A", "White: British", "A", None, SOURCE
    B = "B", "White: Irish", "B", None, SOURCE
    C = "C", "White: any other", "C", None, SOURCE
    D = "D", "Mixed: White and Black Caribbean", "D", None, SOURCE
    E = "E", "Mixed: White and Black African", "E", None, SOURCE
    F = "F", "Mixed: White and Asian", "F", None, SOURCE
    G = "G", "Mixed: any other", "G", None, SOURCE
    H = "H", "Asian: Indian", "H", None, SOURCE
    J = "J", "Asian: Pakistani", "J", None, SOURCE
    K = "K", "Asian: Bangladeshi", "K", None, SOURCE
    L = "L", "Asian: any other", "L", None, SOURCE
    M = "M", "Black: Caribbean", "M", None, SOURCE
    N = "N", "Black: African", "N", None, SOURCE
    P = "P", "Black: any other", "P", None, SOURCE
    R = "R", "Chinese", "R", None, SOURCE
    S = "S", "Any other", "S", None, SOURCE
    Z = "Z", "Not stated", "Z", None, SOURCE
    NOT_KNOWN = "99", "Not known", "99", None, SOURCE


class VteType(CodeList):
    """What was found"""

    PE = "pe", "Pulmonary embolism", "59282003", None, SOURCE
    DVT = "dvt", "Deep vein thrombosis", "128053003", None, SOURCE
    PE_AND_DVT = "pe_and_dvt", "Pulmonary embolism and deep vein thrombosis"
    SUPERFICIAL = "superficial", "Superficial vein thrombosis"
    CEREBRAL = "cerebral", "Cerebral venous sinus thrombosis"
    SPLANCHNIC = "splanchnic", "Splanchnic vein thrombosis (portal, mesenteric, splenic)"
    ARTERIAL = "arterial", "Arterial thrombosis"
    OTHER = "other", "Other venous thrombosis"


class DvtSite(CodeList):
    """Where the deep vein thrombosis was"""

    PROXIMAL_LEG = "proximal_leg", "Leg, proximal (popliteal or above)"
    DISTAL_LEG = "distal_leg", "Leg, isolated distal (calf)"
    UPPER_LIMB = "upper_limb", "Upper limb"
    JUGULAR = "jugular", "Jugular"
    PELVIC = "pelvic", "Pelvic or iliac"
    IVC = "ivc", "Inferior vena cava"
    OTHER = "other", "Other deep vein"
    UNKNOWN = "unknown", "Unknown"
    NOT_RECORDED = "not_recorded", "Not recorded in the notes"


class Side(CodeList):
    """Side of the body"""

    LEFT = "left", "Left"
    RIGHT = "right", "Right"
    BOTH = "both", "Both sides"
    UNKNOWN = "unknown", "Unknown"
    NOT_RECORDED = "not_recorded", "Not recorded in the notes"


class PeExtent(CodeList):
    """Largest vessel with an embolus"""

    SADDLE = "saddle", "Saddle", None, None, MEMORY
    MAIN = "main", "Main pulmonary artery", None, None, MEMORY
    LOBAR = "lobar", "Lobar", None, None, MEMORY
    SEGMENTAL = "segmental", "Segmental", None, None, MEMORY
    SUBSEGMENTAL = "subsegmental", "Subsegmental only", None, None, MEMORY
    UNKNOWN = "unknown", "Unknown"
    NOT_RECORDED = "not_recorded", "Not recorded in the notes"


class DiagnosisSetting(CodeList):
    """Where the clot was diagnosed"""

    INDEX_STAY = "index_stay", "During the index stay"
    READMISSION = "readmission", "On readmission"
    EMERGENCY_DEPARTMENT = "emergency_department", "Emergency department"
    CLINIC = "clinic", "Ambulatory or DVT clinic"
    OTHER_TRUST = "other_trust", "Another trust"
    PRIMARY_CARE = "primary_care", "Primary care"
    POST_MORTEM = "post_mortem", "Post mortem"
    UNKNOWN = "unknown", "Unknown"
    NOT_RECORDED = "not_recorded", "Not recorded in the notes"


class Confirmation(CodeList):
    """How the diagnosis was confirmed"""

    CTPA = "ctpa", "CT pulmonary angiogram"
    VQ_SCAN = "vq_scan", "V/Q or SPECT scan"
    ULTRASOUND = "ultrasound", "Compression or Doppler ultrasound"
    VENOGRAPHY = "venography", "CT or MR venography"
    ECHOCARDIOGRAM = "echocardiogram", "Echocardiogram with right heart strain or clot"
    OTHER_IMAGING = "other_imaging", "Other imaging"
    POST_MORTEM = "post_mortem", "Post mortem"
    DEATH_CERTIFICATE = "death_certificate", "Death certificate only"
    CLINICAL_ONLY = "clinical_only", "Clinical only, not confirmed"
    UNKNOWN = "unknown", "Unknown"
    NOT_RECORDED = "not_recorded", "Not recorded in the notes"


class HowFound(CodeList):
    """How the case came to the thrombosis team"""

    IMAGING_LIST = "imaging_list", "List of imaging results"
    CODING = "coding", "Clinical coding"
    ANTICOAGULANT_CLINIC = "anticoagulant_clinic", "Anticoagulant or DVT clinic"
    MEDICAL_EXAMINER = "medical_examiner", "Medical examiner or bereavement office"
    OTHER_TRUST = "other_trust", "Another trust"
    CLINICIAN = "clinician", "Report of a clinician"
    INCIDENT = "incident", "Incident report or complaint"
    OTHER = "other", "Other"
    UNKNOWN = "unknown", "Unknown"
    NOT_RECORDED = "not_recorded", "Not recorded"


class DiedWithin90Days(CodeList):
    """Whether the patient died within 90 days of the diagnosis, of any cause"""

    YES = "yes", "Yes"
    NO = "no", "No"
    NOT_YET = "not_yet", "Not yet known"
    UNKNOWN = "unknown", "Unknown"


class DeathCause(CodeList):
    """The part of the clot in the death"""

    UNDERLYING = "underlying", "Underlying cause (part I of the certificate)"
    CONTRIBUTORY = "contributory", "Contributed (part II)"
    NOT_A_CAUSE = "not_a_cause", "Not a cause"
    UNKNOWN = "unknown", "Unknown"
    NOT_RECORDED = "not_recorded", "Not recorded"


class PregnancyStatus(CodeList):
    """Pregnancy at diagnosis"""

    NOT_PREGNANT = "not_pregnant", "Not pregnant and not within 90 days after a birth"
    PREGNANT = "pregnant", "Pregnant"
    POSTNATAL_6_WEEKS = "postnatal_6_weeks", "Within six weeks after a birth, miscarriage or termination"
    POSTNATAL_90_DAYS = "postnatal_90_days", "Seven weeks to 90 days after a birth, miscarriage or termination"
    NOT_APPLICABLE = "not_applicable", "Does not apply"
    UNKNOWN = "unknown", "Unknown"
    NOT_RECORDED = "not_recorded", "Not recorded in the notes"


class Anaesthetic(CodeList):
    """Kind of anaesthetic"""

    GENERAL = "general", "General", None, None, MEMORY
    REGIONAL = "regional", "Regional", None, None, MEMORY
    LOCAL = "local", "Local only", None, None, MEMORY
    NONE = "none", "None", None, None, MEMORY
    UNKNOWN = "unknown", "Unknown"
    NOT_RECORDED = "not_recorded", "Not recorded in the notes"


class WithdrawReason(CodeList):
    """Why a record is withdrawn"""

    ENTERED_IN_ERROR = "entered_in_error", "Entered in error"
    DUPLICATE = "duplicate", "Same event as another case"
    NOT_HAT = "not_hat", "Not a hospital-associated thrombosis on review"
    OPT_OUT = "opt_out", "National data opt-out: identifiers and free text are erased"
    OBJECTION = "objection", "The patient objected: identifiers and free text are erased"


class ResponseType(CodeList):
    """Kind of learning response; PSIRF's in England, root cause analysis in Wales and for history"""

    SCREENING = "screening", "Screening review (one page)"
    THEMATIC = "thematic", "Thematic review", None, None, SOURCE
    MDT = "mdt", "Multidisciplinary team review", None, None, SOURCE
    AFTER_ACTION = "after_action", "After action review", None, None, SOURCE
    SWARM = "swarm", "SWARM huddle", None, None, SOURCE
    PSII = "psii", "Patient safety incident investigation", None, None, SOURCE
    RCA = "rca", "Root cause analysis", None, None, SOURCE


class RiskAssessment(CodeList):
    """Whether the risk assessment was done"""

    COMPLETE = "complete", "Yes, complete"
    INCOMPLETE = "incomplete", "Yes, incomplete"
    NO = "no", "No"
    EXEMPT_COHORT = "exempt_cohort", "Exempt low-risk cohort"
    UNKNOWN = "unknown", "Unknown"
    NOT_RECORDED = "not_recorded", "Not recorded in the notes"


class Correct(CodeList):
    """Whether the assessment was correct on review"""

    CORRECT = "correct", "Correct"
    INCORRECT = "incorrect", "Not correct"
    NOT_APPLICABLE = "not_applicable", "Does not apply: not done"
    CANNOT_SAY = "cannot_say", "Cannot say"
    NOT_RECORDED = "not_recorded", "Not recorded in the notes"


class Indicated(CodeList):
    """Whether drug prophylaxis was indicated"""

    YES = "yes", "Yes"
    NO = "no", "No: low risk"
    CONTRAINDICATED = "contraindicated", "Contraindicated (bleeding)"
    ALREADY_TREATED = "already_treated", "Already on full anticoagulation"
    DECLINED = "declined", "Declined by the patient"
    UNKNOWN = "unknown", "Unknown"
    NOT_RECORDED = "not_recorded", "Not recorded in the notes"


class Given(CodeList):
    """Whether drug prophylaxis was given"""

    YES = "yes", "Yes, as prescribed"
    PARTLY = "partly", "Partly: doses missed"
    NO = "no", "No"
    NOT_APPLICABLE = "not_applicable", "Does not apply: not prescribed"
    UNKNOWN = "unknown", "Unknown"
    NOT_RECORDED = "not_recorded", "Not recorded in the notes"


class Timely(CodeList):
    """Whether something happened within its hours"""

    YES = "yes", "Yes"
    NO = "no", "No"
    NOT_APPLICABLE = "not_applicable", "Does not apply"
    NOT_RECORDED = "not_recorded", "Not recorded in the notes"


class MissedDoseReason(CodeList):
    """Why doses were missed"""

    REFUSED = "refused", "Refused by the patient", None, None, MEMORY
    PATIENT_UNAVAILABLE = "patient_unavailable", "Patient unavailable", None, None, MEMORY
    DRUG_NOT_AVAILABLE = "drug_not_available", "Drug not available", None, None, MEMORY
    PROCEDURE_HOLD = "procedure_hold", "Held because of a procedure", None, None, MEMORY
    NOT_SIGNED = "not_signed", "Not signed for", None, None, MEMORY
    NO_DOCUMENTED_REASON = "no_documented_reason", "No documented reason", None, None, MEMORY
    CLINICAL_DECISION = "clinical_decision", "Clinical decision", None, None, MEMORY


class Mechanical(CodeList):
    """Mechanical prophylaxis"""

    NONE_INDICATED = "none_indicated", "Not indicated"
    APPLIED = "applied", "Indicated and applied"
    OMITTED = "omitted", "Indicated and not applied, or wrong"
    CONTRAINDICATED = "contraindicated", "Contraindicated"
    UNKNOWN = "unknown", "Unknown"
    NOT_RECORDED = "not_recorded", "Not recorded in the notes"


class Extended(CodeList):
    """Extended prophylaxis after discharge"""

    NOT_EXPECTED = "not_expected", "Not expected"
    GIVEN = "given", "Expected and supplied in full"
    SHORT = "short", "Expected and supplied for too few days"
    OMITTED = "omitted", "Expected and not supplied"
    UNKNOWN = "unknown", "Unknown"
    NOT_RECORDED = "not_recorded", "Not recorded in the notes"


class HatCategory(CodeList):
    """What the review found about prophylaxis"""

    INADEQUATE = "inadequate_prophylaxis", "Inadequate prophylaxis", None, None, SOURCE
    FAILURE = "prophylaxis_failure", "Prophylaxis failure: adequate prophylaxis was given", None, None, MEMORY
    CONTRAINDICATED = "contraindicated", "Drug prophylaxis was contraindicated", None, None, MEMORY
    NOT_INDICATED = "not_indicated", "Low risk: no prophylaxis indicated", None, None, MEMORY
    NOT_HAT = "not_hat", "Present on admission or not hospital-associated", None, None, MEMORY
    UNCLASSIFIABLE = "unclassifiable", "Cannot be classified", None, None, MEMORY


class Inadequacy(CodeList):
    """What fell short"""

    NOT_ASSESSED = "not_assessed", "Risk assessment not done", None, None, MEMORY
    ASSESSED_LATE = "assessed_late", "Risk assessment late", None, None, MEMORY
    ASSESSED_WRONGLY = "assessed_wrongly", "Risk assessment wrong", None, None, MEMORY
    NOT_PRESCRIBED = "not_prescribed", "Prophylaxis not prescribed", None, None, MEMORY
    WRONG_AGENT = "wrong_agent", "Wrong agent", None, None, MEMORY
    WRONG_DOSE = "wrong_dose", "Wrong dose for weight or renal function", None, None, MEMORY
    DELAYED_START = "delayed_start", "Start delayed", None, None, MEMORY
    MISSED_DOSES = "missed_doses", "Doses missed avoidably", None, None, MEMORY
    REFUSED_DOSE = "refused_dose", "Doses refused by the patient", None, None, MEMORY
    NOT_RESTARTED = "not_restarted", "Not restarted after an interruption", None, None, MEMORY
    MECHANICAL = "mechanical", "Mechanical prophylaxis omitted or wrong", None, None, MEMORY
    EXTENDED = "extended", "Extended prophylaxis omitted or short", None, None, MEMORY
    NOT_REASSESSED = "not_reassessed", "Not reassessed when the patient changed", None, None, MEMORY
    DOCUMENTATION = "documentation", "Documentation gap", None, None, MEMORY


# Inadequate prophylaxis needs one of these; the other inadequacies alone are a care gap.
OF_PROPHYLAXIS = (
    Inadequacy.NOT_PRESCRIBED,
    Inadequacy.WRONG_AGENT,
    Inadequacy.WRONG_DOSE,
    Inadequacy.DELAYED_START,
    Inadequacy.MISSED_DOSES,
    Inadequacy.NOT_RESTARTED,
    Inadequacy.MECHANICAL,
    Inadequacy.EXTENDED,
)


class Preventability(CodeList):
    """Whether the event was potentially preventable"""

    NOT_PREVENTABLE = "not_preventable", "Not potentially preventable", None, None, SOURCE
    PREVENTABLE = "preventable", "Potentially preventable", None, None, SOURCE
    PREVENTABLE_PSII = "preventable_psii", "Potentially preventable, PSII considered", None, None, SOURCE


class OutcomeChange(CodeList):
    """Whether better care would have changed the outcome"""

    LIKELY = "likely", "Likely"
    UNLIKELY = "unlikely", "Unlikely"
    CANNOT_SAY = "cannot_say", "Cannot say"


class ContributoryFactor(CodeList):
    """What contributed (SEIPS, with the older NPSA factors beneath it)"""

    PERSON = "person", "Person: patient factors", None, None, MEMORY
    STAFF = "staff", "Person: staff factors", None, None, MEMORY
    TASKS = "tasks", "Tasks and guidelines", None, None, MEMORY
    COMMUNICATION = "communication", "Communication and handover", None, None, MEMORY
    TEAM = "team", "Team", None, None, MEMORY
    EDUCATION = "education", "Education and training", None, None, MEMORY
    TOOLS = "tools", "Tools, equipment and electronic systems", None, None, MEMORY
    ENVIRONMENT = "environment", "Physical environment", None, None, MEMORY
    ORGANISATION = "organisation", "Organisation and staffing", None, None, MEMORY
    EXTERNAL = "external", "External environment", None, None, MEMORY


class JudgedBy(CodeList):
    """Role of the person who judged"""

    VTE_NURSE = "vte_nurse", "VTE nurse or midwife"
    THROMBOSIS_CONSULTANT = "thrombosis_consultant", "Consultant of the thrombosis team"
    INDEX_CONSULTANT = "index_consultant", "Consultant of the index admission"
    PHARMACIST = "pharmacist", "Pharmacist"
    PANEL = "panel", "Panel or committee"
    OTHER = "other", "Other"


class Agent(CodeList):
    """Drug given for prophylaxis"""

    ENOXAPARIN = "enoxaparin", "Enoxaparin", "372562003", None, SOURCE
    DALTEPARIN = "dalteparin", "Dalteparin", "372563008", None, SOURCE
    TINZAPARIN = "tinzaparin", "Tinzaparin", "412608008", None, SOURCE
    FONDAPARINUX = "fondaparinux", "Fondaparinux", "708189008", None, SOURCE
    HEPARIN = "heparin", "Unfractionated heparin", "372877000", None, SOURCE
    RIVAROXABAN = "rivaroxaban", "Rivaroxaban", "442031002", None, SOURCE
    APIXABAN = "apixaban", "Apixaban", "698090000", None, SOURCE
    DABIGATRAN = "dabigatran", "Dabigatran", "698871007", None, SOURCE
    EDOXABAN = "edoxaban", "Edoxaban", "712778008", None, SOURCE
    ASPIRIN = "aspirin", "Aspirin", "387458008", None, SOURCE
    WARFARIN = "warfarin", "Warfarin", "372756006", None, SOURCE
    OTHER = "other", "Other"
    NONE = "none", "None"
    NOT_RECORDED = "not_recorded", "Not recorded in the notes"


class DoseFit(CodeList):
    """Whether the dose fitted the patient's weight and renal function"""

    RIGHT = "right", "Right"
    TOO_LOW = "too_low", "Too low"
    TOO_HIGH = "too_high", "Too high"
    NOT_APPLICABLE = "not_applicable", "Does not apply"
    NOT_RECORDED = "not_recorded", "Not recorded in the notes"


class Mobility(CodeList):
    """Step one of the national risk assessment tool"""

    SURGICAL = "MOB-S", "Surgical patient", None, None, SOURCE
    REDUCED = "MOB-M1", "Medical, ongoing reduced mobility expected", None, None, SOURCE
    NOT_REDUCED = "MOB-M0", "Medical, mobility not expected to be reduced", None, None, SOURCE


class ThrombosisFactor(CodeList):
    """Thrombosis risk factors of the national tool"""

    CANCER = "THP1", "Active cancer or cancer treatment", None, None, SOURCE
    AGE = "THP2", "Age over 60", None, None, SOURCE
    DEHYDRATION = "THP3", "Dehydration", None, None, SOURCE
    THROMBOPHILIA = "THP4", "Known thrombophilia", None, None, SOURCE
    OBESITY = "THP5", "Body mass index over 30", None, None, SOURCE
    COMORBIDITY = "THP6", "One or more significant comorbidities", None, None, SOURCE
    HISTORY = "THP7", "Own or first-degree family history of VTE", None, None, SOURCE
    HRT = "THP8", "Hormone replacement therapy", None, None, SOURCE
    CONTRACEPTION = "THP9", "Oestrogen-containing contraception", None, None, SOURCE
    VARICOSE = "THP10", "Varicose veins with phlebitis", None, None, SOURCE
    PREGNANCY = "THP11", "Pregnancy or less than six weeks after a birth", None, None, SOURCE
    IMMOBILE = "THA1", "Significantly reduced mobility for three days or more", None, None, SOURCE
    JOINT = "THA2", "Hip or knee replacement", None, None, SOURCE
    HIP_FRACTURE = "THA3", "Hip fracture", None, None, SOURCE
    LONG_SURGERY = "THA4", "Anaesthetic and surgical time over 90 minutes", None, None, SOURCE
    PELVIC_SURGERY = "THA5", "Pelvic or lower limb surgery over 60 minutes", None, None, SOURCE
    ACUTE_SURGERY = "THA6", "Acute surgical admission, inflammatory or intra-abdominal", None, None, SOURCE
    CRITICAL_CARE = "THA7", "Critical care admission", None, None, SOURCE
    REDUCED_AFTER = "THA8", "Surgery with significant reduction in mobility", None, None, SOURCE
    NONE = "none", "None ticked"


class BleedingFactor(CodeList):
    """Bleeding risk factors of the national tool"""

    ACTIVE = "BP1", "Active bleeding", None, None, SOURCE
    ACQUIRED = "BP2", "Acquired bleeding disorder", None, None, SOURCE
    ANTICOAGULANT = "BP3", "Concurrent anticoagulant that raises bleeding risk", None, None, SOURCE
    STROKE = "BP4", "Acute stroke", None, None, SOURCE
    PLATELETS = "BP5", "Platelets below 75 x 10^9/l", None, None, SOURCE
    HYPERTENSION = "BP6", "Uncontrolled systolic hypertension", None, None, SOURCE
    INHERITED = "BP7", "Untreated inherited bleeding disorder", None, None, SOURCE
    NEUROSURGERY = "BA1", "Neurosurgery, spinal or eye surgery", None, None, SOURCE
    HIGH_RISK = "BA2", "Other procedure with high bleeding risk", None, None, SOURCE
    PUNCTURE_EXPECTED = "BA3", "Lumbar puncture, epidural or spinal expected within 12 hours", None, None, SOURCE
    PUNCTURE_BEFORE = "BA4", "Lumbar puncture, epidural or spinal within the last 4 hours", None, None, SOURCE
    NONE = "none", "None ticked"


class PhysicalHarm(CodeList):
    """Level of physical harm (LFPSE); never derived from the diagnosis"""

    NONE = "none", "None", None, None, MEMORY
    LOW = "low", "Low", None, None, MEMORY
    MODERATE = "moderate", "Moderate", None, None, MEMORY
    SEVERE = "severe", "Severe", None, None, MEMORY
    FATAL = "fatal", "Fatal", None, None, MEMORY
    NOT_RECORDED = "not_recorded", "Not recorded"


class PsychologicalHarm(CodeList):
    """Level of psychological harm (LFPSE)"""

    NONE = "none", "None", None, None, MEMORY
    LOW = "low", "Low", None, None, MEMORY
    MODERATE = "moderate", "Moderate", None, None, MEMORY
    SEVERE = "severe", "Severe", None, None, MEMORY
    NOT_RECORDED = "not_recorded", "Not recorded"


class CaseReturn(CodeList):
    """What the trust says about its cases of the month"""

    COMPLETE = "complete", "Complete: all cases are sent"
    NIL = "nil", "Nil: there was no case"
    PARTIAL = "partial", "Partial: cases are still to come"


class RiskAssessmentReturn(CodeList):
    """How the trust's own risk-assessment figure was made"""

    CENSUS = "census", "All admissions"
    SAMPLE = "sample", "A sample or audit"


class AgeBand(CodeList):
    """Age on admission"""

    FROM_16 = "16-39", "16 to 39"
    FROM_40 = "40-59", "40 to 59"
    FROM_60 = "60-74", "60 to 74"
    FROM_75 = "75+", "75 and over"
    UNKNOWN = "unknown", "Unknown"


class StratumSex(CodeList):
    """Sex in the strata of the activity return"""

    MALE = "male", "Male"
    FEMALE = "female", "Female"
    UNKNOWN = "unknown", "Unknown or not specified"
