"""How submissions are said to people: words, dates in London's time, tags. Never a value of a row."""

from dataclasses import dataclass
from datetime import date, datetime

from ingest.report import Line, line
from registry.submissions import Receipt, Tally
from registry.submissions.due import Standing
from registry.submissions.request import sheet_format
from registry.submissions.senders import Sender
from registry.web.moments import said_day as said_day
from registry.web.moments import said_time as said_time
from schemas.codelist import CodeList, Nation
from schemas.days import LONDON
from schemas.dictionary import RECORDS, fields, unsaid
from schemas.finding import Finding, Severity, rule_id
from schemas.record import RecordKind
from schemas.rule import CATALOGUE

# Words and colour of the tag of each state.
STATES = {
    "received": ("Waiting to be checked", "blue"),
    "accepted": ("Stored", "green"),
    "partly_accepted": ("Partly stored", "yellow"),
    "refused": ("Refused", "red"),
    "rehearsed": ("Checked, not stored", "grey"),
    "failed": ("Could not be checked", "red"),
    "cancelled": ("Cancelled", "grey"),
}
MODES = {
    "all-or-nothing": "Store nothing until every row is right",
    "accept-good-rows": "Store the rows that are right, refuse the others",
}
RETURNS = {"complete": ("Complete", "green"), "nil": ("Nil", "green"), "partial": ("Partial", "yellow")}
NO_RETURN = ("Not sent", "red")
STANDINGS = {
    **{Standing(name): said for name, said in RETURNS.items()},
    Standing.MISSING: ("Not sent yet", "grey"),
    Standing.OVERDUE: ("Overdue", "red"),
}


def today() -> date:
    """The day in London."""
    return datetime.now(LONDON).date()


def kind_words(kind: str) -> str:
    return RECORDS[RecordKind(kind)].title


@dataclass(frozen=True, slots=True)
class Shown:
    """One submission as a page shows it."""

    receipt: Receipt
    sender: Sender
    kind: str
    mode: str
    state: str
    colour: str
    received: str
    finished: str

    @property
    def href(self) -> str:
        return f"/trust/submissions/{self.receipt.id}"

    @property
    def bytes_kept(self) -> bool:
        """Whether what was sent can still be opened."""
        return not self.receipt.waiting and self.receipt.payload_deleted_at is None

    @property
    def sheet(self) -> bool:
        """Whether it has rows and columns, to be given back or matched."""
        return sheet_format(self.receipt.format) is not None

    @property
    def unreadable(self) -> bool:
        """Whether a fault of the file's shape kept all of its rows from being looked at."""
        return not self.receipt.rows and bool(self.receipt.errors)

    @property
    def good_rows(self) -> int:
        return (self.receipt.rows or 0) - (self.receipt.refused or 0)


def shown(receipt: Receipt, sender: Sender) -> Shown:
    state, colour = STATES[receipt.state]
    return Shown(
        receipt=receipt,
        sender=sender,
        kind=kind_words(receipt.kind),
        mode=MODES[receipt.mode],
        state=state,
        colour=colour,
        received=said_time(receipt.received_at),
        finished=said_time(receipt.finished_at),
    )


def progress_words(receipt: Receipt) -> str:
    """How far the check of a submission is; nothing once it has ended."""
    if not receipt.waiting:
        return ""
    if receipt.total:
        return f"{receipt.done or 0:,} of {receipt.total:,} rows are checked."
    return f"{receipt.done:,} rows are read." if receipt.done else "It waits for its turn."


@dataclass(frozen=True, slots=True)
class Changed:
    """How many records a field changes, with the field's question."""

    question: str
    records: int


def changed_fields(receipt: Receipt) -> list[Changed]:
    questions = {each.name: each.item.question for each in fields(RecordKind(receipt.kind))}
    return [Changed(questions.get(name, name), count) for name, count in (receipt.changed_fields or {}).items()]


@dataclass(frozen=True, slots=True)
class Kept:
    """How many cells of a file say otherwise than what was corrected online, which stays; the first of them by row and question."""

    count: int
    cells: list[tuple[int, str]]


def kept_cells(found: list[Finding], kind: RecordKind) -> list[tuple[int, str]]:
    questions = {each.name: each.item.question for each in fields(kind)}
    return [(each.row, questions.get(each.field or "", "")) for each in found if each.row is not None]


@dataclass(frozen=True, slots=True)
class Counted:
    """One line of the summary of findings."""

    rule: str
    field: str
    error: bool
    count: int
    words: str
    mend: str
    answers: tuple[CodeList, ...] = ()
    """All of a list of which the words can only name some."""


def summary(tallies: list[Tally], kind: RecordKind, nation: Nation) -> list[Counted]:
    """Every rule that was broken, by field: errors first, then the most frequent."""
    lists = unsaid(kind, nation)
    lines = [
        Counted(
            rule=rule_id(each.rule),
            field=each.field,
            error=each.severity is Severity.ERROR,
            count=each.count,
            words=each.words,
            mend=each.mend,
            answers=lists.get(each.field, ()) if "{wanted}" in CATALOGUE[each.rule].mend else (),
        )
        for each in tallies
    ]
    return sorted(lines, key=lambda each: (not each.error, -each.count))


def lines(findings: list[Finding]) -> list[Line]:
    return [line(each) for each in findings]
