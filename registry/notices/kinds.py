"""What people are told of, declared once: the words, who is told, how by default, and the query that finds what is to be told.

A query gives `tenant_id`, `about` (which thing: it is told once), and where they are known `person_id` (else everybody who holds the right
over the organisation is told), `by` (whose own act it was: they are not told of it) and `link` (else the kind's own). It may name `:at`,
`:on` (the day in London), `:since`, and the days of the settings.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from registry.access import NATIONAL_ROLES, Actor, Right, holders
from registry.notices import queries
from registry.store import SYSTEM_TENANT


class Way(StrEnum):
    """How a kind of notice comes by e-mail. In the page it always stands."""

    AT_ONCE = "at_once"
    DAILY = "daily"
    NEVER = "never"

    @property
    def words(self) -> str:
        return {"at_once": "At once", "daily": "Once a day", "never": "Not by e-mail"}[self]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of notice. `one` and `many` say how many of what, `{}` being the number; `right` is asked when it is told, shown and sent."""

    name: str
    title: str
    one: str
    many: str
    right: Right
    way: Way
    link: str
    sql: str

    def words(self, count: int) -> str:
        return self.one if count == 1 else self.many.format(f"{count:,}")

    @property
    def national(self) -> bool:
        """Whether it is about the nation; its notices then stand under the registry's own organisation."""
        return holders(self.right) <= set(NATIONAL_ROLES)


KINDS: Final[tuple[Kind, ...]] = (
    Kind(
        "submission_done",
        "A file that you sent has its outcome",
        "A file that you sent has its outcome",
        "{} files that you sent have their outcome",
        Right.READ_SUBMISSIONS,
        Way.AT_ONCE,
        "/trust/submissions",
        queries.SUBMISSION_DONE,
    ),
    Kind(
        "case_assigned",
        "A case was given to you",
        "1 case was given to you",
        "{} cases were given to you",
        Right.EDIT_CASES,
        Way.AT_ONCE,
        "/trust/worklist?whose=mine",
        queries.CASE_ASSIGNED,
    ),
    Kind(
        "case_due",
        "Your cases are due soon",
        "1 of your cases is due soon",
        "{} of your cases are due soon",
        Right.EDIT_CASES,
        Way.DAILY,
        "/trust/worklist?whose=mine",
        queries.CASE_DUE,
    ),
    Kind(
        "case_overdue",
        "Cases are overdue: yours, and those that nobody has",
        "1 case is overdue",
        "{} cases are overdue",
        Right.EDIT_CASES,
        Way.DAILY,
        "/trust/worklist",
        queries.CASE_OVERDUE,
    ),
    Kind(
        "second_reading",
        "A case waits for its second reader",
        "1 case waits for its second reader",
        "{} cases wait for their second reader",
        Right.EDIT_CASES,
        Way.DAILY,
        "/trust/worklist?state=second_reading",
        queries.SECOND_READING,
    ),
    Kind(
        "consultant_answered",
        "A consultant answered",
        "A consultant answered for 1 case",
        "Consultants answered for {} cases",
        Right.EDIT_CASES,
        Way.AT_ONCE,
        "/trust/worklist",
        queries.CONSULTANT_ANSWERED,
    ),
    Kind(
        "consultant_silent",
        "A consultant did not reply in time",
        "A consultant did not reply in time about 1 case",
        "Consultants did not reply in time about {} cases",
        Right.EDIT_CASES,
        Way.DAILY,
        "/trust/worklist?state=with_consultant",
        queries.CONSULTANT_SILENT,
    ),
    Kind(
        "attributed",
        "Another organisation reported a case for yours",
        "1 case that another organisation reported for yours waits for an answer",
        "{} cases that other organisations reported for yours wait for an answer",
        Right.EDIT_CASES,
        Way.AT_ONCE,
        "/trust/attributed",
        queries.ATTRIBUTED,
    ),
    Kind(
        "attribution_answered",
        "Another organisation answered about a case that you reported for it",
        "1 case that you reported for another organisation was answered",
        "{} cases that you reported for other organisations were answered",
        Right.EDIT_CASES,
        Way.DAILY,
        "/trust/attributed",
        queries.ATTRIBUTION_ANSWERED,
    ),
    Kind(
        "decided",
        "The registry office decided for which organisation a case counts",
        "The registry office decided about 1 case of yours",
        "The registry office decided about {} cases of yours",
        Right.EDIT_CASES,
        Way.DAILY,
        "/trust/attributed",
        queries.DECIDED,
    ),
    Kind(
        "pair_offered",
        "A case of yours may be one that another organisation reported too",
        "1 case of yours may be one that another organisation reported too",
        "{} cases of yours may be ones that other organisations reported too",
        Right.EDIT_CASES,
        Way.DAILY,
        "/trust/attributed",
        queries.PAIR_OFFERED,
    ),
    Kind(
        "action_due",
        "Actions from reviews are due",
        "1 action from a review is due",
        "{} actions from reviews are due",
        Right.EDIT_CASES,
        Way.DAILY,
        "/trust/actions",
        queries.ACTION_DUE,
    ),
    Kind(
        "unlock_asked",
        "Somebody asks to have a month unlocked",
        "1 month that was signed off is asked to be unlocked",
        "{} months that were signed off are asked to be unlocked",
        Right.SIGN_OFF_RETURN,
        Way.AT_ONCE,
        "/trust/sign-off",
        queries.UNLOCK_ASKED,
    ),
    Kind(
        "month_unlocked",
        "A month was unlocked as you asked",
        "1 month was unlocked as you asked",
        "{} months were unlocked as you asked",
        Right.SUBMIT,
        Way.AT_ONCE,
        "/trust/activity",
        queries.MONTH_UNLOCKED,
    ),
    Kind(
        "return_missing",
        "Returns are missing",
        "The return of 1 month is missing",
        "The returns of {} months are missing",
        Right.SUBMIT,
        Way.AT_ONCE,
        "/trust/calendar",
        queries.RETURN_MISSING,
    ),
    Kind(
        "nil_doubtful",
        "A month that was returned as nil has a case",
        "1 month that was returned as nil has a case by now: send its return again",
        "{} months that were returned as nil have cases by now: send their returns again",
        Right.SUBMIT,
        Way.DAILY,
        "/trust/calendar",
        queries.NIL_DOUBTFUL,
    ),
    Kind(
        "outlier_notified",
        "The registry notified you of your organisation's figures",
        "1 notification about your organisation's figures waits for an answer",
        "{} notifications about your organisation's figures wait for an answer",
        Right.ANSWER_OUTLIERS,
        Way.AT_ONCE,
        "/trust/outliers",
        queries.OUTLIER_NOTIFIED,
    ),
    Kind(
        "letter_failed",
        "A letter of yours could not be delivered",
        "1 letter of your organisation could not be delivered",
        "{} letters of your organisation could not be delivered",
        Right.EDIT_CASES,
        Way.DAILY,
        "/trust/worklist?state=with_consultant",
        queries.LETTER_FAILED,
    ),
    Kind(
        "learning_returned",
        "A learning point of yours was sent back",
        "1 learning point of yours was sent back: it waits for your changes",
        "{} learning points of yours were sent back: they wait for your changes",
        Right.EDIT_CASES,
        Way.DAILY,
        "/trust/learning",
        queries.LEARNING_RETURNED,
    ),
    Kind(
        "learning_published",
        "A learning point of yours was published",
        "1 learning point of yours was published",
        "{} learning points of yours were published",
        Right.EDIT_CASES,
        Way.DAILY,
        "/trust/learning",
        queries.LEARNING_PUBLISHED,
    ),
    Kind(
        "learning_taken_down",
        "A learning point of yours was taken down",
        "1 learning point of yours was taken down",
        "{} learning points of yours were taken down",
        Right.EDIT_CASES,
        Way.DAILY,
        "/trust/learning",
        queries.LEARNING_TAKEN_DOWN,
    ),
    Kind(
        "learning_waits",
        "A learning point waits for a moderator",
        "1 learning point waits for a moderator",
        "{} learning points wait for a moderator",
        Right.MODERATE_LESSONS,
        Way.DAILY,
        "/moderation",
        queries.LEARNING_WAITS,
    ),
    Kind(
        "release_waits",
        "Figures wait for their approval or release",
        "Figures that were prepared wait for their approval or release",
        "Figures that were prepared {} times wait for their approval or release",
        Right.RELEASE,
        Way.DAILY,
        "/team",
        queries.RELEASE_WAITS,
    ),
    Kind(
        "released",
        "National figures were released",
        "National figures were released",
        "National figures were released {} times",
        Right.READ_DRAFTS,
        Way.DAILY,
        "/figures",
        queries.RELEASED,
    ),
    Kind(
        "office_dispute",
        "A dispute between organisations waits for the registry office",
        "1 dispute waits for a decision",
        "{} disputes wait for a decision",
        Right.RESOLVE_PAIRS,
        Way.DAILY,
        "/office",
        queries.OFFICE_DISPUTE,
    ),
    Kind(
        "mail_failed",
        "Letters of the registry could not be delivered",
        "1 letter of the registry could not be delivered",
        "{} letters of the registry could not be delivered",
        Right.MANAGE_SETTINGS,
        Way.DAILY,
        "/admin",
        queries.MAIL_FAILED,
    ),
    Kind(
        "factor_reset",
        "Your second factor was reset",
        "Your second factor was reset. If you did not ask for it, tell the registry",
        "Your second factor was reset {} times. If you did not ask for it, tell the registry",
        Right.OWN_ACCOUNT,
        Way.AT_ONCE,
        "/account",
        queries.FACTOR_RESET,
    ),
    Kind(
        "identifiers_shown",
        "Somebody was shown the identifiers of very many patients",
        "Identifiers of 50 patients or more were shown to one person within an hour",
        "Identifiers of 50 patients or more were shown to one person within an hour, {} times",
        Right.READ_TRAIL,
        Way.AT_ONCE,
        "/trust/trail",
        queries.IDENTIFIERS_SHOWN,
    ),
)  # fmt: skip

KIND: Final[Mapping[str, Kind]] = MappingProxyType({kind.name: kind for kind in KINDS})


def seen_by(actor: Actor) -> Iterator[tuple[Kind, int]]:
    """The kinds of which somebody may see notices now, each with an organisation over which the right is held."""
    for kind in KINDS:
        if kind.national and actor.may(kind.right):
            yield kind, SYSTEM_TENANT
        elif not kind.national and actor.may(kind.right):
            # What everybody has a right to stands under the registry's own organisation for those who act for no other.
            for tenant in actor.tenants(kind.right) or (SYSTEM_TENANT,):
                yield kind, tenant


def tenants_of(actor: Actor) -> tuple[int, ...]:
    """The organisations under which notices to somebody may stand."""
    return tuple(sorted({tenant for _, tenant in seen_by(actor)}))
