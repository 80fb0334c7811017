"""The FHIR package: the published resources as one `.tgz`, as FHIR tools load it.

It is packed from the committed files when it is asked for, not committed itself: the same content gives the same archive, but what
compression makes of it depends on the version of zlib.
"""

import gzip
import io
import json
import tarfile
from collections.abc import Mapping
from typing import Any

from schemas.fhir import CANONICAL, VERSION
from schemas.publish.fhir.resource import DATED, FHIR_VERSION, PUBLISHER
from schemas.publish.fhir.service import PACKAGE

DEPENDENCIES = {"hl7.fhir.r4.core": FHIR_VERSION, "fhir.r4.ukcore.stu2": "2.0.2"}
"""R4 itself, and the UK Core profiles on which ours are built."""

_INDEXED = ("resourceType", "id", "url", "version", "kind", "type")


def package(files: Mapping[str, bytes]) -> bytes:
    """The package of these resources by file name. No time of packing, no owner and no order of the machine is in it."""
    parts = {"package.json": _json(_manifest()), ".index.json": _json(_index(files)), **dict(sorted(files.items()))}
    packed = io.BytesIO()
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name, content in parts.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size, member.mode = len(content), 0o644
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def _manifest() -> dict[str, Any]:
    return {
        "name": PACKAGE,
        "version": VERSION,
        "canonical": CANONICAL,
        "title": "HAT registry",
        "description": "Profiles, questionnaires, code lists and rules of the registry of hospital-associated thrombosis",
        "author": PUBLISHER,
        "type": "IG",
        "date": DATED.replace("-", "") + "000000",
        "fhirVersions": [FHIR_VERSION],
        "jurisdiction": "urn:iso:std:iso:3166#GB",
        "dependencies": DEPENDENCIES,
    }


def _index(files: Mapping[str, bytes]) -> dict[str, Any]:
    return {"index-version": 1, "files": [_indexed(name, content) for name, content in sorted(files.items())]}


def _indexed(name: str, content: bytes) -> dict[str, Any]:
    resource = json.loads(content)
    return {"filename": name, **{each: resource[each] for each in _INDEXED if each in resource}}


def _json(value: dict[str, Any]) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()
