"""JSON Schema 2020-12 of each record, for those who build an export.

It says what one cell may hold after it was read: dates as yyyy-mm-dd, several codes as a list. The rules across fields are in
the guide. Annotations of our own begin with `x-`.
"""

import json
from typing import Any

from schemas.codelist import CodeList
from schemas.dictionary import RECORDS, VERSION, Field, fields
from schemas.record import RecordKind
from schemas.values import CodesType

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema(kind: RecordKind) -> dict[str, Any]:
    """The schema of one row."""
    record = RECORDS[kind]
    lists = dict.fromkeys(each.codes for each in fields(kind) if each.codes)
    return {
        "$schema": DIALECT,
        "$id": f"urn:hat-registry:dataset:{VERSION}:{kind}",
        "title": record.title,
        "description": record.__doc__,
        "type": "object",
        "additionalProperties": False,
        "properties": {each.name: _property(each) for each in fields(kind)},
        "required": [each.name for each in fields(kind) if each.required],
        "x-key": list(record.key),
        "$defs": {codes.__name__: _codes(codes) for codes in lists if codes},
    }


def artefact(kind: RecordKind) -> bytes:
    return (json.dumps(schema(kind), indent=2, ensure_ascii=False) + "\n").encode()


def _property(field: Field) -> dict[str, Any]:
    item = field.item
    described = {
        "title": item.question,
        "description": " ".join(_sentences(field)),
        **_holds(field),
        "x-section": item.section,
        "x-stage": item.stage.value,
        "x-identifying": item.identifying,
        "x-since": item.since,
    }
    return {word: meaning for word, meaning in described.items() if meaning != ""}


def _sentences(field: Field) -> list[str]:
    applies = f"Applies when {field.item.applies}." if field.item.applies else ""
    return [each for each in (field.item.hint, applies) if each]


def _holds(field: Field) -> dict[str, Any]:
    if field.codes is None:
        return field.holds.json_schema()
    reference = {"$ref": f"#/$defs/{field.codes.__name__}"}
    if isinstance(field.holds, CodesType):
        return {"type": "array", "items": reference, "minItems": 1, "uniqueItems": True}
    return reference


def _codes(codes: type[CodeList]) -> dict[str, Any]:
    listed = {
        "title": codes.__doc__,
        "type": "string",
        "enum": [code.value for code in codes],
        "x-words": {code.value: code.words for code in codes},
    }
    nations = {code.value: code.nation.value for code in codes if code.nation}
    if nations:
        listed["x-only-in"] = nations
    pattern = codes.open_pattern()
    if pattern is None:
        return listed
    # Our copy of this national list is known to be incomplete, so other codes of its shape are let in.
    known = listed.pop("enum")
    return listed | {"anyOf": [{"enum": known}, {"pattern": pattern}]}
