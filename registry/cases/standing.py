"""What the rules of today say of a case as it is held: the findings that stand. They hold no value."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from ingest.check import Context
from ingest.fhir.checked import check_units
from ingest.fhir.unit import Unit
from ingest.written import texts
from registry import identifiers
from registry.cases.story import Head
from registry.settings import Secrets, Settings
from registry.submissions.keys import TenantKeys, unwrapped
from schemas.codelist import Nation
from schemas.finding import Finding
from schemas.record import RecordKind

CASE = RecordKind.CASE
_ORDINAL = 1
MOST_KNOWN = 5_000
_KNOWN: dict[tuple[int, UUID, int, date], tuple[Finding, ...]] = {}
"""What was said of the versions that were looked at last: a version never changes, and a finding holds no value."""
_NEEDED = "birth_date"
"""Erased after its term, with what else identifies: then the rules have nothing to say any more."""


def keys_of(head: Head, secrets: Secrets) -> TenantKeys | None:
    """The keys of the case's trust; None where they were destroyed."""
    try:
        return unwrapped(secrets, head.trust.id, head.ring)
    except identifiers.IdentifierError:
        return None


def opened(head: Head, keys: TenantKeys | None) -> dict[str, str]:
    """What identifies, in clear. Showing it is an act that the caller audits."""
    if keys is None:
        return {}
    return {
        name: identifiers.open_sealed(
            keys.opens, cell, identifiers.cell_aad(head.trust.id, CASE.value, head.local_case_id, name)
        )
        for name, cell in head.sealed.items()
    }


def findings(
    head: Head, values: Mapping[str, Any], keys: TenantKeys | None, settings: Settings, on: date
) -> tuple[Finding, ...]:
    """What would be said if the case came today as it stands; nothing of one that is withdrawn or erased."""
    if head.withdrawn or keys is None or _NEEDED not in head.sealed:
        return ()
    same = (head.trust.id, head.case_id, head.version, on)
    found = _KNOWN.get(same)
    if found is None:
        while len(_KNOWN) >= MOST_KNOWN:
            _KNOWN.pop(next(iter(_KNOWN)), None)
        found = _KNOWN[same] = _checked(head, values, keys, settings, on)
    return found


def _checked(
    head: Head, values: Mapping[str, Any], keys: TenantKeys, settings: Settings, on: date
) -> tuple[Finding, ...]:
    context = Context(
        nation=Nation(head.nation),
        sender=head.trust.code,
        on=on,
        synthetic=settings.demo,
        transfer_hours=settings.counting.transfer_hours,
    )
    unit = Unit(_ORDINAL, records={CASE: texts(CASE, {**values, **opened(head, keys)})})
    issues = check_units([unit], context).issues(_ORDINAL)
    return tuple(each.finding for each in issues if not each.information)
