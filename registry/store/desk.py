"""The tables of the trust's desk: the work on cases, their reviews and their attribution, sign-off and notices.

They stand in `records` beside what trusts sent, under the same forced row-level security. Nothing of one trust is ever read by
another: what an attributed organisation may see of a case is copied by the worker into rows of its own (`attributed_case`,
`offered_pair`), sealed under its own key, and its answer is carried back the same way.

What a person wrote or where a letter goes is `<name>_ct`, sealed under the trust's data key. The service deletes no row: what is over
is emptied or dated, and the worker deletes it.
"""

from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from registry.store.columns import Moment, grown_id, now, tenant
from registry.store.records import RECORD
from registry.store.tables import metadata, organisation, pair, person, submission
from schemas.record import RecordKind

OPEN_STATES = ("suspected", "confirmed", "rca_open", "with_consultant", "second_reading")
"""The states of a case in which somebody has something to do; `registry.cases.states` says what."""
_OPEN = "state in ({})".format(", ".join(f"'{each}'" for each in OPEN_STATES))

_CASE = RECORD[RecordKind.CASE]


def _case() -> Column[Any]:
    return Column("case_id", Uuid, nullable=False)


def _of_case() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["tenant_id", "case_id"], [_CASE.c.tenant_id, _CASE.c.id])


# --- the work on cases

case_work = Table(
    "case_work",
    metadata,
    tenant(),
    # No foreign key: the worker takes in hundreds of thousands at a time from the records themselves.
    _case(),
    Column("state", Text, nullable=False),
    # What the records alone said when they were last looked at; null: withdrawn. Only where they say something else now does the
    # state follow them.
    Column("said", Text),
    Column("since", Moment, nullable=False),
    # A person. No foreign key, so that nothing is told of people of other organisations.
    Column("assigned_to", Uuid),
    Column("due_on", Date),
    # How a review came to its end, where that has to be said: consultant_silent.
    Column("complete_as", Text),
    # Drawn at random for a second reading. Deaths and disputes are read twice in any case.
    Column("drawn", Boolean, nullable=False),
    PrimaryKeyConstraint("tenant_id", "case_id"),
    Index("ix_case_work_worklist", "tenant_id", "due_on", "case_id", postgresql_where=text(_OPEN)),
    Index("ix_case_work_assigned", "tenant_id", "assigned_to", "due_on", postgresql_where=text(_OPEN)),
    Index(None, "tenant_id", "state", "since"),
    schema="records",
)

case_event = Table(
    "case_event",
    metadata,
    tenant(),
    grown_id(),
    _case(),
    now("at"),
    Column("actor", Text, nullable=False),
    # moved, assigned, due, reminded, read, shown, asked, answered, …
    Column("what", Text, nullable=False),
    # Codes, counts and ids; never a value.
    Column("detail", JSONB, nullable=False),
    # What somebody wrote about it: the reason for a move.
    Column("words_ct", LargeBinary),
    PrimaryKeyConstraint("tenant_id", "id"),
    _of_case(),
    Index(None, "tenant_id", "case_id", "id"),
    # What somebody is told of, whichever the trust.
    Index("ix_case_event_told", "at", postgresql_where=text("what in ('assigned', 'consultant answered')")),
    schema="records",
)

draft = Table(
    "draft",
    metadata,
    tenant(),
    Column("person_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    # The local case id; empty for a case that has none yet.
    Column("case_key", Text, nullable=False),
    # The version that the form was opened with; null where there was no record.
    Column("base_version", Integer),
    # The text by field as JSON; null once it was stored or thrown away.
    Column("answers_ct", LargeBinary),
    now("saved_at"),
    PrimaryKeyConstraint("tenant_id", "person_id", "kind", "case_key"),
    schema="records",
)

reading = Table(
    "reading",
    metadata,
    tenant(),
    grown_id(),
    _case(),
    # first, second, agreed; the latest of each place stands.
    Column("place", Text, nullable=False),
    Column("reader", Text, nullable=False),
    Column("judged_by", Text),
    Column("category", Text),
    Column("preventability", Text),
    Column("would_have_changed_outcome", Text),
    Column("inadequacies", ARRAY(Text)),
    Column("judged_on", Date),
    now("at"),
    PrimaryKeyConstraint("tenant_id", "id"),
    _of_case(),
    Index(None, "tenant_id", "case_id", "id"),
    schema="records",
)

action = Table(
    "action",
    metadata,
    tenant(),
    grown_id(),
    _case(),
    Column("what_ct", LargeBinary),
    # A role, never a name.
    Column("owner_role", Text, nullable=False),
    Column("due_on", Date),
    Column("done_on", Date),
    Column("evidence_ct", LargeBinary),
    # The inadequacies it answers, by their codes.
    Column("themes", ARRAY(Text), nullable=False),
    Column("made_by", Text, nullable=False),
    now("made_at"),
    Column("dropped_at", Moment),
    Column("reminded_on", Date),
    PrimaryKeyConstraint("tenant_id", "id"),
    _of_case(),
    Index(None, "tenant_id", "case_id"),
    Index("ix_action_open", "tenant_id", "due_on", postgresql_where=text("done_on is null and dropped_at is null")),
    schema="records",
)

consultant_link = Table(
    "consultant_link",
    metadata,
    tenant(),
    grown_id(),
    _case(),
    # The link names its trust in clear, so that it is looked for among that trust's own only.
    Column("link_digest", LargeBinary, nullable=False),
    Column("code_digest", LargeBinary, nullable=False),
    Column("sent_to_ct", LargeBinary),
    Column("made_by", Text, nullable=False),
    now("made_at"),
    Column("expires_at", Moment, nullable=False),
    # The code was entered; a session of its own begins.
    Column("used_at", Moment),
    Column("session_digest", LargeBinary),
    Column("revoked_at", Moment),
    Column("answered_at", Moment),
    Column("reminded_at", Moment),
    Column("tries", SmallInteger, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("tenant_id", "id"),
    UniqueConstraint("tenant_id", "link_digest"),
    _of_case(),
    Index(None, "tenant_id", "case_id"),
    schema="records",
)

allowed_domain = Table(
    "allowed_domain",
    metadata,
    tenant(),
    # In lower case, without @: consultants' links are sent there only.
    Column("domain", Text, nullable=False),
    Column("added_by", Text, nullable=False),
    now("added_at"),
    Column("ended_at", Moment),
    PrimaryKeyConstraint("tenant_id", "domain"),
    schema="records",
)

# --- attribution between trusts

attribution = Table(
    "attribution",
    metadata,
    # The organisation that reported the case.
    tenant(),
    _case(),
    Column("attributed_id", Integer, nullable=False),
    # proposed, accepted, disputed, shared, decided. What counts stands in case_record; this is how it came about.
    Column("state", Text, nullable=False),
    # A code; and what was written beside it.
    Column("reason", Text),
    Column("words_ct", LargeBinary),
    # The organisation in whose figure it counts, where that was shared or decided.
    Column("counts_for", Integer),
    Column("since", Moment, nullable=False),
    # When the attributed organisation was told; null while the nation's switch is off.
    Column("told_at", Moment),
    Column("answered_by", Text),
    Column("answered_at", Moment),
    Column("decided_by", Text),
    Column("decided_at", Moment),
    PrimaryKeyConstraint("tenant_id", "case_id"),
    _of_case(),
    Index(None, "tenant_id", "state"),
    schema="records",
)

attributed_case = Table(
    "attributed_case",
    metadata,
    # The organisation that the case was attributed to. The worker writes it; all that this organisation may know is here.
    tenant(),
    grown_id(),
    Column("reporter_id", Integer, nullable=False),
    Column("reported_case_id", Uuid, nullable=False),
    Column("nhs_number_ct", LargeBinary),
    Column("birth_date_ct", LargeBinary),
    Column("vte_type", Text),
    Column("diagnosis_date", Date),
    Column("admission_date", Date),
    Column("discharge_date", Date),
    # Whom to ask at the reporter: a role and an address.
    Column("contact_ct", LargeBinary),
    now("told_at"),
    # The reporter withdrew it, or attributes it otherwise now.
    Column("ended_at", Moment),
    # accepted, disputed, shared; null: not answered yet.
    Column("answer", Text),
    Column("reason", Text),
    Column("words_ct", LargeBinary),
    Column("counts_for", Integer),
    Column("answered_by", Text),
    Column("answered_at", Moment),
    # When the worker carried the answer to the reporter.
    Column("passed_on_at", Moment),
    # What the registry office decided: the organisation it counts for.
    Column("decided_for", Integer),
    Column("decided_at", Moment),
    # Since when the reporter attributes it so; the version of the record that was copied; when a later one changed what stands here.
    Column("since", Moment),
    Column("copied_version", Integer),
    Column("changed_at", Moment),
    PrimaryKeyConstraint("tenant_id", "id"),
    UniqueConstraint("tenant_id", "reporter_id", "reported_case_id"),
    Index(
        "ix_attributed_case_waiting",
        "tenant_id",
        "told_at",
        postgresql_where=text("answer is null and ended_at is null"),
    ),
    schema="records",
)

offered_pair = Table(
    "offered_pair",
    metadata,
    # One of the two trusts that reported what may be one event. The worker writes it.
    tenant(),
    Column("pair_id", Uuid, nullable=False),
    _case(),
    Column("other_id", Integer, nullable=False),
    Column("days_apart", SmallInteger, nullable=False),
    # Names of fields in which both reports agree, and in which not.
    Column("agreeing", ARRAY(Text), nullable=False),
    Column("differing", ARRAY(Text), nullable=False),
    # offered, linked, dismissed, unlinked, ended
    Column("state", Text, nullable=False),
    now("offered_at"),
    # link, dismiss, unlink
    Column("answer", Text),
    Column("answered_by", Text),
    Column("answered_at", Moment),
    Column("passed_on_at", Moment),
    # The registry office decided; its word stands.
    Column("decided_at", Moment),
    PrimaryKeyConstraint("tenant_id", "pair_id"),
    _of_case(),
    Index(None, "tenant_id", "case_id"),
    schema="records",
)

attributed_count = Table(
    "attributed_count",
    metadata,
    # How many cases others report for this organisation of which it may be told nothing: all that it learns of them.
    Column("tenant_id", Integer, ForeignKey(organisation.c.id), primary_key=True),
    Column("untold", Integer, nullable=False),
    schema="records",
)

pair_side = Table(
    "pair_side",
    metadata,
    # What the registry office sees of one half of a pair: an age, dates, the trust's answer. No number, birth date or free text.
    Column("pair_id", Uuid, ForeignKey(pair.c.id, ondelete="CASCADE")),
    Column("organisation_id", Integer, nullable=False),
    Column("attributed_id", Integer, nullable=False),
    Column("copied_version", Integer, nullable=False),
    Column("age", SmallInteger),
    Column("vte_type", Text),
    Column("admission_date", Date),
    Column("discharge_date", Date),
    Column("diagnosis_date", Date),
    Column("answer", Text),
    PrimaryKeyConstraint("pair_id", "organisation_id"),
    schema="linkage",
)

dispute = Table(
    "dispute",
    metadata,
    # What the registry office sees of a dispute: organisations, dates, an age, the coded reason. No number, birth date or free text.
    Column("id", Uuid, primary_key=True, server_default=func.gen_random_uuid()),
    Column("reporter_id", Integer, nullable=False),
    Column("reported_case_id", Uuid, nullable=False),
    Column("attributed_id", Integer, nullable=False),
    Column("age", SmallInteger),
    Column("vte_type", Text),
    Column("admission_date", Date),
    Column("discharge_date", Date),
    Column("diagnosis_date", Date),
    Column("reason", Text, nullable=False),
    now("opened_at"),
    # The case was withdrawn, or the two agreed after all.
    Column("ended_at", Moment),
    Column("decided_for", Integer),
    Column("decided_by", Text),
    Column("decided_at", Moment),
    Column("passed_on_at", Moment),
    UniqueConstraint("reporter_id", "reported_case_id"),
    schema="linkage",
)

attribution_basis = Table(
    "attribution_basis",
    metadata,
    # The switch of a nation: only with a legal basis recorded, and from its date, may an attributed organisation be told of a patient.
    Column("nation", Text, primary_key=True),
    Column("basis", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("from_date", Date, nullable=False),
    Column("ended_on", Date),
    Column("recorded_by", Text, nullable=False),
    now("recorded_at"),
    schema="register",
)

# --- what a file did


def _of_submission() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["tenant_id", "submission_id"], [submission.c.tenant_id, submission.c.id])


record_change = Table(
    "record_change",
    metadata,
    # A record that a submission, or a rehearsal, changes or withdraws: its key and names of fields, never a value. The first 10,000.
    tenant(),
    Column("submission_id", Uuid, nullable=False),
    # From 1, in the order of the sheet.
    Column("number", Integer, nullable=False),
    # The row of the sheet.
    Column("row", Integer, nullable=False),
    # The record's own key: the local case id, the month, …
    Column("key", Text, nullable=False),
    # changed, withdrawn
    Column("does", Text, nullable=False),
    Column("fields", ARRAY(Text), nullable=False),
    # What the file says otherwise and stays as it was corrected online.
    Column("kept", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    PrimaryKeyConstraint("tenant_id", "submission_id", "number"),
    _of_submission(),
    schema="records",
)

month_effect = Table(
    "month_effect",
    metadata,
    # What a stored submission of cases changed in the trust's own months: cases in scope by the month of their index stay.
    tenant(),
    Column("submission_id", Uuid, nullable=False),
    Column("month", Date, nullable=False),
    Column("new", Integer, nullable=False),
    Column("changed", Integer, nullable=False),
    Column("withdrawn", Integer, nullable=False),
    # How many more cases in scope the month has.
    Column("gained", Integer, nullable=False),
    PrimaryKeyConstraint("tenant_id", "submission_id", "month"),
    _of_submission(),
    schema="records",
)

# --- sign-off, notices, letters

sign_off = Table(
    "sign_off",
    metadata,
    tenant(),
    grown_id(),
    Column("month", Date, nullable=False),
    # What was declared: complete, nil, partial; and the sentence that was signed.
    Column("statement", Text, nullable=False),
    Column("signed_by", Text, nullable=False),
    now("signed_at"),
    Column("unlock_asked_by", Text),
    Column("unlock_asked_at", Moment),
    Column("unlock_reason_ct", LargeBinary),
    Column("unlocked_by", Text),
    Column("unlocked_at", Moment),
    PrimaryKeyConstraint("tenant_id", "id"),
    Index("ix_sign_off_stands", "tenant_id", "month", unique=True, postgresql_where=text("unlocked_at is null")),
    schema="records",
)

notice = Table(
    "notice",
    metadata,
    # The organisation that it is about; the registry's own for notices to national roles.
    tenant(),
    grown_id(),
    Column("person_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("link", Text, nullable=False),
    now("made_at"),
    Column("read_at", Moment),
    Column("mailed_at", Moment),
    PrimaryKeyConstraint("tenant_id", "id"),
    # While one is unread it is counted up instead of said again.
    Index(
        "ix_notice_unread",
        "tenant_id",
        "person_id",
        "kind",
        "link",
        unique=True,
        postgresql_where=text("read_at is null"),
    ),
    schema="records",
)

outbox = Table(
    "outbox",
    metadata,
    tenant(),
    grown_id(),
    # A person, whose address is looked up when it is sent; or an address, sealed as the text is.
    Column("person_id", Uuid),
    Column("to_ct", LargeBinary),
    Column("subject", Text, nullable=False),
    # A text with a secret in it, such as a link, is sealed; one without may stand in clear.
    Column("body", Text),
    Column("body_ct", LargeBinary),
    now("made_at"),
    Column("sent_at", Moment),
    Column("tries", SmallInteger, nullable=False, server_default=text("0")),
    Column("tried_at", Moment),
    Column("given_up_at", Moment),
    # Of the last try that failed: registry.notices.carriers.Reason.
    Column("reason", Text),
    PrimaryKeyConstraint("tenant_id", "id"),
    Index("ix_outbox_waiting", "made_at", postgresql_where=text("sent_at is null and given_up_at is null")),
    schema="records",
)

notice_preference = Table(
    "notice_preference",
    metadata,
    Column("person_id", Uuid, ForeignKey(person.c.id), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("in_page", Boolean, nullable=False, server_default=text("true")),
    # at_once, daily, never
    Column("by_email", Text, nullable=False),
    schema="register",
)

job_mark = Table(
    "job_mark",
    metadata,
    # How far a job has read what trusts sent: the time of the newest version it has seen.
    Column("job", Text, primary_key=True),
    Column("seen_to", Moment, nullable=False),
    schema="register",
)
