"""All that is sealed is known to the rotation: nothing can be added without being thought of."""

from sqlalchemy import LargeBinary

import registry.store.figures
import registry.store.keys
import registry.store.notices
import registry.store.operation
import registry.store.outliers
import registry.store.own_people
import registry.store.releases  # noqa: F401 (declares tables)
from registry.keys.sealed import SEALED
from registry.store.records import MATCH_COLUMNS
from registry.store.tables import metadata

NOT_SEALED = {
    # Digests and keyed digests: nothing of them is ever opened.
    *(f"records.{kind}_record.content_mac" for kind in ("case", "rca", "activity", "activity_strata", "organisation_profile", "wales_quarter")),
    *(f"records.case_record.{name}" for name in MATCH_COLUMNS),
    "records.submission.digest", "records.audit.mac", "records.learning_subscriber.email_mac",
    "records.consultant_link.link_digest", "records.consultant_link.code_digest", "records.consultant_link.session_digest",
    "register.session.id_digest", "register.single_use_link.link_digest", "register.api_token.token_digest",
    "register.client_access.token_digest", "register.assertion_seen.jti_digest", "register.invitation.link_digest",
    "register.recovery_code.code_digest", "register.guess.subject_mac", "register.provider_flow.browser_digest",
    "register.provider_flow.session_digest", "figures.official_import.digest",
    # Outcomes of units: findings, compressed, which never hold a value.
    "records.unit_outcome.lines",
    # Public, or of the release desk: protected figures and reports of their audits.
    "figures.official_import.content", "release.audit_run.report", "release.draft_file.content", "published.file.content",
    # Wrapped by the master key, which is rotated by itself.
    "register.data_key.wrapped",
}  # fmt: skip


def test_every_sealed_column_is_sealed_anew_and_all_others_are_known() -> None:
    held = {
        f"{table.fullname}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }
    sealed = {f"{each.table.fullname}.{name}" for each in SEALED for name in each.cells}
    assert {name for name in held if name.endswith("_ct")} | {"records.payload.sealed"} == sealed
    assert held - sealed == NOT_SEALED, "say whether it is sealed: what is not in SEALED is lost with the next rotation"
