"""What is wrong with an answer, in words for somebody who has the question before them: its boxes and its list of answers say the rest."""

from schemas.finding import Finding
from schemas.rule import CATALOGUE
from schemas.rules import cell

_HOLDS = "It must hold {wanted}."
_LISTED = "Choose from the answers below."
_MENDS = {
    cell.NOT_IN_LIST.number: _LISTED,
    cell.OTHER_NATION.number: _LISTED,
    cell.DATE_SERIAL.number: "Write the date as day, month and year.",
}
"""What to do, where it is not what one would do in a sheet."""
_WHOLE = {
    cell.MISSING.number: "Answer this question.",
    cell.MONTH_FIRST.number: "A date in this column can only be month first, so none of them was read. Give this one as day, month and year.",
}
"""All that is said, where one answer is looked at and not a column."""


def said(finding: Finding, *, in_boxes: bool) -> str:
    """What is wrong and what to do. `in_boxes`: the answer has a box for each of its parts, so nobody needs to be told how to write it."""
    if finding.rule in _WHOLE:
        return _WHOLE[finding.rule]
    mend = _MENDS.get(finding.rule, finding.mend)
    if in_boxes and finding.rule not in _MENDS and _HOLDS in CATALOGUE[finding.rule].mend:
        mend = CATALOGUE[finding.rule].mend.replace(_HOLDS, "").strip()
    return f"{finding.words} {mend}".strip()
