"""An issue: a finding about something sent as FHIR, with the elements it is about. It never holds a value."""

from dataclasses import dataclass

from schemas.finding import Finding, Severity
from schemas.rule import Rule


@dataclass(frozen=True, slots=True)
class Issue:
    """`expressions` are FHIRPaths from the root of what was posted, the first where the fault is shown: `Bundle.entry[2].resource.onset`.

    `code` is one of R4's issue types. An information issue keeps nothing out and counts as no fault.
    """

    finding: Finding
    code: str
    expressions: tuple[str, ...] = ()
    information: bool = False

    @property
    def error(self) -> bool:
        return not self.information and self.finding.severity is Severity.ERROR


def issue(rule: Rule, code: str, *expressions: str, information: bool = False, **placeholders: str) -> Issue:
    """The issue that a rule makes at these elements. Placeholders are names of elements, types or limits, never values."""
    finding = rule.finding(row=None, column=None, heading=next(iter(expressions), None), field=None, **placeholders)
    return Issue(finding, code, expressions, information)
