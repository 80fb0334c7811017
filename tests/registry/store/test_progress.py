"""Progress is seen while the work goes on, by its own tenant."""

from uuid import UUID

import pytest

from registry.settings import Settings
from registry.store import Store, progress
from tests.registry.make import make_organisation

SUBMISSION = UUID("018f0000-0000-7000-8000-000000000001")


@pytest.mark.parametrize("role", ["hat_app", "hat_jobs"])
def test_it_is_seen_before_the_work_commits(store: Store, settings: Settings, role: str) -> None:
    tenant = make_organisation(store, settings)
    other = make_organisation(store, settings, code="RAJ")
    with store.transaction(tenants=(tenant,)):
        progress.tell(store, tenant=tenant, submission=SUBMISSION, stage="read", done=0, role=role)
        progress.tell(store, tenant=tenant, submission=SUBMISSION, stage="stored", done=5, total=9, role=role)
        with store.readonly(tenants=(tenant,)) as watching:
            seen = progress.read(watching, tenant, SUBMISSION)
    assert seen is not None
    assert (seen.stage, seen.done, seen.total) == ("stored", 5, 9)
    with store.readonly(tenants=(other,)) as watching:
        assert progress.read(watching, tenant, SUBMISSION) is None


def test_it_is_forgotten_when_the_work_has_ended(store: Store, settings: Settings) -> None:
    tenant = make_organisation(store, settings)
    progress.tell(store, tenant=tenant, submission=SUBMISSION, stage="read", done=1)
    with store.transaction(role="hat_jobs") as connection:
        progress.clear(connection, tenant, SUBMISSION)
        assert progress.read(connection, tenant, SUBMISSION) is None
