"""A release described for programs: its data package (Frictionless Data Package 1.0), its proof, and the list of changes as a feed."""

import json
from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from registry.publications.comparing import Revision
from registry.publications.published import Release
from registry.web.open_data.making import (
    CELL_COLUMNS,
    LICENCE,
    LICENCE_ADDRESS,
    MEASURE_COLUMNS,
    NUMBER_COLUMNS,
    PLACE_COLUMNS,
    codes,
    head,
)
from registry.web.open_data.reading import File, Listed, Signed
from registry.web.open_data.words import table_words
from registry.web.public.records import COLUMNS

DESCRIPTIONS = {
    "figures.csv": "Every measure in every area and period, with its interval.",
    "figures.json": "The same with the definitions of the measures and the codes.",
    "cells.csv": "The protected counts that everything else is made of: one line for each cell of the publication grid.",
    "numbers.csv": "Numbers that need no protection: how many organisations, and what NHS England publishes itself.",
    "places.csv": "The trusts, regions and nations by their codes.",
    "measures.csv": "The definition of each measure, with what is left out and what it does not say.",
    "hat-registry.xlsx": "Figures, measures and places as a workbook (Excel).",
    "hat-registry.ods": "The same as an OpenDocument spreadsheet.",
}
COLUMNS_OF = {
    "figures.csv": COLUMNS,
    "cells.csv": CELL_COLUMNS,
    "numbers.csv": NUMBER_COLUMNS,
    "places.csv": PLACE_COLUMNS,
    "measures.csv": MEASURE_COLUMNS,
}
KEYS = {
    "figures.csv": ["measure", "area", "period"],
    "cells.csv": ["cell_id"],
    "numbers.csv": ["geography_kind", "geography", "month", "quantity"],
    "places.csv": ["geography_kind", "geography"],
    "measures.csv": ["measure"],
}
DECIMALS = {"lower_95", "upper_95", "share_if_none", "share_if_all", "share_investigated"}
WHOLE = {"held_from", "organisations", "organisations_taking_part", "organisations_assessable"}


def as_json(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False, indent=1).encode()


def package(release: Release, proof: Signed, files: Sequence[File], base: str) -> dict[str, Any]:
    """The data package of a release; `base` is the service's address."""
    return {
        "profile": "tabular-data-package" if all(one.name in COLUMNS_OF for one in files) else "data-package",
        "name": f"hat-registry-release-{release.number}",
        "id": release.id.hex,
        "title": f"HAT registry, release {release.number}: {release.title}",
        "description": "Hospital-associated thrombosis in England and Wales: protected counts and the figures made of them. "
        + (proof.note or ""),
        "version": str(release.number),
        "homepage": f"{base}/data/releases/{release.number}",
        "created": release.released_at.isoformat(),
        "licenses": [{"name": "OGL-UK-3.0", "title": LICENCE, "path": LICENCE_ADDRESS}],
        "keywords": ["thrombosis", "venous thromboembolism", "patient safety", "England", "Wales"],
        "hat:release": head(release)
        | {"released_at": release.released_at.isoformat(), "prepared_by": release.prepared_by_name}
        | {"approved_by": release.released_by_name, "code_version": proof.code_version},
        "hat:codes": codes(),
        "hat:proof": proof_of(release, proof),
        "resources": [_resource(release, one, base) for one in files],
    }


def _resource(release: Release, one: File, base: str) -> dict[str, Any]:
    media_type, _, charset = one.media_type.partition("; charset=")
    found: dict[str, Any] = {
        "name": one.name.replace(".", "-"),
        "path": f"{base}/data/releases/{release.number}/{one.name}",
        "description": DESCRIPTIONS.get(one.name, ""),
        "format": one.name.rpartition(".")[2],
        "mediatype": media_type,
        "bytes": one.size,
        "hash": f"sha256:{one.digest}",
    }
    if one.name in COLUMNS_OF:
        fields = [_field(one.name, name) for name in COLUMNS_OF[one.name]]
        found |= {"profile": "tabular-data-resource", "encoding": charset or "utf-8"}
        found |= {"schema": {"fields": fields, "primaryKey": KEYS[one.name], "missingValues": [""]}}
    return found


def _field(file: str, name: str) -> dict[str, str]:
    kind = "string"  # a count may be a code in brackets
    if name in DECIMALS or (name == "value" and file == "figures.csv"):
        kind = "number"
    elif name in WHOLE or (name == "value" and file == "numbers.csv"):
        kind = "integer"
    elif (
        name == "closed_on" or (name == "month" and file == "numbers.csv") or (name == "period" and file == "cells.csv")
    ):
        kind = "date"
    return {"name": name, "type": kind}


def proof_of(release: Release, proof: Signed) -> dict[str, Any]:
    """Digests and signature; what is signed is said in words, so that anybody can check it with the public key at /data/key.json."""
    return {
        "release": release.number,
        "data_sha256": proof.data_hash,
        "audit_report_sha256": proof.report_digest,
        "signature": proof.signature,
        "algorithm": "Ed25519",
        "key": "/data/key.json",
        "signed": "s3:hats7:releasei<length>:<release>s64:<data_sha256>s64:<audit_report_sha256>",
    }


def revision_records(found: Sequence[Revision]) -> list[dict[str, Any]]:
    """The revisions list for programs: by table, of published numbers."""
    return [
        {
            "table": table_words(one), "quantity": one.quantity, "geography_kind": one.geography_kind,
            "period_kind": one.period_kind, "split": one.split, "new": one.new, "changed": one.changed, "gone": one.gone,
            "became_final": one.became_final, "held": one.held, "reasons": list(one.words),
        }
        for one in found
    ]  # fmt: skip


def feed(found: Sequence[Listed], base: str) -> bytes:
    """The list of releases as an Atom feed (RFC 4287)."""
    updated = found[0].released_at.isoformat() if found else "1970-01-01T00:00:00+00:00"
    entries = "".join(_entry(one, base) for one in found)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">'
        f"<title>HAT registry: releases</title><id>{escape(base)}/data</id><updated>{updated}</updated>"
        f'<link rel="self" href={quoteattr(base + "/data/changes.atom")}/><link href={quoteattr(base + "/data")}/>'
        f"<author><name>HAT registry</name></author><rights>{LICENCE}</rights>{entries}</feed>\n"
    ).encode()


def _entry(one: Listed, base: str) -> str:
    address = f"{base}/data/releases/{one.number}"
    words = one.note or f"Counted as at {one.as_at.day} {one.as_at:%B %Y}. What changed, and why, stands on its page."
    return (
        f"<entry><title>Release {one.number}: {escape(one.title)}</title><id>{escape(address)}</id>"
        f"<updated>{one.released_at.isoformat()}</updated><link href={quoteattr(address)}/>"
        f"<summary>{escape(words)}</summary></entry>"
    )
