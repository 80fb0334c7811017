import random
import re
from datetime import date
from html import unescape
from uuid import UUID

import httpx2 as httpx
import psycopg
import pytest
from starlette.testclient import TestClient

from registry import register
from registry.access import OPERATOR, Right, Role
from registry.accounts import people, sessions, tokens
from registry.register import Mode
from registry.settings import Settings
from registry.store import SYSTEM_TENANT, Store
from registry.web.actor import limits
from registry.web.admin.imports import PART, packed
from tests.registry.web.visitors import PASSWORD, REGISTER, House, house, send, token_of, words_of


@pytest.fixture
def full(settings: Settings, store: Store) -> House:
    return house(settings, store)


@pytest.fixture
def chief(full: House) -> TestClient:
    return full.administrator()


def faulty_fields(answer: httpx.Response) -> list[str]:
    """The fields that the error summary leads to; each must be in the page."""
    assert answer.status_code == 422
    assert "<title>Error: " in answer.text
    fields = re.findall(r'<a href="#([\w-]+)"', answer.text.split("nhsuk-error-summary", 1)[1].split("<form", 1)[0])
    assert all(f'id="{field}"' in answer.text for field in fields)
    return fields


def the_organisation(full: House, code: str) -> register.Organisation:
    with full.store.readonly() as connection:
        found = register.organisation_by_code(connection, code)
    assert found
    return found


def upload(chief: TestClient, source: str, content: str | bytes, **more: str) -> httpx.Response:
    path = "/admin/organisations/import"
    data = {"form_token": token_of(chief.get(path)), "source": source, **more}
    return chief.post(path, data=data, files={"file": ("file.csv", content)})


def confirm(chief: TestClient, preview: httpx.Response, **changed: str) -> httpx.Response:
    form = preview.text.split('action="/admin/organisations/import/confirm"', 1)[1].split("</form>", 1)[0]
    hidden = re.findall(r'name="([^"]+)" value="([^"]*)"', form)
    data = {name: unescape(value) for name, value in hidden} | changed
    return chief.post("/admin/organisations/import/confirm", data=data)


@pytest.mark.parametrize(
    "path", ["/admin", "/admin/organisations", "/admin/people", "/admin/tokens", "/admin/opt-out", "/account"]
)
def test_pages_need_no_script_and_no_style_of_their_own(chief: TestClient, path: str) -> None:
    page = chief.get(path)
    assert page.status_code == 200
    assert page.text.count("<h1") == 1
    assert not re.search(r"<script(?![^>]* src=)|\sstyle=|\son\w+=|<style", page.text)
    for form in re.findall(r'<form[^>]*method="post"[^>]*>(.*?)</form>', page.text, re.DOTALL):
        assert 'name="form_token"' in form


@pytest.mark.parametrize("role", [Role.TRUST_LEAD, Role.NATIONAL_LEAD, Role.REGISTRY_OFFICE])
def test_nobody_else_comes_in(full: House, role: Role) -> None:
    browser = full.signed_in(full.person("x-ray", (role, "RRV" if role is Role.TRUST_LEAD else None)))
    assert browser.get("/account").status_code == 200
    absent = browser.get("/nothing").content
    for path in ("/admin", "/admin/organisations", "/admin/organisations/RRV", "/admin/people", "/admin/tokens"):
        answer = browser.get(path)
        assert (answer.status_code, answer.content) == (404, absent)


# --- organisations


def test_organisations_are_searched_and_paged(full: House, chief: TestClient) -> None:
    assert "Somerset Trust" in chief.get("/admin/organisations?q=taunton").text
    assert "No organisation matches" in chief.get("/admin/organisations?q=nowhere").text
    many = REGISTER.splitlines()[0] + "\n"
    many += "".join(f"X{n:02},Trust number {n:02},nhs_trust,England,Y56,London,,,,,,,\n" for n in range(60))
    assert confirm(chief, upload(chief, "register", many)).status_code == 303
    first, second = (
        chief.get("/admin/organisations?q=trust+number"),
        chief.get("/admin/organisations?q=trust+number&page=2"),
    )
    assert (first.text.count("<tr>"), second.text.count("<tr>")) == (51, 11)
    assert "/admin/organisations?page=2&amp;q=trust%20number" in first.text
    assert chief.get("/admin/organisations?page=999999999999").status_code == 200


def test_an_independent_provider_is_added(full: House, chief: TestClient) -> None:
    fields = {
        "code": "nt301", "name": "Elm Hospital", "group_name": "Elm Group", "nation": "England",
        "live_from-day": "1", "live_from-month": "4", "live_from-year": "2025",
    }  # fmt: skip
    answer = send(chief, "/admin/organisations/new", fields)
    assert answer.headers["location"] == "/admin/organisations/NT301?done=added"
    page = words_of(chief.get(answer.headers["location"]))
    assert "The provider was added." in page
    found = the_organisation(full, "NT301")
    assert (found.group_name, found.live_from, found.kind) == ("Elm Group", date(2025, 4, 1), "independent")
    assert faulty_fields(send(chief, "/admin/organisations/new", fields)) == ["code"]


def test_all_faults_of_a_provider_are_shown_at_once_with_what_was_typed(chief: TestClient) -> None:
    fields = {"code": "!", "name": "Elm <b>", "live_from-day": "31", "live_from-month": "2", "live_from-year": "2025"}
    answer = send(chief, "/admin/organisations/new", fields)
    assert faulty_fields(answer) == ["code", "group_name", "nation", "live_from"]
    assert 'value="Elm &lt;b&gt;"' in answer.text


def test_group_and_first_month_are_saved(full: House, chief: TestClient) -> None:
    fields = {"live_from-day": "1", "live_from-month": "10", "live_from-year": "2024", "group_name": ""}
    assert send(chief, "/admin/organisations/RRV", fields).headers["location"].endswith("RRV?done=edited")
    assert the_organisation(full, "RRV").live_from == date(2024, 10, 1)
    assert 'value="2024"' in chief.get("/admin/organisations/RRV").text
    assert faulty_fields(send(chief, "/admin/organisations/RRV", {"live_from-day": "1"})) == ["live_from"]


def test_a_successor_is_recorded_and_shown_from_both_sides(full: House, chief: TestClient) -> None:
    path = "/admin/organisations/RH5"
    day = {"effective_on-day": "1", "effective_on-month": "4", "effective_on-year": "2026"}
    answer = send(chief, f"{path}/succession", {"successor": "rrv", **day}, seen=path)
    assert answer.status_code == 303
    assert "Followed by University College Trust from 1 April 2026" in words_of(chief.get(path))
    assert "Followed Somerset Trust on 1 April 2026" in words_of(chief.get("/admin/organisations/RRV"))
    assert faulty_fields(send(chief, f"{path}/succession", {"successor": "RH5"}, seen=path)) == [
        "successor",
        "effective_on",
    ]
    circle = send(chief, "/admin/organisations/RRV/succession", {"successor": "RA4", **day}, seen=path)
    assert circle.status_code == 409


def test_a_provider_of_the_official_figures_is_let_send(full: House, chief: TestClient) -> None:
    with full.store.transaction(role="hat_national") as connection:
        register.join_activity_only(connection, [("NT3", "Oak Hospital", True)], by=OPERATOR)
    path = "/admin/organisations/NT3"
    assert send(chief, f"{path}/live", seen=path).headers["location"] == f"{path}?done=live"
    assert not the_organisation(full, "NT3").activity_only
    assert send(chief, f"{path}/live", seen=path).status_code == 409


@pytest.mark.parametrize(
    "path", ["/admin/organisations/ZZZ", "/admin/organisations/SYSTEM", f"/admin/people/{UUID(int=3)}"]
)
def test_what_is_not_there_is_not_found(chief: TestClient, path: str) -> None:
    assert chief.get(path).status_code == 404


# --- imports


def test_a_file_is_shown_first_and_applied_when_confirmed(full: House, chief: TestClient) -> None:
    later = REGISTER.replace("Somerset Trust", "Somerset & Dorset Trust").replace("-0.1,,", "-0.1,2026-03-31,RH5")
    preview = upload(chief, "register", later)
    words = words_of(preview)
    assert "Changes: 3" in words
    assert "Renamed RH5 Somerset Trust Somerset Trust Somerset & Dorset Trust" in words
    assert "Successor RRV University College Trust – RH5 from 1 April 2026" in words
    assert the_organisation(full, "RH5").name == "Somerset Trust", "nothing has changed yet"
    assert confirm(chief, preview).headers["location"] == "/admin/organisations?done=imported"
    assert the_organisation(full, "RH5").name == "Somerset & Dorset Trust"
    assert "nothing to confirm" in words_of(upload(chief, "register", later))


def test_what_is_confirmed_is_what_was_shown(full: House, chief: TestClient) -> None:
    preview = upload(chief, "register", REGISTER.replace("Somerset Trust", "Somerset A Trust"))
    confirm(chief, upload(chief, "register", REGISTER.replace("Somerset Trust", "Somerset B Trust")))
    assert confirm(chief, preview).status_code == 409
    assert the_organisation(full, "RH5").name == "Somerset B Trust"


@pytest.mark.parametrize("part", ["", "no base 64", packed(b"cut off" * 100)[0][:-8], "QUJD"])
def test_a_file_that_was_tampered_with_on_its_way_is_refused(chief: TestClient, part: str) -> None:
    preview = upload(chief, "register", REGISTER.replace("Somerset Trust", "Another Trust"))
    assert confirm(chief, preview, **{"part-0": part}).status_code == 400


def test_a_bomb_is_not_unpacked(chief: TestClient) -> None:
    preview = upload(chief, "register", REGISTER.replace("Somerset Trust", "Another Trust"))
    [bomb] = packed(b"0" * 25_000_000)
    assert len(bomb) < PART
    assert confirm(chief, preview, **{"part-0": bomb}).status_code == 400


def test_an_ods_download_adds_only_when_asked(full: House, chief: TestClient) -> None:
    line = ",".join(f'"{cell}"' for cell in ["RAA", "A NEW TRUST", "Y56", *[""] * 7, "20260401", *[""] * 16]) + "\n"
    assert "There is nothing to confirm" in words_of(upload(chief, "nhs_trust", line))
    preview = upload(chief, "nhs_trust", line, add_new="yes")
    assert "New RAA A New Trust – London" in words_of(preview)
    assert confirm(chief, preview).status_code == 303
    assert the_organisation(full, "RAA").opened_on == date(2026, 4, 1)


def test_an_ods_download_of_successions_is_imported(full: House, chief: TestClient) -> None:
    preview = upload(chief, "successions", '"RRV","RH5","R","20260401",""\n"QQQ","RH5","R","20260401",""\n')
    assert "Changes: 1" in words_of(preview)
    assert confirm(chief, preview).status_code == 303
    assert "Followed by Somerset Trust from 1 April 2026" in words_of(chief.get("/admin/organisations/RRV"))


def test_every_fault_of_a_file_is_shown_without_its_values(chief: TestClient) -> None:
    spoilt = REGISTER.replace("RRV,", "bad code,").replace("7A4,Cardiff Board,local_health_board", "7A4,,pub")
    words = words_of(upload(chief, "register", spoilt))
    assert "Faults for which lines are left out: 3" in words
    assert "4 “code” is not an ODS code" in words
    assert "5 “name” is empty" in words
    assert "bad code" not in words


def test_a_file_and_its_kind_must_be_chosen(chief: TestClient) -> None:
    assert faulty_fields(upload(chief, "nothing", b"")) == ["source", "file"]


def test_a_file_too_large_to_be_shown_first_is_refused(chief: TestClient) -> None:
    noise = random.Random(7).randbytes(1_500_000).hex()
    assert faulty_fields(upload(chief, "register", noise)) == ["file"]


# --- people


def added(chief: TestClient, **fields: str) -> httpx.Response:
    return send(chief, "/admin/people/new", {"user_name": "anna.bell", "display_name": "Anna Bell", **fields})


def id_in(answer: httpx.Response) -> str:
    return answer.headers["location"].split("?")[0].rsplit("/", 1)[1]


def test_a_person_is_added_gets_a_link_and_signs_in(full: House, chief: TestClient) -> None:
    answer = added(chief, role="vte_nurse", organisations="rrv, 7a4")
    page = answer.headers["location"].split("?")[0]
    made = send(chief, f"{page}/link", seen=page)
    [link] = re.findall(r'id="link">([^<]*)<', made.text)
    assert link.startswith(full.settings.base_url + "/set-password/")
    assert link not in chief.get(page).text, "it is shown once"
    visitor = full.browser()
    assert send(visitor, link, {"password": PASSWORD, "again": PASSWORD}).status_code == 303
    full.signs_in(visitor, "anna.bell")
    words = words_of(visitor.get("/account"))
    assert "University College Trust (RRV)" in words
    assert "Cardiff Board (7A4)" in words


def test_all_faults_of_a_person_are_shown_at_once(chief: TestClient) -> None:
    answer = added(chief, user_name="a b", display_name="", email="nonsense", organisations="RRV ZZZ")
    assert faulty_fields(answer) == ["user_name", "display_name", "email", "role", "organisations"]
    assert "Code number 2 is not in the register" in words_of(answer)
    assert 'value="RRV ZZZ"' in answer.text


@pytest.mark.parametrize(("role", "organisations"), [("trust_lead", ""), ("national_lead", "RRV")])
def test_a_role_goes_with_organisations_or_without(chief: TestClient, role: str, organisations: str) -> None:
    assert faulty_fields(added(chief, role=role, organisations=organisations)) == ["organisations"]


def test_a_user_name_is_given_once(chief: TestClient) -> None:
    assert added(chief, role="moderator").status_code == 303
    assert faulty_fields(added(chief, user_name="ANNA.bell", role="moderator")) == ["user_name"]


@pytest.mark.parametrize("role", ["public", "root", ""])
def test_roles_that_nobody_is_given_here(chief: TestClient, role: str) -> None:
    assert faulty_fields(added(chief, role=role)) == ["role"]


def test_roles_are_given_and_ended(full: House, chief: TestClient) -> None:
    page = f"/admin/people/{id_in(added(chief, role='vte_nurse', organisations='RRV'))}"
    assert send(chief, f"{page}/roles", {"role": "national_lead"}, seen=page).status_code == 303
    assert faulty_fields(send(chief, f"{page}/roles", {"role": "vte_nurse", "organisations": "no"}, seen=page)) == [
        "organisations"
    ]
    text = chief.get(page).text
    assert "National lead" in text
    [first, second] = re.findall(rf'action="({page}/roles/[0-9a-f-]+/end)"', text)
    for path in (first, second):
        assert send(chief, path, seen=page).status_code == 303
    assert "None." in words_of(chief.get(page))
    assert send(chief, first, seen=page).status_code == 404


def test_an_account_is_closed_within_one_request_and_opened_again(full: House, chief: TestClient) -> None:
    anna = full.person("anna", (Role.VTE_NURSE, "RRV"))
    browser, page = full.signed_in(anna), f"/admin/people/{anna}"
    assert send(chief, f"{page}/disable", seen=page).status_code == 303
    assert browser.get("/account").status_code == 303
    assert "Closed" in words_of(chief.get(page))
    assert send(chief, f"{page}/disable", seen=page).status_code == 404
    assert send(chief, f"{page}/link", seen=page).status_code == 404
    assert send(chief, f"{page}/enable", seen=page).status_code == 303
    assert browser.get("/account").status_code == 303


def test_the_last_administrator_cannot_leave(full: House, chief: TestClient) -> None:
    with full.store.readonly() as connection:
        own = people.person_by_name(connection, "chief")
    page = f"/admin/people/{own.id}"
    answer = send(chief, f"{page}/disable", seen=page)
    assert answer.status_code == 409
    assert "last administrator" in words_of(answer)
    assert send(chief, f"{page}/roles/{own.memberships[0].id}/end", seen=page).status_code == 409
    assert send(chief, f"{page}/roles", {"role": "vte_nurse", "organisations": "RRV"}, seen=page).status_code == 409
    assert chief.get("/admin").status_code == 200


def test_people_are_listed_and_searched(full: House, chief: TestClient) -> None:
    full.person("anna.bell", (Role.VTE_NURSE, "RRV"))
    assert "VTE nurse RRV" in words_of(chief.get("/admin/people?q=bell"))
    assert "Nobody matches" in chief.get("/admin/people?q=%25").text


def test_names_are_shown_as_text(full: House, chief: TestClient) -> None:
    page = added(chief, display_name="<script>window.xss=1</script>", role="moderator").headers["location"]
    for path in (page, "/admin/people"):
        assert "<script>window" not in chief.get(path).text


# --- tokens


def test_a_token_is_shown_once_works_and_is_revoked(full: House, chief: TestClient) -> None:
    fields = {"name": "Datix at RRV", "role": "trust_uploader", "organisations": "RRV RH5"}
    answer = send(chief, "/admin/tokens", fields)
    [secret] = re.findall(r'id="token">(hat_[^<]+)<', answer.text)
    assert answer.headers["cache-control"] == "no-store"
    listed = chief.get("/admin/tokens")
    assert secret not in listed.text
    assert "Datix at RRV Trust uploader RH5, RRV" in words_of(listed)
    with full.store.readonly() as connection:
        actor = tokens.actor(connection, secret)
    assert actor
    assert set(actor.tenants(Right.SUBMIT)) == {full.ids[code] for code in ("RRV", "RH5", "RA4")}
    program = full.browser()
    authorised = {"Authorization": f"Bearer {secret}"}
    assert program.get("/api/nowhere", headers=authorised).status_code == 404
    assert send(chief, f"/admin/tokens/{actor.id}/revoke", seen="/admin/tokens").status_code == 303
    assert program.get("/api/nowhere", headers=authorised).status_code == 401
    assert send(chief, f"/admin/tokens/{actor.id}/revoke", seen="/admin/tokens").status_code == 404


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, ["name", "role"]),
        ({"name": "Any", "role": "administrator"}, ["role"]),
        ({"name": "Any", "role": "trust_lead"}, ["organisations"]),
        ({"name": "Any", "role": "trust_lead", "organisations": "ZZZ"}, ["organisations"]),
        ({"name": "Any", "role": "national_lead", "organisations": "RRV"}, ["organisations"]),
        ({"name": "", "role": "national_lead", "expires_on-day": "1"}, ["expires_on", "name"]),
    ],
)
def test_all_faults_of_a_token_at_once(
    chief: TestClient, admin: psycopg.Connection, fields: dict[str, str], wrong: list[str]
) -> None:
    assert faulty_fields(send(chief, "/admin/tokens", fields)) == wrong
    assert admin.execute("select count(*) from register.api_token").fetchone() == (0,)


# --- the opt-out


def test_an_exemption_is_set_with_reference_and_date(full: House, chief: TestClient) -> None:
    path = "/admin/opt-out"
    day = {"dated_on-day": "3", "dated_on-month": "11", "dated_on-year": "2025"}
    answer = send(chief, f"{path}/england", {"mode": "exempt", "reference": "25/CAG/0101", **day}, seen=path)
    assert answer.headers["location"] == "/admin/opt-out?done=saved"
    with full.store.readonly() as connection:
        held = register.opt_out_modes(connection)["England"]
    assert (held.mode, held.reference, held.dated_on) == (Mode.EXEMPT, "25/CAG/0101", date(2025, 11, 3))
    assert 'value="25/CAG/0101"' in chief.get(path).text


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, ["mode"]),
        ({"mode": "not applicable"}, ["mode"]),
        ({"mode": "exempt"}, ["reference", "dated_on"]),
        ({"mode": "exempt", "dated_on-day": "x", "reference": "25/CAG/0101"}, ["dated_on"]),
    ],
)
def test_an_exemption_without_basis_is_refused(
    full: House, chief: TestClient, fields: dict[str, str], wrong: list[str]
) -> None:
    answer = send(chief, "/admin/opt-out/england", fields, seen="/admin/opt-out")
    assert sorted(faulty_fields(answer)) == sorted(wrong)
    with full.store.readonly() as connection:
        assert register.opt_out_modes(connection)["England"].mode is Mode.SCREENED


@pytest.mark.parametrize("nation", ["wales", "scotland", "England"])
def test_no_other_nation_has_a_choice(chief: TestClient, nation: str) -> None:
    assert send(chief, f"/admin/opt-out/{nation}", {"mode": "screened"}, seen="/admin/opt-out").status_code == 404


# --- what is written down


def test_each_change_names_who_made_it(full: House, chief: TestClient, admin: psycopg.Connection) -> None:
    with full.store.transaction() as connection:
        by = sessions.actor(connection, chief.cookies["hat"], limits(full.settings))
    assert by
    confirm(chief, upload(chief, "register", REGISTER.replace("Somerset Trust", "Another Trust")))
    added(chief, role="moderator")
    send(chief, "/admin/tokens", {"name": "Any", "role": "national_lead"})
    send(chief, "/admin/organisations/RRV", {})
    lines = admin.execute(
        "select action, role from records.audit where tenant_id = %s and actor = %s order by sequence",
        [SYSTEM_TENANT, by.label],
    ).fetchall()
    assert [action for action, _ in lines] == [
        "password accepted", "signed in", "register imported", "person created", "token made", "organisation edited",
    ]  # fmt: skip
    assert {role for _, role in lines} == {"administrator"}


# --- letters that did not leave


def test_letters_that_did_not_leave_are_numbers_and_reasons(
    full: House, chief: TestClient, admin: psycopg.Connection
) -> None:
    assert "Every letter has left." in words_of(chief.get("/admin/letters"))
    admin.execute(
        """insert into records.outbox (tenant_id, subject, body, tries, tried_at, given_up_at, reason) values
           (0, 'A subject', 'A body', 0, null, null, null), (0, 'A subject', 'A body', 3, now(), null, 'away'),
           (0, 'A subject', 'A body', 2, now(), null, 'away'), (0, 'A subject', null, 9, now(), now(), 'recipient')"""
    )
    admin.execute(
        "insert into records.outbox (tenant_id, subject, tries, reason) values (%s, 'Theirs', 1, 'away')",
        [full.ids["RRV"]],
    )
    page = chief.get("/admin/letters")
    words = words_of(page)
    assert "Waits for its first try 1" in words
    assert "Put off, and tried again The mail server could not be reached, or did not let us in 2" in words
    assert "Given up The mail server does not take letters to this address 1" in words
    assert "A subject" not in page.text
    assert "A body" not in page.text


def test_what_was_put_off_is_tried_again_at_once_and_that_is_noted(
    full: House, chief: TestClient, admin: psycopg.Connection
) -> None:
    admin.execute(
        """insert into records.outbox (tenant_id, subject, body, tries, tried_at, given_up_at, reason) values
           (0, 's', 'b', 3, now(), null, 'away'), (0, 's', null, 9, now(), now(), 'recipient')"""
    )
    done = send(chief, "/admin/letters/again", {}, seen="/admin/letters")
    assert done.headers["location"] == "/admin/letters?done=again"
    held = admin.execute(
        "select tries, tried_at is null, given_up_at is null from records.outbox order by id"
    ).fetchall()
    assert held == [(0, True, True), (9, False, False)]
    noted = admin.execute("select detail from records.audit where action = 'letters tried again'").fetchall()
    assert noted == [({"letters": 1},)]
    assert (
        send(chief, "/admin/letters/again", {}, seen="/admin/letters").headers["location"] == "/admin/letters?done=none"
    )
    nurse = full.signed_in(full.person("nurse", (Role.VTE_NURSE, "RRV")))
    assert nurse.get("/admin/letters").status_code == 404
