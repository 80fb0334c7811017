"""The dataset's artefacts: templates, JSON Schema, FHIR and guide, written from the dictionary and committed under `published/`.

`python -m schemas.publish` (or `hat publish`) writes them again; a test compares what is committed with what would be written.
"""

from pathlib import Path

from schemas.dictionary import VERSION
from schemas.publish import fhir, guide, json_schema, table
from schemas.record import RecordKind

FOLDER = Path(__file__).parent.parent / "published" / VERSION
"""Where the artefacts of this version are committed and served from."""


def artefacts() -> dict[str, bytes]:
    """Every artefact by its name in the folder. The same dataset gives the same bytes."""
    files = {"guide.md": guide.markdown().encode()} | fhir.artefacts()
    for kind in RecordKind:
        files |= table.artefacts(kind)
        files[f"{kind}.schema.json"] = json_schema.artefact(kind)
    return dict(sorted(files.items()))


def write(folder: Path = FOLDER) -> list[Path]:
    """Write every artefact into a folder, which is made if need be, and name the files written."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, content in artefacts().items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        written.append(path)
    return written
