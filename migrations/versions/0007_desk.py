"""The trust's desk: work on cases, drafts, readings, actions, consultants' links, attribution between trusts, sign-off, notices, letters;
and what was corrected online.

As in 0002: nothing is granted but what stands here, no row is deleted by the service, rows of a trust are bound to the signed context.
"""

from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TENANT_TABLES = (
    "case_work", "case_event", "draft", "reading", "action", "consultant_link", "allowed_domain", "attribution", "attributed_case",
    "offered_pair", "record_change", "month_effect", "sign_off", "notice", "outbox",
)  # fmt: skip
# What only the worker adds: what was carried over from another trust.
CARRIED = ("attributed_case", "offered_pair")

APP_UPDATES = {
    "case_work": ("state", "said", "since", "assigned_to", "due_on", "complete_as"),
    "draft": ("base_version", "answers_ct", "saved_at"),
    "action": ("what_ct", "owner_role", "due_on", "done_on", "evidence_ct", "themes", "dropped_at"),
    "consultant_link": (
        "code_digest", "used_at", "session_digest", "revoked_at", "answered_at", "reminded_at", "tries", "sent_to_ct",
    ),
    "allowed_domain": ("added_by", "added_at", "ended_at"),
    "attribution": (
        "attributed_id", "state", "reason", "words_ct", "counts_for", "since", "answered_by", "answered_at",
    ),
    "attributed_case": ("answer", "reason", "words_ct", "counts_for", "answered_by", "answered_at"),
    "offered_pair": ("answer", "answered_by", "answered_at"),
    "sign_off": ("unlock_asked_by", "unlock_asked_at", "unlock_reason_ct", "unlocked_by", "unlocked_at"),
    "notice": ("count", "made_at", "read_at"),
}  # fmt: skip
JOBS_UPDATES = {
    "case_work": ("state", "said", "since", "assigned_to", "due_on", "complete_as"),
    "case_event": ("words_ct",),
    "action": ("what_ct", "evidence_ct", "reminded_on"),
    "consultant_link": ("revoked_at", "reminded_at", "sent_to_ct"),
    "attribution": (
        "attributed_id", "state", "reason", "words_ct", "counts_for", "since", "told_at", "answered_by", "answered_at",
        "decided_by", "decided_at",
    ),
    "attributed_case": (
        "nhs_number_ct", "birth_date_ct", "vte_type", "diagnosis_date", "admission_date", "discharge_date", "contact_ct",
        "told_at", "ended_at", "answer", "reason", "words_ct", "counts_for", "answered_by", "answered_at", "passed_on_at",
        "decided_for", "decided_at",
    ),
    "offered_pair": (
        "days_apart", "agreeing", "differing", "state", "answer", "answered_by", "answered_at", "passed_on_at",
    ),
    "sign_off": ("unlock_reason_ct",),
    "notice": ("count", "made_at", "mailed_at"),
    "outbox": ("to_ct", "body", "body_ct", "sent_at", "tries", "tried_at", "given_up_at"),
}  # fmt: skip
JOBS_INSERT = ("record_change", "month_effect", "case_work", "case_event", "attribution", *CARRIED, "notice", "outbox")
JOBS_DELETE = ("draft", "notice", "outbox")


def upgrade() -> None:
    _tables()
    for table in TENANT_TABLES:
        _isolate(table)
    _grant_app()
    _grant_jobs()
    _grant_national()


def _isolate(table: str) -> None:
    """As migration 0002 does for its neighbours."""
    op.execute(f"alter table records.{table} enable row level security")
    op.execute(f"alter table records.{table} force row level security")
    own = "tenant_id = any((select sec.tenants())::integer[])"
    for role, rows in (("hat_app", own), ("hat_jobs", "true")):
        op.execute(
            f"create policy {role} on records.{table} as permissive for all to {role} using ({rows}) with check ({rows})"
        )


def _grant(what: str, tables: Iterable[str], role: str) -> None:
    op.execute(f"grant {what} on {', '.join(tables)} to {role}")


def _updates(table: str, columns: Iterable[str], role: str) -> None:
    _grant("update ({})".format(", ".join(f'"{column}"' for column in columns)), [table], role)


def _grant_app() -> None:
    _grant("select", [f"records.{table}" for table in TENANT_TABLES], "hat_app")
    _grant("insert", [f"records.{table}" for table in TENANT_TABLES if table not in CARRIED], "hat_app")
    for table, columns in APP_UPDATES.items():
        _updates(f"records.{table}", columns, "hat_app")
    for kind in ("case", "rca"):
        _updates(f"records.{kind}_record", ("corrected",), "hat_app")
    _grant("select, insert, update", ["register.attribution_basis", "register.notice_preference"], "hat_app")
    _grant("select", ["register.job_mark"], "hat_app")


def _grant_jobs() -> None:
    _grant("select", [f"records.{table}" for table in TENANT_TABLES], "hat_jobs")
    _grant("insert", [f"records.{table}" for table in JOBS_INSERT], "hat_jobs")
    _grant("delete", [f"records.{table}" for table in JOBS_DELETE], "hat_jobs")
    for table, columns in JOBS_UPDATES.items():
        _updates(f"records.{table}", columns, "hat_jobs")
    for kind in ("case", "rca"):
        _updates(f"records.{kind}_record", ("corrected",), "hat_jobs")
    _grant("select, insert, update", ["register.job_mark"], "hat_jobs")
    _grant("select", ["register.attribution_basis", "register.notice_preference", "register.membership"], "hat_jobs")
    # Where a letter goes; never what somebody signs in with.
    _grant("select (id, display_name, email, disabled_at)", ["register.person"], "hat_jobs")
    _grant("select, insert, update, delete", ["linkage.dispute"], "hat_jobs")


def _grant_national() -> None:
    """The registry office decides disputes and sees pairs: organisations, dates, coded reasons; never a row of a trust."""
    op.execute("grant usage on schema linkage to hat_national")
    _grant("select", ["linkage.pair", "linkage.dispute"], "hat_national")
    _updates("linkage.dispute", ("decided_for", "decided_by", "decided_at"), "hat_national")


def _tables() -> None:
    op.create_table(
        "dispute",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("reporter_id", sa.Integer(), nullable=False),
        sa.Column("reported_case_id", sa.Uuid(), nullable=False),
        sa.Column("attributed_id", sa.Integer(), nullable=False),
        sa.Column("age", sa.SmallInteger(), nullable=True),
        sa.Column("vte_type", sa.Text(), nullable=True),
        sa.Column("admission_date", sa.Date(), nullable=True),
        sa.Column("discharge_date", sa.Date(), nullable=True),
        sa.Column("diagnosis_date", sa.Date(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_for", sa.Integer(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("passed_on_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute")),
        sa.UniqueConstraint("reporter_id", "reported_case_id", name=op.f("uq_dispute_reporter_id_reported_case_id")),
        schema="linkage",
    )
    op.create_table(
        "attribution_basis",
        sa.Column("nation", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("from_date", sa.Date(), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("nation", name=op.f("pk_attribution_basis")),
        schema="register",
    )
    op.create_table(
        "job_mark",
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("seen_to", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("job", name=op.f("pk_job_mark")),
        schema="register",
    )
    op.create_table(
        "action",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("records.uuid7()"), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("what_ct", sa.LargeBinary(), nullable=True),
        sa.Column("owner_role", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("done_on", sa.Date(), nullable=True),
        sa.Column("evidence_ct", sa.LargeBinary(), nullable=True),
        sa.Column("themes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("dropped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reminded_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "case_id"],
            ["records.case_record.tenant_id", "records.case_record.id"],
            name=op.f("fk_action_tenant_id_case_id"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["register.organisation.id"], name=op.f("fk_action_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_action")),
        schema="records",
    )
    op.create_index(
        "ix_action_open",
        "action",
        ["tenant_id", "due_on"],
        unique=False,
        schema="records",
        postgresql_where=sa.text("done_on is null and dropped_at is null"),
    )
    op.create_index(
        op.f("ix_action_tenant_id_case_id"), "action", ["tenant_id", "case_id"], unique=False, schema="records"
    )
    op.create_table(
        "allowed_domain",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["register.organisation.id"], name=op.f("fk_allowed_domain_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "domain", name=op.f("pk_allowed_domain")),
        schema="records",
    )
    op.create_table(
        "attributed_case",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("records.uuid7()"), nullable=False),
        sa.Column("reporter_id", sa.Integer(), nullable=False),
        sa.Column("reported_case_id", sa.Uuid(), nullable=False),
        sa.Column("nhs_number_ct", sa.LargeBinary(), nullable=True),
        sa.Column("birth_date_ct", sa.LargeBinary(), nullable=True),
        sa.Column("vte_type", sa.Text(), nullable=True),
        sa.Column("diagnosis_date", sa.Date(), nullable=True),
        sa.Column("admission_date", sa.Date(), nullable=True),
        sa.Column("discharge_date", sa.Date(), nullable=True),
        sa.Column("contact_ct", sa.LargeBinary(), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("words_ct", sa.LargeBinary(), nullable=True),
        sa.Column("counts_for", sa.Integer(), nullable=True),
        sa.Column("answered_by", sa.Text(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("passed_on_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_for", sa.Integer(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["register.organisation.id"], name=op.f("fk_attributed_case_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_attributed_case")),
        sa.UniqueConstraint(
            "tenant_id",
            "reporter_id",
            "reported_case_id",
            name=op.f("uq_attributed_case_tenant_id_reporter_id_reported_case_id"),
        ),
        schema="records",
    )
    op.create_index(
        "ix_attributed_case_waiting",
        "attributed_case",
        ["tenant_id", "told_at"],
        unique=False,
        schema="records",
        postgresql_where=sa.text("answer is null and ended_at is null"),
    )
    op.create_table(
        "attribution",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("attributed_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("words_ct", sa.LargeBinary(), nullable=True),
        sa.Column("counts_for", sa.Integer(), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.Text(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "case_id"],
            ["records.case_record.tenant_id", "records.case_record.id"],
            name=op.f("fk_attribution_tenant_id_case_id"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["register.organisation.id"], name=op.f("fk_attribution_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "case_id", name=op.f("pk_attribution")),
        schema="records",
    )
    op.create_index(
        op.f("ix_attribution_tenant_id_state"), "attribution", ["tenant_id", "state"], unique=False, schema="records"
    )
    op.create_table(
        "case_event",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("records.uuid7()"), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("words_ct", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "case_id"],
            ["records.case_record.tenant_id", "records.case_record.id"],
            name=op.f("fk_case_event_tenant_id_case_id"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["register.organisation.id"], name=op.f("fk_case_event_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_case_event")),
        schema="records",
    )
    op.create_index(
        op.f("ix_case_event_tenant_id_case_id_id"),
        "case_event",
        ["tenant_id", "case_id", "id"],
        unique=False,
        schema="records",
    )
    op.create_table(
        "case_work",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("said", sa.Text(), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("assigned_to", sa.Uuid(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("complete_as", sa.Text(), nullable=True),
        sa.Column("drawn", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["register.organisation.id"], name=op.f("fk_case_work_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "case_id", name=op.f("pk_case_work")),
        schema="records",
    )
    op.create_index(
        "ix_case_work_assigned",
        "case_work",
        ["tenant_id", "assigned_to", "due_on"],
        unique=False,
        schema="records",
        postgresql_where=sa.text(
            "state in ('suspected', 'confirmed', 'rca_open', 'with_consultant', 'second_reading')"
        ),
    )
    op.create_index(
        op.f("ix_case_work_tenant_id_state_since"),
        "case_work",
        ["tenant_id", "state", "since"],
        unique=False,
        schema="records",
    )
    op.create_index(
        "ix_case_work_worklist",
        "case_work",
        ["tenant_id", "due_on", "case_id"],
        unique=False,
        schema="records",
        postgresql_where=sa.text(
            "state in ('suspected', 'confirmed', 'rca_open', 'with_consultant', 'second_reading')"
        ),
    )
    op.create_table(
        "consultant_link",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("records.uuid7()"), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("link_digest", sa.LargeBinary(), nullable=False),
        sa.Column("code_digest", sa.LargeBinary(), nullable=False),
        sa.Column("sent_to_ct", sa.LargeBinary(), nullable=True),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("session_digest", sa.LargeBinary(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "case_id"],
            ["records.case_record.tenant_id", "records.case_record.id"],
            name=op.f("fk_consultant_link_tenant_id_case_id"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["register.organisation.id"], name=op.f("fk_consultant_link_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_consultant_link")),
        sa.UniqueConstraint("tenant_id", "link_digest", name=op.f("uq_consultant_link_tenant_id_link_digest")),
        schema="records",
    )
    op.create_index(
        op.f("ix_consultant_link_tenant_id_case_id"),
        "consultant_link",
        ["tenant_id", "case_id"],
        unique=False,
        schema="records",
    )
    op.create_table(
        "draft",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("case_key", sa.Text(), nullable=False),
        sa.Column("base_version", sa.Integer(), nullable=True),
        sa.Column("answers_ct", sa.LargeBinary(), nullable=True),
        sa.Column("saved_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["register.organisation.id"], name=op.f("fk_draft_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "person_id", "kind", "case_key", name=op.f("pk_draft")),
        schema="records",
    )
    op.create_table(
        "notice",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("records.uuid7()"), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mailed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["register.organisation.id"], name=op.f("fk_notice_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_notice")),
        schema="records",
    )
    op.create_index(
        "ix_notice_unread",
        "notice",
        ["tenant_id", "person_id", "kind", "link"],
        unique=True,
        schema="records",
        postgresql_where=sa.text("read_at is null"),
    )
    op.create_table(
        "offered_pair",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("pair_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("other_id", sa.Integer(), nullable=False),
        sa.Column("days_apart", sa.SmallInteger(), nullable=False),
        sa.Column("agreeing", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("differing", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("offered_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("answered_by", sa.Text(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("passed_on_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "case_id"],
            ["records.case_record.tenant_id", "records.case_record.id"],
            name=op.f("fk_offered_pair_tenant_id_case_id"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["register.organisation.id"], name=op.f("fk_offered_pair_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "pair_id", name=op.f("pk_offered_pair")),
        schema="records",
    )
    op.create_index(
        op.f("ix_offered_pair_tenant_id_case_id"),
        "offered_pair",
        ["tenant_id", "case_id"],
        unique=False,
        schema="records",
    )
    op.create_table(
        "outbox",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("records.uuid7()"), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("to_ct", sa.LargeBinary(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("body_ct", sa.LargeBinary(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("given_up_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["register.organisation.id"], name=op.f("fk_outbox_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_outbox")),
        schema="records",
    )
    op.create_index(
        "ix_outbox_waiting",
        "outbox",
        ["made_at"],
        unique=False,
        schema="records",
        postgresql_where=sa.text("sent_at is null and given_up_at is null"),
    )
    op.create_table(
        "reading",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("records.uuid7()"), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("reader", sa.Text(), nullable=False),
        sa.Column("judged_by", sa.Text(), nullable=True),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("preventability", sa.Text(), nullable=True),
        sa.Column("would_have_changed_outcome", sa.Text(), nullable=True),
        sa.Column("inadequacies", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("judged_on", sa.Date(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "case_id"],
            ["records.case_record.tenant_id", "records.case_record.id"],
            name=op.f("fk_reading_tenant_id_case_id"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["register.organisation.id"], name=op.f("fk_reading_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_reading")),
        schema="records",
    )
    op.create_index(
        op.f("ix_reading_tenant_id_case_id_id"),
        "reading",
        ["tenant_id", "case_id", "id"],
        unique=False,
        schema="records",
    )
    op.create_table(
        "sign_off",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("records.uuid7()"), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("signed_by", sa.Text(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("unlock_asked_by", sa.Text(), nullable=True),
        sa.Column("unlock_asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unlock_reason_ct", sa.LargeBinary(), nullable=True),
        sa.Column("unlocked_by", sa.Text(), nullable=True),
        sa.Column("unlocked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["register.organisation.id"], name=op.f("fk_sign_off_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_sign_off")),
        schema="records",
    )
    op.create_index(
        "ix_sign_off_stands",
        "sign_off",
        ["tenant_id", "month"],
        unique=True,
        schema="records",
        postgresql_where=sa.text("unlocked_at is null"),
    )
    op.create_table(
        "notice_preference",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("in_page", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("by_email", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["register.person.id"], name=op.f("fk_notice_preference_person_id")),
        sa.PrimaryKeyConstraint("person_id", "kind", name=op.f("pk_notice_preference")),
        schema="register",
    )
    op.add_column("pair", sa.Column("changed_by", sa.Text(), nullable=True), schema="linkage")
    op.add_column("pair", sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True), schema="linkage")
    op.create_index(
        op.f("ix_audit_tenant_id_object_id_sequence"),
        "audit",
        ["tenant_id", "object_id", "sequence"],
        unique=False,
        schema="records",
    )
    op.add_column("case_record", sa.Column("corrected", postgresql.ARRAY(sa.Text()), nullable=True), schema="records")
    op.create_index(
        "ix_case_record_corrected",
        "case_record",
        ["tenant_id", "local_case_id"],
        unique=False,
        schema="records",
        postgresql_where=sa.text("corrected is not null"),
    )
    op.create_index(
        "ix_case_version_recorded_at",
        "case_version",
        ["recorded_at"],
        unique=False,
        schema="records",
        postgresql_using="brin",
    )
    op.add_column("rca_record", sa.Column("corrected", postgresql.ARRAY(sa.Text()), nullable=True), schema="records")
    op.create_index(
        "ix_rca_record_corrected",
        "rca_record",
        ["tenant_id", "local_case_id"],
        unique=False,
        schema="records",
        postgresql_where=sa.text("corrected is not null"),
    )
    op.create_index(
        "ix_rca_version_recorded_at",
        "rca_version",
        ["recorded_at"],
        unique=False,
        schema="records",
        postgresql_using="brin",
    )
    op.add_column(
        "submission",
        sa.Column("overwrite_online", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        schema="records",
    )
    op.create_table(
        "record_change",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("does", sa.Text(), nullable=False),
        sa.Column("fields", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("kept", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "submission_id"],
            ["records.submission.tenant_id", "records.submission.id"],
            name=op.f("fk_record_change_tenant_id_submission_id"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["register.organisation.id"], name=op.f("fk_record_change_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "submission_id", "number", name=op.f("pk_record_change")),
        schema="records",
    )
    op.create_table(
        "month_effect",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("new", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("withdrawn", sa.Integer(), nullable=False),
        sa.Column("gained", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "submission_id"],
            ["records.submission.tenant_id", "records.submission.id"],
            name=op.f("fk_month_effect_tenant_id_submission_id"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["register.organisation.id"], name=op.f("fk_month_effect_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "submission_id", "month", name=op.f("pk_month_effect")),
        schema="records",
    )


def downgrade() -> None:
    """Refused: what trusts wrote at their desks would be lost."""
    raise NotImplementedError("The desk is never taken away: restore a backup instead.")
