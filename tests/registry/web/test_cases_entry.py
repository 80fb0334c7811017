"""One case by form: entered, found fault with, confirmed, drafted, changed by two people at once."""

import psycopg
import pytest

from registry.settings import Settings
from registry.store import Store
from tests.make import nhs_number, valid_case
from tests.registry.web.at_cases import Ward, entered, form_in, press, typed, ward
from tests.registry.web.visitors import words_of


@pytest.fixture
def here(settings: Settings, store: Store) -> Ward:
    return ward(settings, store)


def test_a_case_is_entered_by_form_and_stands_in_the_worklist(here: Ward, admin: psycopg.Connection) -> None:
    answer = entered(here, valid_case(local_case_id="F-1"))
    assert answer.status_code == 303, words_of(answer)
    page = here.nurse.get(answer.headers["location"])
    words = words_of(page)
    assert "The case is in the register." in words
    assert "Case F-1" in words
    assert "F-1" in words_of(here.nurse.get("/trust/worklist"))
    assert admin.execute("select door from records.case_version").fetchall() == [("form",)]
