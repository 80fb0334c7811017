"""What is installed is what was locked: every file by its hash, all of it in the bill of materials; the image's recipe is linted."""

import base64
import hashlib
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
LOCKS = ("requirements.lock", "bootstrap.lock", "deploy/requirements.lock", "deploy/otel.lock")
AUDITED = {"requirements.lock", "deploy/requirements.lock"}
PIN = re.compile(r"^([a-z0-9._-]+)(?:\[[a-z0-9,._-]+\])?==([^ ;\\]+)", re.MULTILINE)
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text("utf-8")


def locked(path: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Of each package its version and the hashes of the files that are it."""
    text = (ROOT / path).read_text("utf-8")
    found, starts = {}, [*PIN.finditer(text)]
    for here, after in zip(starts, [*[each.start() for each in starts[1:]], len(text)], strict=True):
        hashes = re.findall(r"--hash=sha256:([0-9a-f]{64})", text[here.start() : after])
        found[here[1]] = (here[2], frozenset(hashes))
    return found


@pytest.mark.parametrize("path", LOCKS)
def test_every_file_is_known_by_its_hash_and_nothing_comes_by_address(path: str) -> None:
    found = locked(path)
    assert found
    assert [name for name, (_, hashes) in found.items() if not hashes] == []
    lines = [line for line in (ROOT / path).read_text("utf-8").splitlines() if not line.lstrip().startswith("#")]
    assert [line for line in lines if "://" in line or line.startswith("-")] == []


def test_every_dependency_that_is_declared_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for declared, path in (
        (project["dependencies"], "deploy/requirements.lock"),
        (project["dependencies"] + project["optional-dependencies"]["otel"], "deploy/otel.lock"),
    ):
        names = {re.split(r"[\[<>=;]", each)[0].lower().replace(".", "-").replace("_", "-") for each in declared}
        assert names <= {name.replace(".", "-").replace("_", "-") for name in locked(path)}
    assert "opentelemetry-sdk" not in locked("deploy/requirements.lock")


def test_every_installation_checks_hashes() -> None:
    """But for the package itself, which is the folder beside it, and brings no other along."""
    asked = re.findall(
        r"^.*pip install .*$", MAKEFILE + DOCKERFILE + (ROOT / ".ci" / "run").read_text("utf-8"), re.MULTILINE
    )
    assert len(asked) == 6
    assert [line for line in asked if "--require-hashes" not in line and "--no-deps" not in line] == []


def test_a_file_with_another_hash_is_refused(tmp_path: Path) -> None:
    wheel = _wheel(tmp_path)
    right = hashlib.sha256(wheel.read_bytes()).hexdigest()
    assert _installed(tmp_path, right) == 0
    assert _installed(tmp_path, hashlib.sha256(b"another").hexdigest()) != 0


def _wheel(folder: Path) -> Path:
    path = folder / "tiny-1.0-py3-none-any.whl"
    files = {
        "tiny.py": b"",
        "tiny-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
        "tiny-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(path, "w") as packed:
        record = ""
        for name, words in files.items():
            packed.writestr(name, words)
            digest = base64.urlsafe_b64encode(hashlib.sha256(words).digest()).rstrip(b"=").decode()
            record += f"{name},sha256={digest},{len(words)}\n"
        packed.writestr("tiny-1.0.dist-info/RECORD", record + "tiny-1.0.dist-info/RECORD,,\n")
    return path


def _installed(folder: Path, digest: str) -> int:
    lock = folder / "tiny.lock"
    lock.write_text(f"tiny==1.0 --hash=sha256:{digest}\n", "utf-8")
    words = [
        "--quiet",
        "--no-index",
        "--no-cache",
        "--require-hashes",
        f"--find-links={folder}",
        f"--target={folder / digest}",
    ]
    command = [str(BIN / "uv"), "pip", "install", *words, f"--requirements={lock}"]
    return subprocess.run(command, capture_output=True, check=False).returncode


@pytest.fixture(scope="module")
def bill(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Mapping[str, object]]:
    """The components of the bill of materials, made as `make sbom` makes it."""
    path = tmp_path_factory.mktemp("bill") / "sbom.json"
    words = next(line for line in MAKEFILE.splitlines() if "cyclonedx-py" in line).split()
    command = [str(path) if each == "build/sbom.json" else each for each in words]
    done = subprocess.run(
        [str(BIN / "cyclonedx-py"), *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    made = json.loads(path.read_text("utf-8"))
    assert (made["bomFormat"], made["metadata"]["component"]["name"]) == ("CycloneDX", "hat-registry")
    return {each["name"]: each for each in made["components"]}


def test_the_bill_of_materials_names_all_that_is_deployed_by_its_hashes(
    bill: Mapping[str, Mapping[str, object]],
) -> None:
    deployed = locked("deploy/requirements.lock")
    assert {name: each["version"] for name, each in bill.items()} == {name: of for name, (of, _) in deployed.items()}
    for name, (_, hashes) in deployed.items():
        text = json.dumps(bill[name])
        assert [each for each in hashes if each not in text] == [], name


def test_what_is_known_to_be_vulnerable_is_never_said_to_be_well_unasked() -> None:
    """Without `--strict` pip-audit passes what it could not ask about."""
    asked = [line for line in MAKEFILE.splitlines() if "pip-audit" in line]
    assert {path for path in AUDITED for line in asked if line.endswith(f" {path}") and "--strict" in line} == AUDITED


def test_the_image_s_recipe_is_without_fault() -> None:
    done = subprocess.run(
        [BIN / "hadolint", ROOT / "deploy" / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")
    tags = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert all(re.search(r":\d+\.\d+", each) for each in tags)
