"""Where what is to be told stands in the database: one query a kind, across all organisations, for the worker. See `registry.notices.kinds`."""

from typing import Final

from registry.store.desk import OPEN_STATES

OPEN = "state in ({})".format(", ".join(f"'{state}'" for state in OPEN_STATES))
_PERSON = "case when {0} ~ '^person:[0-9a-f-]{{36}}$' then substring({0} from 8)::uuid end"
"""The person that a label names; nobody for a program."""

SUBMISSION_DONE: Final = f"""
    select tenant_id, id::text as about, {_PERSON.format("actor")} as person_id, null as by,
           '/trust/submissions/' || id as link
      from records.submission
     where finished_at > :since and door <> 'form' and actor like 'person:%'
"""

# Whoever gave the case to themselves knows it.
CASE_ASSIGNED: Final = """
    select e.tenant_id, e.id::text as about, w.assigned_to as person_id, e.actor as by, null as link
      from records.case_event e
      join records.case_work w on w.tenant_id = e.tenant_id and w.case_id = e.case_id
     where e.what = 'assigned' and e.at > :since and w.assigned_to::text = e.detail->>'to'
"""

CASE_DUE: Final = f"""
    select tenant_id, case_id || ' ' || due_on as about, assigned_to as person_id, null as by, null as link
      from records.case_work
     where {OPEN} and assigned_to is not null and due_on between :on and cast(:on as date) + cast(:soon as integer)
"""

CASE_OVERDUE: Final = f"""
    select tenant_id, case_id || ' ' || due_on as about, assigned_to as person_id, null as by, null as link
      from records.case_work
     where {OPEN} and due_on < :on
"""

# Whoever judged first is not asked to judge again.
SECOND_READING: Final = """
    select w.tenant_id, w.case_id || ' ' || w.since as about, null::uuid as person_id,
           (select r.reader from records.reading r
             where r.tenant_id = w.tenant_id and r.case_id = w.case_id and r.place = 'first' order by r.id desc limit 1) as by,
           null as link
      from records.case_work w
     where w.state = 'second_reading'
"""

# To whoever has the case, else to whoever asked the consultant.
CONSULTANT_ANSWERED: Final = f"""
    select e.tenant_id, e.id::text as about, coalesce(w.assigned_to, {_PERSON.format("l.made_by")}) as person_id, e.actor as by,
           '/trust/cases/' || e.case_id || '/review' as link
      from records.case_event e
      join records.case_work w on w.tenant_id = e.tenant_id and w.case_id = e.case_id
      left join records.consultant_link l on l.tenant_id = e.tenant_id and l.id::text = e.detail->>'link'
     where e.what = 'consultant answered' and e.at > :since
"""

CONSULTANT_SILENT: Final = f"""
    select w.tenant_id, w.case_id || ' ' || w.since as about,
           coalesce(w.assigned_to, (select {_PERSON.format("l.made_by")} from records.consultant_link l
             where l.tenant_id = w.tenant_id and l.case_id = w.case_id order by l.id desc limit 1)) as person_id,
           null as by, null as link
      from records.case_work w
     where w.state = 'with_consultant' and w.since < cast(:at as timestamptz) - make_interval(days => :silence)
"""

ATTRIBUTED: Final = """
    select tenant_id, id || ' ' || told_at as about, null::uuid as person_id, null as by, null as link
      from records.attributed_case
     where answer is null and ended_at is null and decided_at is null
"""

ATTRIBUTION_ANSWERED: Final = """
    select tenant_id, case_id || ' ' || answered_at as about, null::uuid as person_id, answered_by as by,
           '/trust/cases/' || case_id as link
      from records.attribution
     where answered_at > :since and state in ('accepted', 'disputed', 'shared')
"""

DECIDED: Final = """
    select tenant_id, case_id || ' ' || decided_at as about, null::uuid as person_id, null as by, '/trust/cases/' || case_id as link
      from records.attribution where decided_at > :since
     union all
    select tenant_id, id || ' ' || decided_at, null, null, '/trust/attributed/' || id
      from records.attributed_case where decided_at > :since and ended_at is null
     union all
    select tenant_id, pair_id || ' ' || decided_at, null, null, '/trust/attributed/pairs/' || pair_id
      from records.offered_pair where decided_at > :since
"""

PAIR_OFFERED: Final = """
    select tenant_id, pair_id || ' ' || offered_at as about, null::uuid as person_id, null as by, null as link
      from records.offered_pair
     where state = 'offered' and answer is null
"""

ACTION_DUE: Final = """
    select tenant_id, id || ' ' || due_on as about, null::uuid as person_id, null as by, null as link
      from records.action
     where done_on is null and dropped_at is null and due_on <= :on
"""

UNLOCK_ASKED: Final = """
    select tenant_id, id || ' ' || unlock_asked_at as about, null::uuid as person_id, unlock_asked_by as by, null as link
      from records.sign_off
     where unlock_asked_at > :since and unlocked_at is null
"""

MONTH_UNLOCKED: Final = f"""
    select tenant_id, id::text as about, {_PERSON.format("unlock_asked_by")} as person_id, unlocked_by as by, null as link
      from records.sign_off
     where unlocked_at > :since and unlock_asked_by like 'person:%'
"""

# Asked for when it is due and not there, and again each time as many days have passed, so often at most.
RETURN_MISSING: Final = """
    select tenant_id, month || ' ' || reminder as about, null::uuid as person_id, null as by, null as link
      from (select o.id as tenant_id, m.month::date as month,
                   (cast(:on as date) - 1 - (m.month + interval '1 month')::date - cast(:due as integer))
                       / cast(:again as integer) as reminder,
                   cast(:on as date) > (m.month + interval '1 month')::date + cast(:due as integer) as overdue
              from register.organisation o
             cross join generate_series(date_trunc('month', cast(:on as timestamp)) - interval '5 years',
                                        cast(:on as timestamp), interval '1 month') as m(month)
             where o.kind <> 'system' and not o.activity_only and date_trunc('month', o.live_from) <= m.month
               and (o.closed_on is null or o.closed_on >= m.month)) owed
     where overdue and reminder < :most
       and not exists (select from records.activity_record r
                         join records.activity_version v
                           on v.tenant_id = r.tenant_id and v.record_id = r.id and v.version = r.version
                        where r.tenant_id = owed.tenant_id and r.month = owed.month
                          and r.withdrawn_at is null and v.case_return is not null)
"""

# A case that another organisation reported for this one falls into a month of which this one said that there was none.
NIL_DOUBTFUL: Final = """
    select a.tenant_id, r.month || ' ' || v.version as about, null::uuid as person_id, null as by, null as link
      from records.attributed_case a
      join records.activity_record r
        on r.tenant_id = a.tenant_id and r.month = date_trunc('month', a.admission_date)::date and r.withdrawn_at is null
      join records.activity_version v on v.tenant_id = r.tenant_id and v.record_id = r.id and v.version = r.version
     where v.case_return = 'nil' and a.ended_at is null and a.answer is distinct from 'disputed'
       and (a.decided_for is null or a.decided_for = a.tenant_id)
"""

# The registry's notification about an organisation's own figures, until it is answered or decided.
OUTLIER_NOTIFIED: Final = """
    select n.organisation_id as tenant_id, n.outlier_id::text as about, null::uuid as person_id, null as by,
           '/trust/outliers/' || n.outlier_id as link
      from figures.outlier_notice n
     where n.outcome is null
       and not exists (select from figures.outlier_response r
                        where r.organisation_id = n.organisation_id and r.outlier_id = n.outlier_id)
"""

LETTER_FAILED: Final = """
    select tenant_id, id::text as about, null::uuid as person_id, null as by, null as link
      from records.outbox where given_up_at > :since and tenant_id <> 0
"""

# Whoever approved it first is not asked a second time.
LEARNING_WAITS: Final = """
    select m.tenant_id, m.id || ' ' || m.edition || ' ' || m.state as about, null::uuid as person_id,
           coalesce((select e.actor from records.moderation_event e
                      where e.tenant_id = m.tenant_id and e.moderation_id = m.id and e.edition = m.edition and e.what = 'approved'
                      order by e.id desc limit 1), m.author) as by,
           '/moderation/' || m.id as link
      from records.moderation m
     where m.tenant_id = 0 and m.state in ('offered', 'read_once')
"""


def _learning(state: str) -> str:
    """To whoever wrote it, what became of it."""
    return f"""
    select tenant_id, id || ' ' || edition || ' ' || state as about, {_PERSON.format("made_by")} as person_id, null as by,
           '/trust/learning/' || id as link
      from records.learning_point
     where changed_at > :since and state = '{state}' and made_by like 'person:%'
"""


LEARNING_RETURNED: Final = _learning("returned")
LEARNING_PUBLISHED: Final = _learning("published")
LEARNING_TAKEN_DOWN: Final = _learning("taken_down")

# A release is approved by somebody else than who prepared it.
RELEASE_WAITS: Final = """
    select 0 as tenant_id, id || ' ' || state as about, null::uuid as person_id, 'person:' || prepared_by as by, null as link
      from release.publication where state in ('audited', 'approved')
"""

RELEASED: Final = """
    select 0 as tenant_id, id::text as about, null::uuid as person_id, null as by, null as link
      from published.release where released_at > :since
"""

OFFICE_DISPUTE: Final = """
    select 0 as tenant_id, id || ' ' || opened_at as about, null::uuid as person_id, null as by, '/office/disputes/' || id as link
      from linkage.dispute where decided_at is null and ended_at is null
"""

MAIL_FAILED: Final = """
    select 0 as tenant_id, id::text as about, null::uuid as person_id, null as by, null as link
      from records.outbox where given_up_at > :since
"""

# Where the person has no organisation it stands under the registry's own.
FACTOR_RESET: Final = """
    select coalesce((select min(m.organisation_id) from register.membership m
                      where m.person_id = f.person_id and m.ended_at is null), 0) as tenant_id,
           f.person_id || ' ' || f.reset_at as about, f.person_id, f.reset_by as by, null as link
      from register.second_factor f where f.reset_at > :since
"""

MANY_SHOWN = 50
"""So many patients' identifiers shown to one person within an hour of the clock are worth a question."""

IDENTIFIERS_SHOWN: Final = f"""
    select tenant_id, substring(actor from 8) || ' ' || date_trunc('hour', at) as about, null::uuid as person_id, actor as by, null as link
      from records.audit
     where action = 'identifiers shown' and actor like 'person:%' and at > date_trunc('hour', cast(:since as timestamptz))
     group by tenant_id, actor, date_trunc('hour', at)
    having count(distinct object_id) >= {MANY_SHOWN}
"""
