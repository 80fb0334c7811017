"""Words that the screen knows: given names, titles, words of the wards that are no names. Lists are short on purpose: what is common.

Given names are those common in England and Wales in the cohorts that are in hospital, and in the families that live there; they are for
finding, not for telling anything of anybody.
"""

from typing import Final


def _words(written: str) -> frozenset[str]:
    return frozenset(written.split())


TITLES: Final = (
    "Mr", "Mrs", "Ms", "Miss", "Mx", "Dr", "Doctor", "Prof", "Professor", "Sir", "Dame", "Lady", "Lord", "Rev", "Reverend", "Sister",
    "Matron", "Nurse", "Midwife", "Consultant", "Registrar", "Surgeon", "Pharmacist", "SN", "RN", "HCA", "Father", "Captain", "Major",
)  # fmt: skip
ALWAYS_TITLES: Final = ("mr", "mrs", "dr", "prof")
"""Titles in whatever letters: no other word is written so."""

AFTER_TITLES: Final = _words(
    """
    and or in on at of the to for was is had has did does who that then not with by from as when will should may must before after
    in-charge practitioner specialist specialists led lead leads haematologist surgeon surgeons physician physicians pharmacist registrar
    midwife midwives nurse nurses consultant consultants sister sisters matron matrons anaesthetist obstetrician radiologist geriatrician
    oncologist cardiologist orthopaedic medical surgical clinical ward rounds round review reviews team teams manager managers associate
    prescriber prescribers advocate bank agency staff call bell prescribing checks handover visit visits education training
    oncall on-call i ii iii vte dvt pe lmwh cover
    """
)
"""After a title these are no name."""

GIVEN_NAMES: Final = _words(
    """
    margaret jean mary joan patricia sheila barbara doreen june shirley dorothy joyce maureen elizabeth audrey brenda kathleen sylvia eileen
    pamela betty beryl ann anne susan linda christine carol jacqueline janet julie karen helen deborah jane lesley sandra sharon tracey
    tracy alison amanda angela caroline catherine claire emma sarah nicola joanne lisa michelle louise rachel rebecca laura gemma charlotte
    samantha hannah jessica lauren amy danielle victoria stephanie natalie katie sophie chloe emily bethany megan georgia olivia amelia isla
    ava mia lily evie poppy ella freya florence alice phoebe ellie lucy molly eleanor harriet matilda rosie
    john william george ronald robert kenneth frederick thomas albert eric edward arthur charles leslie sidney harold douglas walter norman
    stanley ernest peter david michael brian alan derek anthony raymond james roger keith trevor malcolm colin geoffrey graham gordon
    dennis terence stephen paul andrew christopher richard ian nigel kevin philip martin simon gary neil stuart jonathan timothy nicholas
    matthew daniel adam benjamin samuel joseph joshua jack harry oliver jacob charlie alfie oscar ethan dylan liam connor callum ryan luke
    nathan aaron kieran jordan kyle gareth rhys huw ieuan dafydd gwyn emrys idris glyn hywel owain cerys bronwen gwenllian myfanwy sian
    angharad rhiannon megan nerys eirlys
    mohammed muhammad ahmed ali hassan hussain ibrahim omar yusuf khalid imran tariq bilal asif rashid fatima aisha ayesha zainab maryam
    khadija nasreen shazia yasmin samina parveen amina sadia rajesh suresh anil sanjay vijay ramesh priya anita sunita meena lakshmi
    kavita deepa harpreet gurpreet manjit jaswinder balbir amarjit surinder
    chidi emeka ngozi chioma adebayo oluwaseun folake kwame kofi ama abena blessing patience precious
    agnieszka katarzyna malgorzata ewa piotr krzysztof andrzej tomasz pawel marek jakub zofia ioana andrei mihai elena svetlana olga dmitri
    wei mei xiu ying ming hui jing siobhan niamh aoife ciara orla sinead padraig declan brendan fergus seamus eoin moira isobel hamish
    catriona fiona kirsty eilidh dougal angus alistair
    """
)

COMMON_WORDS_TOO: Final = _words(
    "june jean precious patience blessing wei mei ming hui jing ama ali jordan georgia florence"
)
"""Of these names only one with a capital inside a sentence counts."""

ACRONYMS: Final = _words(
    """
    VTE DVT PE HAT HATS LMWH UFH DOAC DOACS NOAC AES TEDS TED IPC IPCD IPCDS CTPA VQ V/Q CT MR MRI USS US BMI EGFR CRCL AKI CKD ICU ITU HDU
    CCU ED AE A&E AMU MAU SAU EAU SDEC NICE NG NG89 NHS NPSA SEIPS PSIRF PSII MDT RCA SWARM EPMA EPR IT TTO TTOS TTA TTAS GP GPS OPD PRN OD
    BD TDS QDS SC IV IM PO NBM DNACPR HRT COCP IVC PICC BP HR ECG INR APTT FBC HB WHO LMP RCOG BSH FY1 FY2 F1 F2 SHO ST3 CT1 ACP ANP HCA
    RN SN CNS ODP AHP PT OT VAC THR TKR NOF ORIF LSCS PPH SBAR MUST NEWS NEWS2 UK ENT T&O O&G AF TIA CVA MI COPD UTI HIT RAT DATIX CQUIN ICB
    DOB MRN STOP OK PM AM ID PACS STAT KG MG ML UNITS DO NOT NO ALL AND OR IF IS IN ON TO BY AT AS UP
    """
)
"""In capitals, and no initials."""

KNOWN_CAPITALS: Final = _words(
    """
    english welsh england wales britain british european doppler enoxaparin dalteparin tinzaparin fondaparinux heparin rivaroxaban apixaban
    dabigatran edoxaban aspirin warfarin clexane fragmin innohep xarelto eliquis monday tuesday wednesday thursday friday saturday sunday
    datix excel word windows covid caesarean waterlow i i'm i've trust registry nhs department emergency vte thromboprophylaxis
    february december january march april may june july august september october november haematologist haematologists pharmacist pharmacists consultant consultants nurse nurses midwife midwives doctor doctors sister matron
    surgeon registrar anaesthetist team committee board ward risk assessment care community hospital surgery medicine thrombosis anticoagulation unit clinic ward hospital form stroke fracture polish irish scottish urdu bengali punjabi arabic portuguese romanian gp parkinson alzheimer crohn wells
    """
)
"""With a capital inside a sentence, and no person."""

GENERIC_PLACES: Final = _words(
    """
    the a an our one each every any this that another other same day stroke surgical medical acute admission admissions assessment intensive
    critical care high dependency maternity labour antenatal postnatal delivery orthopaedic trauma emergency elderly older respiratory
    cardiac renal oncology haematology discharge receiving sending referring local district general community private independent teaching
    university fracture outpatient outpatients anticoagulant anticoagulation dvt vte thrombosis plaster preoperative pre-operative
    pain falls frailty children childrens women womens mental health nhs from when if on in at and all both most some no new base home outlying
    elective short stay coronary neonatal burns spinal rehabilitation eye dental hospital virtual escalation winter step down second first
    third busy single two three several many step-down following after before during while once where because although with without to
    """
)
"""Before “ward”, “unit” or “hospital” these name none."""

AFTER_WARD: Final = _words(
    "round rounds staff sister sisters manager managers nurse nurses pharmacist clerk team teams stock and or based level"
)

NO_STAFF: Final = _words(
    """
    nurse nurses lead trust consultant doctor administrator administration analyst moderator office registry reviewer uploader everything
    nobody chief national first second third other another person service worker ward team the reader author matron sister system demo demonstration one two three four officer vte dr mr mrs
    """
)
"""Words that stand in the names of accounts and name nobody."""

RARE_EVENTS: Final = (
    r"transplant\w*", r"amputat\w*", "ECMO", "twins?", "triplets?", "quadruplets?", "surrogate", "prison(?:er)?s?", "custody", "celebrity",
    "footballers?", "politician", "councillor", "mayor", "soldiers?", "police officer", "jockey", "pilot", "vicar", "imam", "rabbi", "homicide",
    "murder(?:ed)?", "stabb(?:ed|ing)", "shot", "suicide", "drown(?:ed|ing)", "lightning", "explosion", "terror(?:ist)?", "train crash",
    "plane", "helicopter", "inquest", "newspaper", "television", "refugee", "asylum", "traveller", "conjoined", "haemophilia", "sickle cell",
    "locked-in", "hermaphrodite", "transgender", "Jehovah(?:'s)? Witness", "own (?:staff|employee)", "member of (?:our )?staff as a patient",
    "learning disabilit(?:y|ies)", "tetanus", "anthrax", "Ebola", "gun ?shot", "quadripleg\\w*", "tetrapleg\\w*", "parapleg\\w*",
)  # fmt: skip
"""Circumstances that few patients have. One of these with an age, or two of them, may tell who it was."""
