"""The base of the records a trust sends, and their kinds."""

from enum import StrEnum
from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class RecordKind(StrEnum):
    """What one submission holds."""

    CASE = "case"
    RCA = "rca"
    ACTIVITY = "activity"
    ACTIVITY_STRATA = "activity_strata"
    ORGANISATION_PROFILE = "organisation_profile"
    WALES_QUARTER = "wales_quarter"


class Record(BaseModel):
    """One row. Its fields stand in the order in which a person fills them in; `key` names the fields that identify it
    within its organisation, so a row sent again replaces its earlier version."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: ClassVar[RecordKind]
    key: ClassVar[tuple[str, ...]]
    title: ClassVar[str]
