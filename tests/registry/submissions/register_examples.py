"""For every rule against the register a file that breaks it and the nearest one that does not, with what was sent before."""

from collections.abc import Mapping
from dataclasses import dataclass

from registry.submissions import Door
from schemas.record import RecordKind
from tests.make import nhs_number, valid, valid_activity, valid_case, valid_rca

CASE, RCA, ACTIVITY = RecordKind.CASE, RecordKind.RCA, RecordKind.ACTIVITY
WALES_QUARTER = RecordKind.WALES_QUARTER

# The senders of the examples, and what else the register holds: RX1 closed on 30 June 2025 and became RX2 on the day after;
# RL1 takes part from mid September 2025, 7A9 (Wales) likewise.
SENDER, LATE, LATE_WELSH, CLOSED, SUCCESSOR = "RK9", "RL1", "7A9", "RX1", "RX2"


@dataclass(frozen=True)
class Sent:
    """One file of one row."""

    row: Mapping[str, str]
    kind: RecordKind = CASE
    door: Door = Door.API


@dataclass(frozen=True)
class Example:
    """`breaks` and `stands` are sent as rehearsals by `sender`, after it sent `before` for good (`stands_before` where given).

    `place` is the field at which the finding is shown. `overwrite`: both are to stand over what was corrected online.
    """

    number: int
    place: str
    breaks: Mapping[str, str]
    stands: Mapping[str, str]
    kind: RecordKind = CASE
    before: tuple[Sent, ...] = ()
    sender: str = SENDER
    stands_before: tuple[Sent, ...] | None = None
    overwrite: bool = False


def _stay(admitted: str, discharged: str, diagnosed: str, **more: str) -> dict[str, str]:
    dates = {"admission_date": admitted, "discharge_date": discharged, "diagnosis_date": diagnosed}
    return valid_case(**dates, **more)


# The valid case is admitted on 1 September and diagnosed on 20 September 2025; here with times.
TIMED = Sent(valid_case(admitted_at="2025-09-01 08:00", diagnosed_at="2025-09-20 15:00"))
HELD = Sent(valid_case())
REVIEWED = Sent(valid_rca(), RCA)
WITHDRAWN = Sent(valid_case(withdraw_reason="duplicate"))
NIL = Sent(valid_activity(case_return="nil"), ACTIVITY)
ANOTHER = {"local_case_id": "HAT-0002"}

EXAMPLES = (
    Example(
        300,
        "attributed_organisation",
        valid_case(attributed_organisation="RZZ"),
        valid_case(attributed_organisation=SUCCESSOR),
    ),
    Example(301, "transferred_from", valid_case(transferred_from="RZZ"), valid_case(transferred_from=SUCCESSOR)),
    Example(
        302,
        "attributed_organisation",
        _stay("2025-07-01", "2025-07-09", "2025-07-20", attributed_organisation=CLOSED),
        _stay("2025-06-30", "2025-07-09", "2025-07-20", attributed_organisation=CLOSED),
    ),
    Example(
        302,
        "attributed_organisation",
        _stay("2025-06-30", "2025-07-09", "2025-07-20", attributed_organisation=SUCCESSOR),
        _stay("2025-07-01", "2025-07-09", "2025-07-20", attributed_organisation=SUCCESSOR),
    ),
    Example(
        303,
        "attributed_organisation",
        _stay("2025-06-30", "2025-07-09", "2025-07-20", attributed_organisation=CLOSED),
        _stay("2025-06-30", "2025-07-09", "2025-07-20"),
    ),
    Example(304, "local_case_id", valid_rca(**ANOTHER), valid_rca(), kind=RCA, before=(HELD,)),
    Example(
        305,
        "case_return",
        valid_activity(case_return="nil"),
        valid_activity(case_return="nil", month="2025-08"),
        kind=ACTIVITY,
        before=(HELD,),
    ),
    Example(
        305,
        "case_return",
        valid_activity(case_return="nil"),
        valid_activity(case_return="nil"),
        kind=ACTIVITY,
        before=(HELD,),
        stands_before=(WITHDRAWN,),
    ),
    Example(
        306,
        "admission_date",
        valid_case(),
        _stay("2025-08-31", "2025-09-09", "2025-09-20"),
        before=(NIL,),
    ),
    Example(
        306,
        "admission_date",
        valid_case(attributed_organisation=SENDER),
        valid_case(attributed_organisation=SUCCESSOR),
        before=(NIL,),
    ),
    Example(
        307,
        "admission_date",
        _stay("2025-08-31", "2025-09-09", "2025-09-20"),
        _stay("2025-09-01", "2025-09-09", "2025-09-20"),
        sender=LATE,
    ),
    Example(307, "month", valid_activity(month="2025-08"), valid_activity(), kind=ACTIVITY, sender=LATE),
    Example(
        307,
        "quarter",
        valid(WALES_QUARTER, quarter="2025-07"),
        valid(WALES_QUARTER, quarter="2025-10"),
        kind=WALES_QUARTER,
        sender=LATE_WELSH,
    ),
    *(
        Example(
            number,
            "sex",
            valid_case(),
            valid_case(sex="male"),
            before=(HELD, Sent(valid_case(sex="male"), door=Door.FORM)),
            overwrite=number == 320,
        )
        for number in (308, 320)
    ),
    *(
        Example(
            number,
            "learning_point",
            valid_rca(learning_point="First dose given late."),
            valid_rca(learning_point="Second dose given late."),
            kind=RCA,
            before=(HELD, REVIEWED, Sent(valid_rca(learning_point="Second dose given late."), RCA, Door.FORM)),
            overwrite=number == 320,
        )
        for number in (308, 320)
    ),
    Example(
        309,
        "local_case_id",
        valid_case(**ANOTHER, diagnosis_date="2025-10-04"),
        valid_case(**ANOTHER, diagnosis_date="2025-10-05"),
        before=(HELD,),
    ),
    Example(
        309,
        "local_case_id",
        valid_case(**ANOTHER),
        valid_case(**ANOTHER, nhs_number=nhs_number(2)),
        before=(HELD,),
    ),
    Example(
        312,
        "first_dose_at",
        valid_rca(first_dose_at="2025-09-01 07:59"),
        valid_rca(first_dose_at="2025-09-01 08:00"),
        kind=RCA,
        before=(TIMED,),
    ),
    Example(
        313,
        "assessed_at",
        valid_rca(assessed_at="2025-09-20 15:01", assessed_within_14_hours="no"),
        valid_rca(assessed_at="2025-09-20 15:00", assessed_within_14_hours="no"),
        kind=RCA,
        before=(TIMED,),
    ),
    Example(
        314,
        "assessed_within_14_hours",
        valid_rca(assessed_at="2025-09-01 22:01"),
        valid_rca(assessed_at="2025-09-01 22:00"),
        kind=RCA,
        before=(TIMED,),
    ),
    Example(
        314,
        "assessed_within_14_hours",
        valid_rca(assessed_at="2025-09-01 22:00", assessed_within_14_hours="no"),
        valid_rca(assessed_at="2025-09-01 22:01", assessed_within_14_hours="no"),
        kind=RCA,
        before=(TIMED,),
    ),
    Example(
        315,
        "first_dose_within_14_hours",
        valid_rca(first_dose_at="2025-09-01 22:01"),
        valid_rca(first_dose_at="2025-09-01 22:00"),
        kind=RCA,
        before=(TIMED,),
    ),
    Example(316, "judged_on", valid_rca(judged_on="2025-09-19"), valid_rca(judged_on="2025-09-20"), RCA, (HELD,)),
    Example(317, "local_case_id", valid_case(), valid_case(), CASE, (HELD, WITHDRAWN), stands_before=(HELD,)),
    Example(
        317,
        "local_case_id",
        valid_rca(),
        valid_rca(withdraw_reason="not_hat"),
        RCA,
        (HELD, REVIEWED, Sent(valid_rca(withdraw_reason="not_hat"), RCA)),
    ),
    Example(
        319,
        "local_case_id",
        valid_case(),
        valid_case(),
        CASE,
        (HELD, Sent(valid_case(withdraw_reason="objection"), CASE)),
        stands_before=(HELD, WITHDRAWN),
    ),
    Example(
        319,
        "local_case_id",
        valid_rca(),
        valid_rca(withdraw_reason="not_hat"),
        RCA,
        (HELD, REVIEWED, Sent(valid_rca(withdraw_reason="opt_out"), RCA)),
    ),
    Example(
        318,
        "withdraw_reason",
        valid_case(**ANOTHER, withdraw_reason="not_hat"),
        valid_case(withdraw_reason="not_hat"),
        before=(HELD,),
    ),
    Example(
        318,
        "withdraw_reason",
        valid_rca(**ANOTHER, withdraw_reason="not_hat"),
        valid_rca(withdraw_reason="not_hat"),
        RCA,
        (HELD, REVIEWED),
    ),
)
