"""`hat submit` for FHIR: one Bundle, or a file with one a line; shows what became of each, and what is to be mended where."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import orjson
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from ingest.printed import MOST_SHOWN, Told, disposition, issues_table, told, worst, worth_telling
from registry.client import ClientError
from registry.fhir_client import Answer, FhirClient, Parcel, outcome_of

ONE = (".json",)
MANY = (".ndjson", ".jsonl")
FAULTS = ("fatal", "error")


def is_fhir(path: Path) -> bool:
    return path.suffix.lower() in ONE + MANY


def submit(parcel: Parcel, url: str, token: str, outcome: Path | None) -> bool:
    """Send the file and show its outcome; write that to `outcome` if asked. Gives whether all of it was good.

    Raises ClientError where it could not be delivered or the outcome not written.
    """
    with FhirClient(url, token) as client:
        if parcel.path.suffix.lower() in MANY:
            return _submit_many(client, parcel, outcome)
        return _submit_one(client, parcel, outcome)


def _submit_one(client: FhirClient, parcel: Parcel, outcome: Path | None) -> bool:
    answer = client.send(parcel)
    outcomes = list(answer.outcomes())
    issues = [each for one in outcomes for each in told(one) if worth_telling(each, alone=True)]
    if outcome is not None:
        _write(outcome, (_line(one) for one in outcomes))
    console = Console()
    _show_issues(console, issues)
    errors = sum(each.severity in FAULTS for each in issues)
    console.print(f"{parcel.path.name}: {_what_became(answer, parcel, errors)}", highlight=False)
    return answer.good and not errors


def _what_became(answer: Answer, parcel: Parcel, errors: int) -> str:
    if not answer.good:
        return f"refused ({answer.status}), nothing was kept. {errors:,} errors."
    if parcel.rehearsal:
        return f"checked, nothing was kept. {errors:,} errors."
    return "sent before; this is the first answer again." if answer.replayed else f"taken. {errors:,} errors."


def _submit_many(client: FhirClient, parcel: Parcel, outcome: Path | None) -> bool:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("Sending", total=None)
        manifest = client.submit_cases(
            parcel, lambda what, done, total: progress.update(bar, description=what, completed=done, total=total)
        )
    lines = list(client.lines(manifest))
    if outcome is not None:
        _write(outcome, lines)
    counts, issues = _read(lines)
    _show_issues(Console(), issues)
    listed = ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items()))
    Console().print(f"{parcel.path.name}: {counts.total():,} units: {listed}. Job {parcel.key}.", highlight=False)
    return not any(each.severity in FAULTS for each in issues)


def _read(lines: Iterable[bytes]) -> tuple[Counter[str], list[Told]]:
    """How many units came to what, and the worst of what was found."""
    counts: Counter[str] = Counter()

    def issues() -> Iterator[Told]:
        for line in lines:
            outcome = outcome_of(line)
            counts[disposition(outcome)] += 1
            yield from (each for each in told(outcome) if worth_telling(each, alone=False))

    found = worst(issues())
    return counts, found


def _show_issues(console: Console, issues: list[Told]) -> None:
    if shown := worst(issues):
        console.print(issues_table(shown))
    if len(issues) > len(shown):
        console.print(f"… and {len(issues) - MOST_SHOWN:,} more; --outcome writes all of them.")


def _line(outcome: object) -> bytes:
    return orjson.dumps(outcome) + b"\n"


def _write(path: Path, lines: Iterable[bytes]) -> None:
    try:
        with path.open("wb") as file:
            file.writelines(lines)
    except OSError:
        raise ClientError(f"{path} cannot be written.") from None
