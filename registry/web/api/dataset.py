"""`/api/dataset`: the published artefacts of the dataset, as they are committed: templates, JSON Schemas, the guide. For everybody."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter
from fastapi import Path as InPath
from pydantic import Field
from starlette.responses import FileResponse, Response

import schemas
from registry.errors import NotFound
from registry.web.api.answers import Answer
from registry.web.bodies import StrictRoute
from schemas.dictionary import VERSION

PUBLISHED = Path(schemas.__path__[0]) / "published"
PREFIX = "/api/dataset"
MEDIA = {
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/schema+json",
    ".md": "text/markdown; charset=utf-8",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

router = APIRouter(prefix=PREFIX, route_class=StrictRoute, tags=["dataset"])


class Artefact(Answer):
    name: str = Field(examples=["case.csv"])
    href: str = Field(examples=[f"{PREFIX}/{VERSION}/case.csv"])
    media_type: str = Field(examples=["text/csv; charset=utf-8"])
    bytes: int


class Dataset(Answer):
    version: str = Field(description="The version in use; released versions never change", examples=[VERSION])
    artefacts: list[Artefact]


@router.get("", summary="What is published")
def listing() -> Dataset:
    """The artefacts of the dataset's version in use."""
    return Dataset(version=VERSION, artefacts=[_artefact(path) for path in artefacts().values()])


@router.get("/{version}/{name}", response_class=Response, summary="One artefact")
def artefact(
    version: Annotated[str, InPath(examples=[VERSION])], name: Annotated[str, InPath(examples=["case.csv"])]
) -> Response:
    """A template (`case.csv`, `case-core.xlsx`), an example, a JSON Schema or the guide."""
    path = artefacts(version).get(name)
    if path is None:
        raise NotFound
    return FileResponse(
        path, media_type=MEDIA[path.suffix], filename=path.name, headers={"Cache-Control": "public, max-age=300"}
    )


def artefacts(version: str = VERSION) -> Mapping[str, Path]:
    """The files of one version by name; none of a version that was not published. Names are looked up, never put into a path."""
    return _published().get(version, {})


@cache
def _published() -> Mapping[str, Mapping[str, Path]]:
    return {
        folder.name: {path.name: path for path in sorted(folder.iterdir()) if path.suffix in MEDIA}
        for folder in PUBLISHED.iterdir()
        if folder.is_dir()
    }


def _artefact(path: Path) -> Artefact:
    return Artefact(
        name=path.name,
        href=f"{PREFIX}/{VERSION}/{path.name}",
        media_type=MEDIA[path.suffix],
        bytes=path.stat().st_size,
    )
