from datetime import date

import psycopg
import pytest
from sqlalchemy import Connection

from registry import identifiers, register
from registry.access import OPERATOR
from registry.errors import Conflict, NotFound, Unprocessable
from registry.official import Organisation, Succession, read_ods, read_organisations
from registry.register import Mode, OptOut
from registry.register.imports import What
from registry.settings import Secrets, Settings
from registry.store import SYSTEM_TENANT, Store
from tests.registry.web.visitors import REGISTER, House, house

DAY = date(2026, 1, 20)


@pytest.fixture
def secrets(settings: Settings) -> Secrets:
    return Secrets.load(settings.secrets_dir, ["master"])


@pytest.fixture
def full(settings: Settings, store: Store) -> House:
    return house(settings, store)


def read(words: str) -> tuple[Organisation, ...]:
    found, faults = read_organisations(words.encode())
    assert not faults
    return found


def ods(code: str, name: str, region: str = "Y56", opened: str = "20010401", closed: str = "") -> str:
    cells = [code, name, region, *[""] * 7, opened, closed, *[""] * 15]
    return ",".join(f'"{cell}"' for cell in cells) + "\n"


def id_of(connection: Connection, code: str) -> int:
    found = register.organisation_by_code(connection, code)
    assert found
    return found.id


# --- the starting register


def test_the_starting_register_comes_whole_and_twice_changes_nothing(store: Store, secrets: Secrets) -> None:
    with store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        first = register.import_register(connection, register.starting_register(), secrets=secrets, by=OPERATOR)
        again = register.import_register(connection, register.starting_register(), secrets=secrets, by=OPERATOR)
        held = register.organisations(connection)
    assert len(held) == len(first.new) == 143
    assert {one.nation for one in held if one.kind == "local_health_board"} == {"Wales"}
    assert [one.code for one in held if one.closed_on] == ["RA4", "RVY"]
    assert again.changes == ()
    assert again.unchanged == 143


def test_each_organisation_has_its_own_data_key_under_the_master_key(
    full: House, admin: psycopg.Connection, secrets: Secrets
) -> None:
    rows = admin.execute("select organisation_id, wrapped from register.data_key").fetchall()
    keys = {identifiers.unwrap(secrets["master"], tenant, wrapped) for tenant, wrapped in rows}
    assert {tenant for tenant, _ in rows} == set(full.ids.values())
    assert len(keys) == 4


def test_a_file_with_errors_changes_nothing(store: Store, secrets: Secrets) -> None:
    spoilt = REGISTER.replace("RRV,", "r v,").encode()
    with pytest.raises(Unprocessable) as refused, store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        register.import_register(connection, spoilt, secrets=secrets, by=OPERATOR)
    assert [fault.pointer for fault in refused.value.errors] == ["line 4"]
    with store.readonly() as connection:
        assert register.organisations(connection) == ()


# --- looking up


def test_a_code_is_found_on_the_days_on_which_it_stood(full: House) -> None:
    with full.store.readonly() as connection:
        assert register.organisation_by_code(connection, " ra4 ")
        assert register.organisation_by_code(connection, "RA4", date(2023, 3, 31))
        assert register.organisation_by_code(connection, "RA4", date(2023, 4, 1)) is None
        assert register.organisation_by_code(connection, "SYSTEM") is None, "the registry itself is no trust"
        with pytest.raises(NotFound):
            register.organisation_by_id(connection, SYSTEM_TENANT)


def test_the_register_is_searched_by_words_and_code(full: House) -> None:
    with full.store.readonly() as connection:
        assert [one.code for one in register.search(connection, "taunton")] == ["RH5"]
        assert [one.code for one in register.search(connection, "r")] == ["7A4", "RH5", "RRV", "RA4"]
        assert [one.code for one in register.search(connection, "rr")] == ["RRV"]
        assert register.search(connection, "_") == ()
        assert [one.code for one in register.search(connection, limit=1, offset=1)] == ["RH5"]


# --- succession


def test_a_succession_starts_the_day_after_the_last_day(full: House) -> None:
    with full.store.readonly() as connection:
        [step] = register.successors(connection, full.ids["RA4"])
        assert (step.organisation.code, step.effective_on) == ("RH5", date(2023, 4, 1))
        assert [one.organisation.code for one in register.predecessors(connection, full.ids["RH5"])] == ["RA4"]


def test_the_chain_of_successors_goes_as_far_as_the_day(full: House) -> None:
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        register.succeed(connection, full.ids["RH5"], full.ids["RRV"], date(2025, 4, 1), by=OPERATOR)

        def chain(on: date) -> list[str]:
            return [one.code for one in register.successor_chain(connection, full.ids["RA4"], on)]

        assert chain(date(2023, 3, 31)) == []
        assert chain(date(2025, 3, 31)) == ["RH5"]
        assert chain(DAY) == ["RH5", "RRV"]


def test_a_succession_that_is_said_again_moves_its_day(full: House) -> None:
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        register.succeed(connection, full.ids["RA4"], full.ids["RH5"], DAY, by=OPERATOR)
        assert [one.effective_on for one in register.successors(connection, full.ids["RA4"])] == [DAY]


@pytest.mark.parametrize(("one", "other"), [("RA4", "RA4"), ("RH5", "RA4")])
def test_nothing_follows_itself(full: House, one: str, other: str) -> None:
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection, pytest.raises(Conflict):
        register.succeed(connection, full.ids[one], full.ids[other], DAY, by=OPERATOR)


# --- differences


def test_a_difference_shows_what_changes_and_changes_nothing(full: House, secrets: Secrets) -> None:
    later = REGISTER.replace("Somerset Trust", "Somerset and Dorset Trust").replace("-0.1,,", "-0.1,2026-03-31,RH5")
    later += "RXX,New Trust,nhs_trust,England,Y56,London,,,London,,,,\n"
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        found = register.plan(connection, read(later))
        assert {(one.what, one.code, one.before, one.after) for one in found.changes} == {
            (What.NEW, "RXX", "", "London"),
            (What.RENAMED, "RH5", "Somerset Trust", "Somerset and Dorset Trust"),
            (What.CLOSED, "RRV", "–", "31 March 2026"),
            (What.SUCCEEDED, "RRV", "", "RH5 from 1 April 2026"),
        }
        assert found.unchanged == 2
        assert len(register.organisations(connection)) == 4
        register.apply_difference(connection, found, secrets=secrets, by=OPERATOR)
        assert register.plan(connection, read(later)).changes == ()
        assert [one.id for one in register.successor_chain(connection, full.ids["RRV"], date(2026, 4, 1))] == [
            full.ids["RH5"]
        ]
        assert id_of(connection, "RH5") == full.ids["RH5"], "a new name, the same id"


def test_what_a_file_does_not_say_stays(full: House) -> None:
    silent = REGISTER.replace(",Taunton,51.0,-3.1", ",,,")
    with full.store.readonly() as connection:
        assert register.plan(connection, read(silent)).changes == ()


def test_a_successor_that_is_nowhere_waits(full: House, secrets: Secrets) -> None:
    found, _ = read_organisations(REGISTER.replace("-0.1,,", "-0.1,2026-03-31,RZZ").encode())
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        difference = register.plan(connection, found)
        register.apply_difference(connection, difference, secrets=secrets, by=OPERATOR)
        assert difference.waiting == ("RRV",)
        assert [one.what for one in difference.changes] == [What.CLOSED]


def test_an_ods_download_brings_the_register_up_to_date_and_adds_only_when_told(full: House, secrets: Secrets) -> None:
    words = ods("RH5", "SOMERSET TRUST", "Y58", closed="20260331") + ods("RAA", "AMBULANCE TRUST")
    words += ods("RBB", "CLOSED LONG AGO TRUST", closed="20100331") + ods("7A4", "CARDIFF AND VALE BOARD", "W00")
    found, _ = read_ods(words.encode())
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        difference = register.plan(connection, found, add_new=False)
        assert difference.outside == 2
        assert {(one.what, one.code) for one in difference.changes} == {
            (What.CLOSED, "RH5"),
            (What.DESCRIBED, "RH5"),
            (What.RENAMED, "7A4"),
            (What.DESCRIBED, "7A4"),
        }
        adding = register.plan(connection, found)
        assert [values["code"] for values in adding.new] == ["RAA"], "one that closed before it came stays outside"
        register.apply_difference(connection, adding, secrets=secrets, by=OPERATOR)
        assert register.plan(connection, found).changes == ()
        renamed = register.organisation_by_code(connection, "7A4")
        assert renamed
        assert renamed.name == "Cardiff and Vale Board"


def test_an_ods_download_of_successions_touches_the_registers_own_only(full: House, secrets: Secrets) -> None:
    lines = [
        Succession("RA4", "RH5", "merger or split", date(2023, 4, 1)),
        Succession("RRV", "RH5", "merger or split", date(2026, 4, 1)),
        Succession("RQQ", "RH5", "merger or split", date(2026, 4, 1)),
    ]
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        found = register.plan_successions(connection, lines)
        assert [(one.code, one.after) for one in found.changes] == [("RRV", "RH5 from 1 April 2026")]
        assert (found.unchanged, found.outside) == (1, 1)
        register.apply_difference(connection, found, secrets=secrets, by=OPERATOR)
        assert register.plan_successions(connection, lines).changes == ()


def test_the_same_changes_have_the_same_digest(full: House) -> None:
    later = REGISTER.replace("Somerset Trust", "Somerset and Dorset Trust")
    with full.store.readonly() as connection:
        one, two = (register.plan(connection, read(later)) for _ in range(2))
        assert one.digest == two.digest != register.plan(connection, read(REGISTER)).digest


# --- independents and providers of the official figures


def test_an_independent_provider_joins_with_group_first_month_and_key(full: House, secrets: Secrets) -> None:
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        made = register.add_independent(
            connection, code="nt301", name="Elm Hospital", group="Elm Group", nation="England",
            live_from=date(2025, 4, 1), secrets=secrets, by=OPERATOR,
        )  # fmt: skip
        found = register.organisation_by_id(connection, made)
        assert (found.code, found.kind, found.group_name, found.live_from) == (
            "NT301", "independent", "Elm Group", date(2025, 4, 1),
        )  # fmt: skip
        with pytest.raises(Conflict):
            register.add_independent(
                connection, code="NT301", name="Elm", group="Elm", nation="England", live_from=None,
                secrets=secrets, by=OPERATOR,
            )  # fmt: skip


def test_all_faults_of_a_provider_at_once(full: House, secrets: Secrets) -> None:
    with pytest.raises(Unprocessable) as refused, full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        register.add_independent(
            connection, code="é", name="", group="", nation="France", live_from=None, secrets=secrets, by=OPERATOR
        )
    assert [fault.pointer for fault in refused.value.errors] == ["code", "name", "group_name", "nation"]


def test_unknown_providers_join_without_a_key_and_get_one_when_they_go_live(
    full: House, admin: psycopg.Connection, secrets: Secrets
) -> None:
    providers = [("RRV", "Whatever", False), ("NT3", "Oak", True), ("NVC99", "Ash", None), ("RYY", "Trust", None)]
    with full.store.transaction(role="hat_national") as connection:
        ids = register.join_activity_only(connection, providers, by=OPERATOR)
        again = register.join_activity_only(connection, providers, by=OPERATOR)
    assert again == ids
    assert ids["RRV"] == full.ids["RRV"]
    with full.store.readonly() as connection:
        joined = {one.code: one.kind for one in register.organisations(connection) if one.activity_only}
    assert joined == {"NT3": "independent", "NVC99": "independent", "RYY": "nhs_trust"}
    keys = "select count(*) from register.data_key where organisation_id = %s"
    assert admin.execute(keys, [ids["NT3"]]).fetchone() == (0,)
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        register.go_live(connection, ids["NT3"], secrets=secrets, by=OPERATOR)
        with pytest.raises(Conflict):
            register.go_live(connection, ids["NT3"], secrets=secrets, by=OPERATOR)
    assert admin.execute(keys, [ids["NT3"]]).fetchone() == (1,)


def test_group_and_first_month_are_edited(full: House) -> None:
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        register.edit(connection, full.ids["RRV"], group=None, live_from=date(2025, 4, 1), by=OPERATOR)
        assert register.organisation_by_id(connection, full.ids["RRV"]).live_from == date(2025, 4, 1)
        with pytest.raises(NotFound):
            register.edit(connection, 999, group=None, live_from=None, by=OPERATOR)


# --- the opt-out


def test_nobody_is_exempt_by_silence(full: House, admin: psycopg.Connection) -> None:
    with full.store.readonly() as connection:
        modes = register.opt_out_modes(connection)
    assert [modes[nation].mode for nation in ("England", "Wales")] == [Mode.SCREENED, Mode.NOT_APPLICABLE]
    assert admin.execute("select count(*) from register.opt_out_mode").fetchone() == (2,)


def test_an_exemption_has_its_approval(full: House) -> None:
    exempt = OptOut("England", Mode.EXEMPT, "25/CAG/0101", date(2025, 11, 3))
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        register.set_opt_out(connection, exempt, by=OPERATOR)
        assert register.opt_out_modes(connection)["England"] == exempt
        register.set_opt_out(connection, OptOut("England", Mode.SCREENED, "25/CAG/0101", DAY), by=OPERATOR)
        assert register.opt_out_modes(connection)["England"] == OptOut("England", Mode.SCREENED)


@pytest.mark.parametrize(
    ("chosen", "wrong"),
    [
        (OptOut("England", Mode.EXEMPT), ["reference", "dated_on"]),
        (OptOut("England", Mode.NOT_APPLICABLE), ["mode"]),
        (OptOut("Wales", Mode.SCREENED), ["mode"]),
        (OptOut("Scotland", Mode.SCREENED), ["mode"]),
    ],
)
def test_modes_that_cannot_be(full: House, chosen: OptOut, wrong: list[str]) -> None:
    with pytest.raises(Unprocessable) as refused, full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        register.set_opt_out(connection, chosen, by=OPERATOR)
    assert [fault.pointer for fault in refused.value.errors] == wrong
