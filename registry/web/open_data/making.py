"""The files of a release, made once by the worker when its figures have passed the audit, and kept with it.

Everything in them is made of protected cells. The same figures give the same bytes: they carry the time of the counts, and nothing of
when they were made.
"""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from ingest.quoting import quoted_record
from registry.disclosure.protected import BLANKS, LOW, LOW_SUM, State, blank
from registry.disclosure.protected import cell as protected
from registry.measures import MEASURES
from registry.publications import whole
from registry.publications.files import Made
from registry.publications.published import Release
from registry.publications.whole import Whole
from registry.web import series
from registry.web.open_data.sheets import ODS, XLSX, Sheet, ods, xlsx
from registry.web.public.records import COLUMNS, definition, record

CSV = "text/csv; charset=utf-8"
JSON = "application/json"
LICENCE = "Open Government Licence v3.0"
LICENCE_ADDRESS = "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/"
ATTRIBUTION = "Contains public sector information licensed under the Open Government Licence v3.0."

CELL_COLUMNS = (
    "cell_id", "quantity", "geography_kind", "geography", "period_kind", "period", "split", "category", "value", "status", "held_from",
)  # fmt: skip
NUMBER_COLUMNS = ("geography_kind", "geography", "month", "quantity", "value", "status")
PLACE_COLUMNS = ("geography_kind", "geography", "name", "nation", "region", "closed_on", "successor")
MEASURE_COLUMNS = (
    "measure",
    "title",
    "unit",
    "definition",
    "numerator",
    "denominator",
    "exclusions",
    "limits",
    "revision",
    "source",
)

Record = Mapping[str, Any]


def files(connection: Connection, release: Release) -> Callable[[], tuple[Made, ...]]:
    """Read a release, or a draft as the release that it will be; gives what makes all its files, which takes some seconds."""
    found = Found(
        release=release,
        everything=whole.read(connection, release),
        cells=list(_cells(connection, release)),
        numbers=list(_numbers(connection, release)),
        places=list(_places(connection, release)),
    )
    return lambda: _files(found)


@dataclass(frozen=True, slots=True)
class Found:
    """All that the files of a release are made of."""

    release: Release
    everything: Whole
    cells: list[Record]
    numbers: list[Record]
    places: list[Record]


def _files(found: Found) -> tuple[Made, ...]:
    release, figures, measures = found.release, list(_figures(found.everything)), list(_measures())
    book = _book(release, figures, measures, found.places)
    title = f"HAT registry, release {release.number}"
    return (
        _made("figures.csv", CSV, as_csv(figures, COLUMNS)),
        _made("figures.json", JSON, _json(release, figures)),
        _made("cells.csv", CSV, as_csv(found.cells, CELL_COLUMNS)),
        _made("numbers.csv", CSV, as_csv(found.numbers, NUMBER_COLUMNS)),
        _made("places.csv", CSV, as_csv(found.places, PLACE_COLUMNS)),
        _made("measures.csv", CSV, as_csv(measures, MEASURE_COLUMNS)),
        _made("hat-registry.xlsx", XLSX, xlsx(book, title, release.as_at)),
        _made("hat-registry.ods", ODS, ods(book, title, release.as_at)),
    )


def _made(name: str, media_type: str, content: bytes) -> Made:
    return Made(name, media_type, hashlib.sha256(content).hexdigest(), content)


def as_csv(records: Iterable[Record], columns: Sequence[str]) -> bytes:
    """RFC 4180 in UTF-8 with a byte order mark, so that a spreadsheet reads names as they are; no cell begins like a formula."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(columns), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(map(quoted_record, records))
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _figures(found: Whole) -> Iterator[Record]:
    """Every measure in every area and period."""
    regions = found.of_kind("region")
    for measure in MEASURES.values():
        for area in series.areas(measure, regions):
            for line in series.lines(measure, area, found.months, found.years):
                yield record(measure, area, line)


def _json(release: Release, figures: list[Record]) -> bytes:
    content = {
        "release": head(release),
        "measures": [definition(measure) for measure in MEASURES.values()],
        "codes": codes(),
        "figures": figures,
    }
    return json.dumps(content, ensure_ascii=False, indent=1).encode()


def head(release: Release) -> dict[str, Any]:
    """What is known of a release before it is public; who approved it and when stands in the data package."""
    return {
        "number": release.number,
        "title": release.title,
        "as_at": release.as_at.isoformat(),
        "counting_definition": release.definition,
        "grid_version": release.grid_version,
        "opt_out": release.rules.get("opt_out_in_force", {}),
        "licence": LICENCE,
    }


def codes() -> dict[str, str]:
    """What stands in place of a number that is not shown, and what it means."""
    found: dict[str, list[str]] = {}
    for wording in (LOW, LOW_SUM, *BLANKS.values()):
        found.setdefault(wording.code, []).append(wording.words)
    return {code: ", or ".join(words) for code, words in found.items()}


def _measures() -> Iterator[Record]:
    for measure in MEASURES.values():
        told = definition(measure)
        lists = {name: " | ".join(told[name]) for name in ("exclusions", "limits")}
        yield {name: (told | lists)[name] for name in MEASURE_COLUMNS}


def _cells(connection: Connection, release: Release) -> Iterator[Record]:
    table = release.tables.cells
    query = select(table).where(table.c[release.tables.key] == release.id).order_by(table.c.cell_id)
    for row in connection.execute(query):
        value = protected(row.value) if row.state == State.COUNTED else blank(State(row.state))
        cells = (
            row.cell_id, row.quantity, row.geography_kind, row.geography, row.period_kind, row.period.isoformat(), row.split,
            row.category, value.code, _status(row.provisional), row.held_from,
        )  # fmt: skip
        yield dict(zip(CELL_COLUMNS, cells, strict=True))


def _numbers(connection: Connection, release: Release) -> Iterator[Record]:
    c = release.tables.numbers.c
    key = (c.geography_kind, c.geography, c.month, c.quantity)
    for row in connection.execute(
        select(*key, c.value, c.provisional).where(c[release.tables.key] == release.id).order_by(*key)
    ):
        cells = (
            row.geography_kind,
            row.geography,
            row.month.isoformat(),
            row.quantity,
            row.value,
            _status(row.provisional),
        )
        yield dict(zip(NUMBER_COLUMNS, cells, strict=True))


def _places(connection: Connection, release: Release) -> Iterator[Record]:
    c = release.tables.places.c
    columns = [c[name] for name in PLACE_COLUMNS]
    query = select(*columns).where(c[release.tables.key] == release.id).order_by(c.geography_kind, c.geography)
    for row in connection.execute(query):
        yield {
            name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row._asdict().items()
        }


def _status(provisional: bool) -> str:
    return "provisional" if provisional else "final"


def _book(release: Release, figures: list[Record], measures: list[Record], places: list[Record]) -> list[Sheet]:
    notes: list[Sequence[str | None]] = [
        ["HAT registry: hospital-associated thrombosis in England and Wales"],
        [f"Release {release.number}: {release.title}"],
        [f"Counted as at {release.as_at:%d %B %Y %H:%M} (UTC), by counting definition {release.definition}"],
        [ATTRIBUTION],
        [],
        ["Counts are rounded at random to a multiple of 5; rates and shares are made of the rounded counts."],
        *([code, words] for code, words in codes().items()),
        ["provisional", "a month or year that may still change"],
        [
            "held_from",
            "the release that a count repeats, where its revision would tell too much beside what is public (cells.csv)",
        ],
    ]
    return [
        Sheet("About", (), notes, (16, 90)),
        Sheet("Figures", COLUMNS, _rows(figures, COLUMNS), (20, 18, 26, 10)),
        Sheet("Measures", MEASURE_COLUMNS, _rows(measures, MEASURE_COLUMNS), (20, 40, 20, 60)),
        Sheet("Places", PLACE_COLUMNS, _rows(places, PLACE_COLUMNS), (16, 12, 44)),
    ]


def _rows(records: list[Record], columns: Sequence[str]) -> list[list[Any]]:
    return [[_number(row[name]) for name in columns] for row in records]


def _number(value: Any) -> Any:
    """A number that stands as text becomes a number."""
    return int(value) if isinstance(value, str) and value.isascii() and value.isdecimal() else value
