"""Every table, in one MetaData. Schemas say who may see what: `register` organisations and people, `records` what trusts sent
(forced row-level security), `linkage` pairs across trusts, `figures` exact aggregates, `release` drafts and offsets,
`published` the protected figures, `sec` the signed context."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
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

from registry.store.columns import Moment, now, tenant

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def _random_id() -> Column[Any]:
    return Column("id", Uuid, primary_key=True, server_default=func.gen_random_uuid())


# --- register: organisations and people ------------------------------------------------------------------------------

organisation = Table(
    "organisation",
    metadata,
    # The tenant's own id. It never changes, whatever happens to codes and names, so a merger re-keys nothing.
    Column("id", Integer, Identity(start=1), primary_key=True),
    Column("code", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("nation", Text, nullable=False),
    Column("region_code", Text),
    Column("region_name", Text),
    Column("icb_code", Text),
    Column("icb_name", Text),
    Column("group_name", Text),
    Column("town", Text),
    Column("latitude", Double),
    Column("longitude", Double),
    Column("opened_on", Date),
    Column("closed_on", Date),
    # Months before this one are structural blanks, not zeros.
    Column("live_from", Date),
    # Known from the official risk-assessment file only: it sends no cases.
    Column("activity_only", Boolean, nullable=False, server_default=text("false")),
    now("added_at"),
    CheckConstraint("kind in ('nhs_trust', 'local_health_board', 'independent', 'system')", name="kind"),
    CheckConstraint("nation in ('England', 'Wales')", name="nation"),
    schema="register",
)

succession = Table(
    "succession",
    metadata,
    Column("predecessor_id", Integer, ForeignKey(organisation.c.id), primary_key=True),
    Column("successor_id", Integer, ForeignKey(organisation.c.id), primary_key=True),
    Column("effective_on", Date, nullable=False),
    schema="register",
)

data_key = Table(
    "data_key",
    metadata,
    Column("organisation_id", Integer, ForeignKey(organisation.c.id), primary_key=True),
    Column("version", SmallInteger, primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
    now("made_at"),
    # seals: what is written now is sealed under it; one at a time. opens: what was, or will be, sealed under it.
    Column("state", Text, nullable=False, server_default=text("'seals'")),
    CheckConstraint("state in ('opens', 'seals')", name="state"),
    schema="register",
)

opt_out_mode = Table(
    "opt_out_mode",
    metadata,
    Column("nation", Text, primary_key=True),
    Column("mode", Text, nullable=False),
    Column("reference", Text),
    Column("dated_on", Date),
    CheckConstraint("mode in ('exempt', 'screened', 'not applicable')", name="mode"),
    CheckConstraint("mode <> 'exempt' or (reference is not null and dated_on is not null)", name="exempt_has_basis"),
    schema="register",
)

person = Table(
    "person",
    metadata,
    _random_id(),
    # Kept in lower case: names are compared without regard to case.
    Column("user_name", Text, nullable=False, unique=True),
    Column("display_name", Text, nullable=False),
    Column("email", Text),
    Column("password_hash", Text),
    Column("disabled_at", Moment),
    now("added_at"),
    schema="register",
)

membership = Table(
    "membership",
    metadata,
    _random_id(),
    Column("person_id", Uuid, ForeignKey(person.c.id), nullable=False, index=True),
    Column("role", Text, nullable=False),
    Column("organisation_id", Integer, ForeignKey(organisation.c.id)),
    Column("ended_at", Moment),
    UniqueConstraint("person_id", "role", "organisation_id", postgresql_nulls_not_distinct=True),
    schema="register",
)

session = Table(
    "session",
    metadata,
    Column("id_digest", LargeBinary, primary_key=True),
    Column("person_id", Uuid, ForeignKey(person.c.id), nullable=False, index=True),
    now("created_at"),
    now("last_seen_at"),
    Column("ended_at", Moment),
    # When the person last proved more than a password, and how: a code, a recovery code, a provider's word. Null: only the pages
    # that ask for it open.
    Column("strong_at", Moment),
    Column("how", Text),
    schema="register",
)

single_use_link = Table(
    "single_use_link",
    metadata,
    Column("link_digest", LargeBinary, primary_key=True),
    Column("person_id", Uuid, ForeignKey(person.c.id), nullable=False),
    Column("purpose", Text, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("used_at", Moment),
    now("made_at"),
    schema="register",
)

api_token = Table(
    "api_token",
    metadata,
    _random_id(),
    Column("token_digest", LargeBinary, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("made_by", Uuid, ForeignKey(person.c.id), nullable=False),
    now("made_at"),
    Column("expires_at", Moment),
    Column("revoked_at", Moment),
    schema="register",
)

token_organisation = Table(
    "token_organisation",
    metadata,
    Column("token_id", Uuid, ForeignKey(api_token.c.id), primary_key=True),
    Column("organisation_id", Integer, ForeignKey(organisation.c.id), primary_key=True),
    schema="register",
)

client = Table(
    "client",
    metadata,
    # The client_id of its assertions.
    _random_id(),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    # Its public keys, as {"keys": [...]}: only what is needed to verify, never a private member.
    Column("jwks", JSONB, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("made_by", Uuid, ForeignKey(person.c.id), nullable=False),
    now("made_at"),
    Column("keys_replaced_at", Moment),
    Column("disabled_at", Moment),
    schema="register",
)

client_organisation = Table(
    "client_organisation",
    metadata,
    Column("client_id", Uuid, ForeignKey(client.c.id), primary_key=True),
    Column("organisation_id", Integer, ForeignKey(organisation.c.id), primary_key=True),
    schema="register",
)

client_access = Table(
    "client_access",
    metadata,
    Column("token_digest", LargeBinary, primary_key=True),
    Column("client_id", Uuid, ForeignKey(client.c.id), nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("expires_at", Moment, nullable=False),
    schema="register",
)

assertion_seen = Table(
    "assertion_seen",
    metadata,
    # An assertion is used once: the primary key decides, whichever process was asked.
    Column("client_id", Uuid, ForeignKey(client.c.id), primary_key=True),
    Column("jti_digest", LargeBinary, primary_key=True),
    # Until then it would be taken; kept no longer.
    Column("expires_at", Moment, nullable=False),
    schema="register",
)

job_run = Table(
    "job_run",
    metadata,
    Column("job", Text, primary_key=True),
    Column("due", Moment, primary_key=True),
    Column("claimed_by", Text, nullable=False),
    now("claimed_at"),
    now("heartbeat_at"),
    Column("finished_at", Moment),
    # What the run did, in counts; or in words why it could not.
    Column("effect", JSONB),
    Column("fault", Text),
    schema="register",
)

# --- records: what trusts sent; tenant_id leads every key -------------------------------------------------------------


submission = Table(
    "submission",
    metadata,
    tenant(),
    Column("id", Uuid, nullable=False, server_default=func.gen_random_uuid()),
    Column("kind", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("rehearsal", Boolean, nullable=False),
    Column("door", Text, nullable=False),
    Column("idempotency_key", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("file_name_ct", LargeBinary),
    Column("state", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("opt_out_screened", Boolean, nullable=False),
    # The sender's word that rows of this file stand over what was corrected online.
    Column("overwrite_online", Boolean, nullable=False, server_default=text("false")),
    Column("map_version", Integer),
    Column("dataset_version", Text, nullable=False),
    Column("definition", Text, nullable=False),
    now("received_at"),
    Column("finished_at", Moment),
    # Sent = new + changed + unchanged + withdrawn + refused.
    Column("rows", Integer),
    Column("new", Integer),
    Column("changed", Integer),
    Column("unchanged", Integer),
    Column("withdrawn", Integer),
    Column("refused", Integer),
    Column("absent", Integer),
    # How many more of the trust's records of this kind stand since; the sum is how many stand, without counting them.
    Column("gained", Integer),
    # The same of other kinds that came along, as reviews do with their cases: {kind: records}.
    Column("gained_beside", JSONB),
    Column("errors", Integer),
    Column("warnings", Integer),
    Column("faulty_rows", ARRAY(Integer)),
    # Of a rehearsal: how many records each field would change.
    Column("changed_fields", JSONB),
    Column("payload_deleted_at", Moment),
    PrimaryKeyConstraint("tenant_id", "id"),
    UniqueConstraint("tenant_id", "idempotency_key"),
    Index(None, "tenant_id", "received_at"),
    Index("ix_submission_waiting", "received_at", postgresql_where=text("state = 'received'")),
    schema="records",
)


def _of_submission() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["tenant_id", "submission_id"], ["records.submission.tenant_id", "records.submission.id"]
    )


payload = Table(
    "payload",
    metadata,
    tenant(),
    Column("submission_id", Uuid, nullable=False),
    Column("part", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    PrimaryKeyConstraint("tenant_id", "submission_id", "part"),
    _of_submission(),
    schema="records",
)

finding = Table(
    "finding",
    metadata,
    tenant(),
    Column("submission_id", Uuid, nullable=False),
    Column("number", Integer, nullable=False),
    Column("rule", SmallInteger, nullable=False),
    Column("severity", Text, nullable=False),
    Column("row", Integer),
    Column("column", Text),
    Column("heading", Text),
    Column("field", Text),
    Column("words", Text, nullable=False),
    Column("mend", Text, nullable=False),
    PrimaryKeyConstraint("tenant_id", "submission_id", "number"),
    _of_submission(),
    schema="records",
)

tally = Table(
    "tally",
    metadata,
    tenant(),
    Column("submission_id", Uuid, nullable=False),
    Column("rule", SmallInteger, nullable=False),
    Column("field", Text, nullable=False),
    Column("count", Integer, nullable=False),
    PrimaryKeyConstraint("tenant_id", "submission_id", "rule", "field"),
    _of_submission(),
    schema="records",
)

unit_outcome = Table(
    "unit_outcome",
    metadata,
    tenant(),
    Column("submission_id", Uuid, nullable=False),
    # The units from `first` to `last`, counted from 1 in the order sent. 0: the file as a whole, which could not be read.
    Column("first", Integer, nullable=False),
    Column("last", Integer, nullable=False),
    # Compressed (zlib). Of a file: a line of NDJSON for each unit. Of a single transaction: the response that was given.
    Column("lines", LargeBinary, nullable=False),
    # Units: received = accepted + unchanged + rejected, and accepted = new + changed + withdrawn.
    Column("accepted", Integer, nullable=False),
    Column("unchanged", Integer, nullable=False),
    Column("rejected", Integer, nullable=False),
    Column("new", Integer, nullable=False),
    Column("changed", Integer, nullable=False),
    Column("withdrawn", Integer, nullable=False),
    # Issues by severity.
    Column("errors", Integer, nullable=False),
    Column("warnings", Integer, nullable=False),
    Column("informations", Integer, nullable=False),
    # {kind: how many more of its records stand}; {field: how often it changed}; {"rule field": how often it was broken}
    Column("gained", JSONB, nullable=False),
    Column("changed_fields", JSONB, nullable=False),
    Column("tally", JSONB, nullable=False),
    # The rejected ones, as the sender counts them: the unit's ordinal, or the row of the sheet.
    Column("faulty", ARRAY(Integer), nullable=False),
    PrimaryKeyConstraint("tenant_id", "submission_id", "first"),
    _of_submission(),
    schema="records",
)

progress = Table(
    "progress",
    metadata,
    tenant(),
    Column("submission_id", Uuid, nullable=False),
    Column("stage", Text, nullable=False),
    Column("done", Integer, nullable=False),
    Column("total", Integer),
    now("at"),
    PrimaryKeyConstraint("tenant_id", "submission_id"),
    # No foreign key: it is written from a second connection while the submission's row is locked.
    schema="records",
)

match_map = Table(
    "match_map",
    metadata,
    tenant(),
    Column("kind", Text, nullable=False),
    Column("version", Integer, nullable=False),
    # {folded heading: field, or "" for a column to leave out}
    Column("headings", JSONB, nullable=False),
    # {field: {local code in lower case: code}}
    Column("codes", JSONB, nullable=False),
    Column("confirmed_by", Text, nullable=False),
    now("confirmed_at"),
    PrimaryKeyConstraint("tenant_id", "kind", "version"),
    schema="records",
)

audit = Table(
    "audit",
    metadata,
    tenant(),
    Column("sequence", BigInteger, nullable=False),
    Column("at", Moment, nullable=False),
    Column("actor", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("object_type", Text, nullable=False),
    Column("object_id", Text, nullable=False),
    Column("detail", JSONB, nullable=False),
    Column("mac", LargeBinary, nullable=False),
    Column("request_id", Text),
    Column("session", Text),
    PrimaryKeyConstraint("tenant_id", "sequence"),
    # Who looked at one thing, and when.
    Index(None, "tenant_id", "object_id", "sequence"),
    # To whom identifiers were shown lately: the notice of very many asks each minute.
    Index("ix_audit_shown", "at", postgresql_where=text("action = 'identifiers shown'")),
    schema="records",
)

# --- linkage: pairs across trusts, worked out by the worker only ------------------------------------------------------

pair = Table(
    "pair",
    metadata,
    _random_id(),
    Column("first_tenant_id", Integer, nullable=False),
    Column("first_case_id", Uuid, nullable=False),
    Column("second_tenant_id", Integer, nullable=False),
    Column("second_case_id", Uuid, nullable=False),
    Column("days_apart", SmallInteger, nullable=False),
    # found, offered, linked, dismissed. A dismissed one is two events: both count.
    Column("state", Text, nullable=False, server_default=text("'found'")),
    now("found_at"),
    Column("changed_by", Text),
    Column("changed_at", Moment),
    # Named by hand: the name by the convention is longer than Postgres allows.
    UniqueConstraint("first_tenant_id", "first_case_id", "second_tenant_id", "second_case_id", name="uq_pair_cases"),
    schema="linkage",
)

# --- figures: exact aggregates, filled by a job, never a row ----------------------------------------------------------

trust_month = Table(
    "trust_month",
    metadata,
    Column("organisation_id", Integer, ForeignKey(organisation.c.id), primary_key=True),
    Column("month", Date, primary_key=True),
    # complete, nil, partial; null where no return came. A month enters a rate only with admissions and complete or nil.
    Column("case_return", Text),
    Column("admissions", Integer),
    Column("admissions_overnight", Integer),
    Column("admissions_maternity", Integer),
    # By group of the admission, in the order of the publication grid.
    Column("admissions_by_group", ARRAY(Integer)),
    Column("overnight_by_group", ARRAY(Integer)),
    # in_time, late: when the first complete or nil return came; null where none did, or the organisation sent none before it was due.
    Column("timeliness", Text),
    # How many sources of cases the organisation uses in that financial year; null where it has not said.
    Column("case_finding_sources", SmallInteger),
    Column("coded_candidates_returned", Boolean, nullable=False, server_default=text("false")),
    Column("enters", Boolean, nullable=False),
    Column("provisional", Boolean, nullable=False),
    # Estimated share of the month's cases that have arrived (reverse product limit over delays); null where unknown.
    Column("completeness", Double),
    now("counted_at"),
    CheckConstraint("timeliness in ('in_time', 'late')", name="timeliness"),
    schema="figures",
)

case_count = Table(
    "case_count",
    metadata,
    Column("organisation_id", Integer, ForeignKey(organisation.c.id), primary_key=True),
    Column("month", Date, primary_key=True),
    # agreed: in the organisation's figure and the nation's. pending: attributed but not answered or disputed, in the nation's
    # only. doubled: the same event is counted for another organisation, so in this organisation's figure only.
    Column("standing", Text, primary_key=True),
    # total, and the splits of the publication grid; apart: out of the rate.
    Column("split", Text, primary_key=True),
    Column("category", Text, primary_key=True),
    Column("count", Integer, nullable=False),
    CheckConstraint("standing in ('agreed', 'pending', 'doubled')", name="standing"),
    schema="figures",
)

risk_assessment = Table(
    "risk_assessment",
    metadata,
    Column("organisation_id", Integer, ForeignKey(organisation.c.id), primary_key=True),
    Column("month", Date, primary_key=True),
    # The region under which the file has the provider; the register may not know the provider's.
    Column("region_code", Text),
    Column("assessed", Integer, nullable=False),
    Column("admissions", Integer, nullable=False),
    Column("import_id", Uuid, nullable=False),
    schema="figures",
)

official_import = Table(
    "official_import",
    metadata,
    _random_id(),
    # waiting until a person has seen what the file holds; then imported, or dropped.
    Column("state", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    # The file as it was published: every figure taken from it can be shown in it.
    Column("content", LargeBinary, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("joined", Integer, nullable=False),
    Column("imported_by", Text, nullable=False),
    now("imported_at"),
    CheckConstraint("state in ('waiting', 'imported', 'dropped')", name="state"),
    schema="figures",
)

# --- release: drafts, exact cells and the offsets, never public ------------------------------------------------------

publication = Table(
    "publication",
    metadata,
    _random_id(),
    Column("number", Integer, Identity(start=1), nullable=False, unique=True),
    # What may become of each stands in registry/publications/transitions.py.
    Column("state", Text, nullable=False),
    Column("title", Text, nullable=False),
    # What changed since the release before, in the words of whoever prepared it; public with the release.
    Column("note", Text, nullable=False, server_default=text("''")),
    Column("cut_at", Moment, nullable=False),
    # What was recorded up to then is counted; null where it was not noted.
    Column("counted_to", Moment),
    Column("code_version", Text, nullable=False),
    Column("definition", Text, nullable=False),
    Column("grid_version", Integer, nullable=False),
    Column("rules", JSONB, nullable=False),
    # Null: the timetable.
    Column("prepared_by", Uuid, ForeignKey(person.c.id)),
    Column("prepared_by_name", Text, nullable=False),
    now("prepared_at"),
    # SHA-256 of all that would be published; null for what was released before there was one.
    Column("data_hash", Text),
    # Public at this time at the earliest, once approved.
    Column("embargo_until", Moment),
    Column("released_by_name", Text),
    Column("released_at", Moment),
    CheckConstraint(
        "state in ('draft', 'asked', 'refused', 'audited', 'approved', 'released', 'superseded', 'discarded')",
        name="state",
    ),
    schema="release",
)

# The last attempt of a cell is the one that is used. None is added once the cell was published.
cell_offset = Table(
    "cell_offset",
    metadata,
    Column("cell_id", Text, primary_key=True),
    Column("attempt", SmallInteger, primary_key=True),
    Column("offset", SmallInteger, nullable=False),
    now("first_used_at"),
    CheckConstraint('"offset" between 0 and 4', name="offset"),
    schema="release",
)

exact_cell = Table(
    "exact_cell",
    metadata,
    Column("publication_id", Uuid, ForeignKey(publication.c.id), primary_key=True),
    Column("cell_id", Text, primary_key=True),
    Column("count", Integer, nullable=False),
    # With which offset the published number was made; null: the cell's own, else that of the cell which counts the same.
    Column("attempt", SmallInteger, nullable=False, server_default=text("0")),
    Column("offset_of", Text),
    Index(None, "offset_of", postgresql_where=text("offset_of is not null")),
    schema="release",
)


def _cell_columns() -> list[Column[Any]]:
    """What is protected about one cell of the publication grid. `value` is null unless `state` is `counted`."""
    return [
        Column("cell_id", Text, primary_key=True),
        # What is counted: hat_cases, admissions.
        Column("quantity", Text, nullable=False),
        Column("geography_kind", Text, nullable=False),
        Column("geography", Text, nullable=False),
        Column("period_kind", Text, nullable=False),
        Column("period", Date, nullable=False),
        Column("split", Text, nullable=False),
        Column("category", Text, nullable=False),
        # A multiple of five: the rounded count, also where it is shown as "fewer than 10".
        Column("value", Integer),
        Column("state", Text, nullable=False),
        Column("provisional", Boolean, nullable=False),
        # The number of the release whose number, or blank, this one repeats; null: it is of its own time.
        Column("held_from", Integer),
    ]


def _denominator_columns() -> list[Column[Any]]:
    """What needs no protection: numbers of organisations, and what NHS England publishes itself."""
    return [
        Column("geography_kind", Text, primary_key=True),
        Column("geography", Text, primary_key=True),
        Column("month", Date, primary_key=True),
        # trusts, risk_assessed, risk_assessment_admissions, risk_assessment_providers
        Column("quantity", Text, primary_key=True),
        Column("value", BigInteger, nullable=False),
        Column("provisional", Boolean, nullable=False),
    ]


def _place_columns() -> list[Column[Any]]:
    """The names of the places of a release, as the register had them when it was prepared."""
    return [
        Column("geography_kind", Text, primary_key=True),
        Column("geography", Text, primary_key=True),
        Column("name", Text, nullable=False),
        Column("nation", Text, nullable=False),
        Column("region", Text),
        Column("closed_on", Date),
        # The code of the organisation that took a trust over.
        Column("successor", Text),
        # Of a trust in England: the board that commissions it.
        Column("icb", Text),
        Column("icb_name", Text),
    ]


draft_cell = Table(
    "draft_cell",
    metadata,
    Column("publication_id", Uuid, ForeignKey(publication.c.id), primary_key=True),
    *_cell_columns(),
    schema="release",
)

draft_denominator = Table(
    "draft_denominator",
    metadata,
    Column("publication_id", Uuid, ForeignKey(publication.c.id), primary_key=True),
    *_denominator_columns(),
    schema="release",
)

draft_place = Table(
    "draft_place",
    metadata,
    Column("publication_id", Uuid, ForeignKey(publication.c.id), primary_key=True),
    *_place_columns(),
    schema="release",
)

# --- published: all that the public pages can read -------------------------------------------------------------------

released = Table(
    "release",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("number", Integer, nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("as_at", Moment, nullable=False),
    Column("released_at", Moment, nullable=False),
    Column("definition", Text, nullable=False),
    Column("grid_version", Integer, nullable=False),
    Column("rules", JSONB, nullable=False),
    Column("prepared_by_name", Text, nullable=False),
    Column("released_by_name", Text, nullable=False),
    Column("latest", Boolean, nullable=False),
    Column("note", Text, nullable=False, server_default=text("''")),
    Column("code_version", Text, nullable=False, server_default=text("''")),
    # Of all that is published; of the report of the audit; and the signature over both, in hexadecimal. Null in early releases.
    Column("data_hash", Text),
    Column("report_digest", Text),
    Column("signature", Text),
    schema="published",
)

cell = Table(
    "cell",
    metadata,
    Column("release_id", Uuid, ForeignKey(released.c.id), primary_key=True),
    *_cell_columns(),
    schema="published",
)

denominator = Table(
    "denominator",
    metadata,
    Column("release_id", Uuid, ForeignKey(released.c.id), primary_key=True),
    *_denominator_columns(),
    schema="published",
)

place = Table(
    "place",
    metadata,
    Column("release_id", Uuid, ForeignKey(released.c.id), primary_key=True),
    *_place_columns(),
    schema="published",
)
