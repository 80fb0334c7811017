"""Every rule against the register, through the real way of a submission: an example that breaks it and one that does not."""

from collections.abc import Iterable
from datetime import date

import pytest
from sqlalchemy import insert, update

from registry import submissions
from registry.settings import Settings
from registry.store import Store
from registry.store.tables import organisation, succession
from registry.submissions import Receipt
from schemas.finding import Finding, Severity
from schemas.record import RecordKind
from schemas.rule import CATALOGUE, Scope
from tests.make import nhs_number, valid_case, valid_rca
from tests.registry.make import make_organisation
from tests.registry.submissions.make import send
from tests.registry.submissions.register_examples import (
    CLOSED,
    EXAMPLES,
    LATE,
    LATE_WELSH,
    SENDER,
    SUCCESSOR,
    Example,
    Sent,
)

Register = dict[str, int]


@pytest.fixture
def register(store: Store, settings: Settings) -> Register:
    """The organisations of the examples by their codes."""
    middle = date(2025, 9, 15)
    made = {code: make_organisation(store, settings, code=code) for code in (SENDER, CLOSED, SUCCESSOR)}
    made[LATE] = make_organisation(store, settings, code=LATE, live_from=middle)
    welsh = {"nation": "Wales", "kind": "local_health_board", "live_from": middle}
    made[LATE_WELSH] = make_organisation(store, settings, code=LATE_WELSH, **welsh)  # type: ignore[arg-type] # one kind of value each
    with store.transaction() as connection:
        dates = ((CLOSED, {"closed_on": date(2025, 6, 30)}), (SUCCESSOR, {"opened_on": date(2025, 7, 1)}))
        for code, values in dates:
            connection.execute(update(organisation).where(organisation.c.id == made[code]).values(values))
        connection.execute(
            insert(succession).values(
                predecessor_id=made[CLOSED], successor_id=made[SUCCESSOR], effective_on=date(2025, 7, 1)
            )
        )
    return made


def found(store: Store, tenant: int, receipt: Receipt) -> list[Finding]:
    """What the register says of a submission."""
    with store.readonly(tenants=(tenant,)) as connection:
        listed = submissions.findings(connection, submissions.find(connection, [tenant], receipt.id))
    return [each for each in listed if each.rule >= 300]


def send_before(store: Store, settings: Settings, tenant: int, sent: Iterable[Sent]) -> None:
    for each in sent:
        receipt = send(store, settings, tenant, [each.row], kind=each.kind, door=each.door)
        assert receipt.state == "accepted", found(store, tenant, receipt)


def _name(example: Example) -> str:
    return f"{example.number}-{example.kind}"


@pytest.mark.parametrize("example", EXAMPLES, ids=_name)
def test_the_nearest_file_stands_and_the_other_breaks_the_rule(
    store: Store, settings: Settings, register: Register, example: Example
) -> None:
    """An error keeps the row out, a warning lets it stand; either is shown at its field."""
    tenant = register[example.sender]
    send_before(store, settings, tenant, example.before if example.stands_before is None else example.stands_before)
    asked = {"kind": example.kind, "rehearsal": True, "overwrite": example.overwrite}
    stands = send(store, settings, tenant, [example.stands], **asked)  # type: ignore[arg-type] # one kind of value each
    assert example.number not in [each.rule for each in found(store, tenant, stands)]
    assert stands.errors == 0
    if example.stands_before is not None:
        send_before(store, settings, tenant, example.before)
    breaks = send(store, settings, tenant, [example.breaks], **asked)  # type: ignore[arg-type] # one kind of value each
    (finding,) = [each for each in found(store, tenant, breaks) if each.rule == example.number]
    assert (finding.row, finding.field, finding.heading) == (2, example.place, example.place)
    assert breaks.refused == (CATALOGUE[example.number].severity is Severity.ERROR)


def test_every_rule_has_an_example_for_each_kind() -> None:
    wanted = {(rule.number, kind) for rule in CATALOGUE for kind in rule.kinds if rule.scope is Scope.REGISTER}
    assert {(example.number, example.kind) for example in EXAMPLES} == wanted


def test_no_finding_tells_what_another_organisation_holds(store: Store, settings: Settings, register: Register) -> None:
    """The same person, number, month and review elsewhere are as if they were not there."""
    other, mine = register[SUCCESSOR], register[SENDER]
    send_before(store, settings, other, [Sent(valid_case()), Sent(valid_rca(), RecordKind.RCA)])
    case = send(store, settings, mine, [valid_case(local_case_id="OURS")], rehearsal=True)
    assert found(store, mine, case) == []
    review = send(store, settings, mine, [valid_rca()], kind=RecordKind.RCA, rehearsal=True)
    assert [each.rule for each in found(store, mine, review)] == [304]
    withdrawal = send(store, settings, mine, [valid_case(withdraw_reason="duplicate")], rehearsal=True)
    assert [each.rule for each in found(store, mine, withdrawal)] == [318]


def test_a_withdrawal_is_not_held_up_by_what_it_withdraws(store: Store, settings: Settings, register: Register) -> None:
    """Whatever else a row says that withdraws its record, only the record is looked for."""
    tenant = register[SENDER]
    send_before(store, settings, tenant, [Sent(valid_case())])
    row = valid_case(withdraw_reason="entered_in_error", attributed_organisation="RZZ", transferred_from="RYY")
    receipt = send(store, settings, tenant, [row])
    assert (receipt.state, receipt.withdrawn, found(store, tenant, receipt)) == ("accepted", 1, [])


def test_an_error_keeps_only_its_own_row_out(store: Store, settings: Settings, register: Register) -> None:
    rows = [
        valid_case(),
        valid_case(local_case_id="X", nhs_number=nhs_number(2), attributed_organisation="RZZ"),
    ]
    tenant = register[SENDER]
    receipt = send(store, settings, tenant, rows, mode=submissions.Mode.ACCEPT_GOOD_ROWS)
    assert (receipt.state, receipt.new, receipt.refused) == ("partly_accepted", 1, 1)
    with store.readonly(tenants=(tenant,)) as connection:
        reference = submissions.find(connection, [tenant], receipt.id)
        assert submissions.faulty_rows(connection, reference) == [3]
        told = [(each.rule, each.field, each.count) for each in submissions.tallies(connection, reference)]
    assert (300, "attributed_organisation", 1) in told
