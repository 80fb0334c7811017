"""The dataset in FHIR R4: profiles, code systems, value sets, questionnaires and what a FHIR package needs beside them.

Everything is written from the declarations of `schemas`; each resource passes its model of fhir.resources on the way out.
"""

from collections.abc import Iterator

from schemas.publish.fhir import extensions, measures, profiles, questionnaires, service, terminology
from schemas.publish.fhir.resource import Resource, file_name, written

FOLDER = "fhir"
"""Of the version's folder of published files."""

_WRITERS = (profiles, extensions, questionnaires, measures, service, terminology)


def resources() -> Iterator[Resource]:
    """Every resource, the guide that lists them last."""
    listed = [each for writer in _WRITERS for each in writer.resources()]
    yield from listed
    yield service.guide(listed)


def artefacts() -> dict[str, bytes]:
    """Every file by its name below the version's folder."""
    return {f"{FOLDER}/{file_name(each)}": written(each) for each in resources()}
