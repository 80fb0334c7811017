"""R4's issue type for every rule of the catalogue: what a receiving system may act on without reading our words. One table for all."""

from functools import cache

from ingest.fhir import structure
from ingest.fhir.issue import Issue, issue
from schemas.rule import CATALOGUE, Rule, Scope
from schemas.rules import cell, file, register
from schemas.rules import fhir as rules

_SCOPES = {
    Scope.FILE: "structure",
    Scope.CELL: "value",
    Scope.ROW: "business-rule",
    Scope.ROWS: "duplicate",
    Scope.REGISTER: "business-rule",
}
"""What a rule is, unless it is named below."""

_RULES: dict[str, tuple[Rule, ...]] = {
    "required": (cell.MISSING, file.MISSING_COLUMN, rules.PART_MISSING, rules.MISSING_IDENTIFIER, rules.BUNDLE_NAME),
    "value": (rules.WRONG_ANSWER_TYPE, rules.WRONG_PERIOD),
    "code-invalid": (cell.NOT_IN_LIST, cell.OTHER_NATION, cell.UNLISTED_CODE, rules.WRONG_SYSTEM),
    "too-long": (cell.TOO_LONG, file.CELL_TOO_LONG, file.LINE_TOO_LONG, rules.TOO_LARGE),
    "too-costly": (
        file.TOO_MANY_COLUMNS,
        file.TOO_MANY_ROWS,
        file.WORKBOOK_TOO_LARGE,
        file.READING_STOPPED,
        rules.TOO_MANY_ENTRIES,
        rules.TOO_MANY_ISSUES,
    ),
    "business-rule": (
        cell.NHS_NUMBER_AS_ID,
        cell.IDENTIFIER_IN_TEXT,
        rules.WRONG_BUNDLE_TYPE,
        rules.NO_UNIT,
        rules.SEVERAL_CASES,
        rules.WRONG_QUESTIONNAIRE,
        rules.WRONG_STATUS,
        rules.WRONG_MEASURE,
    ),
    "duplicate": (
        rules.REPEATED_QUESTION,
        rules.REPEATED_GROUP,
        rules.REPLAY_DIFFERS,
        register.SAME_EVENT_HELD,
    ),
    "conflict": (rules.IF_MATCH_FAILED, register.NIL_WHILE_CASES_HELD, register.ERASED_AT_WISH),
    "not-found": (
        rules.REFERENCE_NOT_RESOLVED,
        rules.REFERENCE_OUTSIDE,
        rules.UNKNOWN_QUESTION,
        rules.UNKNOWN_GROUP,
        register.UNKNOWN_ORGANISATION,
        register.UNKNOWN_SENDING_ORGANISATION,
        register.REVIEW_WITHOUT_CASE,
        register.WITHDRAWN_UNKNOWN,
    ),
    "forbidden": (rules.NOT_GRANTED,),
    "not-supported": (rules.METHOD_NOT_TAKEN,),
    "informational": (rules.OTHER_TYPES_IGNORED, rules.PERSONAL_DETAILS_DROPPED, rules.STRUCTURE_ONLY),
}


@cache
def issue_type(rule: int) -> str:
    """The code of `OperationOutcome.issue.code` for a rule by its number."""
    named = structure.CODES | {each.number: code for code, several in _RULES.items() for each in several}
    return named.get(rule, _SCOPES[CATALOGUE[rule].scope])


def fault(rule: Rule, *expressions: str, **placeholders: str) -> Issue:
    """The issue that a rule of FHIR makes at these elements, with its own type; information where it is that."""
    code = issue_type(rule.number)
    return issue(rule, code, *expressions, information=code == "informational", **placeholders)
