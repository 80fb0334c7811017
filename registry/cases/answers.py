"""What an attributed organisation may answer, and what two organisations may say of a pair; each with its words."""

from enum import StrEnum
from typing import Self


class _Said(StrEnum):
    words: str

    def __new__(cls, value: str, words: str = "") -> Self:
        made = str.__new__(cls, value)
        made._value_ = value
        made.words = words
        return made


class Answer(_Said):
    """The answer of the organisation that a case was attributed to."""

    ACCEPTED = "accepted", "Accept: the index stay was here, so the case is ours"
    DISPUTED = "disputed", "Dispute: the case is not ours"
    SHARED = "shared", "Share: both had a part in it, and it counts for one"


class Reason(_Said):
    """Why a case is disputed. The registry office decides on these, the dates and the organisations."""

    NOT_HERE = "not_here", "The patient was not admitted here in the 90 days before the diagnosis"
    TOO_LONG_AGO = "too_long_ago", "The patient left here more than 90 days before the diagnosis"
    LATER_STAY = "later_stay", "There was a later stay elsewhere"
    BEFORE_ADMISSION = "before_admission", "The clot was there when the patient came here"
    FOUND_AT_ONCE = "found_at_once", "The clot was found less than 24 hours after admission here"
    TRANSFERRED = "transferred", "The patient came here by transfer, and belongs to the sending organisation"
    REPORTED_ALREADY = "reported_already", "We reported the same event ourselves"
    NOT_VTE = "not_vte", "It was not a venous thromboembolism"
    OTHER = "other", "Another reason"


class Pairing(_Said):
    """What one of two organisations says of two reports that may be one event."""

    LINK = "link", "Link: both reports are of one event"
    DISMISS = "dismiss", "Keep apart: they are two events"
    UNLINK = "unlink", "Unlink: they are two events after all"
