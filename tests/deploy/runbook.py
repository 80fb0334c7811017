"""The commands that stand in what operators read: blocks of `sh`, each with what it needs."""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from registry.embedded.program import Account

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
_BLOCK = re.compile(r"^```sh([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """One block. `facts` is what stands behind `sh`: `needs=…` (not run here), `as=postgres`, `on=release` (run by another test)."""

    page: str
    facts: Mapping[str, str]
    text: str

    @property
    def here(self) -> bool:
        return not self.facts.keys() & {"needs", "on"}


def blocks(page: str) -> list[Block]:
    """The blocks of one page below `deploy/`, in order."""
    text = (DEPLOY / page).read_text("utf-8")
    return [Block(page, dict(re.findall(r"(\w+)=(\w+)", facts)), body) for facts, body in _BLOCK.findall(text)]


def pages() -> list[str]:
    return ["README.md", *sorted(f"runbook/{each.name}" for each in (DEPLOY / "runbook").glob("*.md"))]


def run(block: Block, environment: Mapping[str, str], account: Account | None) -> str:
    """Run it as it stands, from the top of the repository; gives what it prints."""
    other = account if block.facts.get("as") == "postgres" else None
    done = subprocess.run(
        ["/bin/sh", "-eu", "-c", block.text], cwd=ROOT, env=dict(environment),
        user=other.uid if other else None, group=other.gid if other else None,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{block.page}:\n{block.text}\n{done.stdout}\n{done.stderr}"
    return done.stdout
