"""What several measures say in the same words."""

RATES, FINDINGS, CARE, REVIEWS, RETURNS = (
    "How often",
    "What was found",
    "Care before the thrombosis",
    "Reviews",
    "Returns of trusts",
)
THEMES = (RATES, FINDINGS, CARE, REVIEWS, RETURNS)
"""The headings under which measures are listed, in their order."""

CASES_OUT = (
    "Superficial, cerebral, splanchnic and arterial thrombosis; line-related thrombosis of the arm or neck without a pulmonary embolism",
    "Thrombosis that was not confirmed by a test or at death",
    "Patients under 16 on admission",
    "Pregnancy-associated thrombosis without an admission in the 90 days before",
    "Lower-limb immobilisation without an admission",
    "Cases that a review found not to be hospital-associated, and withdrawn cases",
    "Months of trusts without admissions or without a complete (or nil) return of cases: out of the top and the bottom",
)
REVISION = (
    "A month is provisional until 120 days after its end and until reports are estimated to be at least 95% complete; it is drawn hollow "
    "and is in no total. Later corrections appear in the next release; each release is kept."
)
YEARLY_REVISION = (
    "Published for a financial year once all its months are final: 120 days after the last, and once reports are estimated to be at least "
    "95% complete. Later corrections appear in the next release; each release is kept."
)
ASCERTAINMENT = (
    "A rate depends on how well cases are looked for. A trust that finds more of its cases has a higher rate; a high rate is not by "
    "itself poor care. Rates found by clinicians and rates found from hospital coding are not comparable."
)
ROUNDED = (
    "Counts are rounded at random to a multiple of 5, and fewer than 10 is not shown as a number; rates are made of the rounded counts, "
    "and their intervals are widened for it."
)
AMONG_CASES = (
    "This is among patients who had a thrombosis, who were chosen by what happened to them. It does not say how many of all patients were "
    "cared for so, and is no measure of compliance."
)
NOT_KNOWN = "Where the notes or the review do not say, a case is in neither number; how many there were is counted beside the share."
HAT = "A confirmed deep vein thrombosis or pulmonary embolism that arose in hospital or within 90 days of discharge"
CASES_AND_ADMISSIONS = "Cases and admissions returned by trusts and health boards"
FROM_CASES = "Cases returned by trusts and health boards"
FROM_REVIEWS = "Reviews of cases returned by trusts and health boards"
