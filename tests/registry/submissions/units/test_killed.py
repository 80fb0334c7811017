"""A worker that is killed in the middle of a job: the next one goes on, and nothing is lost, doubled or out of order."""

from functools import partial

import psycopg
import pytest

from registry.settings import Settings
from registry.store import Store
from tests.fhir_units import ndjson
from tests.registry.make import make_organisation
from tests.registry.submissions.units.make import ODS, bundle_of, look, source, submit
from tests.running import Program, environment_of, until

pytestmark = pytest.mark.slow

UNITS = 7_000
"""Four chunks."""


BROKEN = UNITS // 2 + 1


def _committed(admin: psycopg.Connection, chunks: int) -> bool:
    row = admin.execute("select count(*) from records.unit_outcome").fetchone()
    assert row is not None
    return int(row[0]) >= chunks


def test_each_unit_is_stored_once_and_told_once_whenever_the_worker_is_killed(
    store: Store, settings: Settings, admin: psycopg.Connection
) -> None:
    tenant = make_organisation(store, settings, code=ODS)
    sent = [bundle_of(number, review=number % 100 == 0) for number in range(UNITS)]
    sent[BROKEN] = bundle_of(BROKEN, sex="what")
    reference = submit(store, settings, tenant, ndjson(sent))
    worker = Program("work", settings.data_dir / "worker.log", environment_of(settings))
    for chunks in (1, 2):
        worker.start()
        try:
            until(partial(_committed, admin, chunks), 90, "no chunk is committed")
        finally:
            worker.kill()
        assert not look(store, reference).status.finished
    worker.start()
    try:
        until(
            lambda: look(store, reference).status.finished,
            90,
            f"it is not taken up again: {worker.log.read_text()[-500:]}",
        )
    finally:
        worker.kill()
    ended = look(store, reference)
    assert ended.counts == (UNITS, UNITS - 1, 0, 1)
    told = [source(line) for line in ended.lines]
    assert [ordinal for ordinal, *_ in told] == list(range(1, UNITS + 1))
    accepted = [identifier for _, identifier, disposition in told if disposition == "accepted"]
    held = admin.execute("select local_case_id from records.case_version where version = 1 order by 1").fetchall()
    assert [number for (number,) in held] == accepted
    assert admin.execute("select count(*) from records.case_version").fetchone() == (UNITS - 1,)
    assert admin.execute("select count(*) from records.rca_version").fetchone() == (UNITS // 100,)
