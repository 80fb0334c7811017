"""The demonstration: its returns are valid, hold all that they must, and are the same for the same seed."""

import csv
import io
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
import polars as pl
import psycopg
import pyotp
import pytest
from rich.console import Console
from starlette.testclient import TestClient

from ingest.check import Checked, Context, check_frame
from registry import register
from registry.access import Role
from registry.app import create_app
from registry.demo import learning
from registry.demo.generating import SEED, Returns, generate, make_returns
from registry.demo.late import sendings
from registry.demo.making import ahead, make
from registry.demo.marking import Mark, as_demonstration, begin, finish
from registry.demo.places import CLASSES, COUNTS
from registry.demo.risk_file import last_published, risk_assessment_file
from registry.demo.scene import (
    FIRST_TRUST,
    FOUND_MORE,
    INDEPENDENTS,
    JOINED_LATE,
    PILOTS,
    SECOND_TRUST,
    WELSH_BOARD,
    members,
)
from registry.demo.sending import DemonstrationError, Sent, send
from registry.demo.setting import (
    ACCOUNTS,
    Account,
    Setting,
    accounts,
    code_of,
    read_accounts,
    set_up,
    take_up,
    write_accounts,
)
from registry.demo.window import Window, between, financial_years, months_after
from registry.demo.written import Batch
from registry.lessons import published
from registry.official import read_risk_assessments
from registry.settings import Secrets, Settings
from registry.store import SYSTEM_TENANT, Store
from schemas.codelist import Nation
from schemas.codes import MissedDoseReason
from schemas.finding import Severity
from schemas.record import RecordKind
from schemas.rule import CATALOGUE
from tests.make import nhs_number, valid_case, valid_rca
from tests.registry.submissions.make import keys
from tests.registry.submissions.make import send as send_rows

ON = date(2026, 11, 22)
col = pl.col


@cache
def files(months: int = 24) -> tuple[Batch, ...]:
    return tuple(generate(members(), months=months, on=ON))


@cache
def made() -> Returns:
    return make_returns(members(), months=24, on=ON)


@cache
def checked() -> dict[tuple[RecordKind, Nation], Checked]:
    """Every file through the one validator, those of one kind and nation at once; the sender's code stays beside the rows."""
    nations = {each.code: Nation(each.organisation.nation) for each in members()}
    texts: dict[tuple[RecordKind, Nation], list[pl.DataFrame]] = {}
    for batch in files():
        text = pl.read_csv(io.BytesIO(batch.content), infer_schema=False).with_columns(code=pl.lit(batch.code))
        assert text.height == batch.rows
        texts.setdefault((batch.kind, nations[batch.code]), []).append(text)
    found = {}
    for (kind, nation), parts in texts.items():
        whole = pl.concat(parts, how="diagonal").with_row_index("row", offset=2)
        each = check_frame(whole, kind, Context(nation, "", ON, synthetic=True))
        found[kind, nation] = Checked(each.typed.with_columns(code=whole["code"]), each.findings)
    return found


@cache
def typed(kind: RecordKind) -> pl.DataFrame:
    """All rows of a kind as the registry reads and derives them, with the sender's code."""
    return pl.concat([each.typed for (of, _), each in checked().items() if of is kind])


def cases() -> pl.DataFrame:
    return typed(RecordKind.CASE)


def activity() -> pl.DataFrame:
    return typed(RecordKind.ACTIVITY)


def found_rules() -> Counter[str]:
    counts: Counter[str] = Counter()
    for each in checked().values():
        counts.update(CATALOGUE[number].name for number in each.findings["rule"])
    return counts


def test_all_organisations_take_part() -> None:
    assert len(members()) == 149
    assert {each.code for each in files()} == {each.code for each in members()}
    assert len({each.group for each in INDEPENDENTS}) == 3


def test_no_row_has_an_error() -> None:
    for each in checked().values():
        assert each.typed.height > 0
        assert not [n for n in each.findings["rule"].unique() if CATALOGUE[n].severity is Severity.ERROR]


def test_few_rows_have_a_warning() -> None:
    rows = sum(each.rows for each in files())
    assert found_rules().total() < rows / 25


def test_the_same_seed_gives_the_same_files() -> None:
    few = members()[:12]
    first, again = (list(generate(few, months=6, on=ON, seed=3)) for _ in range(2))
    assert first == again
    assert first != list(generate(few, months=6, on=ON, seed=4))


@pytest.mark.parametrize("times", [1, 2, 4])
def test_whatever_comes_late_all_is_sent_in_the_end(times: int) -> None:
    """Each case and each month once; each review at last as it was made, and unfinished before where it was completed later."""
    sent = sendings(members(), made(), times)
    assert len(sent) == times
    assert all(each for each in sent)
    for kind, key in (
        (RecordKind.CASE, "local_case_id"),
        (RecordKind.RCA, "local_case_id"),
        (RecordKind.ACTIVITY, "month"),
    ):
        rows = [row for each in sent for file in each if file.kind is kind for row in rows_of(file)]
        last = {(code, row[key]): row for code, row in rows}
        assert len(last) == made().frames[kind].height
        assert (len(rows) > len(last)) == (kind is RecordKind.RCA and times > 1)
        whole = {(code, row[key]): row for file in files() if file.kind is kind for code, row in rows_of(file)}
        assert {name: {k: v for k, v in row.items() if v} for name, row in last.items()} == {
            name: {k: v for k, v in row.items() if v} for name, row in whole.items()
        }


def rows_of(file: Batch) -> list[tuple[str, dict[str, str]]]:
    return [(file.code, row) for row in csv.DictReader(io.StringIO(file.content.decode()))]


def test_too_few_months_are_refused() -> None:
    with pytest.raises(ValueError, match="three months"):
        make_returns(members(), months=2, on=ON)


def test_numbers_are_never_those_of_a_person() -> None:
    numbers = cases()["nhs_number"].drop_nulls()
    assert numbers.str.starts_with("999").all()
    twice = numbers.len() - numbers.n_unique()
    assert 0 < twice < 30  # only the pairs across trusts


def test_reviews_belong_to_cases_of_the_same_sender() -> None:
    frames = made().frames
    key = ["code", "local_case_id"]
    assert frames[RecordKind.CASE].select(key).is_duplicated().sum() == 0
    assert frames[RecordKind.RCA].join(frames[RecordKind.CASE], on=key, how="anti").is_empty()


def test_rates_are_those_that_clinicians_report() -> None:
    admitted = activity().filter(col("case_return") != "partial")
    whole = cases().join(admitted.select("code", index_month="month"), on=["code", "index_month"])
    inside = whole.filter(col("scope") == "in").height
    total = admitted.select(pl.sum_horizontal(col(COUNTS).cast(pl.Int64)).sum()).item()
    assert 1.2 < 1000 * inside / total < 2.1


def test_returns_are_complete_nil_partial_and_missing() -> None:
    returns = Counter(activity()["case_return"])
    assert min(returns["complete"], returns["nil"], returns["partial"]) > 50
    assert returns.total() < made().months.height
    assert returns["complete"] > 10 * returns["partial"]


def test_a_nil_month_has_no_case() -> None:
    nil = activity().filter(col("case_return") == "nil").select("code", index_month="month")
    owner = cases().with_columns(code=pl.coalesce("attributed_organisation", "code"))
    assert cases().join(nil, on=["code", "index_month"]).is_empty()
    assert owner.join(nil, on=["code", "index_month"]).is_empty()


def test_the_last_months_are_immature() -> None:
    counts = dict(cases().group_by("index_month").len().iter_rows())
    window = Window(24, ON)
    assert counts[window.last] < 0.7 * counts[months_after(window.last, -6)]
    unfinished = cases().filter((col("died_within_90_days") == "not_yet") | (col("still_in") == "yes"))
    assert unfinished["index_month"].min() > window.first  # type: ignore[operator] # of dates


@pytest.mark.parametrize(
    "scope", ["under_16", "no_index_stay", "other_site", "line_related", "pregnancy_associated", "immobilisation"]
)
def test_some_cases_are_out_of_scope(scope: str) -> None:
    assert 20 < (cases()["scope"] == scope).sum() < 600


def test_some_stays_are_given_wrongly() -> None:
    rules = found_rules()
    assert rules["diagnosed_within_24_hours"] > 20  # a readmission given as index stay
    assert rules["diagnosed_over_90_days_after_discharge"] > 20
    assert (cases()["index_stay"] == "earlier").sum() > 20


def test_some_events_are_reported_by_two_trusts() -> None:
    numbered = cases().filter(col("nhs_number").is_not_null())
    pairs = numbered.join(numbered, on="nhs_number").filter(col("code") < col("code_right"))
    apart = (pairs["diagnosis_date"] - pairs["diagnosis_date_right"]).dt.total_days().abs()
    assert pairs.height == 16
    assert apart.max() <= 14  # type: ignore[operator] # of whole days
    assert (pairs["birth_date"] == pairs["birth_date_right"]).all()


def test_a_case_is_proposed_to_another_trust() -> None:
    proposed = cases().filter(col("attributed_organisation") != col("code"))
    assert proposed.height > 100
    waiting = proposed.filter((col("code") == FIRST_TRUST) & (col("attributed_organisation") == SECOND_TRUST))
    assert waiting.height >= 1
    known = {each.code for each in members() if each.organisation.closed_on is None}
    assert set(proposed["attributed_organisation"]) <= known


def test_better_case_finding_raises_a_rate() -> None:
    april = date(2026, 4, 1)
    mine = cases().filter(col("code") == FOUND_MORE)
    months = activity().filter(col("code") == FOUND_MORE)["month"]
    before = mine.filter(col("index_month") < april).height / int((months < april).sum())
    since = mine.filter(col("index_month") >= april).height / int((months >= april).sum())
    assert since > 1.4 * before
    by_year = made().frames[RecordKind.ORGANISATION_PROFILE].filter(col("code") == FOUND_MORE)
    used = [row.count("yes") for row in by_year.drop("code", "year").iter_rows()]
    assert used == [2, 2, 4]
    assert set(mine.filter(col("how_found").is_in(["coding", "medical_examiner"]))["index_month"]) >= {april}


def test_the_share_judged_preventable_is_plausible() -> None:
    judged = made().frames[RecordKind.RCA].drop_nulls("preventability")
    share = (judged["preventability"] != "not_preventable").sum() / judged.height
    assert 0.13 < share < 0.30
    own = cases().filter(col("attributed_organisation").is_null() & (col("scope") == "in"))
    assert 0.7 < judged.height / own.height < 0.95


def test_most_reviews_with_missed_doses_say_why_and_no_other_does() -> None:
    reviews = made().frames[RecordKind.RCA]
    missed = reviews.filter(col("doses_missed_avoidably") > 0)
    said = reviews.drop_nulls("missed_dose_reasons")
    assert 0.7 < said.height / missed.height < 0.9
    assert said["doses_missed_avoidably"].min() == 1
    assert set("|".join(said["missed_dose_reasons"]).split("|")) == set(MissedDoseReason)


def test_a_welsh_board_makes_both_returns() -> None:
    sent = {each.kind for each in files() if each.code == WELSH_BOARD}
    assert {RecordKind.CASE, RecordKind.WALES_QUARTER} <= sent
    quarters = made().frames[RecordKind.WALES_QUARTER]
    assert "7A7" not in quarters["code"]
    assert all(code.startswith("7A") for code in quarters["code"])


@pytest.mark.parametrize(("code", "closed"), [("RA4", date(2023, 3, 1)), ("RVY", date(2023, 6, 1))])
def test_closed_trusts_have_sent_until_they_closed(code: str, closed: date) -> None:
    own = activity().filter(col("code") == code)
    assert own["month"].to_list() == list(between(date(2023, 1, 1), closed))
    assert cases().filter(col("code") == code)["index_month"].max() == closed
    assert {each.organisation.successor for each in members() if each.code == code} <= {each.code for each in files()}


def test_the_closed_trusts_were_not_alone() -> None:
    before = activity().filter(col("month") < Window(24, ON).first)
    assert set(before["code"]) == set(PILOTS)
    assert len(PILOTS) == len({each.code for each in members()} & set(PILOTS)) == 16


def test_with_more_months_closed_trusts_send_from_the_beginning() -> None:
    longer = make_returns(members(), months=60, on=ON).months
    assert longer.filter(col("code") == "RA4").height == 17  # November 2021 to March 2023


def test_one_trust_joined_late() -> None:
    first = cases().filter(col("code") == JOINED_LATE)["index_month"].min()
    assert first == months_after(Window(24, ON).first, 6)


def test_the_official_file_is_read_without_a_fault() -> None:
    content = risk_assessment_file(members(), made().months, Window(24, ON), seed=SEED)
    rows, faults = read_risk_assessments(content)
    assert not faults
    assert max(row.month for row in rows) == date(2026, 6, 1)
    assert 0.88 < sum(row.assessed or 0 for row in rows) / sum(row.admissions or 0 for row in rows) < 0.97
    unknown = {row.code for row in rows} - {each.code for each in members()}
    assert len(unknown) == 2


@pytest.mark.parametrize(
    ("on", "last"),
    [
        (date(2026, 11, 22), date(2026, 6, 1)),
        (date(2026, 11, 29), date(2026, 9, 1)),
        (date(2026, 1, 20), date(2025, 9, 1)),
        (date(2026, 10, 1), date(2026, 6, 1)),
    ],
)
def test_the_last_published_quarter(on: date, last: date) -> None:
    assert last_published(on) == last


def test_months_and_years() -> None:
    assert months_after(date(2026, 11, 1), 2) == date(2027, 1, 1)
    assert months_after(date(2026, 1, 1), -1) == date(2025, 12, 1)
    assert Window(24, ON).first == date(2024, 11, 1)
    years = financial_years(date(2024, 11, 1), date(2026, 10, 1))
    assert years == (date(2024, 4, 1), date(2025, 4, 1), date(2026, 4, 1))
    assert len(CLASSES) * 5 == len(COUNTS)


# --- set up and sent


@cache
def signing_in() -> tuple[tuple[Account, ...], Mapping[str, str]]:
    return accounts()


@pytest.fixture
def setting(store: Store, settings: Settings) -> Setting:
    """The register, the people and their tokens, in a database of this test's own."""
    secrets = Secrets.load(settings.secrets_dir, ["master", "match"])
    with store.transaction(tenants=(SYSTEM_TENANT,)) as connection:
        return set_up(connection, members(), Window(3, ON), signing_in(), date(9999, 1, 1), secrets=secrets)


@pytest.fixture
def http(store: Store, settings: Settings) -> Iterator[TestClient]:
    app = create_app(settings.model_copy(update={"demo": True}), store)
    with TestClient(app, base_url=settings.base_url) as client:
        yield client


def test_everybody_is_registered(setting: Setting, admin: psycopg.Connection) -> None:
    count = "select count(*), count(live_from), count(group_name) from register.organisation where kind <> 'system'"
    assert admin.execute(count).fetchone() == (149, 149, 6)
    modes: dict[str, str] = dict(admin.execute("select nation, mode from register.opt_out_mode").fetchall())
    assert modes == {"England": "exempt", "Wales": "not applicable"}
    followed = "select count(*) from register.succession"
    assert admin.execute(followed).fetchone() == (2,)
    assert setting.senders.keys() == {each.code for each in members()}


def test_the_sign_ins(setting: Setting, tmp_path: Path) -> None:
    path = write_accounts(tmp_path, "http://127.0.0.1:8080", setting.accounts)
    assert path.name == ACCOUNTS
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    read = json.loads(path.read_text())
    assert read["base_url"] == "http://127.0.0.1:8080"
    held = Counter((each["role"], each["organisation"]) for each in read["accounts"])
    trust_roles = (Role.TRUST_UPLOADER, Role.VTE_NURSE, Role.TRUST_LEAD)
    assert all(held[role, code] == 1 for code in (FIRST_TRUST, SECOND_TRUST, WELSH_BOARD) for role in trust_roles)
    assert held[Role.NATIONAL_ANALYST, None] == 2
    assert all(held[role, None] == 1 for role in ("national_lead", "registry_office", "administrator"))
    assert held["moderator", None] == 2, "one of two who approve belongs to another trust"
    without = {each["role"] for each in read["accounts"] if each["api_token"] is None}
    assert without == {"registry_office", "moderator", "administrator"}
    assert "password" not in repr(setting.accounts[0])
    first = read["accounts"][0]
    assert first["totp_secret"] not in repr(setting.accounts[0])
    at = datetime(2026, 11, 22, 12, 0, 10, tzinfo=UTC)
    assert code_of(tmp_path, first["user_name"].upper(), at) == (pyotp.TOTP(first["totp_secret"]).at(at), 20)
    assert code_of(tmp_path, "nobody", at) is None


def test_what_was_set_up_is_taken_up(setting: Setting, store: Store) -> None:
    with store.transaction(tenants=(SYSTEM_TENANT,)) as connection:
        assert take_up(connection, members(), (Account("", None, "", "nobody", ""),), ON) is None
        again = take_up(connection, members(), setting.accounts, date(9999, 1, 1))
    assert again is not None
    assert (again.accounts, again.people) == (setting.accounts, setting.people)
    assert again.senders.keys() == setting.senders.keys()
    assert not set(again.senders.values()) & set(setting.senders.values())


def test_returns_are_taken_whole_by_the_real_door(
    setting: Setting, http: TestClient, admin: psycopg.Connection
) -> None:
    shown = {FIRST_TRUST, SECOND_TRUST, WELSH_BOARD, "RA4", INDEPENDENTS[0].code}
    own = [each for each in generate(members(), months=3, on=ON) if each.code in shown]
    sent = [send(http, each, setting.senders[each.code]) for each in own]
    assert sum(each.new for each in sent) == sum(each.rows for each in own)
    again = send(http, own[0], setting.senders[own[0].code])
    assert again == sent[0]
    for kind in RecordKind:
        rows = sum(each.rows for each in own if each.kind is kind)
        assert admin.execute(f"select count(*) from records.{kind.value}_record").fetchone() == (rows,)
    waiting = "select count(*) from records.case_record where attribution = 'proposed'"
    assert admin.execute(waiting).fetchone() != (0,)


def test_a_refused_file_ends_the_demonstration(setting: Setting, http: TestClient) -> None:
    wrong = Batch(FIRST_TRUST, RecordKind.ACTIVITY, 1, b"month,case_return\n2026-09,complete\n")
    with pytest.raises(DemonstrationError, match="activity of RJZ: 422"):
        send(http, wrong, setting.senders[FIRST_TRUST])


def test_a_registry_that_people_use_is_left_alone(
    store: Store, settings: Settings, admin: psycopg.Connection, tmp_path: Path
) -> None:
    admin.execute("insert into register.person (user_name, display_name) values ('somebody', 'Somebody')")
    with ThreadPoolExecutor(2) as pool:
        prepared = ahead(Mark(3, ON.isoformat()), members()[:1], pool)
        with pytest.raises(DemonstrationError, match="no demonstration"):
            make(settings, prepared, Console(quiet=True))
    assert not read_accounts(settings.data_dir)


def test_the_mark_of_a_data_folder(settings: Settings) -> None:
    assert as_demonstration(settings) is settings
    begun = begin(settings, 24, ON)
    assert begin(settings, 3, date(2027, 1, 1)) == begun == Mark(24, "2026-11-22")
    assert as_demonstration(settings).demo
    assert finish(settings.data_dir, begun).whole
    assert begin(settings, 24, ON).whole


def test_a_folder_with_another_registry_is_refused(settings: Settings) -> None:
    settings.postgres_dir.mkdir(parents=True)
    with pytest.raises(DemonstrationError, match="HAT_DATA_DIR"):
        begin(settings, 24, ON)


SMALL = """
from registry.demo.running import run
from registry.demo.scene import members
from registry.settings import load

run(load(), 3, senders=[each for each in members() if each.code in ("RJZ", "RTH", "7A4", "7A7", "8ZZ01")])
"""


@contextmanager
def started(folder: Path, port: int) -> Iterator[list[str]]:
    """The demonstration with few senders as a program of its own; gives what it told until it was ready, and interrupts it."""
    environment = os.environ | {"HAT_DATA_DIR": str(folder), "HAT_PORT": str(port)}
    program = subprocess.Popen([sys.executable, "-c", SMALL], stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert program.stdout is not None
        told: list[str] = []
        for line in program.stdout:
            told.append(line)
            if "Ctrl-C" in line:
                break
        yield told
    finally:
        program.send_signal(signal.SIGINT)
        rest, _ = program.communicate(timeout=60)
    assert program.returncode == 0
    assert "Stopped" in rest


@pytest.mark.slow
def test_it_is_made_shown_stopped_and_started_again(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with started(tmp_path / "data", port) as told:
        assert any(line.startswith("Made in") for line in told)
        read = json.loads((tmp_path / "data" / ACCOUNTS).read_text())
        assert read["base_url"] == f"http://127.0.0.1:{port}"
        _visit(read)
    with started(tmp_path / "data", port) as told:
        assert "there already" in " ".join("".join(told).split())
        assert not any(line.startswith("Made in") for line in told)
        _visit(read)
    with pytest.raises(ConnectionRefusedError):  # nothing is left that listens
        socket.create_connection(("127.0.0.1", port))


def _visit(read: dict[str, Any]) -> None:
    """The figures are public, and each token opens what its role may see."""
    with httpx2.Client(base_url=read["base_url"]) as client:
        assert "Demonstration" in client.get("/figures/hat-rate").raise_for_status().text
        for each in read["accounts"]:
            if each["organisation"]:
                bearer = {"Authorization": f"Bearer {each['api_token']}"}
                found = client.get("/api/submissions", headers=bearer).raise_for_status().json()["submissions"]
                assert {one["organisation"] for one in found} == {each["organisation"]}


def test_what_was_sent_adds_up() -> None:
    assert Sent(1, 10, 8, 2).and_then(Sent(1, 5, 5, 0)) == Sent(2, 15, 13, 2)


def test_what_a_trust_learnt_is_published_once(setting: Setting, settings: Settings, store: Store) -> None:
    with store.readonly() as connection:
        trust = register.organisation_by_code(connection, FIRST_TRUST)
    assert trust is not None
    cases = [valid_case(local_case_id=f"L-{place:02d}", nhs_number=nhs_number(place)) for place in range(16)]
    reviews = [valid_rca(local_case_id=f"L-{place:02d}") for place in range(16)]
    for kind, rows in ((RecordKind.CASE, cases), (RecordKind.RCA, reviews)):
        assert send_rows(store, settings, trust.id, rows, kind=kind).state == "accepted"
    at = datetime(2026, 2, 2, 10, tzinfo=UTC)
    stage = learning.Stage(store, keys(settings), settings, setting.people, at)
    assert learning.travel(stage) == len(learning.LESSONS)
    with store.readonly(role="hat_reader") as connection:
        public = published.lessons(connection)
    assert {each.text for each in public} == {filed.text for _, filed in learning.LESSONS}
    assert learning.travel(stage) == 0
