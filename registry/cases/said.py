"""What the records alone say of where a case stands, before anybody at the desk has moved it.

One query for the desk and for the worker, so that both call the same thing by the same name.
"""

from schemas.codes import Confirmation, DiedWithin90Days, HatCategory, WithdrawReason
from schemas.counting import CaseScope

NOT_CONFIRMED = (Confirmation.CLINICAL_ONLY, Confirmation.UNKNOWN, Confirmation.NOT_RECORDED)

WORKED_ON = (CaseScope.IN, CaseScope.NOT_CONFIRMED)
"""What comes to the worklist by itself: what counts, and what would if it were confirmed."""


def _quoted(*codes: str) -> str:
    return ", ".join(f"'{each}'" for each in codes)


SAID = f"""
    select r.tenant_id, r.id as case_id, r.local_case_id, r.attribution, v.scope,
           case when r.withdraw_reason = '{WithdrawReason.NOT_HAT}' then 'not_hat'
                when r.withdrawn_at is not null then null
                when q.category = '{HatCategory.NOT_HAT}' then 'not_hat'
                when q.category is not null and q.preventability is not null then 'complete'
                when q.record_id is not null then 'rca_open'
                when coalesce(v.confirmation, '{Confirmation.UNKNOWN}') in ({_quoted(*NOT_CONFIRMED)}) then 'suspected'
                else 'confirmed' end as said,
           -- By which door came the version that decides it.
           case when r.withdrawn_at is null and q.record_id is not null then q.door else v.door end as door,
           coalesce(v.died_within_90_days = '{DiedWithin90Days.YES}', false) as died,
           coalesce(q.judged_on, q.recorded_at::date) as judged_on
      from records.case_record r
      join records.case_version v on v.tenant_id = r.tenant_id and v.record_id = r.id and v.version = r.version
      left join (select a.tenant_id, a.local_case_id, b.record_id, b.category, b.preventability, b.judged_on, b.door,
                        b.recorded_at
                   from records.rca_record a
                   join records.rca_version b
                     on b.tenant_id = a.tenant_id and b.record_id = a.id and b.version = a.version
                  where a.withdrawn_at is null) q
        on q.tenant_id = r.tenant_id and q.local_case_id = r.local_case_id
"""
"""For each case `said`: the name of a state, or null where the case is withdrawn. A condition on `r` may follow (`where r.id = …`)."""
