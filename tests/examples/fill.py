"""Fill the case template in LibreOffice as a person would, and save it: `python3 tests/examples/fill.py` with Debian's own Python.

Needs soffice and its Python bridge (`libreoffice-calc`, `python3-uno`). What is typed stands in `typed.csv` (by heading, read by
LibreOffice under British settings, so 01/07/2025 becomes a date cell) and, for the spoilt files, in `planted.csv` (by cell).
"""

import csv
import importlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TEMPLATE = HERE.parents[1] / "schemas" / "published" / "1.0" / "case.xlsx"
PIPE = "hat-examples"
BRITISH = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Setup/L10N"><prop oor:name="ooSetupSystemLocale" oor:op="fuse"><value>en-GB</value></prop></item>
</oor:items>"""
# Comma, double quote, UTF-8, from the first line; cells as they are shown: what the CSV dialog proposes.
FILTERS = {
    ".xlsx": ("Calc MS Excel 2007 XML", ""),
    ".csv": ("Text - txt - csv (StarCalc)", "44,34,76,1,,0,false,true,false"),
}
BLANK_ROW = 8  # of the spoilt sheet, counted from 1


@contextmanager
def office() -> Iterator[tuple[Any, Any]]:
    """A LibreOffice without windows and with a profile of its own, as (bridge, desktop)."""
    uno = importlib.import_module("uno")
    with tempfile.TemporaryDirectory() as profile:
        (Path(profile) / "user").mkdir()
        (Path(profile) / "user" / "registrymodifications.xcu").write_text(BRITISH, "utf-8")
        options = [
            "--headless",
            "--norestore",
            f"--accept=pipe,name={PIPE};urp;",
            f"-env:UserInstallation=file://{profile}",
        ]
        with subprocess.Popen(["/usr/bin/soffice", *options], start_new_session=True) as process:
            try:
                desktop = connect(uno)
                yield uno, desktop
                desktop.terminate()
                process.wait(60)
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)


def connect(uno: Any) -> Any:
    context = uno.getComponentContext()
    resolver = context.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", context)
    for _ in range(300):
        try:
            remote = resolver.resolve(f"uno:pipe,name={PIPE};urp;StarOffice.ComponentContext")
        except Exception as error:
            if not type(error).__name__.endswith("NoConnectException"):
                raise
            time.sleep(0.2)
        else:
            return remote.ServiceManager.createInstanceWithContext("com.sun.star.frame.Desktop", remote)
    raise TimeoutError("LibreOffice did not start")


def properties(uno: Any, **values: object) -> tuple[Any, ...]:
    made = []
    for name, value in values.items():
        each = uno.createUnoStruct("com.sun.star.beans.PropertyValue")
        each.Name, each.Value = name, value
        made.append(each)
    return tuple(made)


def rows(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def fill(sheet: Any) -> None:
    """Type the good rows under the template's headings."""
    places: dict[str, int] = {}
    while heading := sheet.getCellByPosition(len(places), 0).String:
        places[heading] = len(places)
    for at, row in enumerate(rows("typed.csv"), 1):
        for heading, typed in row.items():
            if typed:
                sheet.getCellByPosition(places[heading], at).FormulaLocal = typed


def spoil(sheet: Any, formats: Any) -> None:
    """Move the table to B3, part it by a blank row, and plant the faults."""
    sheet.Columns.insertByIndex(0, 1)
    sheet.Rows.insertByIndex(0, 2)
    sheet.Rows.insertByIndex(BLANK_ROW - 1, 1)
    for planted in rows("planted.csv"):
        if not planted["how"]:
            continue
        cell = sheet.getCellRangeByName(planted["cell"])
        cell.NumberFormat = {"text": formats["@"], "general": formats["General"], "typed": cell.NumberFormat}[
            planted["how"]
        ]
        if planted["how"] == "text":
            cell.String = planted["typed"]
        else:
            cell.FormulaLocal = planted["typed"]


def save(uno: Any, document: Any, name: str) -> None:
    for ending, (kind, options) in FILTERS.items():
        address = (HERE / f"{name}{ending}").as_uri()
        document.storeToURL(address, properties(uno, FilterName=kind, FilterOptions=options))


def main() -> None:
    with office() as (uno, desktop):
        document = desktop.loadComponentFromURL(TEMPLATE.as_uri(), "_blank", 0, properties(uno, Hidden=True))
        sheet = document.Sheets.getByIndex(0)
        fill(sheet)
        save(uno, document, "case-libreoffice")
        locale = uno.createUnoStruct("com.sun.star.lang.Locale")
        formats = {code: document.NumberFormats.queryKey(code, locale, False) for code in ("@", "General")}
        spoil(sheet, formats)
        save(uno, document, "case-spoilt-libreoffice")
        document.close(True)


if __name__ == "__main__":
    main()
