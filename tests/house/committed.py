"""The files that are in the repository, for laws about all of them."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("schemas", "ingest", "registry", "migrations", "tests", "deploy")


@cache
def paths() -> tuple[Path, ...]:
    """Every committed file, by its path in the repository."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    found = tuple(Path(each) for each in listed.stdout.split("\0") if each and (ROOT / each).is_file())
    assert len(found) > 100
    return found


@cache
def texts() -> dict[Path, str]:
    """The committed files that hold text."""
    found = {}
    for path in paths():
        content = (ROOT / path).read_bytes()
        if b"\0" not in content:
            found[path] = content.decode("utf-8", "replace")
    return found


@cache
def modules() -> dict[Path, ast.Module]:
    return {path: ast.parse(text) for path, text in texts().items() if path.suffix == ".py"}


def functions() -> Iterator[tuple[Path, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for path, module in modules().items():
        for node in ast.walk(module):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield path, node
