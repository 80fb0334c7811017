"""Run the benchmarks, print a table, write it as JSON: `python -m tests.bench [names] [--json FILE]`."""

import argparse
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench import demonstration, desk, disclosure, fhir, load, public, refresh, soak, trusts
from tests.bench.measure import Figure, cluster, write

MEASURED = (
    load.checking,
    load.loading,
    load.memory,
    load.growth,
    fhir.reading,
    fhir.submitting,
    fhir.transactions,
    trusts.at_once,
    soak.soak,
    desk.pages,
    refresh.refreshing,
    public.public_pages,
    disclosure.auditing,
    demonstration.demonstrated,
)
BENCHMARKS = {each.__name__: each for each in MEASURED}


def main() -> int:
    """Exit code 1 if a bar is missed."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("names", nargs="*", metavar="name", help=f"some of: {', '.join(BENCHMARKS)}")
    asked.add_argument("--json", type=Path, default=Path("build/bench.json"))
    given = asked.parse_args()
    if unknown := set(given.names) - set(BENCHMARKS):
        asked.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    figures: list[Figure] = []
    with cluster() as running, tempfile.TemporaryDirectory(prefix="hat-bench-") as folder:
        for name, benchmark in BENCHMARKS.items():
            if not given.names or name in given.names:
                figures.extend(benchmark(running, Path(folder)))
    Console().print(table(figures))
    write(figures, given.json)
    return 0 if all(each.met for each in figures) else 1


def table(figures: list[Figure]) -> Table:
    shown = Table("what", "figure", "yardstick", "its figure", "ratio", "bar", "")
    for each in figures:
        shown.add_row(
            each.name,
            f"{each.figure:.1f} {each.unit}",
            each.yardstick,
            f"{each.yardstick_figure:.1f}",
            f"{each.ratio:.2f}",
            f"{each.bar:g}",
            "met" if each.met else "missed",
        )
    return shown


if __name__ == "__main__":
    sys.exit(main())
