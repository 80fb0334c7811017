"""The table of what can go wrong."""

import errno
import json
import subprocess
import sys

import pytest

from registry import errors
from registry.errors import ERRORS, KINDS, Conflict, Fault, NotFound, RegistryError, TooMany, Unprocessable


def test_each_error_stands_in_the_table_under_its_own_status() -> None:
    assert [error.status for error in ERRORS] == [400, 401, 403, 404, 409, 410, 412, 413, 415, 422, 429, 503, 507]
    assert all(KINDS[status].status == status for status in KINDS)
    assert len({kind.slug for kind in KINDS.values()}) == len(KINDS)


@pytest.mark.parametrize("error", ERRORS)
def test_each_says_what_to_do_and_is_stable_for_machines(error: type[RegistryError]) -> None:
    said = error()
    body = said.problem().body()
    assert body["type"] == said.type == f"/problems/{said.kind.slug}"
    assert (body["title"], body["status"], body["detail"]) == (said.title, said.status, str(said))
    assert str(said.detail).endswith(".")
    assert "errors" not in body


def test_a_problem_lists_places_and_words() -> None:
    error = Unprocessable(
        "Two members are not valid.", errors=[("/kind", "Say which kind."), Fault("/mode", "Say how.")]
    )
    assert json.loads(json.dumps(error.problem().body())) == {
        "type": "/problems/not-valid",
        "title": "Some of what was sent is not valid",
        "status": 422,
        "detail": "Two members are not valid.",
        "errors": [{"pointer": "/kind", "detail": "Say which kind."}, {"pointer": "/mode", "detail": "Say how."}],
    }


def test_hidden_and_absent_cannot_be_told_apart() -> None:
    assert NotFound().problem() == errors.for_status(404)
    with pytest.raises(TypeError):
        NotFound("this case belongs to another trust")  # type: ignore[call-arg]  # the refusal is what is tested


def test_waiting_is_said_in_a_header() -> None:
    assert TooMany(retry_after=7).problem().headers() == {"Retry-After": "7"}
    assert Conflict().problem().headers() == {}


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (None, 503), ("08006", 503), ("22P05", 400), ("22003", 400), ("23505", 409), ("40001", 503), ("40P01", 503),
        ("53100", 507), ("53300", 503), ("55P03", 503), ("57014", 503), ("57P01", 503),
    ],
)  # fmt: skip
def test_the_database_s_refusals_have_their_status(state: str | None, status: int) -> None:
    error = errors.of_database(state)
    assert error is not None
    assert error.status == status


@pytest.mark.parametrize("state", ["42601", "42501", "23503", "XX000", ""])
def test_our_own_mistakes_in_the_database_are_nobody_elses(state: str) -> None:
    assert errors.of_database(state) is None


@pytest.mark.parametrize(("status", "told"), [(405, 405), (418, 400), (451, 400), (500, 500), (502, 500), (599, 500)])
def test_the_framework_s_refusals_take_our_shape(status: int, told: int) -> None:
    assert errors.for_status(status).status == told


def test_a_strange_exception_tells_nothing_of_itself() -> None:
    told = errors.problem(ValueError("canary 943 476 5919"))
    assert told.status == 500
    assert "canary" not in json.dumps(told.body())
    assert errors.problem(Conflict("Sent before.")).body()["detail"] == "Sent before."
    assert errors.problem(OSError(errno.ENOSPC, "canary")).status == 507
    assert errors.problem(OSError(errno.EPERM, "canary")).status == 500


def test_it_stands_alone() -> None:
    """Importing the words costs no framework and no database driver."""
    code = "import sys, registry.errors; print([m for m in ('fastapi', 'starlette', 'psycopg', 'sqlalchemy') if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
