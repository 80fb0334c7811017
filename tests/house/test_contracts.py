"""The import contracts hold, and asking the command line for help loads nothing that is slow to load."""

import subprocess
import sys
from pathlib import Path

from tests.house.committed import ROOT

SLOW = (
    "polars",
    "sqlalchemy",
    "psycopg",
    "fastapi",
    "pydantic",
    "cryptography",
    "jinja2",
    "scipy",
    "numpy",
    "uvicorn",
    "apscheduler",
)


def test_imports_follow_the_arrow_and_the_floors() -> None:
    program = Path(sys.executable).parent / "lint-imports"
    ran = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ", 0 broken" in ran.stdout


def test_asking_for_help_loads_nothing_slow() -> None:
    code = f"import sys, registry.__main__; print(*sorted(set(sys.modules) & set({SLOW!r})))"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == ""
