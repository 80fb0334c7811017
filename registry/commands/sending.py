"""`hat submit`: send a file to a registry and show what became of it."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from ingest.printed import MOST_SHOWN, findings_table
from registry.client import Client, ClientError, Order, Receipt

WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".xlsb")
GOOD = ("accepted", "rehearsed")
COUNTS = ("stored", "unchanged", "refused", "new", "changed", "withdrawn", "absent")


def format_of(path: Path) -> str:
    return "xlsx" if path.suffix.lower() in WORKBOOKS else "csv"


def submit(order: Order, url: str, token: str, wanted: Mapping[str, Path | None]) -> bool:
    """Send the file, show its findings and receipt, fetch the files of `wanted` by the name of their link.

    Gives whether all of it was good. Raises ClientError where it could not be delivered, or a file not fetched.
    """
    console = Console()
    with Client(url, token) as client:
        receipt = _send(client, order)
        if receipt.errors or receipt.body["warnings"]:
            console.print(findings_table(client.findings(receipt, MOST_SHOWN)))
        for words in _fetched(client, receipt, wanted):
            console.print(words, highlight=False)
    _show(console, order, receipt)
    return receipt.state in GOOD and receipt.errors == 0


def _send(client: Client, order: Order) -> Receipt:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("Sending", total=None)
        return client.submit(
            order, lambda what, done, total: progress.update(bar, description=what, completed=done, total=total)
        )


def _fetched(client: Client, receipt: Receipt, wanted: Mapping[str, Path | None]) -> Iterator[str]:
    for name, path in wanted.items():
        if path is None:
            continue
        link = receipt.link(name)
        if link is None:
            raise ClientError(f"{path} cannot be had: the bytes of this submission are not kept any more.")
        client.download(link, path)
        yield f"{path} was written."


def _show(console: Console, order: Order, receipt: Receipt) -> None:
    counts = receipt.body["counts"] or {}
    state = receipt.state.replace("_", " ")
    console.print(f"{order.path.name}: {state}. Receipt {receipt.body['id']}.", highlight=False)
    if counts:
        listed = ", ".join(f"{counts[name]:,} {name}" for name in COUNTS)
        console.print(f"{counts['sent']:,} rows sent: {listed}.", highlight=False)
    console.print(f"{receipt.errors:,} errors, {receipt.body['warnings'] or 0:,} warnings.", highlight=False)
