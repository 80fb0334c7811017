"""`hat release`: what an operator, or whoever looks into a release, checks on the machine itself."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from registry.publications import rebuilding, verifying
from registry.settings import Secrets, load
from registry.store import Store

console = Console(highlight=False, soft_wrap=True)


def verify(number: int) -> bool:
    """Whether a release is what was audited, approved and signed."""
    settings = load()
    key = Secrets.load(settings.secrets_dir, ["signing"])["signing"]
    with _store(("hat_national",)) as store:
        found = verifying.verify(store, key, number)
    for each in found:
        console.print(f"{'yes' if each.kept else 'NO '}  {each.words}")
    return all(each.kept for each in found)


def rebuild(number: int) -> bool:
    """Whether a release, made again, is the same to the byte."""
    settings = load()
    key = Secrets.load(settings.secrets_dir, ["offset"])["offset"]
    with _store(("hat_national", "hat_jobs")) as store:
        made = rebuilding.rebuild(store, key, number)
    console.print(f"Release {made.number}: {made.cells:,} cells, made with version {made.code_version}.")
    console.print(f"As it is public      {made.public}")
    console.print(f"From what was kept   {made.from_kept}")
    console.print(f"From the records     {made.from_records}")
    if made.identical:
        console.print("All three are the same, byte for byte.")
    elif not made.sound:
        console.print("What is public is not what was approved.")
    else:
        console.print(f"{made.differing:,} cells differ.")
    return made.identical


@contextmanager
def _store(roles: tuple[str, ...]) -> Iterator[Store]:
    store = Store.from_settings(load(), roles)
    try:
        yield store
    finally:
        store.dispose()
