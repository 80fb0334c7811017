"""Who may do what: the roles, the rights of each, and the right that each route asks for. Three tables and nothing else.

A right is held over the organisations for which a person or token has a role that brings it; the rights of national roles
are held without one. What somebody may not see answers exactly like what does not exist. A new page is one line in `ROUTES`;
a test compares that table with the routes of the application, both ways, and with what each handler asks for.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID


class Role(StrEnum):
    """What a person or token is, for one organisation or for the nation."""

    TRUST_UPLOADER = "trust_uploader"
    VTE_NURSE = "vte_nurse"
    TRUST_LEAD = "trust_lead"
    CONSULTANT_REVIEWER = "consultant_reviewer"
    NATIONAL_LEAD = "national_lead"
    NATIONAL_ANALYST = "national_analyst"
    REGISTRY_OFFICE = "registry_office"
    MODERATOR = "moderator"
    ADMINISTRATOR = "administrator"
    PUBLIC = "public"

    @property
    def words(self) -> str:
        """The role as people read it."""
        return "VTE nurse" if self is Role.VTE_NURSE else self.value.replace("_", " ").capitalize()


class Right(StrEnum):
    """One thing that may be done."""

    OWN_ACCOUNT = "own_account"
    """See and end one's own sessions."""
    SUBMIT = "submit"
    """Send a file for an organisation, rehearse it, commit it, withdraw by it; confirm how its headings are matched."""
    READ_SUBMISSIONS = "read_submissions"
    """See an organisation's receipts, findings, annotated workbooks and failed rows."""
    READ_CASES = "read_cases"
    """See an organisation's cases and reviews, exactly."""
    EDIT_CASES = "edit_cases"
    """Complete an organisation's cases and reviews."""
    SIGN_OFF_RETURN = "sign_off_return"
    """Declare an organisation's month complete or nil."""
    MANAGE_OWN_PEOPLE = "manage_own_people"
    """Invite people to an organisation, change their roles there, shut them out of it."""
    REVIEW_CASE = "review_case"
    """Answer for the one case that a link names."""
    READ_DRAFTS = "read_drafts"
    """See protected figures before their release, and the outlier worklist."""
    READ_AGGREGATES = "read_aggregates"
    """See the exact aggregates of organisations; never a row."""
    IMPORT_FIGURES = "import_figures"
    """Import the official files of figures."""
    PREPARE_RELEASE = "prepare_release"
    RELEASE = "release"
    """Release, or discard, what another person prepared."""
    CHECK_OUTLIERS = "check_outliers"
    """Freeze reference rates, compute a cycle of outliers, record that our data were checked."""
    DECIDE_OUTLIERS = "decide_outliers"
    """Adopt the outlier policy; notify providers, confirm or not, record what is published."""
    ANSWER_OUTLIERS = "answer_outliers"
    """Read what the registry notified of an organisation's own figures, and respond."""
    READ_TRAIL = "read_trail"
    """Read, take away and check an organisation's own audit trail."""
    RESOLVE_PAIRS = "resolve_pairs"
    """See disputes and pairs across organisations, without numbers, birth dates or free text."""
    MODERATE_LESSONS = "moderate_lessons"
    MANAGE_ORGANISATIONS = "manage_organisations"
    MANAGE_PEOPLE = "manage_people"
    MANAGE_TOKENS = "manage_tokens"
    MANAGE_SETTINGS = "manage_settings"


_EVERYBODY_SIGNED_IN = frozenset({Right.OWN_ACCOUNT})
_UPLOADS = frozenset({Right.SUBMIT, Right.READ_SUBMISSIONS, Right.READ_CASES})
_NURSES = _UPLOADS | {Right.EDIT_CASES}

RIGHTS: Final[Mapping[Role, frozenset[Right]]] = MappingProxyType(
    {
        Role.TRUST_UPLOADER: _EVERYBODY_SIGNED_IN | _UPLOADS,
        Role.VTE_NURSE: _EVERYBODY_SIGNED_IN | _NURSES,
        Role.TRUST_LEAD: _EVERYBODY_SIGNED_IN
        | _NURSES
        | {Right.ANSWER_OUTLIERS, Right.SIGN_OFF_RETURN, Right.MANAGE_OWN_PEOPLE, Right.READ_TRAIL},
        Role.CONSULTANT_REVIEWER: _EVERYBODY_SIGNED_IN | {Right.REVIEW_CASE},
        Role.NATIONAL_LEAD: _EVERYBODY_SIGNED_IN | {Right.DECIDE_OUTLIERS, Right.READ_DRAFTS, Right.RELEASE},
        Role.NATIONAL_ANALYST: _EVERYBODY_SIGNED_IN
        | {
            Right.CHECK_OUTLIERS,
            Right.READ_DRAFTS,
            Right.READ_AGGREGATES,
            Right.IMPORT_FIGURES,
            Right.PREPARE_RELEASE,
            Right.RELEASE,
        },
        Role.REGISTRY_OFFICE: _EVERYBODY_SIGNED_IN | {Right.RESOLVE_PAIRS},
        Role.MODERATOR: _EVERYBODY_SIGNED_IN | {Right.MODERATE_LESSONS},
        # No case, no figure: an administrator decides who comes in, not what they see.
        Role.ADMINISTRATOR: _EVERYBODY_SIGNED_IN
        | {Right.MANAGE_ORGANISATIONS, Right.MANAGE_PEOPLE, Right.MANAGE_TOKENS, Right.MANAGE_SETTINGS},
        Role.PUBLIC: frozenset(),
    }
)

PROGRAM_ROLES: Final = (Role.TRUST_UPLOADER, Role.VTE_NURSE, Role.TRUST_LEAD)
"""What a machine client may be, for its organisations."""
ORGANISATION_ROLES: Final = (*PROGRAM_ROLES, Role.CONSULTANT_REVIEWER)
"""Held for one organisation at a time."""
NATIONAL_ROLES: Final = (
    Role.NATIONAL_LEAD, Role.NATIONAL_ANALYST, Role.REGISTRY_OFFICE, Role.MODERATOR, Role.ADMINISTRATOR,
)  # fmt: skip
"""Held without an organisation."""
TOKEN_ROLES: Final = (*PROGRAM_ROLES, Role.NATIONAL_LEAD, Role.NATIONAL_ANALYST)
"""What a program may be. Whoever manages people or sees disputes is a person, signed in."""


class Scope(StrEnum):
    """What a machine client may ask its access token for (SMART scopes), within what its role brings; no others are known."""

    BUNDLE_CREATE = "system/Bundle.c"
    CONDITION_READ_SEARCH = "system/Condition.rs"
    QUESTIONNAIRE_RESPONSE = "system/QuestionnaireResponse.crus"
    MEASURE_REPORT = "system/MeasureReport.crus"
    BULK_SUBMIT = "system/bulk-submit"

    @property
    def words(self) -> str:
        """The scope as people read it."""
        return _SCOPE_WORDS[self]


_SCOPE_WORDS: Final[Mapping[Scope, str]] = MappingProxyType(
    {
        Scope.BUNDLE_CREATE: "Send one case at a time",
        Scope.CONDITION_READ_SEARCH: "Read and search the cases that it may see",
        Scope.QUESTIONNAIRE_RESPONSE: "Send, read and search reviews and answers",
        Scope.MEASURE_REPORT: "Send, read and search monthly returns",
        Scope.BULK_SUBMIT: "Send files of many cases",
    }
)

PUBLIC: Final = None
"""In `ROUTES`: anybody, signed in or not."""

ROUTES: Final[Mapping[str, Right | None]] = MappingProxyType(
    {
        "app.openapi": PUBLIC,
        "health.healthz": PUBLIC,
        "health.readyz": PUBLIC,
        "guide.index": PUBLIC,
        "guide.one": PUBLIC,
        "signin.ask": PUBLIC,
        "signin.sign_in": PUBLIC,
        "signin.sign_out": PUBLIC,
        "signin.ask_password": PUBLIC,
        "signin.set_password": PUBLIC,
        "signin.own_sessions": Right.OWN_ACCOUNT,
        "signin.end_session": Right.OWN_ACCOUNT,
        "signin.end_other_sessions": Right.OWN_ACCOUNT,
        # Guarded by the half of a session that a password began.
        "second_factor.ask": PUBLIC,
        "second_factor.give": PUBLIC,
        "second_factor.ask_set_up": PUBLIC,
        "second_factor.set_up": PUBLIC,
        # Guarded by the secret of the browser's own cookie, and by what the provider signs.
        "provider.leave": PUBLIC,
        "provider.come_back": PUBLIC,
        "provider.link": Right.MANAGE_PEOPLE,
        "provider.unlink": Right.MANAGE_PEOPLE,
        "second_factor.ask_again": Right.OWN_ACCOUNT,
        "second_factor.give_again": Right.OWN_ACCOUNT,
        "second_factor.new_codes": Right.OWN_ACCOUNT,
        "admin.index": Right.MANAGE_SETTINGS,
        "admin.imports.ask": Right.MANAGE_ORGANISATIONS,
        "admin.imports.preview": Right.MANAGE_ORGANISATIONS,
        "admin.imports.confirm": Right.MANAGE_ORGANISATIONS,
        "admin.organisations.index": Right.MANAGE_ORGANISATIONS,
        "admin.organisations.ask_new": Right.MANAGE_ORGANISATIONS,
        "admin.organisations.add": Right.MANAGE_ORGANISATIONS,
        "admin.organisations.one": Right.MANAGE_ORGANISATIONS,
        "admin.organisations.edit": Right.MANAGE_ORGANISATIONS,
        "admin.organisations.go_live": Right.MANAGE_ORGANISATIONS,
        "admin.organisations.succeed": Right.MANAGE_ORGANISATIONS,
        "admin.people.index": Right.MANAGE_PEOPLE,
        "admin.people.ask_new": Right.MANAGE_PEOPLE,
        "admin.people.add": Right.MANAGE_PEOPLE,
        "admin.people.one": Right.MANAGE_PEOPLE,
        "admin.people.give_role": Right.MANAGE_PEOPLE,
        "admin.people.end_role": Right.MANAGE_PEOPLE,
        "admin.people.disable": Right.MANAGE_PEOPLE,
        "admin.people.enable": Right.MANAGE_PEOPLE,
        "admin.people.make_link": Right.MANAGE_PEOPLE,
        "admin.people.reset_factor": Right.MANAGE_PEOPLE,
        "admin.tokens.index": Right.MANAGE_TOKENS,
        "admin.tokens.make": Right.MANAGE_TOKENS,
        "admin.tokens.revoke": Right.MANAGE_TOKENS,
        "admin.clients.index": Right.MANAGE_TOKENS,
        "admin.clients.register": Right.MANAGE_TOKENS,
        "admin.clients.one": Right.MANAGE_TOKENS,
        "admin.clients.replace_keys": Right.MANAGE_TOKENS,
        "admin.clients.disable": Right.MANAGE_TOKENS,
        "problem_pages.index": PUBLIC,
        "problem_pages.one": PUBLIC,
        "admin.letters.index": Right.MANAGE_SETTINGS,
        "admin.letters.again": Right.MANAGE_SETTINGS,
        "admin.opt_out.index": Right.MANAGE_SETTINGS,
        "admin.opt_out.save": Right.MANAGE_SETTINGS,
        "admin.basis.index": Right.MANAGE_SETTINGS,
        "admin.basis.save": Right.MANAGE_SETTINGS,
        "admin.basis.end": Right.MANAGE_SETTINGS,
        "api.submissions.send": Right.SUBMIT,
        "api.submissions.listing": Right.READ_SUBMISSIONS,
        "api.submissions.show": Right.READ_SUBMISSIONS,
        "api.submissions.findings": Right.READ_SUBMISSIONS,
        "api.submissions.findings_csv": Right.READ_SUBMISSIONS,
        "api.submissions.annotated_xlsx": Right.READ_SUBMISSIONS,
        "api.submissions.failed_rows_csv": Right.READ_SUBMISSIONS,
        "api.me.me": Right.OWN_ACCOUNT,
        "api.dataset.listing": PUBLIC,
        "api.dataset.artefact": PUBLIC,
        "fhir.conformance.capabilities": PUBLIC,
        "fhir.conformance.smart_configuration": PUBLIC,
        "fhir.conformance.listing": PUBLIC,
        "fhir.conformance.one": PUBLIC,
        "fhir.conformance.packed": PUBLIC,
        "fhir.conformance.rule": PUBLIC,
        "fhir.guide.index": PUBLIC,
        "fhir.guide.example": PUBLIC,
        "fhir.token.give": PUBLIC,
        "fhir.door.send": Right.SUBMIT,
        "fhir.door.validate": Right.SUBMIT,
        "fhir.returns.create": Right.SUBMIT,
        "fhir.returns.update": Right.SUBMIT,
        "fhir.jobs.submit_cases": Right.SUBMIT,
        "fhir.jobs.status": Right.READ_SUBMISSIONS,
        "fhir.jobs.job_outcome": Right.READ_SUBMISSIONS,
        "fhir.jobs.cancel": Right.SUBMIT,
        "fhir.reading.read": Right.READ_CASES,
        "fhir.reading.read_version": Right.READ_CASES,
        "fhir.reading.read_history": Right.READ_CASES,
        "fhir.searching.search": Right.READ_CASES,
        "fhir.searching.search_by_form": Right.READ_CASES,
        # The address of the released figures is that of a trust's own returns too; for these the handler asks READ_CASES itself.
        "fhir.reports.search": PUBLIC,
        "fhir.reports.read": PUBLIC,
        "trust.trail.index": Right.READ_TRAIL,
        "trust.trail.file": Right.READ_TRAIL,
        "trust.trail.key": Right.READ_TRAIL,
        "trust.home.home": Right.READ_SUBMISSIONS,
        "trust.home.templates": Right.READ_SUBMISSIONS,
        "trust.upload.ask": Right.SUBMIT,
        "trust.upload.rehearse": Right.SUBMIT,
        "trust.match.index": Right.SUBMIT,
        "trust.match.ask": Right.SUBMIT,
        "trust.match.save": Right.SUBMIT,
        "trust.signing.index": Right.READ_SUBMISSIONS,
        "trust.signing.sign": Right.SIGN_OFF_RETURN,
        "trust.signing.ask_unlock": Right.SUBMIT,
        "trust.signing.unlock": Right.SIGN_OFF_RETURN,
        "trust.activity.ask": Right.SUBMIT,
        "trust.activity.save": Right.SUBMIT,
        "trust.changes.index": Right.READ_SUBMISSIONS,
        "trust.calendar.index": Right.READ_SUBMISSIONS,
        "trust.quality.index": Right.READ_CASES,
        "trust.mend.ask": Right.SUBMIT,
        "trust.mend.save": Right.SUBMIT,
        "trust.submissions.index": Right.READ_SUBMISSIONS,
        "trust.submissions.one": Right.READ_SUBMISSIONS,
        "trust.submissions.progress": Right.READ_SUBMISSIONS,
        "trust.submissions.store": Right.SUBMIT,
        "trust.submissions.overwrite": Right.SUBMIT,
        "trust.submissions.findings_csv": Right.READ_SUBMISSIONS,
        "trust.submissions.annotated_xlsx": Right.READ_SUBMISSIONS,
        "trust.submissions.failed_rows_csv": Right.READ_SUBMISSIONS,
        "trust.cases.worklist.index": Right.READ_CASES,
        "trust.cases.worklist.assign": Right.EDIT_CASES,
        "trust.cases.listing.index": Right.READ_CASES,
        "trust.cases.listing.find": Right.READ_CASES,
        "trust.cases.entry.ask": Right.EDIT_CASES,
        "trust.cases.entry.save": Right.EDIT_CASES,
        "trust.cases.entry.draft": Right.EDIT_CASES,
        "trust.cases.entry.discard": Right.EDIT_CASES,
        "trust.cases.editing.ask": Right.EDIT_CASES,
        "trust.cases.editing.save": Right.EDIT_CASES,
        "trust.cases.editing.draft": Right.EDIT_CASES,
        "trust.cases.editing.discard": Right.EDIT_CASES,
        "trust.cases.acting.move": Right.EDIT_CASES,
        "trust.cases.acting.assign": Right.EDIT_CASES,
        "trust.cases.acting.due": Right.EDIT_CASES,
        "trust.cases.acting.ask_withdraw": Right.EDIT_CASES,
        "trust.cases.acting.withdraw": Right.EDIT_CASES,
        "trust.cases.acting.restore": Right.EDIT_CASES,
        "trust.cases.page.one": Right.READ_CASES,
        "trust.cases.page.show": Right.READ_CASES,
        "trust.attributed.index": Right.READ_CASES,
        "trust.attributed.one": Right.READ_CASES,
        "trust.attributed.show": Right.READ_CASES,
        "trust.attributed.answer": Right.EDIT_CASES,
        "trust.attributed.pair": Right.READ_CASES,
        "trust.attributed.answer_pair": Right.EDIT_CASES,
        "office.index": Right.RESOLVE_PAIRS,
        "office.dispute": Right.RESOLVE_PAIRS,
        "office.decide_dispute": Right.RESOLVE_PAIRS,
        "office.pair": Right.RESOLVE_PAIRS,
        "office.decide_pair": Right.RESOLVE_PAIRS,
        "trust.review.overview.one": Right.READ_CASES,
        "trust.review.overview.begin": Right.EDIT_CASES,
        "trust.review.overview.complete": Right.EDIT_CASES,
        "trust.review.screening.ask": Right.EDIT_CASES,
        "trust.review.screening.save": Right.EDIT_CASES,
        "trust.review.stages.ask_care": Right.EDIT_CASES,
        "trust.review.stages.save_care": Right.EDIT_CASES,
        "trust.review.stages.ask_findings": Right.EDIT_CASES,
        "trust.review.stages.save_findings": Right.EDIT_CASES,
        "trust.review.stages.keep": Right.EDIT_CASES,
        "trust.review.stages.beside": Right.EDIT_CASES,
        "trust.review.asking.ask": Right.EDIT_CASES,
        "trust.review.asking.new_code": Right.EDIT_CASES,
        "trust.review.asking.take_back": Right.EDIT_CASES,
        "trust.review.second.ask": Right.EDIT_CASES,
        "trust.review.second.read": Right.EDIT_CASES,
        "trust.review.second.compare": Right.EDIT_CASES,
        "trust.review.second.agree": Right.EDIT_CASES,
        "trust.review.doing.add": Right.EDIT_CASES,
        "trust.review.doing.one": Right.EDIT_CASES,
        "trust.review.doing.change": Right.EDIT_CASES,
        "trust.review.doing.index": Right.READ_CASES,
        "trust.review.paper.report": Right.READ_CASES,
        "trust.review.paper.report_pdf": Right.READ_CASES,
        "trust.review.paper.candour": Right.EDIT_CASES,
        "trust.review.paper.consultant_letter": Right.EDIT_CASES,
        "trust.users.index": Right.MANAGE_OWN_PEOPLE,
        "trust.users.ask_invite": Right.MANAGE_OWN_PEOPLE,
        "trust.users.invite": Right.MANAGE_OWN_PEOPLE,
        "trust.users.withdraw": Right.MANAGE_OWN_PEOPLE,
        "trust.users.one": Right.MANAGE_OWN_PEOPLE,
        "trust.users.change_roles": Right.MANAGE_OWN_PEOPLE,
        "trust.users.shut_out": Right.MANAGE_OWN_PEOPLE,
        "trust.users.let_in": Right.MANAGE_OWN_PEOPLE,
        "trust.users.reset_factor": Right.MANAGE_OWN_PEOPLE,
        "notices.index": Right.OWN_ACCOUNT,
        "notices.read_all": Right.OWN_ACCOUNT,
        "notices.ask_ways": Right.OWN_ACCOUNT,
        "notices.save_ways": Right.OWN_ACCOUNT,
        "notices.open_one": Right.OWN_ACCOUNT,
        # Guarded by the link: whoever holds none finds nothing there.
        "invitation.ask": PUBLIC,
        "invitation.join": PUBLIC,
        "invitation.accept": PUBLIC,
        "trust.review.domains.index": Right.SIGN_OFF_RETURN,
        "trust.review.domains.add": Right.SIGN_OFF_RETURN,
        "trust.review.domains.end": Right.SIGN_OFF_RETURN,
        # Guarded by the link and its code: whoever holds none finds nothing there.
        "trust.review.link.ask": PUBLIC,
        "trust.review.link.enter": PUBLIC,
        "trust.review.link.keep": PUBLIC,
        "trust.review.link.send": PUBLIC,
        "trust.review.account.index": Right.REVIEW_CASE,
        "trust.review.account.one": Right.REVIEW_CASE,
        "trust.review.account.keep": Right.REVIEW_CASE,
        "trust.review.account.send": Right.REVIEW_CASE,
        "public.index.start": PUBLIC,
        "public.index.figures": PUBLIC,
        "public.trusts.listed": PUBLIC,
        "public.trusts.as_csv": PUBLIC,
        "public.trusts.one": PUBLIC,
        "public.trusts.one_as_csv": PUBLIC,
        "public.compare.page": PUBLIC,
        "public.compare.as_csv": PUBLIC,
        "public.regions.beside_each_other": PUBLIC,
        "public.regions.one": PUBLIC,
        "public.measures.as_csv": PUBLIC,
        "public.measures.as_json": PUBLIC,
        "public.measures.one": PUBLIC,
        "public.about.about_data": PUBLIC,
        "public.about.about_patients": PUBLIC,
        "public.about.accessibility": PUBLIC,
        "evaluation.released.page": PUBLIC,
        "evaluation.released.as_csv": PUBLIC,
        "evaluation.inside.page": Right.READ_AGGREGATES,
        "evaluation.inside.as_csv": Right.READ_AGGREGATES,
        "own.evaluation.page": Right.READ_CASES,
        "own.evaluation.as_csv": Right.READ_CASES,
        "own.case_mix.page": Right.READ_CASES,
        "outliers.mix.page": Right.READ_AGGREGATES,
        "outliers.mix.as_csv": Right.READ_AGGREGATES,
        "outliers.mix.freeze": Right.CHECK_OUTLIERS,
        "outliers.worklist.index": Right.READ_DRAFTS,
        "outliers.worklist.compute": Right.CHECK_OUTLIERS,
        "outliers.worklist.cycle": Right.READ_AGGREGATES,
        "outliers.worklist.one": Right.READ_DRAFTS,
        # Who may take which step stands in registry/publications/outlier_states.py.
        "outliers.worklist.move": Right.READ_DRAFTS,
        "outliers.policy.ask": Right.READ_DRAFTS,
        "outliers.policy.adopt": Right.DECIDE_OUTLIERS,
        "outliers.notified.index": Right.ANSWER_OUTLIERS,
        "outliers.notified.one": Right.ANSWER_OUTLIERS,
        "outliers.notified.answer": Right.ANSWER_OUTLIERS,
        "evaluation.typed.ask_counts": PUBLIC,
        "evaluation.typed.counts": PUBLIC,
        "evaluation.typed.ask_sources": PUBLIC,
        "evaluation.typed.sources": PUBLIC,
        "evaluation.typed.ask_series": PUBLIC,
        "evaluation.typed.series": PUBLIC,
        "evaluation.typed.series_csv": PUBLIC,
        "figures.own": Right.READ_CASES,
        "own.breakdown.page": Right.READ_CASES,
        "own.cases_behind.listed": Right.READ_CASES,
        "own.measures.page": Right.READ_CASES,
        "own.themes.page": Right.READ_CASES,
        "own.download.ask": Right.READ_CASES,
        "own.download.confirm": Right.READ_CASES,
        "own.download.give": Right.READ_CASES,
        "own.papers.page": Right.READ_CASES,
        "own.pack.page": Right.READ_CASES,
        "own.pack.as_pdf": Right.READ_CASES,
        "own.evidence.page": Right.READ_CASES,
        "own.evidence.as_pdf": Right.READ_CASES,
        "lessons.public.index": PUBLIC,
        "lessons.public.atom": PUBLIC,
        "lessons.public.summaries": PUBLIC,
        "lessons.public.summary": PUBLIC,
        "lessons.public.summary_pdf": PUBLIC,
        "lessons.public.one": PUBLIC,
        "lessons.subscribing.ask": PUBLIC,
        "lessons.subscribing.subscribe": PUBLIC,
        # Guarded by the secret of the subscription's own link.
        "lessons.subscribing.one": PUBLIC,
        "lessons.subscribing.change": PUBLIC,
        "lessons.own.index": Right.READ_CASES,
        "lessons.own.ask": Right.EDIT_CASES,
        "lessons.own.offer": Right.EDIT_CASES,
        "lessons.own.ask_words": Right.EDIT_CASES,
        "lessons.own.keep_words": Right.EDIT_CASES,
        "lessons.own.one": Right.READ_CASES,
        "lessons.own.ask_change": Right.EDIT_CASES,
        "lessons.own.change": Right.EDIT_CASES,
        "lessons.own.withdraw": Right.EDIT_CASES,
        "lessons.moderation.index": Right.MODERATE_LESSONS,
        "lessons.moderation.one": Right.MODERATE_LESSONS,
        "lessons.moderation.approve": Right.MODERATE_LESSONS,
        "lessons.moderation.send_back": Right.MODERATE_LESSONS,
        "lessons.lead.index": Right.RELEASE,
        "lessons.lead.publish": Right.RELEASE,
        "lessons.lead.ask_take_down": Right.RELEASE,
        "lessons.lead.take_down": Right.RELEASE,
        "lessons.lead.summary": Right.RELEASE,
        "lessons.lead.change": Right.RELEASE,
        "lessons.moderators.index": Right.MANAGE_PEOPLE,
        "lessons.moderators.record": Right.MANAGE_PEOPLE,
        "team.index": Right.READ_DRAFTS,
        "team.show_aggregates": Right.READ_AGGREGATES,
        "team.ask_official": Right.IMPORT_FIGURES,
        "team.preview_official": Right.IMPORT_FIGURES,
        "team.confirm_official": Right.IMPORT_FIGURES,
        **dict.fromkeys(
            (
                f"open_data.pages.{name}"
                for name in ("index", "changes", "key", "latest", "release", "latest_file", "release_file")
            ),
            PUBLIC,
        ),
        "release.desk.prepare": Right.PREPARE_RELEASE,
        "release.desk.page": Right.READ_DRAFTS,
        "release.desk.figures": Right.READ_DRAFTS,
        "release.views.page": Right.READ_DRAFTS,
        "release.desk.report": Right.READ_DRAFTS,
        # Who may do what to a publication in which state stands in registry/publications/transitions.py.
        "release.desk.ask_audit": Right.READ_DRAFTS,
        "release.desk.embargo": Right.READ_DRAFTS,
        "release.desk.approve": Right.RELEASE,
        "release.desk.discard": Right.READ_DRAFTS,
    }
)
"""What each route asks for. A route is called by its module below `registry.web` and its function: `admin.people.disable`."""


def may(roles: Collection[Role], right: Right) -> bool:
    """Whether any of the roles brings the right."""
    return any(right in RIGHTS[role] for role in roles)


def holders(right: Right) -> frozenset[Role]:
    """The roles that bring a right."""
    return frozenset(role for role, rights in RIGHTS.items() if right in rights)


def route_name(module: str, function: str) -> str:
    """The name of a route in `ROUTES`, from its handler's module and name."""
    return f"{module.removeprefix('registry.').removeprefix('web.')}.{function}"


class Kind(StrEnum):
    PERSON = "person"
    TOKEN = "token"  # noqa: S105 -- the word, not a secret
    CLIENT = "client"
    OPERATOR = "operator"
    LINK = "link"
    PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is asking, as the database knew them at the start of the request.

    `organisations` holds the roles for each organisation by its own id, organisations that were merged into them included.
    `session` is the digest under which a person's session is kept; `fresh` says whether more than a password was proven in it within
    the last minutes, `by_provider` that a provider's word stands for that. `scopes` are what a machine client's access token holds;
    None for everybody else, whom no scope limits.
    """

    kind: Kind
    id: UUID | None
    name: str
    roles: frozenset[Role]
    organisations: Mapping[int, frozenset[Role]] = field(default_factory=dict)
    session: bytes | None = None
    scopes: frozenset[Scope] | None = None
    fresh: bool = False
    by_provider: bool = False

    def may(self, right: Right) -> bool:
        return may(self.roles, right)

    def allows(self, scope: Scope) -> bool:
        """Whether an access token that is limited to scopes has this one; always, where none limits."""
        return self.scopes is None or scope in self.scopes

    def tenants(self, right: Right) -> tuple[int, ...]:
        """The organisations over which the right is held, in order; none for a right that is held nationally."""
        return tuple(sorted(tenant for tenant, roles in self.organisations.items() if may(roles, right)))

    @property
    def label(self) -> str:
        """Who it was, for the audit log and for records: `person:<id>`."""
        return f"{self.kind.value}:{self.id}" if self.id else self.kind.value

    @property
    def role(self) -> str:
        """The roles in one word, for the audit log."""
        return "+".join(sorted(self.roles))


OPERATOR: Final = Actor(Kind.OPERATOR, None, "the command line", frozenset())
"""Whoever has the machine: what the command line does is done in this name."""

ANYBODY: Final = Actor(Kind.PUBLIC, None, "", frozenset({Role.PUBLIC}))
