"""A trust's own audit trail: read, taken away, checked without the registry; and the hourly note of where all chains end."""

import json
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from registry import trail
from registry.__main__ import program
from registry.access import Role
from registry.settings import Secrets, Settings
from registry.store import Store, audit
from tests.make import valid_case
from tests.registry.submissions.make import send
from tests.registry.web.visitors import House, house, words_of
from tests.registry.web.visitors import send as post

AT = datetime(2026, 2, 1, 12, tzinfo=UTC)
LATER = datetime(2026, 2, 1, 13, tzinfo=UTC)


@pytest.fixture
def here(settings: Settings, store: Store) -> House:
    made = house(settings, store)
    send(store, settings, made.ids["RRV"], [valid_case()])
    return made


def test_the_lead_reads_it_and_nobody_else_can_tell_that_it_is_there(here: House) -> None:
    lead = here.signed_in(here.person("lead", (Role.TRUST_LEAD, "RRV")))
    words = words_of(lead.get("/trust/trail"))
    assert "The newest first" in words
    assert "submission received" in words.lower()
    assert "RH5" not in words
    for name, role, code in (("nurse", Role.VTE_NURSE, "RRV"), ("national", Role.NATIONAL_LEAD, None)):
        other = here.signed_in(here.person(name, (role, code)))
        assert other.get("/trust/trail").status_code == other.get("/trust/nowhere").status_code == 404
    elsewhere = here.signed_in(here.person("theirs", (Role.TRUST_LEAD, "RH5")))
    assert elsewhere.get("/trust/trail?organisation=RRV").status_code == 404


def test_what_is_taken_away_is_checked_without_the_registry(here: House, tmp_path: Path) -> None:
    lead = here.signed_in(here.person("lead", (Role.TRUST_LEAD, "RRV")))
    taken = lead.get("/trust/trail/file")
    assert taken.headers["content-type"].startswith("application/jsonl")
    assert taken.headers["cache-control"] == "no-store"
    lines = taken.text.splitlines()
    assert json.loads(lines[-1])["action"] == "trail taken"
    here.long_ago()
    wrong, right = ({"organisation": "RRV", "code": code} for code in ("000000", here.code("lead")))
    assert post(lead, "/trust/trail/key", wrong, seen="/trust/trail").status_code == 422
    shown = post(lead, "/trust/trail/key", right, seen="/trust/trail")
    key = shown.text.split("<code", 1)[1].split(">", 1)[1].split("<", 1)[0]
    (tmp_path / "key").write_text(key)
    whole, changed, shorter = (tmp_path / name for name in ("whole", "changed", "shorter"))
    whole.write_text(taken.text)
    changed.write_text(taken.text.replace("submission", "submissiom", 1))
    shorter.write_text("\n".join(lines[1:]))
    for path, code in ((whole, 0), (changed, 1), (shorter, 1), (tmp_path / "key", 2)):
        ran = CliRunner().invoke(program, ["audit", "check", str(path), "--key-file", str(tmp_path / "key")])
        assert ran.exit_code == code, path


def test_the_key_of_one_chain_opens_no_other(here: House, settings: Settings) -> None:
    with here.store.readonly(tenants=(here.ids["RRV"],)) as connection:
        ours, theirs = (audit.own_key(connection, here.ids[code]) for code in ("RRV", "RH5"))
        assert ours != theirs
        assert audit.check(audit.entries(connection, here.ids["RRV"]), ours) == []
        assert audit.check(audit.entries(connection, here.ids["RRV"]), theirs) != []


def test_an_end_that_was_cut_off_shows_against_the_hourly_note(
    here: House, settings: Settings, admin: psycopg.Connection
) -> None:
    secrets = Secrets.load(settings.secrets_dir, ["audit"])
    noted = trail.note_heads(here.store, secrets, settings, AT)
    assert noted["chains"] >= 2
    assert trail.verify_all(here.store, secrets, settings, AT)["faults"] == 0
    tenant = here.ids["RRV"]
    admin.execute(
        "delete from records.audit where tenant_id = %s and sequence = (select max(sequence) from records.audit where tenant_id = %s)",
        [tenant, tenant],
    )
    admin.commit()
    assert trail.verify_all(here.store, secrets, settings, LATER)["faults"] == 1
    note = trail.newest_note(settings.anchors_dir)
    assert note is not None
    assert note.name == "anchors-20260201T120000Z.json"
    assert note.stat().st_mode & 0o222 == 0


def test_another_file_is_no_note(tmp_path: Path) -> None:
    other = tmp_path / "anchors-1.json"
    other.write_text('{"a": 1}')
    with pytest.raises(trail.TrailError, match="no note of where"):
        trail.read_anchors(other)
