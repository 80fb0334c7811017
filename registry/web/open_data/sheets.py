"""Sheets as a workbook, in the two forms that spreadsheet programs read: Office Open XML (XLSX) and OpenDocument (ODS).

The same sheets give the same bytes: every time in the file is the one that is handed in, never the clock's. ODS is written here, a row at
a time; the libraries for it build the whole document in memory and have not been kept up.
"""

import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from xml.sax.saxutils import escape, quoteattr

import xlsxwriter

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ODS = "application/vnd.oasis.opendocument.spreadsheet"
EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The date of every part of a zip file: it has no time zone, and may not be earlier."""

Value = str | int | float | None


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet with one line of headings, or (`headings` empty) of notes."""

    name: str
    headings: tuple[str, ...]
    rows: Sequence[Sequence[Value]]
    widths: tuple[int, ...] = ()


def xlsx(sheets: Iterable[Sheet], title: str, at: datetime) -> bytes:
    """As XLSX: headings bold and fixed, numbers as numbers, no text ever a formula or a link."""
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(out, options) as book:
        book.set_properties({"title": title, "created": at.replace(tzinfo=None), "author": "HAT registry"})
        bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        for sheet in sheets:
            page = book.add_worksheet(sheet.name)
            for place, width in enumerate(sheet.widths):
                page.set_column(place, place, width)
            for number, row in enumerate(_lines(sheet)):
                heading = bold if sheet.headings and number == 0 else None
                for place, value in enumerate(row):
                    if value is not None:
                        page.write(number, place, value, heading)
            if sheet.headings:
                page.freeze_panes(1, 0)
    return out.getvalue()


def ods(sheets: Iterable[Sheet], title: str, at: datetime) -> bytes:
    """As ODS (OpenDocument 1.3)."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        # First and not packed, so that the kind of file can be told from its first bytes.
        _put(packed, "mimetype", ODS, zipfile.ZIP_STORED)
        _put(packed, "META-INF/manifest.xml", MANIFEST)
        _put(packed, "meta.xml", META.format(title=escape(title), at=f"{at:%Y-%m-%dT%H:%M:%S}"))
        _put(packed, "styles.xml", STYLES)
        _put(packed, "content.xml", "".join(_content(sheets)))
    return out.getvalue()


def _put(packed: zipfile.ZipFile, name: str, content: str, kind: int = zipfile.ZIP_DEFLATED) -> None:
    entry = zipfile.ZipInfo(name, EARLIEST)
    entry.compress_type = kind
    packed.writestr(entry, content.encode())


def _lines(sheet: Sheet) -> Iterator[Sequence[Value]]:
    if sheet.headings:
        yield sheet.headings
    yield from sheet.rows


def _content(sheets: Iterable[Sheet]) -> Iterator[str]:
    yield f'{DECLARATION}<office:document-content {NAMESPACES} office:version="1.3">'
    yield '<office:automatic-styles><style:style style:name="b" style:family="table-cell">'
    yield '<style:text-properties fo:font-weight="bold"/></style:style></office:automatic-styles>'
    yield "<office:body><office:spreadsheet>"
    for sheet in sheets:
        yield f"<table:table table:name={quoteattr(sheet.name)}>"
        columns = max((len(row) for row in _lines(sheet)), default=1)
        yield f'<table:table-column table:number-columns-repeated="{max(columns, 1)}"/>'
        for number, row in enumerate(_lines(sheet)):
            heading = bool(sheet.headings) and number == 0
            yield "<table:table-row>" + "".join(_cell(value, heading) for value in row) + "</table:table-row>"
        yield "</table:table>"
    yield "</office:spreadsheet></office:body></office:document-content>"


def _cell(value: Value, heading: bool) -> str:
    style = ' table:style-name="b"' if heading else ""
    if value is None:
        return f"<table:table-cell{style}/>"
    if isinstance(value, str):
        return (
            f'<table:table-cell{style} office:value-type="string"><text:p>{escape(value)}</text:p></table:table-cell>'
        )
    return f'<table:table-cell{style} office:value-type="float" office:value="{value}"><text:p>{value}</text:p></table:table-cell>'


DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
_OASIS = "urn:oasis:names:tc:opendocument:xmlns:"
NAMESPACES = " ".join(
    f'xmlns:{name}="{_OASIS}{kind}:1.0"'
    for name, kind in {
        "office": "office",
        "table": "table",
        "text": "text",
        "style": "style",
        "fo": "xsl-fo-compatible",
        "meta": "meta",
        "manifest": "manifest",
    }.items()
)
MANIFEST = (
    f'{DECLARATION}<manifest:manifest {NAMESPACES} manifest:version="1.3">'
    f'<manifest:file-entry manifest:full-path="/" manifest:version="1.3" manifest:media-type="{ODS}"/>'
    + "".join(
        f'<manifest:file-entry manifest:full-path="{name}.xml" manifest:media-type="text/xml"/>'
        for name in ("content", "styles", "meta")
    )
    + "</manifest:manifest>"
)
META = (
    f'{DECLARATION}<office:document-meta {NAMESPACES} xmlns:dc="http://purl.org/dc/elements/1.1/" office:version="1.3">'
    "<office:meta><dc:title>{title}</dc:title><dc:date>{at}</dc:date><dc:creator>HAT registry</dc:creator></office:meta>"
    "</office:document-meta>"
)
STYLES = f'{DECLARATION}<office:document-styles {NAMESPACES} office:version="1.3"/>'
