"""What was corrected online, put to units before they settle: their records are checked again with what stands in place of theirs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from ingest.check import Context
from ingest.fhir.checked import CheckedUnits, check_units
from ingest.fhir.unit import Unit
from registry.store.records import CORRECTED_KINDS
from registry.submissions.corrections import Corrections, any_corrected
from registry.submissions.keys import TenantKeys
from schemas.record import RecordKind


@dataclass(frozen=True, slots=True)
class Standing:
    """What of a trust stands as corrected online, for one submission. Ask for it after the kinds were locked."""

    connection: Connection
    tenant_id: int
    keys: TenantKeys
    context: Context
    overwrite: bool

    def corrections(self, kinds: Sequence[RecordKind]) -> list[Corrections]:
        """By kind, those that there are; mostly none."""
        if not any_corrected(self.connection, self.tenant_id):
            return []
        asked = (kind for kind in CORRECTED_KINDS if kind in kinds)
        found = (
            Corrections(self.connection, kind, self.tenant_id, self.keys, self.context, overwrite=self.overwrite)
            for kind in asked
        )
        return [each for each in found if not each.none]


def amended(
    units: Sequence[Unit], checked: CheckedUnits, corrections: Sequence[Corrections], context: Context
) -> CheckedUnits:
    """The units checked with what stands put in, and with what is to be told of it; as they were checked where they meet nothing."""
    if not corrections:
        return checked
    copies = [replace(unit, records={kind: dict(held) for kind, held in unit.records.items()}) for unit in units]
    told = [(each.kind, each.amend_units(copies)) for each in corrections]
    if not any(each.met for each in corrections):
        return checked
    again = check_units(copies, context)
    for kind, findings in told:
        again.note(kind, findings)
    return again
