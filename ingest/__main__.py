"""`python -m ingest FILE`: a trust checks a file before it sends it, on its own machine, with nothing but this package.

Exit code 0: no error (there may be warnings). 1: errors. 2: the file could not be checked, or the command was wrong.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from xlsxwriter.exceptions import FileCreateError

from ingest.check import Context
from ingest.files import Sent, guess_kind, open_sent, readable
from ingest.printed import MOST_SHOWN, Told, disposition, findings_table, issues_table, told, worst, worth_telling
from ingest.reading import Reading, Report
from ingest.report import annotated_workbook, failed_rows, findings_csv, line
from ingest.tabular import Format
from schemas.codelist import CodeList, Nation
from schemas.days import LONDON
from schemas.dictionary import unsaid
from schemas.finding import rule_id
from schemas.record import RecordKind

FHIR = (".json", ".ndjson", ".jsonl")
WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".xlsb")

program = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@program.command()
def check(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="CSV, XLSX, or FHIR (.json, .ndjson).")
    ],
    kind: Annotated[RecordKind | None, typer.Option(help="What the rows are; without it, the headings tell.")] = None,
    nation: Annotated[Nation, typer.Option(help="Whose code lists hold.")] = Nation.ENGLAND,
    organisation: Annotated[str, typer.Option(help="The ODS code of the organisation that will send the file.")] = "",
    on: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Check as if received on this day.")] = None,
    synthetic: Annotated[
        bool, typer.Option("--synthetic", help="The data are made up: NHS numbers begin with 999.")
    ] = False,
    annotated: Annotated[Path | None, typer.Option(help="Write a workbook with what to mend beside each row.")] = None,
    failed: Annotated[
        Path | None, typer.Option("--failed-rows", help="Write the faulty rows as CSV, to mend and send.")
    ] = None,
    findings: Annotated[Path | None, typer.Option(help="Write the list of findings as CSV.")] = None,
    outcome: Annotated[
        Path | None, typer.Option(help="Of FHIR: write the OperationOutcome of each unit, one a line.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
) -> None:
    """Check a file as the registry will check it. Nothing leaves this machine."""
    day = (on or datetime.now(LONDON)).date()
    context = Context(nation, organisation.upper(), day, synthetic)
    if file.suffix.lower() in FHIR:
        if kind or annotated or failed or findings:
            raise typer.BadParameter("Of FHIR there is --outcome; the other files are made of rows.")
        _check_fhir(file, context, outcome, as_json=as_json)
    elif outcome:
        raise typer.BadParameter("--outcome is for FHIR (.json, .ndjson).")
    else:
        _check_rows(file, kind, context, (annotated, failed, findings), as_json=as_json)


def _check_rows(
    file: Path, kind: RecordKind | None, context: Context, wanted: tuple[Path | None, ...], *, as_json: bool
) -> None:
    shape: Format = "xlsx" if file.suffix.lower() in WORKBOOKS else "csv"
    kind = kind or guess_kind(file, shape)
    if kind is None:
        raise typer.BadParameter("The headings do not tell what the rows are. Say it with --kind.")
    sent = open_sent(file, kind, shape)
    report = _read(Reading(sent, kind, context), quiet=as_json)
    try:
        written = list(_write(sent, report, *wanted, answers=unsaid(kind, context.nation)))
    except (OSError, FileCreateError):
        raise typer.BadParameter("One of the files to be written cannot be written there.") from None
    if as_json:
        print(json.dumps(_outcome(kind, report), ensure_ascii=False, indent=2))
    else:
        _show(Console(), kind, report, written)
    raise typer.Exit(1 if report.errors else 0)


def _check_fhir(file: Path, context: Context, outcome: Path | None, *, as_json: bool) -> None:
    """Check each unit, and show the worst of what was found. The readers of FHIR are slow to import, so only now."""
    from ingest.fhir.files import outcome_lines

    try:
        lines = list(outcome_lines(file, context))
        if outcome is not None:
            outcome.write_bytes(b"".join(lines))
    except OSError:
        raise typer.BadParameter("The file cannot be read, or the outcome not written there.") from None
    units = [json.loads(line) for line in lines]
    issues = [each for unit in units for each in told(unit) if worth_telling(each, alone=len(units) == 1)]
    counts = Counter(each.severity for each in issues)
    standing = sum(disposition(unit) == "accepted" for unit in units)
    summary = {"units": len(units), "standing": standing, "errors": counts["error"], "warnings": counts["warning"]}
    if as_json:
        print(json.dumps({**summary, "issues": [asdict(each) for each in worst(issues)]}, ensure_ascii=False, indent=2))
    else:
        _show_fhir(Console(), issues, summary, outcome)
    raise typer.Exit(1 if counts["error"] else 0)


def _show_fhir(console: Console, issues: list[Told], summary: Mapping[str, int], outcome: Path | None) -> None:
    if issues:
        console.print(issues_table(worst(issues)))
    if len(issues) > MOST_SHOWN:
        console.print(f"… and {len(issues) - MOST_SHOWN:,} more; --outcome writes all of them.")
    if outcome is not None:
        console.print(f"The outcomes are in {outcome}.", highlight=False)
    units, standing = summary["units"], summary["standing"]
    console.print(
        f"{units:,} units: {standing:,} stand, {units - standing:,} do not. "
        f"{summary['errors']:,} errors, {summary['warnings']:,} warnings.",
        highlight=False,
    )


def _read(reading: Reading, *, quiet: bool) -> Report:
    """Read the file to its end, with a bar on the error stream."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    quiet = quiet or not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=quiet) as progress:
        bar = progress.add_task("Checking", total=None)
        for _ in reading.batches(seen=lambda done, rows: progress.update(bar, completed=done, total=rows or None)):
            pass
    return reading.report


def _write(
    sent: Sent,
    report: Report,
    annotated: Path | None,
    failed: Path | None,
    listed: Path | None,
    *,
    answers: Mapping[str, Sequence[CodeList]],
) -> Iterable[str]:
    """Write the files that were asked for; tells which."""
    if annotated is not None:
        counted = report.errors + report.warnings
        faulty = report.faulty_rows()
        annotated_workbook(sent.table, report.listed, faulty, annotated, counted=counted, answers=answers)
        yield f"The annotated workbook is {annotated}."
    if failed is not None and readable(sent.table):
        with failed.open("wb") as file:
            file.writelines(failed_rows(sent.table, report.faulty_rows()))
        yield f"The faulty rows are in {failed}."
    elif failed is not None:
        yield f"{failed} was not written: it is not certain which cell stands under which heading."
    if listed is not None:
        with listed.open("wb") as file:
            file.writelines(findings_csv(report.listed))
        yield f"The findings are in {listed}."


def _outcome(kind: RecordKind, report: Report) -> dict[str, Any]:
    """The outcome for programs; it holds no value of any cell."""
    return {
        "kind": kind.value,
        "rows": report.rows,
        "faulty_rows": report.faulty_rows().len(),
        "refused_whole": report.refused_whole,
        "errors": report.errors,
        "warnings": report.warnings,
        "counts": [
            {"rule": rule_id(rule), "field": field or None, "count": count}
            for (rule, field), count in sorted(report.tally.items())
        ],
        "findings": [asdict(line(finding)) for finding in report.listed],
    }


def _show(console: Console, kind: RecordKind, report: Report, written: Iterable[str]) -> None:
    if report.listed:
        console.print(findings_table(map(line, report.listed[:MOST_SHOWN])))
    hidden = report.errors + report.warnings - min(len(report.listed), MOST_SHOWN)
    if hidden > 0:
        console.print(f"… and {hidden:,} more; --annotated or --findings writes up to 10,000 of them.")
    for words in written:
        console.print(words, highlight=False)
    console.print(_sentence(kind, report), highlight=False)


def _sentence(kind: RecordKind, report: Report) -> str:
    if report.refused_whole:
        return f"The file cannot be read as {kind.value}: {report.errors:,} errors in its shape. Its rows were not checked."
    faulty = report.faulty_rows().len()
    return (
        f"{report.rows:,} rows of {kind.value}: {report.rows - faulty:,} stand, {faulty:,} do not. "
        f"{report.errors:,} errors, {report.warnings:,} warnings."
    )


def main() -> None:
    program(prog_name="python -m ingest")


if __name__ == "__main__":
    main()
