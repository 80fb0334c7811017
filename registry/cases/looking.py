"""What would be said about a form before it is saved, so that a person can look at the warnings first. Nothing of it is kept."""

from datetime import datetime

from ingest.characters import SPACES
from ingest.fhir.unit import Unit
from registry.access import Actor
from registry.cases.desk import open_desk
from registry.cases.online import Form, current
from registry.settings import Secrets, Settings
from registry.store import Store
from registry.submissions.units import validate
from schemas.dictionary import key
from schemas.finding import Finding, Severity
from schemas.rules.register import CORRECTED_ONLINE

_ORDINAL = 1


def look(
    store: Store, tenant_id: int, form: Form, *, secrets: Secrets, settings: Settings, by: Actor, at: datetime
) -> tuple[Finding, ...]:
    """The findings about a form, errors first; none where another version stands by now: saving says what differs then."""
    with store.readonly(tenants=(tenant_id,)) as connection:
        desk = open_desk(connection, secrets, settings, tenant_id, by=by, at=at)
        held = current(desk, form.kind, form.key)
    if held.version != form.base_version:
        return ()
    (name,) = key(form.kind)
    said = {each: value.strip(SPACES) for each, value in {**held.text, **form.text, name: form.key}.items()}
    unit = Unit(_ORDINAL, records={form.kind: {each: value for each, value in said.items() if value}})
    checked = validate(store, tenant_id, [unit], secrets, settings, at=at)
    found = [each.finding for each in checked.issues(_ORDINAL) if not each.information]
    # That a file would undo what was corrected online is no fault of a form.
    kept = (each for each in found if each.rule != CORRECTED_ONLINE.number)
    return tuple(sorted(kept, key=lambda each: each.severity is not Severity.ERROR))
