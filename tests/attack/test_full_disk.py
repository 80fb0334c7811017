"""A disk runs full: of the tables, of Postgres' log, of the files on their way. What is refused is refused honestly, nothing is lost."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.running import ROOT

pytestmark = pytest.mark.slow

PRIVATE = ["unshare", "--mount", "--propagation", "private"]
SECONDS = 900


def test_small_disks_can_be_made_here() -> None:
    """Disks of their own take root, or CAP_SYS_ADMIN. Elsewhere run `sudo -E python -m pytest tests/attack/test_full_disk.py`."""
    made = subprocess.run(
        [*PRIVATE, "mount", "-t", "tmpfs", "tmpfs", tempfile.gettempdir()], capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr


@pytest.mark.parametrize("disk", ["data", "wal", "spool"])
def test_nothing_is_lost_on_a_full_disk(disk: str) -> None:
    root = Path(tempfile.mkdtemp(prefix="hat-full-"))
    try:
        done = subprocess.run(
            [*PRIVATE, sys.executable, "-m", "tests.attack.full_disk", disk, root],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    finally:
        shutil.rmtree(root, ignore_errors=True)
    assert (done.returncode, done.stdout) == (0, "kept\n"), done.stdout[-500:] + done.stderr[-4000:]
