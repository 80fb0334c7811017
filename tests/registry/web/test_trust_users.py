"""The trust's lead and the people of the trust: invited, given other roles, disabled; roles elsewhere neither seen nor touched."""

import re
from uuid import UUID

import httpx2 as httpx
import psycopg
import pytest
from starlette.testclient import TestClient

from registry.access import OPERATOR, Right, Role
from registry.accounts import own_people, people
from registry.accounts.actors import actor_of_person
from registry.cases import domains
from registry.cases.desk import open_desk
from registry.errors import Conflict
from registry.settings import Settings
from registry.store import SYSTEM_TENANT, Store
from tests.registry.submissions.make import AT, keys
from tests.registry.web.at_cases import form_in
from tests.registry.web.test_admin import faulty_fields
from tests.registry.web.visitors import PASSWORD, House, house, send, words_of

PAGE = "/trust/users"
INVITE = f"{PAGE}/invite"
ANNA = {"name": "Anna Bell", "address": "Anna.Bell@ward.example", "roles": "vte_nurse"}


@pytest.fixture
def full(settings: Settings, store: Store) -> House:
    return house(settings, store)


@pytest.fixture
def lead(full: House) -> TestClient:
    return full.signed_in(full.person("lead", (Role.TRUST_LEAD, "RRV")))


def invited(lead: TestClient, **changes: str) -> httpx.Response:
    return lead.post(INVITE, data=form_in(lead.get(INVITE), INVITE) | ANNA | changes)


def link_in(page: httpx.Response) -> str:
    """The path of the link that is shown."""
    found = re.search(r'id="link">[^<]*(/invitation/[A-Za-z0-9_-]{43})<', page.text)
    assert found, words_of(page)
    return found[1]


def joined(full: House, path: str, password: str = PASSWORD) -> httpx.Response:
    return send(full.browser(), f"{path}/join", {"password": password, "again": password}, seen=path)


def person(full: House, name: str) -> people.Person:
    with full.store.readonly() as connection:
        return people.person_by_name(connection, name)


def press(lead: TestClient, who: UUID, act: str, **changes: str | list[str]) -> httpx.Response:
    page, action = f"{PAGE}/{who}", f"{PAGE}/{who}/{act}"
    return lead.post(action, data=form_in(lead.get(page), action) | changes)


def roles_of(full: House, who: UUID, code: str = "RRV") -> set[Role]:
    with full.store.readonly() as connection:
        return set(actor_of_person(connection, who).organisations.get(full.ids[code], ()))


def with_email(full: House, name: str, email: str, *roles: tuple[Role, str | None]) -> UUID:
    made = full.person(name, *roles)
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        connection.exec_driver_sql("update register.person set email = %s where id = %s", (email, made))
    return made


def allow(full: House, domain: str, code: str = "RRV") -> None:
    with full.store.transaction(tenants=(full.ids[code],)) as connection:
        desk = open_desk(connection, keys(full.settings), full.settings, full.ids[code], by=OPERATOR, at=AT)
        domains.allow(desk, domain)


# --- invited


def test_somebody_is_invited_accepts_and_works(full: House, lead: TestClient) -> None:
    made = invited(lead)
    assert made.headers["cache-control"] == "no-store"
    path = link_in(made)
    listed = lead.get(PAGE)
    assert path not in listed.text, "it is shown once"
    assert "Anna Bell E-mail address anna.bell@ward.example Roles VTE nurse" in words_of(listed)
    page = words_of(full.browser().get(path))
    assert "University College Trust invites Anna Bell" in page
    assert joined(full, path).headers["location"] == "/sign-in?done=password"
    browser = full.browser()
    assert "Keep your recovery codes" in words_of(full.signs_in(browser, "anna.bell@ward.example"))
    assert browser.get("/trust/worklist").status_code == 200
    assert "Anna Bell E-mail address anna.bell@ward.example Roles VTE nurse State Active" in words_of(lead.get(PAGE))
    assert full.browser().get(path).status_code == 410, "it is good once"
    assert "None." in words_of(lead.get(PAGE))


def test_all_faults_of_an_invitation_at_once(full: House, lead: TestClient) -> None:
    answer = invited(lead, name="", address="nonsense", roles="")
    assert faulty_fields(answer) == ["name", "address", "roles"]
    full.long_ago()
    assert faulty_fields(invited(lead)) == ["code"]
    again = invited(lead, code="000000")
    assert faulty_fields(again) == ["code"]
    assert 'value="Anna.Bell@ward.example"' in again.text
    assert "000000" not in again.text
    assert invited(lead, code=full.code("lead")).status_code == 200


@pytest.mark.parametrize(
    "address",
    ["a@b", "a b@ward.example", "a@ward.example\r\nBcc: all@ward.example", "a@ward.example,b@ward.example", "<a@ward.example>",
     '"a"@ward.example', "a@ward.example%0d%0abcc", "a@-ward.example", "ä@ward.example", "a@ward.example" + "x" * 100],
)  # fmt: skip
def test_an_address_that_is_none_is_refused(lead: TestClient, admin: psycopg.Connection, address: str) -> None:
    assert faulty_fields(invited(lead, address=address)) == ["address"]
    assert admin.execute("select count(*) from records.outbox").fetchone() == (0,)


@pytest.mark.parametrize("role", ["national_lead", "administrator", "root", "public"])
def test_no_lead_gives_a_role_that_is_not_an_organisation_s(lead: TestClient, role: str) -> None:
    assert faulty_fields(invited(lead, roles=role)) == ["roles"]


def test_names_are_shown_as_text(full: House, lead: TestClient) -> None:
    name = "<script>window.xss=1</script>"
    path = link_in(invited(lead, name=name))
    for page in (lead.get(PAGE), full.browser().get(path)):
        assert "<script>window" not in page.text
        assert name in words_of(page) or "window.xss=1" in words_of(page)


def test_a_consultant_reviewer_needs_an_address_in_the_allowed_domains(full: House, lead: TestClient) -> None:
    assert faulty_fields(invited(lead, roles="consultant_reviewer")) == ["roles"]
    allow(full, "ward.example")
    below = invited(lead, roles="consultant_reviewer", address="a.bell@of.ward.example")
    assert faulty_fields(below) == ["roles"], "nothing below a domain"
    path = link_in(invited(lead, roles="consultant_reviewer"))
    joined(full, path)
    assert roles_of(full, person(full, "anna.bell@ward.example").id) == {Role.CONSULTANT_REVIEWER}


def test_the_letter_is_sealed_and_where_mail_is_set_up_no_link_is_shown(
    full: House, settings: Settings, admin: psycopg.Connection
) -> None:
    mail = settings.mail.model_copy(update={"host": "127.0.0.1", "tls": "none"})
    mailing = House(settings.model_copy(update={"mail": mail}), full.store, full.ids)
    lead = mailing.signed_in(full.person("lead", (Role.TRUST_LEAD, "RRV")))
    form = form_in(lead.get(INVITE), INVITE) | ANNA
    answers = [lead.post(INVITE, data=form) for _ in range(2)]
    assert {answer.headers["location"] for answer in answers} == {f"{PAGE}?organisation=RRV&done=invited"}
    letters = admin.execute("select tenant_id, subject, body, to_ct, body_ct from records.outbox").fetchall()
    assert len(letters) == 1, "a form that is sent twice is one letter"
    assert letters[0][:3] == (full.ids["RRV"], "You are invited to the HAT registry", None)
    assert b"invitation" not in letters[0][4]
    assert b"anna" not in letters[0][3].lower()


def test_a_form_that_is_sent_twice_shows_no_second_link_but_the_way_to_one(full: House, lead: TestClient) -> None:
    form = form_in(lead.get(INVITE), INVITE) | ANNA
    path = link_in(lead.post(INVITE, data=form))
    again = lead.post(INVITE, data=form)
    assert faulty_fields(again) == ["address"]
    assert full.browser().get(path).status_code == 200, "the link that was shown is good"
    anew = link_in(lead.post(INVITE, data=form_in(again, INVITE) | ANNA))
    assert [full.browser().get(each).status_code for each in (path, anew)] == [410, 200]


def test_somebody_signs_in_by_the_user_name_that_the_page_says(full: House, lead: TestClient) -> None:
    path = link_in(invited(lead, address="Sean.O'Brien@ward.example"))
    assert "the user name sean.o-brien@ward.example" in words_of(full.browser().get(path))
    joined(full, path)
    browser = full.browser()
    assert (
        send(browser, "/sign-in", {"user_name": "sean.o-brien@ward.example", "password": PASSWORD}).status_code == 303
    )
    assert "sean.o'brien@ward.example" in words_of(lead.get(PAGE))


def test_a_new_invitation_ends_the_one_before_and_one_is_taken_back(full: House, lead: TestClient) -> None:
    first, second = link_in(invited(lead)), link_in(invited(lead))
    assert full.browser().get(first).status_code == 410
    page = lead.get(PAGE)
    [action] = re.findall(rf'action="({PAGE}/invitations/[0-9a-f-]+/withdraw)"', page.text)
    assert lead.post(action, data=form_in(page, action)).status_code == 303
    assert full.browser().get(second).status_code == 410
    assert lead.post(action, data=form_in(page, action)).status_code == 404


def test_an_invitation_falls_with_whoever_invited(full: House, lead: TestClient) -> None:
    path = link_in(invited(lead))
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        known = people.person_by_name(connection, "lead")
        people.take(connection, known.id, known.memberships[0].id, by=OPERATOR)
    assert full.browser().get(path).status_code == 410
    assert full.browser().post(f"{path}/join", data={"password": PASSWORD, "again": PASSWORD}).status_code == 410


def test_an_invitation_ends_by_itself(full: House, lead: TestClient, admin: psycopg.Connection) -> None:
    path = link_in(invited(lead))
    admin.execute("update register.invitation set expires_at = now()")
    assert full.browser().get(path).status_code == 410
    assert "None." in words_of(lead.get(PAGE))


def test_the_password_of_a_new_account_is_checked(full: House, lead: TestClient) -> None:
    path = link_in(invited(lead))
    assert faulty_fields(joined(full, path, "short")) == ["password"]
    differing = send(full.browser(), f"{path}/join", {"password": PASSWORD, "again": "other"}, seen=path)
    assert faulty_fields(differing) == ["again"]
    assert joined(full, path).status_code == 303


# --- people of other trusts


def test_an_address_with_an_account_elsewhere_is_invited_as_any_other(full: House, lead: TestClient) -> None:
    """Page, list and letter tell the lead nothing; the person signs in and accepts."""
    theirs = with_email(full, "annab", "anna.bell@ward.example", (Role.VTE_NURSE, "RH5"))
    made = invited(lead)
    other = invited(lead, address="nobody@ward.example")
    hide = re.compile(r"/invitation/\S+")
    assert hide.sub("", words_of(made)) == hide.sub("", words_of(other))
    path = link_in(made)
    pages = [words_of(full.browser().get(each)) for each in (path, link_in(other))]
    assert pages[0] == pages[1].replace("nobody@ward", "anna.bell@ward")
    listed = words_of(lead.get(PAGE))
    assert "Annab" not in listed
    assert roles_of(full, theirs) == set(), "nothing before it is accepted"
    refused = joined(full, path)
    assert faulty_fields(refused) == ["password"]
    browser, elsewhere = full.signed_in(theirs), full.signed_in(theirs)
    old = browser.cookies["hat"]
    assert send(browser, f"{path}/accept", seen=path).status_code == 303
    assert browser.cookies["hat"] != old
    assert [each.get("/account").status_code for each in (browser, elsewhere)] == [200, 303], "new roles, a new id"
    assert roles_of(full, theirs) == {Role.VTE_NURSE}
    assert roles_of(full, theirs, "RH5") == {Role.VTE_NURSE}
    words = words_of(lead.get(f"{PAGE}/{theirs}"))
    assert "Annab" not in words
    assert "Somerset" not in words


def test_an_invitation_is_for_its_address_alone(full: House, lead: TestClient) -> None:
    path = link_in(invited(lead))
    other = full.signed_in(full.person("somebody.else", (Role.TRUST_UPLOADER, "RH5")))
    assert send(other, f"{path}/accept", seen=path).status_code == 403
    assert full.browser().post(f"{path}/accept").status_code == 303, "a stranger is sent to sign in"
    assert full.browser().get(path).status_code == 200


def test_people_of_other_trusts_are_as_if_they_were_not(full: House, lead: TestClient) -> None:
    theirs = full.person("theirs", (Role.VTE_NURSE, "RH5"))
    nobody = UUID(int=3)
    assert "Theirs" not in words_of(lead.get(PAGE))
    assert lead.get(f"{PAGE}/{theirs}").content.replace(str(theirs).encode(), b"") == lead.get(
        f"{PAGE}/{nobody}"
    ).content.replace(str(nobody).encode(), b"")
    form = {"form_token": form_in(lead.get(INVITE), INVITE)["form_token"], "roles": "vte_nurse"}
    for act in ("roles", "shut-out", "let-in"):
        for code in ("", "RH5"):
            answer = lead.post(f"{PAGE}/{theirs}/{act}", data=form | {"organisation": code})
            assert answer.status_code == 404
    assert lead.get(f"{PAGE}?organisation=RH5").status_code == 404


@pytest.mark.parametrize("role", [role for role in Role if role not in (Role.TRUST_LEAD, Role.PUBLIC)])
def test_nobody_but_a_lead_finds_these_pages(full: House, role: Role) -> None:
    code = "RRV" if role.value in ("trust_uploader", "vte_nurse", "consultant_reviewer") else None
    browser = full.signed_in(full.person("other", (role, code)))
    for page in (PAGE, INVITE, f"{PAGE}/{UUID(int=3)}"):
        assert browser.get(page).status_code == 404
    assert "/trust/users" not in browser.get("/trust").text


def test_the_successor_s_lead_manages_the_predecessor_s_people(full: House) -> None:
    full.person("yeovil", (Role.VTE_NURSE, "RA4"))
    lead = full.signed_in(full.person("lead", (Role.TRUST_LEAD, "RH5")))
    assert "Yeovil" in words_of(lead.get(f"{PAGE}?organisation=RA4"))
    assert "Yeovil Yeovil" not in words_of(lead.get(PAGE))


# --- roles and access


def test_roles_are_changed_and_sessions_end_with_a_role(full: House, lead: TestClient) -> None:
    nurse = full.person("nurse", (Role.VTE_NURSE, "RRV"), (Role.VTE_NURSE, "RH5"))
    browser = full.signed_in(nurse)
    assert press(lead, nurse, "roles", roles=["vte_nurse", "trust_uploader"]).status_code == 303
    assert browser.get("/trust").status_code == 303, "with another role goes another session"
    browser = full.signed_in(nurse)
    answer = press(lead, nurse, "roles", roles="trust_uploader")
    assert "The roles were changed" in words_of(lead.get(answer.headers["location"]))
    assert browser.get("/trust").status_code == 303, "the session ended with the role"
    assert roles_of(full, nurse) == {Role.TRUST_UPLOADER}
    assert roles_of(full, nurse, "RH5") == {Role.VTE_NURSE}


def test_a_person_keeps_at_least_one_role_and_the_form_comes_back(full: House, lead: TestClient) -> None:
    nurse = full.person("nurse", (Role.VTE_NURSE, "RRV"))
    assert faulty_fields(press(lead, nurse, "roles", roles=[])) == ["roles"]
    assert faulty_fields(press(lead, nurse, "roles", roles=["vte_nurse", "consultant_reviewer"])) == ["roles"]
    full.long_ago()
    assert faulty_fields(press(lead, nurse, "roles", code="000000")) == ["code"]
    assert roles_of(full, nurse) == {Role.VTE_NURSE}


def test_a_stale_form_changes_nothing(full: House, lead: TestClient) -> None:
    nurse = full.person("nurse", (Role.VTE_NURSE, "RRV"))
    action = f"{PAGE}/{nurse}/roles"
    stale = form_in(lead.get(f"{PAGE}/{nurse}"), action) | {"roles": ["vte_nurse", "trust_lead"]}
    press(lead, nurse, "roles", roles=["trust_uploader"])
    answer = lead.post(action, data=stale)
    assert answer.status_code == 409
    assert "since you opened the page" in words_of(answer)
    assert roles_of(full, nurse) == {Role.TRUST_UPLOADER}


def test_somebody_is_disabled_at_once_and_enabled_again(full: House, lead: TestClient) -> None:
    nurse = full.person("nurse", (Role.VTE_NURSE, "RRV"), (Role.TRUST_UPLOADER, "RRV"), (Role.VTE_NURSE, "RH5"))
    browser = full.signed_in(nurse)
    assert browser.get("/trust").status_code == 200
    full.long_ago()
    assert press(lead, nurse, "shut-out", code="000000").status_code == 422
    assert browser.get("/trust").status_code == 200
    assert press(lead, nurse, "shut-out", code=full.code("lead")).status_code == 303
    action = f"{PAGE}/{nurse}/shut-out"
    form = form_in(lead.get(INVITE), INVITE)
    assert browser.get("/trust").status_code == 303, "the session is over"
    assert lead.post(action, data=form).status_code == 409, "pressed twice"
    assert (roles_of(full, nurse), roles_of(full, nurse, "RH5")) == (set(), {Role.VTE_NURSE})
    assert "Disabled" in words_of(lead.get(PAGE))
    assert press(lead, nurse, "let-in").status_code == 303
    assert roles_of(full, nurse) == {Role.VTE_NURSE, Role.TRUST_UPLOADER}


def test_whoever_was_disabled_is_not_invited_anew(full: House, lead: TestClient) -> None:
    nurse = with_email(full, "nurse", "anna.bell@ward.example", (Role.VTE_NURSE, "RRV"))
    assert "users already" in words_of(invited(lead))
    press(lead, nurse, "shut-out")
    assert "Let them in again" in words_of(invited(lead))


def test_nobody_changes_their_own_roles(full: House, lead: TestClient) -> None:
    own = person(full, "lead").id
    page = lead.get(f"{PAGE}/{own}")
    assert "This is you" in words_of(page)
    token = form_in(lead.get(INVITE), INVITE)["form_token"]
    for act, more in (("roles", {"seen": "trust_lead", "roles": "vte_nurse"}), ("shut-out", {})):
        answer = lead.post(f"{PAGE}/{own}/{act}", data={"form_token": token, **more})
        assert answer.status_code == 409
    assert roles_of(full, own) == {Role.TRUST_LEAD}


def test_an_organisation_that_has_a_lead_keeps_one(full: House) -> None:
    """Each of two leads shuts the other out, as two requests at once would; the second is refused."""
    ids = [full.person(name, (Role.TRUST_LEAD, "RRV")) for name in ("one", "two")]
    with full.store.readonly() as connection:
        actors = [actor_of_person(connection, each) for each in ids]
    tenant = full.ids["RRV"]
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        own_people.shut_out(connection, tenant, ids[1], by=actors[0])
    with (
        pytest.raises(Conflict, match="last lead"),
        full.store.transaction(tenants=[SYSTEM_TENANT]) as connection,
    ):
        own_people.shut_out(connection, tenant, ids[0], by=actors[1])
    assert roles_of(full, ids[0]) == {Role.TRUST_LEAD}


def test_each_act_is_written_down(full: House, lead: TestClient, admin: psycopg.Connection) -> None:
    nurse = full.person("nurse", (Role.VTE_NURSE, "RRV"))
    own = person(full, "lead").id
    invited(lead)
    press(lead, nurse, "roles", roles="trust_uploader")
    press(lead, nurse, "shut-out")
    press(lead, nurse, "let-in")
    rows = admin.execute(
        "select action from records.audit where actor = %s and action not in ('password accepted', 'signed in') order by sequence",
        [f"person:{own}"],
    ).fetchall()
    assert [row[0] for row in rows] == [
        "person invited", "roles changed", "person shut out", "person let in again",
    ]  # fmt: skip


def test_the_right_belongs_to_leads(full: House) -> None:
    lead = full.person("lead", (Role.TRUST_LEAD, "RRV"), (Role.VTE_NURSE, "RH5"))
    with full.store.readonly() as connection:
        assert actor_of_person(connection, lead).tenants(Right.MANAGE_OWN_PEOPLE) == (full.ids["RRV"],)
