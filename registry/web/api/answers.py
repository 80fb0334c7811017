"""What the interface answers about submissions: the receipt in its present state, tallies and findings. Never a value of a row."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from ingest.report import line
from registry.submissions import Receipt, Tally
from registry.submissions.request import sheet_format
from schemas.finding import Finding, rule_id

PREFIX = "/api/submissions"
FIRST_FINDINGS = 100
"""So many findings stand in the receipt itself; all that are listed are at its `findings` link."""

ID = "6f1c1f0e-3d0b-4d3a-9a52-0b9c4a3b7d10"


class Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OrganisationOut(Answer):
    code: str = Field(description="ODS code", examples=["RK9"])
    name: str = Field(examples=["University Hospitals Plymouth NHS Trust"])
    nation: str = Field(examples=["England"])


class FindingOut(Answer):
    """One fault at one place of the sender's own sheet."""

    row: int | None = Field(description="Row of the sheet, counted from 1; null: the file as a whole", examples=[17])
    column: str | None = Field(description="Letter of the column", examples=["F"])
    heading: str | None = Field(description="The sender's own heading", examples=["Admission Date"])
    field: str | None = Field(description="The field of the dataset", examples=["admission_date"])
    rule: str = Field(examples=["HAT-042"])
    severity: str = Field(description="error: keeps its row out. warning: asks a person to look", examples=["error"])
    words: str = Field(description="What is wrong")
    mend: str = Field(description="What to do")


class TallyOut(Answer):
    """How often one rule was broken in one field; all faults are counted here, listed or not."""

    rule: str = Field(examples=["HAT-042"])
    field: str = Field(examples=["admission_date"])
    severity: str = Field(examples=["error"])
    count: int = Field(examples=[12])
    words: str
    mend: str


class Counts(Answer):
    """sent = stored + unchanged + refused, and stored = new + changed + withdrawn. Of a rehearsal: what would be."""

    sent: int = Field(examples=[120])
    stored: int = Field(examples=[15])
    new: int = Field(examples=[12])
    changed: int = Field(examples=[3])
    withdrawn: int = Field(examples=[0])
    unchanged: int = Field(examples=[104])
    refused: int = Field(examples=[1])
    absent: int | None = Field(
        description="Records you hold that the file does not name. They stay. Null of what came as FHIR", examples=[7]
    )


class Progress(Answer):
    """How far the work on a large file has come, in rows; null where it has not begun or cannot be known yet."""

    done: int | None = Field(examples=[40000])
    total: int | None = Field(examples=[100000])


class Links(Answer):
    self: str = Field(examples=[f"{PREFIX}/{ID}"])
    findings: str = Field(examples=[f"{PREFIX}/{ID}/findings"])
    findings_csv: str = Field(examples=[f"{PREFIX}/{ID}/findings.csv"])
    annotated_xlsx: str | None = Field(
        description="Null once the bytes are deleted, before the check, and of what came as FHIR",
        examples=[f"{PREFIX}/{ID}/annotated.xlsx"],
    )
    failed_rows_csv: str | None = Field(examples=[f"{PREFIX}/{ID}/failed-rows.csv"])
    page: str = Field(description="The same for people", examples=[f"/trust/submissions/{ID}"])


class ReceiptOut(Answer):
    """One submission in its present state."""

    id: UUID = Field(examples=[ID])
    organisation: str = Field(description="ODS code", examples=["RK9"])
    kind: str = Field(examples=["case"])
    format: str = Field(examples=["csv"])
    mode: str = Field(examples=["all-or-nothing"])
    rehearsal: bool = Field(examples=[False])
    state: str = Field(
        description="received: it waits, ask again. accepted, partly_accepted, refused, rehearsed, failed, cancelled: final",
        examples=["accepted"],
    )
    sha256: str = Field(description="Digest of the bytes that were received", examples=["9f86d081884c7d65…"])
    bytes: int = Field(examples=[48213])
    map_version: int | None = Field(description="Version of the trust's own map of headings and codes that was applied")
    dataset_version: str = Field(examples=["1.0"])
    definition: str = Field(description="Version of the rules by which scope and month are derived")
    received_at: datetime
    finished_at: datetime | None
    counts: Counts | None = Field(description="Null while it waits")
    errors: int | None = Field(description="Findings that keep their row out", examples=[1])
    warnings: int | None = Field(examples=[4])
    changed_fields: dict[str, int] | None = Field(
        description="How many records each field changes", examples=[{"discharge_date": 3}]
    )
    bytes_deleted_at: datetime | None = Field(description="When the bytes as sent were deleted")
    progress: Progress | None = Field(description="While it waits")
    links: Links


class FullReceipt(ReceiptOut):
    """The receipt with the counts of all findings and the first of them."""

    tallies: list[TallyOut]
    findings: list[FindingOut] = Field(
        description=f"The first {FIRST_FINDINGS}; `links.findings` has all that are listed"
    )


class ReceiptList(Answer):
    submissions: list[ReceiptOut] = Field(description="The newest first")
    next: str | None = Field(description="Address of the older ones; null at the end")


class FindingList(Answer):
    findings: list[FindingOut]
    next: str | None = Field(description="Address of those that follow; null at the end")


def receipt_out(receipt: Receipt, code: str) -> ReceiptOut:
    return ReceiptOut(**_members(receipt, code))


def full_receipt(receipt: Receipt, code: str, tallies: list[Tally], findings: list[Finding]) -> FullReceipt:
    return FullReceipt(
        **_members(receipt, code),
        tallies=[tally_out(each) for each in tallies],
        findings=[finding_out(each) for each in findings],
    )


def finding_out(finding: Finding) -> FindingOut:
    shown = line(finding)
    return FindingOut(**{name: getattr(shown, name) for name in FindingOut.model_fields})


def tally_out(tally: Tally) -> TallyOut:
    return TallyOut(
        rule=rule_id(tally.rule),
        field=tally.field,
        severity=tally.severity.value,
        count=tally.count,
        words=tally.words,
        mend=tally.mend,
    )


_SAME = (
    "id", "kind", "format", "mode", "rehearsal", "state", "map_version", "dataset_version", "definition",
    "received_at", "finished_at", "errors", "warnings", "changed_fields",
)  # fmt: skip


def _members(receipt: Receipt, code: str) -> dict[str, Any]:
    return {name: getattr(receipt, name) for name in _SAME} | {
        "organisation": code,
        "sha256": receipt.digest,
        "bytes": receipt.size,
        "bytes_deleted_at": receipt.payload_deleted_at,
        "counts": _counts(receipt),
        "progress": Progress(done=receipt.done, total=receipt.total) if receipt.waiting else None,
        "links": _links(receipt),
    }


def _counts(receipt: Receipt) -> Counts | None:
    if receipt.rows is None:
        return None
    counted = {name: getattr(receipt, name) for name in Counts.model_fields if name != "sent"}
    return Counts(sent=receipt.rows, **counted)


def _links(receipt: Receipt) -> Links:
    here = f"{PREFIX}/{receipt.id}"
    kept = not receipt.waiting and receipt.payload_deleted_at is None
    opened = kept and sheet_format(receipt.format) is not None
    return Links(
        self=here,
        findings=f"{here}/findings",
        findings_csv=f"{here}/findings.csv",
        annotated_xlsx=f"{here}/annotated.xlsx" if opened else None,
        failed_rows_csv=f"{here}/failed-rows.csv" if opened else None,
        page=f"/trust/submissions/{receipt.id}",
    )
