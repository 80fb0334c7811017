"""The guide: every field, code list and rule of the dataset on one page of Markdown, for people."""

from collections.abc import Iterable, Iterator, Sequence

from schemas.codelist import CodeList
from schemas.counting import DEFINITION, TRANSFER_HOURS, WINDOW_DAYS, YOUNGEST, CaseScope
from schemas.dictionary import RECORDS, VERSION, Field, code_lists, fields, key
from schemas.finding import Severity
from schemas.item import Stage
from schemas.record import RecordKind
from schemas.rule import CATALOGUE, Rule, Scope

_STAGES = {
    Stage.NOTIFICATION: "at notification",
    Stage.COMPLETION: "at completion",
    Stage.OPTIONAL: "optional",
}

_OPENING = f"""# The HAT dataset {VERSION}

What a trust or health board sends to the registry of hospital-associated thrombosis (HAT), field by field, and every rule by
which it is checked. Counting definition {DEFINITION}. This page is written from the dataset itself; the templates and JSON
Schemas beside it come from the same place.

## How to fill in a file

- One file holds one kind of record of one organisation, as CSV or as the first sheet of a workbook (.xlsx). The headings are
  the names in the tables below, in any order and in upper or lower case. Columns that are not needed may be left out; the
  core-only templates hold the core alone. A heading or code of your own system can be matched once for your trust.
- **Dates** are written `yyyy-mm-dd` or `dd/mm/yyyy`, with four digits of the year. With slashes the day always comes first. If
  any date of a column can only be month first, the whole column is refused, since its other dates may be swapped.
- **Times** are written `yyyy-mm-dd hh:mm` or `dd/mm/yyyy hh:mm`, by the clock on the wall. The hour that does not exist when
  the clocks go forward is refused; the hour that happens twice is taken as the earlier, with a warning, unless the offset is
  written too (`2025-10-26T01:30+00:00`).
- **Codes**: write the code or its words. Where several may hold, put `|` between them.
- *Unknown* (nobody knows) and *not recorded* (the notes are silent) are different answers, and both differ from a blank cell.
- **Long numbers** such as SNOMED CT ids must be kept as text: a spreadsheet keeps 15 digits and replaces the rest.
- A row sent again replaces the earlier one: a cell that is blank now clears what it held. Rows that are left out stay. To take
  a case or review back, send its number with a reason in `withdraw_reason`.
- Never write names, addresses, postcodes or staff names anywhere. NHS number, date of birth and free text are encrypted.

An **error** keeps its row out; a **warning** asks a question and keeps nothing out. Where we are not sure of a fact it is never
the reason for an error.
"""

_COUNTING = f"""## How a case is counted (definition {DEFINITION})

All dates are kept as sent; what follows is worked out from them, so it can be worked out again by another definition.

1. **Index stay.** A clot found more than 24 hours into the stay and not there on admission belongs to that stay. Otherwise it
   belongs to the latest stay that ended at most {WINDOW_DAYS} days before the diagnosis. If there is none, the case is kept but
   not counted. Hours are elapsed hours where both times are given; else the day of admission itself counts as within 24 hours.
2. **Month and organisation** are those of admission of the index stay.
3. **One case for each patient and index stay.** A deep vein thrombosis followed by a pulmonary embolism is one case.
4. A stay that began by transfer with the clot found within {TRANSFER_HOURS} hours is proposed to the organisation that sent the
   patient.
5. **Overnight** is an index stay of at least one night that was not a day case or regular day attendance.

"""

_SCOPES = {
    CaseScope.IN: "In the national figures.",
    CaseScope.LINE_RELATED: "A clot of arm or neck that is related to a central line: counted apart.",
    CaseScope.IMMOBILISATION: "Lower-limb immobilisation without admission: counted apart.",
    CaseScope.PREGNANCY_ASSOCIATED: f"In pregnancy or after a birth, without a stay in the {WINDOW_DAYS} days before: kept, not counted.",
    CaseScope.NO_INDEX_STAY: "No stay that it could belong to: kept, not counted.",
    CaseScope.UNDER_16: f"Under {YOUNGEST} on admission: kept, not counted.",
    CaseScope.NOT_CONFIRMED: "Clinical only, not confirmed: kept, not counted.",
    CaseScope.OTHER_SITE: "Superficial, cerebral, splanchnic, arterial or other: kept, not counted.",
}

_SCOPE_TITLES = {
    Scope.FILE: "The file",
    Scope.CELL: "One cell",
    Scope.ROW: "One row",
    Scope.ROWS: "The rows of a file",
    Scope.REGISTER: "What the registry holds",
}


def markdown() -> str:
    """The whole guide."""
    parts = (
        _OPENING,
        _COUNTING + _table(("Scope", "Meaning"), ((f"`{scope}`", words) for scope, words in _SCOPES.items())),
        "## The records\n",
        *(_record(kind) for kind in RecordKind),
        "## The code lists\n\nHow sure we are stands beside each code. Codes marked with a nation are in its list only.\n",
        *(_code_list(codes) for codes in code_lists()),
        "## The rules\n\nPeople quote a rule by its number; a number is never used again for another rule.\n",
        *(_rules(scope) for scope in Scope),
    )
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def _record(kind: RecordKind) -> str:
    record = RECORDS[kind]
    keys = ", ".join(f"`{name}`" for name in key(kind))
    head = f"### {record.title} (`{kind}`)\n\n{_flat(record.__doc__)}\n\nA row is known by {keys} within its organisation.\n\n"
    titles = ("Heading", "Question", "Holds", "Asked", "Must be filled", "Notes")
    return head + _table(titles, (_field(each) for each in fields(kind)))


def _field(field: Field) -> Sequence[str]:
    item = field.item
    applies = f"when {item.applies}" if item.applies else "no"
    notes = [item.hint, "Encrypted or masked." if item.identifying else ""]
    return (
        f"`{field.name}`",
        item.question,
        _holds(field),
        _STAGES[item.stage],
        "always" if field.required else applies,
        " ".join(filter(None, notes)),
    )


def _holds(field: Field) -> str:
    if field.codes is None:
        return field.holds.wanted
    title = _list_title(field.codes)
    return f"{field.holds.wanted}: [{title}](#{_anchor(title)})"


def _list_title(codes: type[CodeList]) -> str:
    return codes.__name__


def _anchor(title: str) -> str:
    return title.lower()


def _code_list(codes: type[CodeList]) -> str:
    head = f"### {_list_title(codes)}\n\n{_flat(codes.__doc__)}.\n\n"
    if codes.open_pattern():
        head += "Our copy of this national list is not complete: another code of the same shape is kept, with a warning.\n\n"
    rows = ((f"`{code.value}`", code.words, code.code or "", code.nation or "", code.sure.value) for code in codes)
    return head + _table(("Code", "Words", "National or SNOMED CT code", "Only in", "How sure"), rows)


def _rules(scope: Scope) -> str:
    titles = ("Rule", "", "Records", "Fields", "What is wrong", "What to do")
    rows = (_rule(rule) for rule in CATALOGUE if rule.scope is scope)
    return f"### {_SCOPE_TITLES[scope]}\n\n" + _table(titles, rows)


def _rule(rule: Rule) -> Sequence[str]:
    severity = "error" if rule.severity is Severity.ERROR else "warning"
    names = ", ".join(f"`{name}`" for name in rule.fields)
    return rule.id, severity, ", ".join(rule.kinds), names, _said(rule.words), _said(rule.mend)


class _Placeholders(dict[str, str]):
    """What stands in the guide where a finding names a column or what a field holds."""

    def __missing__(self, name: str) -> str:
        return "…"


_STANDING = _Placeholders(wanted="what this field holds (see the tables above)", hint="")


def _said(words: str) -> str:
    return words.format_map(_STANDING)


def _flat(text: str | None) -> str:
    return " ".join((text or "").split())


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "".join(_lines(titles, rows))


def _lines(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield _line(titles)
    yield _line(["---"] * len(titles))
    yield from (_line(row) for row in rows)


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"
