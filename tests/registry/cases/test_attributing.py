"""Between trusts: what is told and what is not, answers carried back, disputes decided, pairs, each event counted once; again: nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import insert, text

from registry.access import Actor, Kind, Role
from registry.cases import attributed, between_trusts, find_pairs, legal_basis, office, paired
from registry.cases.answers import Answer, Pairing, Reason
from registry.cases.attributed import Given
from registry.cases.desk import open_desk
from registry.cases.legal_basis import Basis
from registry.errors import Conflict, Forbidden, NotFound, Unprocessable
from registry.publications import counting
from registry.settings import Settings
from registry.store import Store
from registry.store.desk import attribution_basis
from schemas.record import RecordKind
from tests.make import nhs_number, valid_activity, valid_case, valid_rca
from tests.registry.cases.at_desk import OURS, THEIRS, Place, place
from tests.registry.cases.make import chain_holds, contents
from tests.registry.submissions.make import keys, send

AT = datetime(2026, 2, 2, 10, tzinfo=UTC)
SOON = AT + timedelta(minutes=5)
LATER = AT + timedelta(minutes=10)
WELSH = "7A4"
SECRET = "The ward sister said so"
OFFICE = Actor(Kind.PERSON, UUID(int=9), "Office", frozenset({Role.REGISTRY_OFFICE}))
NOTHING = {"ended": 0, "told": 0, "answered": 0, "shown": 0, "moved": 0}


@dataclass(frozen=True)
class Both:
    """A trust that reports for another one, and the two desks."""

    here: Place
    admin: psycopg.Connection
    theirs: int
    their_nurse: Actor

    @property
    def ours(self) -> int:
        return self.here.tenant

    def hold(self, name: str = "A", *, code: str = OURS, of: str = THEIRS, number: str = "1", **more: str) -> None:
        row = valid_case(
            **{"local_case_id": name, "nhs_number": nhs_number(int(number)), "attributed_organisation": of} | more
        )
        receipt = send(self.here.store, self.here.settings, self.here.house.ids[code], [row])
        assert receipt.state == "accepted", receipt

    def basis(self, *nations: str, ended_on: date | None = None) -> None:
        with self.here.store.transaction() as connection:
            for nation in nations:
                connection.execute(
                    insert(attribution_basis).values(
                        nation=nation, basis="Approval", reference="25/CAG/0001", from_date=date(2026, 1, 1),
                        ended_on=ended_on, recorded_by="test",
                    )
                )  # fmt: skip

    def run(self, at: datetime = AT) -> Mapping[str, int]:
        return between_trusts(self.here.store, keys(self.here.settings), self.here.settings, at)

    def rests(self, at: datetime = LATER) -> None:
        """Another run finds nothing and changes nothing."""
        before = contents(self.admin)
        assert self.run(at) == NOTHING
        assert contents(self.admin) == before
        assert chain_holds(self.here.store, self.here.settings, self.ours, self.theirs, 0)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.admin.execute(query.encode()).fetchall()

    def told(self) -> list[tuple[Any, ...]]:
        return self.rows(
            "select tenant_id, reporter_id, vte_type, diagnosis_date, admission_date, discharge_date, "
            "nhs_number_ct is not null, birth_date_ct is not null, ended_at is null from records.attributed_case order by id"
        )

    def standing(self) -> list[tuple[int, str]]:
        return self.rows("select attributed_id, attribution from records.case_record order by tenant_id, local_case_id")

    def ident(self) -> UUID:
        [(found,)] = self.rows("select id from records.attributed_case")
        return UUID(str(found))

    def answer(self, given: Given, *, seen: str | None = None, at: datetime = SOON, by: Actor | None = None) -> None:
        store, settings = self.here.store, self.here.settings
        ident = self.ident()
        with store.transaction(tenants=(self.theirs,)) as connection:
            desk = open_desk(connection, keys(settings), settings, self.theirs, by=by or self.their_nurse, at=at)
            known = attributed.one(connection, (self.theirs,), ident).seen if seen is None else seen
            attributed.answer(desk, ident, given, seen=known)

    def decide(self, decided_for: int | None, seen: str | None = None) -> None:
        with self.here.store.transaction(role="hat_national") as connection:
            [held] = office.open_disputes(connection, OFFICE)
            office.decide_dispute(
                connection, held.id, decided_for, seen=held.seen if seen is None else seen, by=OFFICE, at=LATER
            )

    # pairs

    def find(self) -> None:
        find_pairs(self.here.store, keys(self.here.settings), self.here.settings, AT)

    def say(self, tenant: int, given: Pairing, at: datetime = SOON) -> None:
        store, settings = self.here.store, self.here.settings
        by = self.here.nurse if tenant == self.ours else self.their_nurse
        [(ident,)] = self.rows("select id from linkage.pair")
        with store.transaction(tenants=(tenant,)) as connection:
            desk = open_desk(connection, keys(settings), settings, tenant, by=by, at=at)
            paired.answer(desk, ident, given, seen=paired.one(connection, tenant, ident).seen)

    def pair_states(self) -> tuple[str, list[str]]:
        [(state,)] = self.rows("select state from linkage.pair")
        return state, [row[0] for row in self.rows("select state from records.offered_pair order by tenant_id")]

    def counted(self, at: datetime = AT) -> dict[tuple[int, str], int]:
        """Cases by organisation and standing."""
        with self.here.store.transaction(role="hat_jobs") as connection:
            counting.count(connection, self.here.settings.counting, at)
        rows = self.rows("select organisation_id, standing, count from figures.case_count where split = 'total'")
        return {(organisation, standing): number for organisation, standing, number in rows}

    def national(self, at: datetime = AT) -> int:
        return sum(number for (_, standing), number in self.counted(at).items() if standing != "doubled")


@pytest.fixture
def both(settings: Settings, store: Store, admin: psycopg.Connection) -> Both:
    here = place(settings, store)
    return Both(here, admin, here.house.ids[THEIRS], here.person("theirs", Role.VTE_NURSE, THEIRS))


# --- telling


def test_the_attributed_trust_is_told_what_may_be_told(both: Both) -> None:
    both.basis("England")
    both.hold()
    assert both.run() == NOTHING | {"told": 1, "answered": 1}
    [row] = both.told()
    assert row[:2] == (both.theirs, both.ours)
    assert row[2:] == ("dvt", date(2025, 9, 20), date(2025, 9, 1), date(2025, 9, 9), True, True, True)
    with both.here.store.transaction(tenants=(both.theirs,)) as connection:
        desk = open_desk(
            connection, keys(both.here.settings), both.here.settings, both.theirs, by=both.their_nurse, at=AT
        )
        assert attributed.identifying(desk, both.ident())["nhs_number"] == nhs_number(1)
    both.rests()


def test_what_was_copied_is_sealed_under_another_key_and_no_other_column_holds_anything(both: Both) -> None:
    both.basis("England")
    both.hold(ethnic_category="A")
    both.run()
    [(ours,)] = both.rows("select nhs_number_ct from records.case_version")
    [(theirs,)] = both.rows("select nhs_number_ct from records.attributed_case")
    assert ours != theirs
    filled = both.admin.execute("select * from records.attributed_case")
    assert filled.description is not None
    names = [column.name for column in filled.description]
    row = filled.fetchone()
    assert row is not None
    assert {name for name, cell in zip(names, row, strict=True) if cell is not None} == {
        "tenant_id", "id", "reporter_id", "reported_case_id", "nhs_number_ct", "birth_date_ct", "vte_type", "diagnosis_date",
        "admission_date", "discharge_date", "told_at", "since", "copied_version",
    }  # fmt: skip


def test_without_a_legal_basis_there_are_counts_and_nothing_else(both: Both) -> None:
    both.hold()
    both.hold("B", number="2")
    both.run()
    assert both.told() == []
    with both.here.store.readonly(tenants=(both.theirs,)) as connection:
        assert [(named.id, number) for named, number in attributed.untold(connection, (both.theirs,))] == [
            (both.theirs, 2)
        ]
    both.rests()


@pytest.mark.parametrize(
    ("nations", "told"), [((), 0), (("England",), 0), (("Wales",), 0), (("England", "Wales"), 1)], ids=str
)
def test_across_a_border_both_nations_need_a_basis(both: Both, nations: tuple[str, ...], told: int) -> None:
    both.basis(*nations)
    both.hold(of=WELSH)
    both.run()
    assert len(both.told()) == told


def test_a_basis_holds_from_its_date_and_what_was_told_is_emptied_when_it_ends(both: Both) -> None:
    both.hold()
    with both.here.store.transaction(tenants=(0,)) as connection:
        basis = Basis("England", "Support", "25/CAG/0001", date(2026, 2, 3))
        legal_basis.put(connection, basis, by=OFFICE, at=AT)
    both.run()
    assert both.told() == []
    both.run(AT + timedelta(days=1))
    assert len(both.told()) == 1
    with both.here.store.transaction(tenants=(0,)) as connection:
        legal_basis.end(connection, "England", by=OFFICE, on=date(2026, 2, 4))
    assert both.run(AT + timedelta(days=2))["ended"] == 1
    [row] = both.told()
    assert row[2:] == (None, None, None, None, False, False, False)
    both.rests(AT + timedelta(days=2))


@pytest.mark.parametrize("more", [{"confirmation": "clinical_only"}, {"vte_type": "arterial", "dvt_site": ""}], ids=str)
def test_what_is_suspected_or_out_of_scope_is_nobody_elses_to_know(both: Both, more: dict[str, str]) -> None:
    both.basis("England")
    both.hold(**more)
    both.run()
    assert both.told() == []


def test_a_case_of_ones_own_is_told_to_nobody(both: Both) -> None:
    both.basis("England")
    both.hold(of=OURS)
    assert both.run() == NOTHING


# --- following


def test_a_changed_report_is_followed(both: Both) -> None:
    both.basis("England")
    both.hold()
    both.run()
    both.answer(Given(Answer.ACCEPTED), at=AT)
    both.run()
    both.hold(diagnosis_date="2025-09-21", number="2")
    assert both.run(SOON)["told"] == 1
    [row] = both.told()
    assert row[3] == date(2025, 9, 21)
    with both.here.store.readonly(tenants=(both.theirs,)) as connection:
        assert attributed.one(connection, (both.theirs,), both.ident()).changed_since
    assert both.standing() == [(both.theirs, "accepted")]
    both.rests()


@pytest.mark.parametrize(
    "change",
    [{"withdraw_reason": "duplicate"}, {"attributed_organisation": OURS}, {"attributed_organisation": WELSH}],
    ids=["withdrawn", "own after all", "of another"],
)
def test_a_report_that_is_taken_back_is_taken_back_there_too(both: Both, change: dict[str, str]) -> None:
    both.basis("England")
    both.hold()
    both.run()
    both.hold(**({"of": change["attributed_organisation"]} if "attributed_organisation" in change else change))
    assert both.run(SOON)["ended"] == 1
    [row] = both.told()
    assert row[2:] == (None, None, None, None, False, False, False)
    both.rests()
    with pytest.raises(Conflict):
        both.answer(Given(Answer.ACCEPTED))


def test_what_the_review_finds_to_be_no_hat_ends_it(both: Both) -> None:
    both.basis("England")
    both.hold()
    both.run()
    review = valid_rca(local_case_id="A", category="not_hat", inadequacies="", preventability="")
    assert send(both.here.store, both.here.settings, both.ours, [review], kind=RecordKind.RCA).state == "accepted"
    assert both.run(SOON)["ended"] == 1


def test_what_is_erased_at_the_reporter_is_erased_in_the_copy(both: Both) -> None:
    both.basis("England")
    both.hold()
    both.run()
    both.admin.execute("update records.case_version set nhs_number_ct = null, birth_date_ct = null")
    assert both.run(SOON)["ended"] == 1
    assert both.told()[0][6:] == (False, False, True)
    both.rests()


# --- answering


def test_an_answer_comes_back_and_moves_the_case_into_the_figure(both: Both) -> None:
    both.basis("England")
    both.hold()
    both.run()
    assert both.counted() == {(both.theirs, "pending"): 1}
    both.answer(Given(Answer.ACCEPTED, words=SECRET))
    both.run(LATER)
    assert both.standing() == [(both.theirs, "accepted")]
    assert both.counted() == {(both.theirs, "agreed"): 1}
    with both.here.store.readonly(tenants=(both.ours,)) as connection:
        [seen] = attributed.reported(connection, (both.ours,), keys(both.here.settings))
    assert (seen.state, seen.words, seen.attributed.code) == ("accepted", SECRET, THEIRS)
    both.rests()


def test_what_is_disputed_is_in_no_trusts_figure_until_the_office_decides(both: Both) -> None:
    both.basis("England")
    both.hold()
    both.run()
    both.answer(Given(Answer.DISPUTED, Reason.LATER_STAY, SECRET))
    both.run(LATER)
    assert both.counted(AT + timedelta(days=60)) == {(both.theirs, "pending"): 1}
    with both.here.store.readonly(role="hat_national") as connection:
        [held] = office.open_disputes(connection, OFFICE)
        assert (held.reporter.code, held.attributed.code, held.reason) == (OURS, THEIRS, Reason.LATER_STAY)
        assert (held.dates.after_admission, held.dates.after_discharge) == (19, 11)
        everything = str(connection.execute(text("select * from linkage.dispute")).all())
    assert SECRET not in everything
    assert nhs_number(1) not in everything
    both.rests()
    both.decide(both.ours)
    both.run(LATER)
    assert both.standing() == [(both.ours, "own")]
    assert both.counted() == {(both.ours, "agreed"): 1}
    both.rests()
    with pytest.raises(Conflict):
        both.answer(Given(Answer.ACCEPTED))


def test_a_decision_outlives_a_later_file_of_the_reporter(both: Both) -> None:
    both.basis("England")
    both.hold()
    both.run()
    both.answer(Given(Answer.DISPUTED, Reason.NOT_HERE))
    both.run(LATER)
    both.decide(both.ours)
    both.run(LATER)
    both.hold(sex="female" if valid_case()["sex"] != "female" else "male")
    both.run(LATER)
    assert both.standing() == [(both.ours, "own")]
    both.rests()


def test_the_two_may_agree_after_all(both: Both) -> None:
    both.basis("England")
    both.hold()
    both.run()
    both.answer(Given(Answer.DISPUTED, Reason.NOT_HERE))
    both.run(SOON)
    both.answer(Given(Answer.ACCEPTED), at=LATER)
    both.run(LATER)
    assert both.rows("select ended_at is not null from linkage.dispute") == [(True,)]
    assert both.counted() == {(both.theirs, "agreed"): 1}
    both.rests()


@pytest.mark.parametrize("for_reporter", [True, False])
def test_shared_names_the_one_that_counts(both: Both, for_reporter: bool) -> None:
    both.basis("England")
    both.hold()
    both.run()
    one = both.ours if for_reporter else both.theirs
    both.answer(Given(Answer.SHARED, counts_for=one))
    both.run(LATER)
    assert both.counted() == {(one, "agreed"): 1}
    assert both.rows("select state, counts_for from records.attribution") == [("shared", one)]
    both.rests()


def test_what_is_not_answered_for_thirty_days_counts(both: Both) -> None:
    both.basis("England")
    both.hold()
    both.run()
    days = both.here.settings.counting.attribution_silence_days
    [(since,)] = both.rows("select attribution_since from records.case_record")
    assert both.counted(since + timedelta(days=days)) == {(both.theirs, "pending"): 1}
    assert both.counted(since + timedelta(days=days, seconds=1)) == {(both.theirs, "agreed"): 1}


def test_a_stale_form_is_told_so_and_a_doubled_one_is_one_answer(both: Both) -> None:
    both.basis("England")
    both.hold()
    both.run()
    both.answer(Given(Answer.ACCEPTED), seen="none.0")
    both.answer(Given(Answer.ACCEPTED), seen="none.0", at=LATER)
    assert both.rows("select answered_at from records.attributed_case") == [(SOON,)]
    with pytest.raises(Conflict, match="answered this case while"):
        both.answer(Given(Answer.DISPUTED, Reason.NOT_HERE), seen="none.0")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (Given(Answer.DISPUTED), "reason"),
        (Given(Answer.DISPUTED, Reason.OTHER), "words"),
        (Given(Answer.SHARED), "counts_for"),
        (Given(Answer.SHARED, counts_for=0), "counts_for"),
        (Given(Answer.ACCEPTED, words="x" * 1001), "words"),
    ],
    ids=str,
)
def test_an_answer_without_what_belongs_to_it_is_none(both: Both, given: Given, field: str) -> None:
    both.basis("England")
    both.hold()
    both.run()
    with pytest.raises(Unprocessable) as refused:
        both.answer(given)
    assert [each.pointer for each in refused.value.errors] == [field]


def test_who_may_not_complete_cases_may_not_answer(both: Both) -> None:
    both.basis("England")
    both.hold()
    both.run()
    with pytest.raises(Forbidden):
        both.answer(Given(Answer.ACCEPTED), by=both.here.nurse)
    with pytest.raises(Forbidden):
        both.answer(Given(Answer.ACCEPTED), by=both.here.person("sender", Role.TRUST_UPLOADER, THEIRS))


def test_no_trust_sees_what_another_was_told(both: Both) -> None:
    both.basis("England")
    both.hold()
    both.run()
    for tenant in (both.ours, both.here.house.ids[WELSH]):
        with both.here.store.readonly(tenants=(tenant,)) as connection:
            for table in ("attributed_case", "offered_pair", "attributed_count"):
                assert connection.execute(text(f"select count(*) from records.{table}")).scalar() == 0
            with pytest.raises(NotFound):
                attributed.one(connection, (both.theirs,), both.ident())
    with both.here.store.readonly(tenants=(both.theirs,)) as connection:
        assert connection.execute(text("select count(*) from records.attribution")).scalar() == 0
        assert connection.execute(text("select count(*) from records.case_record")).scalar() == 0


def test_the_successor_answers_for_its_predecessor(both: Both) -> None:
    both.basis("England")
    both.hold(of="RA4", admission_date="2023-01-02", discharge_date="2023-01-10", diagnosis_date="2023-01-21")
    both.run()
    predecessor = both.here.house.ids["RA4"]
    assert both.told()[0][0] == predecessor
    tenants = both.their_nurse.organisations.keys()
    assert {predecessor, both.theirs} <= set(tenants)
    settings = both.here.settings
    with both.here.store.transaction(tenants=(predecessor, both.theirs)) as connection:
        desk = open_desk(connection, keys(settings), settings, predecessor, by=both.their_nurse, at=SOON)
        attributed.answer(desk, both.ident(), Given(Answer.ACCEPTED), seen="none.0")
    both.run(LATER)
    assert both.standing() == [(predecessor, "accepted")]


# --- pairs


def _two(both: Both, **more: str) -> None:
    both.basis("England")
    for tenant in (both.ours, both.theirs):
        send(both.here.store, both.here.settings, tenant, [valid_activity()], kind=RecordKind.ACTIVITY)
    both.hold(of=OURS)
    both.hold("B", code=THEIRS, of=THEIRS, **{"diagnosis_date": "2025-09-23"} | more)
    both.find()


def test_a_pair_is_offered_to_both_with_what_agrees_and_what_does_not(both: Both) -> None:
    _two(both)
    assert both.run() == NOTHING | {"shown": 2, "moved": 2}
    for tenant in (both.ours, both.theirs):
        with both.here.store.readonly(tenants=(tenant,)) as connection:
            [held] = paired.listing(connection, (tenant,))
        assert held.agreeing == ("nhs_number", "birth_date", "vte_type", "admission_date", "discharge_date")
        assert (held.differing, held.days_apart, held.state) == (("diagnosis_date",), 3, "offered")
    both.rests()


def test_linked_counts_once_unlinked_twice(both: Both) -> None:
    _two(both)
    both.run()
    assert both.national() == 1
    both.say(both.ours, Pairing.LINK)
    both.run(SOON)
    assert both.pair_states() == ("found", ["offered", "offered"])
    both.say(both.theirs, Pairing.LINK)
    both.run(SOON)
    assert both.pair_states() == ("linked", ["linked", "linked"])
    assert both.national() == 1
    assert sorted(both.counted().items()) == sorted({(both.ours, "agreed"): 1, (both.theirs, "doubled"): 1}.items())
    both.rests()
    both.say(both.theirs, Pairing.UNLINK, at=LATER)
    both.run(LATER)
    assert both.pair_states() == ("dismissed", ["unlinked", "unlinked"])
    assert both.national() == 2
    both.rests()
    both.say(both.theirs, Pairing.LINK, at=LATER + timedelta(minutes=1))
    both.run(LATER)
    assert both.pair_states() == ("linked", ["linked", "linked"])
    assert both.national() == 1


def test_both_may_keep_it_apart_and_one_alone_may_not(both: Both) -> None:
    _two(both)
    both.run()
    both.say(both.ours, Pairing.DISMISS)
    both.run(SOON)
    assert both.national() == 1
    both.say(both.theirs, Pairing.DISMISS)
    both.run(SOON)
    assert both.pair_states() == ("dismissed", ["dismissed", "dismissed"])
    assert both.national() == 2
    both.rests()


def test_where_they_disagree_the_office_decides_and_its_word_stands(both: Both) -> None:
    _two(both)
    both.run()
    both.say(both.ours, Pairing.LINK)
    both.say(both.theirs, Pairing.DISMISS)
    both.run(SOON)
    with both.here.store.transaction(role="hat_national") as connection:
        [held] = office.open_pairs(connection, OFFICE)
        assert held.disagreed
        office.decide_pair(connection, held.id, Pairing.DISMISS, seen=held.seen, by=OFFICE, at=LATER)
    both.run(LATER)
    assert both.pair_states() == ("dismissed", ["dismissed", "dismissed"])
    assert both.national() == 2
    both.rests()
    with pytest.raises(Conflict, match="office has decided"):
        both.say(both.theirs, Pairing.LINK)


def test_without_a_basis_the_office_alone_sees_a_pair(both: Both) -> None:
    both.hold(of=OURS)
    both.hold("B", code=THEIRS, of=THEIRS)
    both.find()
    assert both.run() == NOTHING | {"shown": 2}
    assert both.rows("select 1 from records.offered_pair") == []
    with both.here.store.readonly(role="hat_national") as connection:
        assert len(office.open_pairs(connection, OFFICE)) == 1
    both.rests()


def test_a_pair_ends_with_one_of_its_cases(both: Both) -> None:
    _two(both)
    both.run()
    both.hold("B", code=THEIRS, of=THEIRS, withdraw_reason="duplicate")
    both.find()
    both.run(SOON)
    assert both.rows("select state from records.offered_pair") == [("ended",), ("ended",)]
    assert both.rows("select 1 from linkage.pair_side") == []
    assert both.national() == 1
    both.rests()
