"""Rules of a case about the clot: when and where it was found, what it was and which stay it belongs to. Numbers 140 to 164."""

import polars as pl

from schemas.codes import (
    Confirmation,
    DiagnosisSetting,
    DiedWithin90Days,
    DvtSite,
    PresentOnAdmission,
    VteType,
    YesNo,
)
from schemas.counting import (
    WINDOW_DAYS,
    CaseScope,
    days_between,
    during_stay,
    hours_to_diagnosis,
    within_24_hours,
)
from schemas.rules.case import ask, refuse
from schemas.rules.expressions import after_receipt, blank, col, given, holds, local_date

_STAY = ("admission_date", "discharge_date", "diagnosis_date")
_TIMES = ("admitted_at", "diagnosed_at")
_EARLIER = ("earlier_admission_date", "earlier_discharge_date")

# SNOMED CT ids of one kind of clot only, as listed for UK practice; every one passes its check digit. Others are not judged.
# fmt: off
_SNOMED_PE = [
    "59282003", "706870000", "707414004", "233935004", "233936003", "328511000119109", "1001000119102", "194883006",
    "1163244009", "200284000", "237341004", "713078005", "438773007",
]
_SNOMED_DVT = [
    "128053003", "132281000119108", "404223003", "651000119108", "234044007", "132301000119107", "132291000119106",
    "132251000119101", "427776007", "1204141008", "132241000119103", "438785004", "132261000119104", "443210003",
    "762256003", "128055005", "132601000119102", "128054009", "132321000119103", "297156001", "134961000119104",
    "438647008", "132611000119104", "135001000119100", "213220000", "49956009", "56272000", "710167004",
]
# fmt: on


def _dvt() -> pl.Expr:
    return holds("vte_type", VteType.DVT, VteType.PE_AND_DVT)


def _pe() -> pl.Expr:
    return holds("vte_type", VteType.PE, VteType.PE_AND_DVT)


def _nothing_earlier() -> pl.Expr:
    """Neither an earlier stay nor a transfer from elsewhere, of which another rule asks."""
    return blank("earlier_discharge_date") & blank("transferred_from")


def _after_death() -> pl.Expr:
    """Found or confirmed only because the patient had died."""
    confirmed = holds("confirmation", Confirmation.POST_MORTEM, Confirmation.DEATH_CERTIFICATE)
    return confirmed | holds("diagnosis_setting", DiagnosisSetting.POST_MORTEM)


@refuse(
    140,
    fields=("diagnosis_date", "admission_date"),
    words="The clot was diagnosed before the admission, so this cannot be the stay that it belongs to.",
    mend="Check both dates. If the patient came in with the clot, give the stay before it.",
)
def diagnosed_before_admission() -> pl.Expr:
    return col("diagnosis_date") < col("admission_date")


@refuse(
    141,
    fields=("diagnosis_date",),
    words="The date of diagnosis had not come yet when the file was received.",
    mend="Check the year, and whether day and month are swapped.",
)
def diagnosed_after_receipt() -> pl.Expr:
    return after_receipt("diagnosis_date")


@ask(
    142,
    fields=(*_STAY, *_TIMES, "present_on_admission", *_EARLIER, "transferred_from"),
    words="The clot was diagnosed less than 24 hours after the admission. Was there an earlier stay?",
    mend="If the patient was in hospital in the 90 days before, give that stay; this one may be the readmission with the clot.",
)
def diagnosed_within_24_hours() -> pl.Expr:
    said = holds("present_on_admission", PresentOnAdmission.YES)
    return during_stay() & within_24_hours() & ~said & _nothing_earlier()


@ask(
    143,
    fields=("present_on_admission", *_STAY, *_EARLIER, "transferred_from"),
    words="The clot was there on admission and no earlier stay is given. Was the patient in hospital in the 90 days before?",
    mend="If so, give the dates of that earlier stay; if not, the case is kept but not counted.",
)
def present_on_admission_without_earlier_stay() -> pl.Expr:
    return holds("present_on_admission", PresentOnAdmission.YES) & during_stay() & _nothing_earlier()


@ask(
    144,
    fields=_STAY,
    words="The clot was diagnosed more than 90 days after discharge. The case is kept, but not counted.",
    mend="Check both dates, and whether there was a later stay; if they are right, nothing needs to be done.",
)
def diagnosed_over_90_days_after_discharge() -> pl.Expr:
    return days_between("discharge_date", "diagnosis_date") > WINDOW_DAYS


@ask(
    145,
    fields=("earlier_discharge_date", "earlier_admission_date", *_STAY, *_TIMES, "present_on_admission"),
    words="The earlier stay ended more than 90 days before the diagnosis, so the case does not belong to it.",
    mend="Check the dates of the earlier stay; if they are right, the case is kept but not counted.",
)
def earlier_stay_over_90_days_before() -> pl.Expr:
    too_early = days_between("earlier_discharge_date", "diagnosis_date") > WINDOW_DAYS
    return too_early & blank("index_stay")


@ask(
    146,
    fields=("attributed_organisation", "transferred_from", "admission_date", "diagnosis_date", *_TIMES),
    words="The stay began by transfer and the clot was found soon after it (within 72 hours, unless set otherwise). Does the case belong to the hospital that "
    "sent the patient?",
    mend="If so, give that hospital as the organisation the case belongs to; if not, give your own.",
)
def found_soon_after_transfer() -> pl.Expr:
    soon = pl.coalesce(
        hours_to_diagnosis() <= col("_transfer_hours"),
        days_between("admission_date", "diagnosis_date") * 24 <= col("_transfer_hours"),
    )
    elsewhere = col("transferred_from") != col("_sender")
    return soon & elsewhere & blank("attributed_organisation")


@ask(
    147,
    fields=("diagnosed_at", "diagnosis_date"),
    words="The date and time of diagnosis fall on another day than the date of diagnosis. Which is right?",
    mend="Make them agree.",
)
def diagnosis_time_on_another_day() -> pl.Expr:
    return local_date("diagnosed_at") != col("diagnosis_date")


@ask(
    148,
    fields=("diagnosed_at", "admitted_at", "diagnosis_date", "admission_date"),
    words="The time of diagnosis is before the time of admission. Was the clot found in the emergency department?",
    mend="Check both times; if they are right, the clot was there on admission and an earlier stay may be the one it belongs to.",
)
def diagnosis_time_before_admission_time() -> pl.Expr:
    return (col("diagnosed_at") < col("admitted_at")) & (col("diagnosis_date") >= col("admission_date"))


@ask(
    149,
    fields=("diagnosis_setting", "discharge_date", "diagnosis_date"),
    words="The clot is said to have been diagnosed during the stay, but the date of diagnosis is after the discharge.",
    mend="Check the dates, or correct where it was diagnosed.",
)
def setting_in_stay_after_discharge() -> pl.Expr:
    return holds("diagnosis_setting", DiagnosisSetting.INDEX_STAY) & (col("diagnosis_date") > col("discharge_date"))


@ask(
    150,
    fields=("diagnosis_setting", *_STAY, "earlier_discharge_date"),
    words="The clot is said to have been diagnosed on readmission, but its date lies within the stay that is given. "
    "Is that stay the readmission itself?",
    mend="Give the stay before it: as the stay itself, or as the earlier stay.",
)
def setting_readmission_within_stay() -> pl.Expr:
    within = during_stay() & (col("diagnosis_date") != col("discharge_date")).fill_null(True)
    return holds("diagnosis_setting", DiagnosisSetting.READMISSION) & within & blank("earlier_discharge_date")


@refuse(
    151,
    fields=("dvt_site", "vte_type"),
    words="A deep vein thrombosis was found, but where it was is not given.",
    mend="Give the site; if nobody knows it or the notes are silent, choose unknown or not recorded.",
)
def dvt_without_site() -> pl.Expr:
    return _dvt() & blank("dvt_site")


@ask(
    152,
    fields=("dvt_site", "vte_type"),
    words="There is a site of a deep vein thrombosis, but none is said to have been found. Was there one?",
    mend="Correct what was found, or take the site out.",
)
def site_without_dvt() -> pl.Expr:
    return given("dvt_site") & ~_dvt()


@ask(
    153,
    fields=("dvt_side", "vte_type"),
    words="There is a side of a deep vein thrombosis, but none is said to have been found. Was there one?",
    mend="Correct what was found, or take the side out.",
)
def side_without_dvt() -> pl.Expr:
    return given("dvt_side") & ~_dvt()


@ask(
    154,
    fields=("pe_extent", "vte_type"),
    words="There is an extent of a pulmonary embolism, but none is said to have been found. Was there one?",
    mend="Correct what was found, or take the extent out.",
)
def extent_without_pe() -> pl.Expr:
    return given("pe_extent") & ~_pe()


@ask(
    155,
    fields=("line_related", "dvt_site", "vte_type"),
    words="The clot was in the arm or neck. Was it related to a central line?",
    mend="Answer the question about the central line: clots related to a line are counted apart.",
)
def arm_or_neck_without_line_answer() -> pl.Expr:
    return _dvt() & holds("dvt_site", DvtSite.UPPER_LIMB, DvtSite.JUGULAR) & blank("line_related")


@ask(
    156,
    fields=("line_related", "vte_type"),
    words="The clot is said to be related to a central line, but no deep vein thrombosis is said to have been found.",
    mend="Correct what was found, or the answer about the line.",
)
def line_related_without_dvt() -> pl.Expr:
    return holds("line_related", YesNo.YES) & holds("vte_type", VteType.PE, VteType.ARTERIAL)


@ask(
    157,
    fields=("vte_type",),
    words="Clots of this kind are kept, but not counted in the national figures. Is this what was found?",
    mend="If so, nothing needs to be done.",
)
def kind_outside_the_figures() -> pl.Expr:
    return col("scope") == CaseScope.OTHER_SITE.value


@ask(
    158,
    fields=("confirmation",),
    words="The clot was not confirmed by a scan, a post mortem or a death certificate. The case is kept, but not counted.",
    mend="If it was confirmed, say how; if not, nothing needs to be done.",
)
def not_confirmed() -> pl.Expr:
    return holds("confirmation", Confirmation.CLINICAL_ONLY)


@ask(
    159,
    fields=("confirmation", "vte_type"),
    words="This kind of scan does not usually show the clot that is given. Are both right?",
    mend="Check what was found and how it was confirmed.",
)
def scan_that_does_not_show_it() -> pl.Expr:
    lung_scan = holds("confirmation", Confirmation.CTPA, Confirmation.VQ_SCAN)
    leg_scan = holds("confirmation", Confirmation.ULTRASOUND)
    return (lung_scan & holds("vte_type", VteType.DVT)) | (leg_scan & holds("vte_type", VteType.PE))


@ask(
    160,
    fields=("symptom_onset_date", "diagnosis_date"),
    words="The symptoms began after the clot was diagnosed. Are both dates right?",
    mend="Check both dates. For a clot found by chance leave the date of symptoms empty.",
)
def symptoms_after_diagnosis() -> pl.Expr:
    return col("symptom_onset_date") > col("diagnosis_date")


@ask(
    161,
    fields=("diagnosis_snomed", "vte_type"),
    words="The SNOMED CT id names another kind of clot than the one that is given. Which is right?",
    mend="Correct the id or what was found.",
)
def snomed_names_another_clot() -> pl.Expr:
    embolism = col("diagnosis_snomed").is_in(_SNOMED_PE) & ~_pe()
    thrombosis = col("diagnosis_snomed").is_in(_SNOMED_DVT) & ~_dvt()
    return embolism | thrombosis


@ask(
    162,
    fields=("confirmation", "diagnosis_setting", "died_within_90_days", "death_date"),
    words="The clot was found after death, but nothing says that the patient died.",
    mend="Give the date of death or answer yes to the question about death, or correct how the clot was confirmed.",
)
def found_after_death_of_the_living() -> pl.Expr:
    died = given("death_date") | col("died_within_90_days").eq_missing(pl.lit(DiedWithin90Days.YES.value))
    return _after_death() & ~died


@ask(
    163,
    fields=("diagnosis_date", "death_date", "confirmation", "diagnosis_setting"),
    words="The clot was diagnosed after the patient had died, but not by a post mortem or from the certificate.",
    mend="Check both dates and how the clot was confirmed.",
)
def diagnosed_after_death() -> pl.Expr:
    return (col("diagnosis_date") > col("death_date")) & ~_after_death()
