"""What each route that changes something leaves in the audit log: a line for every one of them, and what is heard compared with it."""

import re
from collections.abc import Mapping
from enum import Enum
from functools import cache
from types import MappingProxyType
from typing import Final

import httpx2 as httpx
import psycopg
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import Mount

from registry.web.actor import name_of
from registry.web.edge import OWN_NUMBER

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Leaves(Enum):
    """How many entries a success leaves."""

    ONE = (1, 1)
    IF_CHANGED = (0, 1)
    """None where everything stood so already: a retry, an answer given again, a page that comes back with questions."""
    EACH = (0, 12)
    """One for each thing that is changed: a person and each of their roles, a receipt and its outcome, each unit of a batch."""
    NONE = (0, 0)


_ONE = """
admin.basis.end admin.basis.save admin.clients.disable admin.clients.register admin.clients.replace_keys admin.imports.confirm
admin.letters.again admin.opt_out.save admin.organisations.add admin.organisations.edit admin.organisations.go_live
admin.organisations.succeed admin.people.disable admin.people.enable admin.people.end_role admin.people.give_role
admin.people.make_link admin.people.reset_factor admin.tokens.make admin.tokens.revoke lessons.moderators.record
own.download.give release.desk.approve release.desk.ask_audit release.desk.discard release.desk.embargo release.desk.prepare
trust.attributed.show trust.cases.acting.withdraw trust.cases.page.show trust.trail.key
trust.review.domains.add trust.review.domains.end lessons.subscribing.subscribe lessons.subscribing.change
"""
_IF_CHANGED = """
fhir.jobs.cancel fhir.returns.create fhir.returns.update fhir.searching.search_by_form lessons.lead.change lessons.lead.publish
lessons.lead.take_down lessons.moderation.approve lessons.moderation.send_back lessons.own.change lessons.own.keep_words
lessons.own.offer lessons.own.withdraw office.decide_dispute office.decide_pair outliers.mix.freeze outliers.notified.answer
outliers.policy.adopt outliers.worklist.compute outliers.worklist.move provider.link provider.unlink signin.end_session
signin.end_other_sessions signin.sign_out team.confirm_official trust.attributed.answer trust.attributed.answer_pair trust.cases.listing.find
trust.cases.acting.assign trust.cases.acting.due trust.cases.acting.move trust.cases.acting.restore trust.cases.worklist.assign
trust.match.save trust.review.asking.ask trust.review.asking.new_code trust.review.asking.take_back
trust.review.doing.add trust.review.doing.change trust.review.link.enter trust.review.overview.begin
trust.review.second.agree trust.review.second.read trust.signing.ask_unlock trust.signing.sign
trust.signing.unlock trust.users.change_roles trust.users.invite trust.users.let_in trust.users.reset_factor trust.users.shut_out
trust.users.withdraw
"""
_EACH = """
admin.people.add api.submissions.send fhir.door.send fhir.jobs.submit_cases fhir.token.give invitation.accept invitation.join
second_factor.give second_factor.give_again second_factor.new_codes second_factor.set_up signin.set_password signin.sign_in
trust.activity.save trust.cases.editing.save trust.cases.entry.save trust.mend.save trust.review.screening.save
trust.review.account.send trust.review.link.send trust.review.overview.complete
trust.review.stages.save_care trust.review.stages.save_findings trust.submissions.overwrite trust.submissions.store
trust.upload.rehearse
"""
_NONE = """
admin.imports.preview evaluation.typed.counts evaluation.typed.series evaluation.typed.series_csv evaluation.typed.sources
fhir.door.validate own.download.confirm team.preview_official
notices.open_one notices.read_all notices.save_ways
trust.cases.editing.discard trust.cases.editing.draft trust.cases.entry.discard trust.cases.entry.draft trust.review.account.keep
trust.review.link.keep trust.review.stages.keep
"""
"""What is looked at and kept by nobody; what somebody has read and how they want to be told; and drafts, which are their writer's own,
sealed, no part of any record, and gone in 90 days: what is made of them is audited."""

TRAIL: Final[Mapping[str, Leaves]] = MappingProxyType(
    {
        name: leaves
        for names, leaves in (
            (_ONE, Leaves.ONE), (_IF_CHANGED, Leaves.IF_CHANGED), (_EACH, Leaves.EACH), (_NONE, Leaves.NONE),
        )
        for name in names.split()
    }
)  # fmt: skip


@cache
def changing(app: FastAPI) -> tuple[tuple[re.Pattern[str], str, str], ...]:
    """Every route that may change something: the shape of its address, its method, its name."""
    found = []
    for route in iter_route_contexts(app.routes):
        if not isinstance(route.original_route, Mount):
            shape = re.compile(re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(route.path or "")))
            found += [(shape, method, name_of(route.endpoint)) for method in set(route.methods or ()) - SAFE]
    return tuple(sorted(found, key=lambda each: each[0].pattern.count("[^/]+")))


def route_of(app: FastAPI, method: str, path: str) -> str | None:
    """The name of the route that a request changed something by."""
    return next((name for shape, by, name in changing(app) if by == method and shape.fullmatch(path)), None)


def wrong(app: FastAPI, admin: psycopg.Connection, answer: httpx.Response) -> str | None:
    """What is wrong with what an answered request left in the audit log; None if nothing is."""
    request = answer.request
    name = route_of(app, request.method, request.url.path)
    sent_away = answer.headers.get("location", "").startswith(("/sign-in", "/second-factor"))
    if name is None or answer.status_code >= 400 or sent_away:
        return None
    number = answer.headers.get(OWN_NUMBER) or answer.headers["X-Request-Id"]
    rows = admin.execute(
        "select action, actor, role, object_type, object_id, session from records.audit where request_id = %s", [number]
    ).fetchall()
    least, most = TRAIL[name].value
    if not least <= len(rows) <= most:
        return f"{name} answered {answer.status_code} and left {[row[0] for row in rows]}"
    signed_in = "cookie" in request.headers
    if not all(action and actor and kind and ident for action, actor, _, kind, ident, _ in rows):
        return f"{name} left an entry that does not say who did what to what"
    if (
        signed_in
        and any(row[1].startswith("person:") and not row[5] for row in rows)
        and not name.startswith(("signin.", "second_factor.", "invitation.", "provider."))
    ):
        return f"{name} left an entry without its session"
    return None
