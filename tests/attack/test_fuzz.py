"""The described interface under schemathesis, once for each role: no fault of ours, and answers as the description says.

Seeded and bounded; `HAT_FUZZ_EXAMPLES` for more.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.attack.door import open_door
from tests.attack.nation import OWN, REVIEWER, STRANGER, Nation
from tests.registry.web.visitors import token_of

pytestmark = pytest.mark.slow

EXAMPLES = os.environ.get("HAT_FUZZ_EXAMPLES", "6")
"""For each role and operation, beside the boundaries of every parameter, which are all tried."""
CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "unsupported_method",
)  # fmt: skip
PROGRAMS = ("rjz.uploader", "rjz.nurse", "national.lead", "analyst.one")
PEOPLE = ("rjz.lead", REVIEWER, "registry.office", "moderator", "administrator")
SETTINGS = """
[parameters]
"path.submission_id" = "{submission}"
[generation]
with-security-parameters = false
database = "none"
[warnings]
enabled = false
"""


def fuzzed(address: str, headers: dict[str, str], folder: Path, submission: object) -> None:
    """Run it; fails with what it found."""
    settings = folder / "schemathesis.toml"
    settings.write_text(SETTINGS.format(submission=submission))
    given = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    ran = subprocess.run(
        [
            sys.executable, "-m", "schemathesis.cli", "--config-file", str(settings), "run", f"{address}/api/openapi.json",
            *given, "--checks", ",".join(CHECKS), "--seed", "1", "--max-examples", EXAMPLES, "--phases", "coverage,fuzzing", "--continue-on-failure",
            "--no-color", "--suppress-health-check", "all",
        ],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-2000:]
    assert " generated, " in ran.stdout, ran.stdout


def submission_of(nation: Nation) -> object:
    row = nation.admin.execute(
        "select id from records.submission where tenant_id = %s limit 1", [nation.tenant(OWN)]
    ).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_with_a_token_finds_no_fault(nation: Nation, name: str, tmp_path: Path) -> None:
    with open_door(nation.house, nation.tokens[name]) as door:
        fuzzed(door.address, {"Authorization": f"Bearer {door.token}"}, tmp_path, submission_of(nation))
        assert " answered 5" not in "\n".join(door.logged.lines)


@pytest.mark.parametrize("name", [STRANGER, *PEOPLE])
def test_a_person_in_a_browser_finds_no_fault(nation: Nation, name: str, tmp_path: Path) -> None:
    browser = nation.browser(name)
    headers = {"Sec-Fetch-Site": "same-origin", "X-Form-Token": token_of(browser.get("/account"))}
    if secret := browser.cookies.get("hat", ""):
        headers["Cookie"] = f"hat={secret}"
    with open_door(nation.house, "") as door:
        fuzzed(door.address, {name: value for name, value in headers.items() if value}, tmp_path, submission_of(nation))
        assert " answered 5" not in "\n".join(door.logged.lines)
