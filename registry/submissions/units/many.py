"""Many rows of one kind, settled as a file is: staged in temporary tables, which are gone afterwards."""

import polars as pl
from sqlalchemy import Connection, text

from registry.submissions import against_register, staging
from registry.submissions.keys import TenantKeys
from registry.submissions.meeting import DIFFERS, meet, withdraws
from registry.submissions.request import Door, Record, Reference
from registry.submissions.settling import MOVED, settle
from registry.submissions.staging import BRIEF, MET, ROWS
from registry.submissions.units.settled import KindSettled, Standing
from schemas.record import RecordKind


class Many:
    """The rows of one kind on their way into the register. Only one at a time: the tables have fixed names."""

    def __init__(
        self,
        connection: Connection,
        kind: RecordKind,
        frame: pl.DataFrame,
        reference: Reference,
        door: Door,
        keys: TenantKeys,
    ) -> None:
        self._connection = connection
        self._kind = kind
        self._reference = reference
        self._door = door
        self._keys = keys
        staging.create(connection, kind)
        staging.fill(connection, kind, staging.blocks(frame, kind, reference.tenant_id, keys))
        meet(connection, kind, reference)

    def findings(self) -> pl.DataFrame:
        """What the register says of the rows."""
        return against_register.findings(self._connection, self._kind, self._reference)

    def leave_out(self, rows: pl.Series) -> None:
        """Take rows with an error out."""
        against_register.leave_out(self._connection, rows)

    def held(self) -> dict[int, int]:
        """The versions that are held of the records that rows meet."""
        rows = self._connection.execute(text(f'select "row", version - 1 as version from {MET}'))
        return {row.row: row.version for row in rows}

    def settle(self) -> KindSettled:
        """Write the rows and drop the tables."""
        difference = settle(self._connection, self._kind, self._reference, self._door, self._keys)
        standings = self._standings()
        self._connection.execute(text(f"drop table if exists {ROWS}, {BRIEF}, {MET}, {DIFFERS}, {MOVED} cascade"))
        return KindSettled(standings, difference.gained, difference.changed_fields)

    def _standings(self) -> dict[int, Standing]:
        rows = self._connection.execute(
            text(
                f"""
                select s."row", coalesce(x.record_id, s.record_id), coalesce(x.version, 1),
                       coalesce(x.does, case when {withdraws(self._kind)} is null then '{Record.NEW}'
                                             else '{Record.WITHDRAWN}' end)
                  from {BRIEF} s left join {MET} x using ("row")
                """
            )
        )
        return {
            number: Standing(record_id, version - (did == Record.UNCHANGED), Record(did))
            for number, record_id, version, did in rows
        }
