"""What the desk holds of a case that says something of its patient: erased with the case."""

from datetime import datetime

from sqlalchemy import Connection, text

# A draft of one of the pages of a review has the page and a colon before the case's own number.
_DRAFT_OF = """{draft}.tenant_id = {case}.tenant_id
               and ({draft}.case_key = {case}.local_case_id
                    or right({draft}.case_key, length({case}.local_case_id) + 1) = ':' || {case}.local_case_id)"""

# Of a case `c`: whether anything is left.
LEFT = f"""
    exists (select from records.case_event e where e.tenant_id = c.tenant_id and e.case_id = c.id and e.words_ct is not null)
 or exists (select from records.action a where a.tenant_id = c.tenant_id and a.case_id = c.id
                                           and (a.what_ct is not null or a.evidence_ct is not null))
 or exists (select from records.consultant_link l where l.tenant_id = c.tenant_id and l.case_id = c.id
                                                    and (l.sent_to_ct is not null or l.revoked_at is null))
 or exists (select from records.draft d where {_DRAFT_OF.format(draft="d", case="c")})
 or exists (select from records.attribution t where t.tenant_id = c.tenant_id and t.case_id = c.id and t.words_ct is not null)
 or exists (select from records.attributed_case o where o.reporter_id = c.tenant_id and o.reported_case_id = c.id
                                                    and (o.nhs_number_ct is not null or o.birth_date_ct is not null
                                                         or o.words_ct is not null))
 or exists (select from records.learning_point g where g.tenant_id = c.tenant_id and g.case_id = c.id
                                                   and (g.text_ct is not null or g.note_ct is not null))
"""

_OF = "x.tenant_id = o.tenant_id and x.case_id = o.id"
_OFFERED = "g.tenant_id = o.tenant_id and g.case_id = o.id"
# What is public of it tells nobody any more who it was; a lead takes it down where somebody wishes that too.
_ENDS = "case when x.state in ('published', 'taken_down') then x.state else 'withdrawn' end"
_ERASE = (
    f"update records.case_event x set words_ct = null from {{chosen}} o where {_OF} and x.words_ct is not null",
    f"update records.action x set what_ct = null, evidence_ct = null from {{chosen}} o where {_OF}",
    f"""update records.consultant_link x set sent_to_ct = null, revoked_at = coalesce(x.revoked_at, :at)
          from {{chosen}} o where {_OF}""",
    f"update records.attribution x set words_ct = null from {{chosen}} o where {_OF}",
    f"delete from records.draft x using {{chosen}} o where {_DRAFT_OF.format(draft='x', case='o')}",
    """update records.attributed_case x set nhs_number_ct = null, birth_date_ct = null, words_ct = null, ended_at = coalesce(x.ended_at, :at)
         from {chosen} o where x.reporter_id = o.tenant_id and x.reported_case_id = o.id""",
    f"""update records.moderation x set text_ct = null, state = {_ENDS}, since = :at from {{chosen}} o, records.learning_point g
         where {_OFFERED} and x.from_tenant = g.tenant_id and x.point_id = g.id and x.text_ct is not null""",
    f"""update records.learning_edition x set text_ct = null from {{chosen}} o, records.learning_point g
         where {_OFFERED} and x.tenant_id = g.tenant_id and x.point_id = g.id""",
    f"""update records.learning_point x set text_ct = null, note_ct = null, state = {_ENDS}, changed_at = :at from {{chosen}} o
         where {_OF} and (x.text_ct is not null or x.note_ct is not null)""",
)
_FORGET = """
    update records.attributed_case x set nhs_number_ct = null, birth_date_ct = null
      from {chosen} o
     where x.reporter_id = o.tenant_id and x.reported_case_id = o.id
       and (x.nhs_number_ct is not null or x.birth_date_ct is not null)
"""


def erase(connection: Connection, chosen: str, at: datetime) -> None:
    """At a patient's wish, of the cases in a temporary table (tenant_id, id, local_case_id): words, addresses, drafts; consultants' links
    end, and the organisation that a case was attributed to knows no longer of whom."""
    for statement in _ERASE:
        connection.execute(text(statement.format(chosen=chosen)), {"at": at})


def forget_identifiers(connection: Connection, chosen: str) -> None:
    """After their term, of the cases in a temporary table (tenant_id, id): what was carried to the organisation attributed."""
    connection.execute(text(_FORGET.format(chosen=chosen)))
