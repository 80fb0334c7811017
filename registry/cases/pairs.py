"""The same event reported by two trusts: found by the worker alone, never while a sender waits for an answer."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import text

from registry.settings import Secrets, Settings
from registry.store import Store

# One person, two trusts, diagnoses at most so many days apart, of any type. The lower tenant id stands first, so a pair
# is found once.
_FIND = """
insert into linkage.pair (first_tenant_id, first_case_id, second_tenant_id, second_case_id, days_apart)
select a.tenant_id, a.id, b.tenant_id, b.id, abs(va.diagnosis_date - vb.diagnosis_date)
  from records.case_record a
  join records.case_record b on b.{person} = a.{person} and b.tenant_id > a.tenant_id
  join records.case_version va on va.tenant_id = a.tenant_id and va.record_id = a.id and va.version = a.version
  join records.case_version vb on vb.tenant_id = b.tenant_id and vb.record_id = b.id and vb.version = b.version
 where a.{person} is not null and a.withdrawn_at is null and b.withdrawn_at is null
   and abs(va.diagnosis_date - vb.diagnosis_date) <= :days
    on conflict (first_tenant_id, first_case_id, second_tenant_id, second_case_id)
    do update set days_apart = excluded.days_apart where pair.days_apart <> excluded.days_apart
returning (xmax = 0) as new
"""

# A pair that nobody has worked on falls away with a withdrawal, a corrected date or a corrected NHS number. One whose
# identifiers were erased when their time was over stays: it was true. Then the birth date is gone too.
_DROP = """
delete from linkage.pair p
 using records.case_record a, records.case_record b, records.case_version va, records.case_version vb
 where a.tenant_id = p.first_tenant_id and a.id = p.first_case_id
   and b.tenant_id = p.second_tenant_id and b.id = p.second_case_id
   and va.tenant_id = a.tenant_id and va.record_id = a.id and va.version = a.version
   and vb.tenant_id = b.tenant_id and vb.record_id = b.id and vb.version = b.version
   and p.state = 'found'
   and (a.withdrawn_at is not null or b.withdrawn_at is not null
        or a.{person} <> b.{person} or abs(va.diagnosis_date - vb.diagnosis_date) > :days
        or (a.{person} is null and va.birth_date_ct is not null)
        or (b.{person} is null and vb.birth_date_ct is not null))
"""


_COMPLETE = "select place from register.key_version where kind = 'match' and state = 'in use'"


def find_pairs(store: Store, secrets: Secrets, settings: Settings, at: datetime) -> Mapping[str, int]:
    """Find new pairs and drop those that no longer hold. Gives how many of each; run twice it finds nothing more."""
    days = {"days": settings.counting.match_days}
    with store.transaction(role="hat_jobs") as connection:
        # Named in the statement, so that it is joined by its index or by a hash: a column is complete as long as it is in use, and for
        # whoever has asked which one that is.
        person = connection.execute(text(_COMPLETE)).scalar_one()
        dropped = connection.execute(text(_DROP.format(person=person)), days).rowcount
        found = sum(row.new for row in connection.execute(text(_FIND.format(person=person)), days))
    return {"found": found, "dropped": dropped}
