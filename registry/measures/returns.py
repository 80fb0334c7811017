"""Returns of trusts: how many came, came late, or said that there was no case. These are numbers of organisations, not of patients."""

from registry.measures.figures import Measure, Shown
from registry.measures.making import Published
from registry.measures.words import RETURNS

_SOURCE = "Monthly returns of trusts and health boards"
_OUT = (
    "Independent providers",
    "Organisations that do not take part, and months before an organisation took part or after it closed",
)
_EXACT = "These are numbers of organisations, so they are exact."

RETURNS_RECEIVED = Measure(
    ident="returns-received",
    title="Monthly returns that are complete or nil",
    subject="the share of trusts with a complete or nil return",
    unit="% of returns due",
    definition="Of the trusts and health boards that take part, the share whose return for the month says that all its cases are sent, or that "
    "there was none. Only these months enter a rate.",
    numerator="Trusts and health boards with a complete or nil return for the month",
    denominator="Trusts and health boards that took part in the month",
    exclusions=_OUT,
    limits=("A complete return is the trust's own word; it does not say how well cases were looked for.", _EXACT),
    revision="A return may be sent or changed at any time; the next release shows it.",
    source=_SOURCE,
    theme=RETURNS,
    making=Published("returns_in", "returns_due", (("returns_partial", "Partial: cases are still to come"),)),
    headings=("Complete or nil", "Due"),
    contributors="returns_due",
    percent=True,
    decimals=1,
)

RETURNS_LATE = Measure(
    ident="returns-late",
    title="Monthly returns that came late",
    subject="the share of returns that came late",
    unit="% of returns",
    definition="Of the complete or nil returns for the month, the share that first came after the day they were due.",
    numerator="Complete or nil returns first received after the day they were due (42 days after the month's end, unless the registry has set another time)",
    denominator="Complete or nil returns for the month of organisations that were already sending returns when it was due",
    exclusions=(*_OUT, "Months that were due before an organisation sent its first return"),
    limits=("A return that has not come at all is not late here; it is missing from the returns received.", _EXACT),
    revision="A return may be sent or changed at any time; when it first came stays as it was.",
    source=_SOURCE,
    theme=RETURNS,
    making=Published("returns_late", "returns_timed"),
    headings=("Late", "Returns"),
    contributors="returns_due",
    percent=True,
    decimals=1,
)

RETURNS_NIL = Measure(
    ident="returns-nil",
    title="Monthly returns that are nil",
    subject="the share of returns that say there was no case",
    unit="% of complete or nil returns",
    definition="Of a financial year's complete or nil monthly returns, the share that said there was no case in the month.",
    numerator="Monthly returns of the year that are nil, and under which no case is held",
    denominator="Monthly returns of the year that are complete or nil",
    exclusions=(*_OUT, "Nil returns of months in which a case is held: they are asked for again"),
    limits=(
        "Many nil returns of a large trust point to cases not looked for rather than to none.",
        "Given for whole years, so that nobody can tell from it which trust had no case in a month.",
        _EXACT,
    ),
    revision="Published for a financial year once all its months are final; a return that is changed later is in the next release.",
    source=_SOURCE,
    theme=RETURNS,
    making=Published("year_returns_nil", "year_returns_in"),
    headings=("Nil", "Complete or nil"),
    period=Shown.FINANCIAL_YEAR,
    contributors="trusts_year",
    percent=True,
    decimals=1,
)

MEASURES = (RETURNS_RECEIVED, RETURNS_LATE, RETURNS_NIL)
