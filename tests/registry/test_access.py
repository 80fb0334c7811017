import dataclasses
from uuid import UUID

import pytest

from registry.access import (
    ANYBODY,
    NATIONAL_ROLES,
    ORGANISATION_ROLES,
    PROGRAM_ROLES,
    RIGHTS,
    ROUTES,
    TOKEN_ROLES,
    Actor,
    Kind,
    Right,
    Role,
    holders,
    may,
    route_name,
)

CASE_RIGHTS = {Right.SUBMIT, Right.READ_SUBMISSIONS, Right.READ_CASES, Right.EDIT_CASES, Right.REVIEW_CASE}
MANAGING = {Right.MANAGE_ORGANISATIONS, Right.MANAGE_PEOPLE, Right.MANAGE_TOKENS, Right.MANAGE_SETTINGS}
SOMEBODY = UUID(int=7)


def test_every_role_has_its_line_and_every_right_a_holder() -> None:
    assert set(RIGHTS) == set(Role)
    assert all(holders(right) for right in Right)


@pytest.mark.parametrize("role", NATIONAL_ROLES)
def test_no_national_role_touches_a_case(role: Role) -> None:
    assert not RIGHTS[role] & CASE_RIGHTS


def test_only_administrators_manage_and_they_do_nothing_else() -> None:
    for right in MANAGING:
        assert holders(right) == {Role.ADMINISTRATOR}
    assert RIGHTS[Role.ADMINISTRATOR] == MANAGING | {Right.OWN_ACCOUNT}


def test_a_lead_manages_the_people_of_their_own_organisations_only() -> None:
    assert holders(Right.MANAGE_OWN_PEOPLE) == {Role.TRUST_LEAD}
    leads = {3: frozenset({Role.TRUST_LEAD}), 4: frozenset({Role.VTE_NURSE})}
    actor = Actor(Kind.PERSON, SOMEBODY, "A", frozenset({Role.TRUST_LEAD, Role.VTE_NURSE}), leads)
    assert actor.tenants(Right.MANAGE_OWN_PEOPLE) == (3,)
    assert not actor.may(Right.MANAGE_PEOPLE)


def test_the_public_has_no_right() -> None:
    assert not RIGHTS[Role.PUBLIC]
    assert not any(ANYBODY.may(right) for right in Right)


def test_a_national_lead_sees_no_exact_figure() -> None:
    assert Right.READ_AGGREGATES not in RIGHTS[Role.NATIONAL_LEAD]
    assert holders(Right.READ_AGGREGATES) == {Role.NATIONAL_ANALYST}


def test_a_role_is_held_either_for_organisations_or_for_the_nation() -> None:
    assert not set(ORGANISATION_ROLES) & set(NATIONAL_ROLES)
    assert set(Role) - set(ORGANISATION_ROLES) - set(NATIONAL_ROLES) == {Role.PUBLIC}


def test_no_program_answers_as_a_consultant() -> None:
    assert Role.CONSULTANT_REVIEWER not in (*PROGRAM_ROLES, *TOKEN_ROLES)
    assert RIGHTS[Role.CONSULTANT_REVIEWER] == {Right.OWN_ACCOUNT, Right.REVIEW_CASE}


def test_no_token_manages_anything() -> None:
    assert not any(RIGHTS[role] & MANAGING for role in TOKEN_ROLES)


def test_a_right_holds_for_those_organisations_only_whose_role_brings_it() -> None:
    organisations = {4: frozenset({Role.TRUST_UPLOADER}), 3: frozenset({Role.TRUST_LEAD, Role.TRUST_UPLOADER})}
    actor = Actor(Kind.PERSON, SOMEBODY, "A", frozenset({Role.TRUST_UPLOADER, Role.TRUST_LEAD}), organisations)
    assert actor.tenants(Right.SUBMIT) == (3, 4)
    assert actor.tenants(Right.SIGN_OFF_RETURN) == (3,)
    assert actor.tenants(Right.MANAGE_PEOPLE) == ()


def test_roles_add_up() -> None:
    assert may([Role.MODERATOR, Role.NATIONAL_LEAD], Right.RELEASE)
    assert not may([], Right.OWN_ACCOUNT)


def test_an_actor_is_known_to_the_log_by_id_never_by_name() -> None:
    actor = Actor(Kind.TOKEN, SOMEBODY, "Trust system", frozenset({Role.TRUST_UPLOADER}))
    assert (actor.label, actor.role) == (f"token:{SOMEBODY}", "trust_uploader")
    assert ANYBODY.label == "public"


def test_tables_and_actors_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        ROUTES["signin.ask"] = Right.SUBMIT  # type: ignore[index]  # that is what is tried
    with pytest.raises(dataclasses.FrozenInstanceError):
        ANYBODY.name = "x"  # type: ignore[misc]  # that is what is tried


def test_a_route_is_called_by_its_module_and_function() -> None:
    assert route_name("registry.web.admin.people", "disable") == "admin.people.disable"
    assert route_name("registry.app", "openapi") == "app.openapi"
