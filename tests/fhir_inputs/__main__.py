"""`python -m tests.fhir_inputs [FOLDER]`: fetch what can be fetched, send every file, write RESULTS.md.

FOLDER may hold more: each folder in it is a source, each `.json` file in that a resource.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from registry import database as making
from registry import embedded
from registry.settings import LOGINS, load
from registry.store import Store
from tests.conftest import TEMPLATE, copy_of
from tests.fhir_inputs.fetching import cache, fetch, sources
from tests.fhir_inputs.generating import generate
from tests.fhir_inputs.reporting import RESULTS, report
from tests.fhir_inputs.running import Try, program, tries
from tests.registry.web import programs
from tests.registry.web.visitors import House, house


def main() -> int:
    """Gives 1 where an answer was wrong in itself."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("folder", nargs="?", type=Path, help="more files of one's own")
    asked.add_argument("--fetch", action="store_true", help="only fetch the packages")
    asked.add_argument("--most", type=int, default=None, help="so many files of each source at most")
    given = asked.parse_args()
    place = cache()
    fetch(place)
    if given.fetch:
        return 0
    generate(place)
    folders = [place, *([given.folder] if given.folder else [])]
    found = _run(folders, given.most)
    RESULTS.write_text(report(found), encoding="utf-8")
    print(f"{RESULTS} was written.")
    return 1 if any(each.wrong for tried in found.values() for each in tried) else 0


def _run(folders: list[Path], most: int | None) -> dict[str, list[Try]]:
    found: dict[str, list[Try]] = {}
    with _registry() as made, program(made) as client:
        for folder in folders:
            for source, files in sources(folder):
                begun = time.monotonic()
                found[source] = list(tries(client, source, files[:most]))
                print(f"{source}: {len(files[:most]):,} files in {time.monotonic() - begun:.0f} s", file=sys.stderr)
    return found


@contextmanager
def _registry() -> Iterator[House]:
    """The application's store on a Postgres of its own, gone at the end."""
    root = Path(tempfile.mkdtemp(prefix="hat-inputs-"))
    server = embedded.start(root / "postgres", durable=False)
    try:
        making.prepare(server.admin_url, root / "secrets", TEMPLATE)
        with copy_of(server, root / "secrets", TEMPLATE) as database:
            settings = load(data_dir=root / "data", secrets_dir=database.secrets, database_url=database.address)
            store = Store.from_settings(settings, roles=LOGINS)
            made = house(settings, store)
            programs.screened(made)
            yield made
            store.dispose()
    finally:
        server.stop()
        shutil.rmtree(root)


if __name__ == "__main__":
    sys.exit(main())
