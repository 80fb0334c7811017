"""The organisations for which somebody may send, and what each of them must declare with a file."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ARRAY, Connection, Integer, any_, bindparam, select

from registry.store.prepared import Prepared
from registry.store.tables import opt_out_mode, organisation
from schemas.codelist import Nation
from schemas.record import RecordKind

PATIENT_KINDS = frozenset({RecordKind.CASE, RecordKind.RCA})
"""What holds patients' rows, and so falls under the national data opt-out."""


@dataclass(frozen=True, slots=True)
class Sender:
    """One organisation. `screened`: each of its files of patients must declare that the national data opt-out was applied."""

    id: int
    code: str
    name: str
    nation: Nation
    closed: bool
    screened: bool

    def must_declare(self, kind: RecordKind) -> bool:
        return self.screened and kind in PATIENT_KINDS


_SENDERS = Prepared(
    select(
        organisation.c.id,
        organisation.c.code,
        organisation.c.name,
        organisation.c.nation,
        organisation.c.closed_on.is_not(None).label("closed"),
        opt_out_mode.c.mode.label("opt_out"),
    )
    .outerjoin(opt_out_mode, opt_out_mode.c.nation == organisation.c.nation)
    .where(organisation.c.id == any_(bindparam("ids", type_=ARRAY(Integer))))
    .order_by(organisation.c.closed_on.is_not(None), organisation.c.name)
)


def senders(connection: Connection, organisations: Collection[int]) -> tuple[Sender, ...]:
    """Those organisations, the open ones first, then by name."""
    return tuple(
        Sender(row.id, row.code, row.name, Nation(row.nation), row.closed, screened(row.nation, row.opt_out))
        for row in _SENDERS(connection, ids=list(organisations))
    )


def screened(nation: str, mode: str | None) -> bool:
    """Whether senders apply the national opt-out. As long as no exemption is recorded, England's applies."""
    return mode == "screened" or (mode is None and nation == Nation.ENGLAND.value)


def only_sender(among: Collection[Sender]) -> Sender | None:
    """The one that is meant where none is named: the only open one."""
    still_open = [each for each in among if not each.closed]
    return still_open[0] if len(still_open) == 1 else None
