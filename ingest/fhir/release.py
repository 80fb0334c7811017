"""What R4 (4.0.1) says where the models of fhir.resources, which are R4B (4.3.0), are silent or say something else.

Found by comparing all StructureDefinitions and ValueSets of HL7's `hl7.fhir.r4.examples` 4.0.1 (CC0) with the models, element by
element. What is not listed is the same in both.
"""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


RESOURCE_TYPES = _words("""
    Account ActivityDefinition AdverseEvent AllergyIntolerance Appointment AppointmentResponse AuditEvent Basic Binary
    BiologicallyDerivedProduct BodyStructure Bundle CapabilityStatement CarePlan CareTeam CatalogEntry ChargeItem
    ChargeItemDefinition Claim ClaimResponse ClinicalImpression CodeSystem Communication CommunicationRequest
    CompartmentDefinition Composition ConceptMap Condition Consent Contract Coverage CoverageEligibilityRequest
    CoverageEligibilityResponse DetectedIssue Device DeviceDefinition DeviceMetric DeviceRequest DeviceUseStatement
    DiagnosticReport DocumentManifest DocumentReference EffectEvidenceSynthesis Encounter Endpoint EnrollmentRequest
    EnrollmentResponse EpisodeOfCare EventDefinition Evidence EvidenceVariable ExampleScenario ExplanationOfBenefit
    FamilyMemberHistory Flag Goal GraphDefinition Group GuidanceResponse HealthcareService ImagingStudy Immunization
    ImmunizationEvaluation ImmunizationRecommendation ImplementationGuide InsurancePlan Invoice Library Linkage List Location
    Measure MeasureReport Media Medication MedicationAdministration MedicationDispense MedicationKnowledge MedicationRequest
    MedicationStatement MedicinalProduct MedicinalProductAuthorization MedicinalProductContraindication
    MedicinalProductIndication MedicinalProductIngredient MedicinalProductInteraction MedicinalProductManufactured
    MedicinalProductPackaged MedicinalProductPharmaceutical MedicinalProductUndesirableEffect MessageDefinition MessageHeader
    MolecularSequence NamingSystem NutritionOrder Observation ObservationDefinition OperationDefinition OperationOutcome
    Organization OrganizationAffiliation Parameters Patient PaymentNotice PaymentReconciliation Person PlanDefinition
    Practitioner PractitionerRole Procedure Provenance Questionnaire QuestionnaireResponse RelatedPerson RequestGroup
    ResearchDefinition ResearchElementDefinition ResearchStudy ResearchSubject RiskAssessment RiskEvidenceSynthesis Schedule
    SearchParameter ServiceRequest Slot Specimen SpecimenDefinition StructureDefinition StructureMap Subscription Substance
    SubstanceNucleicAcid SubstancePolymer SubstanceProtein SubstanceReferenceInformation SubstanceSourceMaterial
    SubstanceSpecification SupplyDelivery SupplyRequest Task TerminologyCapabilities TestReport TestScript ValueSet
    VerificationResult VisionPrescription
    """)
"""Every resource type of R4. What R4B added (Citation, Ingredient, SubscriptionTopic …) is none."""

NOT_MODELLED = _words("""
    EffectEvidenceSynthesis Evidence EvidenceVariable MedicinalProduct MedicinalProductAuthorization
    MedicinalProductContraindication MedicinalProductIndication MedicinalProductIngredient MedicinalProductInteraction
    MedicinalProductManufactured MedicinalProductPackaged MedicinalProductPharmaceutical MedicinalProductUndesirableEffect
    RiskEvidenceSynthesis SubstanceNucleicAcid SubstancePolymer SubstanceProtein SubstanceReferenceInformation
    SubstanceSourceMaterial SubstanceSpecification
    """)
"""Types of R4 that R4B has not, or (Evidence, EvidenceVariable) has with quite other elements."""

_STATUS_OF_OBSERVATION = "registered preliminary final amended corrected cancelled entered-in-error unknown"
_STATUS_OF_ENCOUNTER = "planned arrived triaged in-progress onleave finished cancelled entered-in-error unknown"
_COMPARATOR = "< <= >= >"
_TYPES = frozenset({*RESOURCE_TYPES, "Resource", "DomainResource"})

CODES: dict[str, frozenset[str]] = {
    "DetectedIssue.status": _words(_STATUS_OF_OBSERVATION),
    "Observation.status": _words(_STATUS_OF_OBSERVATION),
    "RiskAssessment.status": _words(_STATUS_OF_OBSERVATION),
    "Encounter.status": _words(_STATUS_OF_ENCOUNTER),
    "EncounterStatusHistory.status": _words(_STATUS_OF_ENCOUNTER),
    "DeviceUdiCarrier.entryType": _words("barcode rfid manual card self-reported unknown"),
    "DeviceUseStatement.status": _words("active completed entered-in-error intended stopped on-hold"),
    "DiagnosticReport.status": _words(
        "registered partial preliminary final amended corrected appended cancelled entered-in-error unknown"
    ),
    "SupplyRequest.status": _words("draft active suspended cancelled completed entered-in-error unknown"),
    "Task.status": _words(
        "draft requested received accepted rejected ready cancelled in-progress on-hold failed completed entered-in-error"
    ),
    "QuestionnaireItem.type": _words("""group display question boolean decimal integer date dateTime time string text url choice open-choice attachment
        reference quantity"""),
    "OperationOutcomeIssue.code": _words("""invalid structure required value invariant security login unknown expired forbidden suppressed processing
        not-supported duplicate multiple-matches not-found deleted too-long code-invalid extension too-costly business-rule
        conflict transient lock-error no-store exception timeout incomplete throttled informational"""),
    "TimingRepeat.when": _words("""MORN MORN.early MORN.late NOON AFT AFT.early AFT.late EVE EVE.early EVE.late NIGHT PHS HS WAKE C CM CD CV AC ACM ACD
        ACV PC PCM PCD PCV"""),
    "StructureMapGroupRuleTarget.transform": _words(
        "create copy truncate escape cast append translate reference dateOp uuid pointer evaluate cc c qty id cp"
    ),
    "ActivityDefinition.kind": _words("""Appointment AppointmentResponse CarePlan Claim CommunicationRequest Contract DeviceRequest EnrollmentRequest
        ImmunizationRecommendation MedicationRequest NutritionOrder ServiceRequest SupplyRequest Task VisionPrescription"""),
    "AuditEvent.action": _words("C R U D E"),
    "AuditEvent.outcome": _words("0 4 8 12"),
    "AuditEventAgentNetwork.type": _words("1 2 3 4 5"),
    "Composition.confidentiality": _words("L M N R U V"),
    **{f"{name}.comparator": _words(_COMPARATOR) for name in ("Age", "Count", "Distance", "Duration", "Quantity")},
    "CapabilityStatementRestResource.type": _TYPES,
    "CompartmentDefinitionResource.code": _TYPES,
    "GraphDefinition.start": _TYPES,
    "GraphDefinitionLinkTarget.type": _TYPES,
    "OperationDefinition.resource": _TYPES,
    "Questionnaire.subjectType": _TYPES,
    "SearchParameter.base": _TYPES,
    "SearchParameter.target": _TYPES,
}
"""R4's codes where the model has none, or only the first ("+" stands for the rest), by model and element."""

ANY_CODE = frozenset({"CapabilityStatement.format", "Expression.language"})
"""Where the model lists examples of codes as if they were all."""

ALSO = {
    "Extension": {"valueMeta": "Meta"},
    "ElementDefinition": {"defaultValueMeta": "Meta", "fixedMeta": "Meta", "patternMeta": "Meta"},
    "ElementDefinitionExample": {"valueMeta": "Meta"},
}
"""Elements of R4 that R4B has not, with their type; all are choices of the element whose name they begin with."""

NOT_IN_R4 = frozenset({"valueCodeableReference", "valueRatioRange", "subjectCanonical"}) | {
    f"{choice}{kind}" for choice in ("defaultValue", "fixed", "pattern") for kind in ("CodeableReference", "RatioRange")
}
"""Elements that R4B added; the names are nowhere in R4."""

TARGETS = {
    "Observation.subject": frozenset({"Patient", "Group", "Device", "Location"}),
    "DiagnosticReport.subject": frozenset({"Patient", "Group", "Device", "Location"}),
}
"""What may be referred to, where R4B allows more."""
