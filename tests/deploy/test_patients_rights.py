"""What patients may ask for, proven by searching a dump and the very bytes of a base backup."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from registry import cases, database, identifiers, submissions
from registry.embedded import Server
from registry.settings import Secrets, Settings, load, role_url
from registry.store import Store
from schemas.record import RecordKind
from tests.attack.rows import dump_everything
from tests.conftest import Database
from tests.deploy.cluster import Cluster, cluster
from tests.make import nhs_number, valid_case, valid_rca
from tests.registry.make import make_organisation
from tests.registry.submissions.make import send

pytestmark = pytest.mark.slow

MINE, OTHER = nhs_number(4711), nhs_number(4712)
WARD, WORDS = "Zinnober ward", "Quastenflosser was seen at the bedside"
AT = datetime(2026, 1, 20, 9, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Registry:
    place: Cluster
    server: Server
    settings: Settings
    store: Store
    tenant: int

    def database(self) -> Database:
        address = self.server.address("hat")
        return Database("hat", address, self.server.admin_url.rpartition("/")[0] + "/hat", self.settings.secrets_dir)

    def backup(self) -> bytes:
        """Every byte of every file of a base backup that is taken now."""
        folder = Path(self.place.run("take.sh", str(self.place.backups), server=self.server))
        return b"\0".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())

    def sealed_of(self, local_case_id: str) -> set[bytes]:
        """Everything that identifies one patient: the sealed cells of case and review, the keys of the person."""
        found: set[bytes] = set()
        with psycopg.connect(self.database().admin_url) as admin:
            for kind in ("case", "rca"):
                rows = admin.execute(
                    f"select to_jsonb(v) from records.{kind}_version v where local_case_id = %s", [local_case_id]
                ).fetchall()
                found |= {
                    bytes.fromhex(cell[2:])
                    for (row,) in rows
                    for name, cell in row.items()
                    if name.endswith("_ct") and cell
                }
            keys = admin.execute("select nhs_key from records.case_record where local_case_id = %s", [local_case_id])
            return found | {bytes(key) for (key,) in keys if key is not None}


@pytest.fixture
def registry() -> Iterator[Registry]:
    with cluster() as place:
        server = place.start()
        try:
            database.prepare(server.admin_url, place.secrets)
            settings = load(data_dir=place.folder, database_url=server.address("hat"))
            store = Store.from_settings(settings, roles=("hat_app", "hat_jobs"))
            yield Registry(place, server, settings, store, make_organisation(store, settings, code="RK9"))
            store.dispose()
        finally:
            server.stop()


def _sent(registry: Registry) -> None:
    mine = valid_case(local_case_id="MINE-1", nhs_number=MINE, ward=WARD)
    others = [
        valid_case(local_case_id=f"OTHER-{n}", nhs_number=nhs_number(4712 + n), ward="Elm ward") for n in range(300)
    ]
    for changed in ("female", "male"):
        send(registry.store, registry.settings, registry.tenant, [mine | {"sex": changed}, *others])
    reviews = [valid_rca(local_case_id=each, learning_point=WORDS) for each in ("MINE-1", "OTHER-0")]
    send(registry.store, registry.settings, registry.tenant, reviews, kind=RecordKind.RCA)
    with psycopg.connect(registry.database().admin_url, autocommit=True) as admin:
        admin.execute("analyze")  # what the planner notes of columns is in the files too


def _holds(content: bytes, found: set[bytes]) -> list[bool]:
    return [each in content or each.hex().encode() in content for each in found]


def test_nothing_that_identifies_is_readable_and_after_a_wish_not_even_sealed(registry: Registry) -> None:
    _sent(registry)
    secrets = Secrets.load(registry.settings.secrets_dir, ["master", "match"])
    key = identifiers.match_key(secrets["match"], MINE)
    mine, other = registry.sealed_of("MINE-1"), registry.sealed_of("OTHER-0")
    assert key in mine
    clear = {MINE.encode(), f"{MINE[:3]} {MINE[3:6]} {MINE[6:]}".encode(), WARD.encode(), WORDS.encode(), b"1951-04-12"}
    for content in (registry.backup(), dump_everything(registry.database())):
        assert all(_holds(content, mine | other)), "the search finds what is there"
        assert b"MINE-1" in content
        assert not any(_holds(content, clear))

    wish = b"local_case_id,withdraw_reason\r\nMINE-1,objection\r\n"
    send(registry.store, registry.settings, registry.tenant, wish)
    assert cases.erase_wished(registry.store, secrets, registry.settings, AT) == {"cases": 1, "reviews": 1}
    left = registry.backup()
    assert any(_holds(left, mine)), "unused bytes of the files still hold what the rows do not: hence what follows"
    database.scrub(role_url(registry.server.address("hat"), registry.settings.secrets_dir, "hat_migrator"))

    for content in (registry.backup(), dump_everything(registry.database())):
        assert not any(_holds(content, mine | clear))
        assert all(_holds(content, other))
        # The trust's own number of the case stays, so that the same case in its next file is refused.
        assert b"MINE-1" in content
    again = send(
        registry.store, registry.settings, registry.tenant, [valid_case(local_case_id="MINE-1", nhs_number=MINE)]
    )
    assert (again.errors, again.new, again.changed) == (1, 0, 0)
    assert not any(_holds(dump_everything(registry.database()), mine | clear - {MINE.encode()}))


def test_after_their_terms_bytes_and_identifiers_are_in_no_file(registry: Registry) -> None:
    _sent(registry)
    secrets = Secrets.load(registry.settings.secrets_dir, ["master", "match"])
    with psycopg.connect(registry.database().admin_url) as admin:
        parts = {bytes(row[0])[:1000] for row in admin.execute("select sealed from records.payload")}
        few = "local_case_id in ('MINE-1', 'OTHER-0', 'OTHER-299')"
        cells = admin.execute(f"select nhs_number_ct, birth_date_ct from records.case_version where {few}").fetchall()
        keys = admin.execute(f"select nhs_key from records.case_record where {few}").fetchall()
    gone = {bytes(cell) for row in (*cells, *keys) for cell in row}
    assert len(gone) == 2 * (2 + 1 + 1) + 3, "the first case has two versions"
    assert all(_holds(registry.backup(), parts))
    rules = registry.settings.counting
    later = datetime.fromtimestamp(AT.timestamp() + 86400 * (rules.identifier_retention_days + 1), UTC)
    assert submissions.retire(registry.store, secrets, registry.settings, later)
    assert cases.retire(registry.store, secrets, registry.settings, later) == {"cases": 301}
    database.scrub(role_url(registry.server.address("hat"), registry.settings.secrets_dir, "hat_migrator"))
    for content in (registry.backup(), dump_everything(registry.database())):
        assert not any(_holds(content, parts | gone))
        assert b"MINE-1" in content
