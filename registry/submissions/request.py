"""What a sender asks for, and the states a submission goes through. Names are declared here once."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from ingest import tabular
from schemas.record import RecordKind


class Format(StrEnum):
    """The form of what was sent. `FHIR` is one transaction, or a file with one on each line; `FORM` one record entered on a page."""

    CSV = "csv"
    XLSX = "xlsx"
    FHIR = "fhir"
    FORM = "form"


SHEETS = (Format.CSV, Format.XLSX)
"""What has rows and columns, to be given back with what to mend beside them."""


def sheet_format(name: str) -> tabular.Format | None:
    """A format as the readers of tables know it; None for one that has no rows and columns."""
    match name:
        case Format.CSV:
            return "csv"
        case Format.XLSX:
            return "xlsx"
    return None


class Mode(StrEnum):
    """What becomes of the good rows of a file that also has faulty ones. The sender chooses."""

    ALL_OR_NOTHING = "all-or-nothing"
    ACCEPT_GOOD_ROWS = "accept-good-rows"


class Door(StrEnum):
    """By which way a version came in."""

    API = "api"
    PAGE = "page"
    FORM = "form"
    FHIR = "fhir"


class State(StrEnum):
    """`received` is the only state that waits; all others are final."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    PARTLY_ACCEPTED = "partly_accepted"
    REFUSED = "refused"
    REHEARSED = "rehearsed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Record(StrEnum):
    """What a row does to the register."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One submission as its sender describes it. `idempotency_key` belongs to the trust; the same key is the same request.

    `overwrite_online`: its rows stand also over what was entered or corrected online.
    """

    tenant_id: int
    kind: RecordKind
    format: Format
    mode: Mode
    rehearsal: bool
    door: Door
    actor: str
    role: str
    idempotency_key: str
    opt_out_screened: bool = False
    overwrite_online: bool = False
    file_name: str | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """Which submission of which trust."""

    tenant_id: int
    id: UUID
