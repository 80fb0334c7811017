"""What the runbook says of a release, on one that was counted, prepared, audited and approved."""

import sys
from pathlib import Path

import pytest

from registry.settings import Settings
from registry.store import Store
from tests.deploy.runbook import blocks, run
from tests.registry.publications.make import Team
from tests.registry.publications.test_rebuilding import cases, released, team
from tests.running import environment_of

__all__ = ["cases", "team"]  # fixtures


@pytest.mark.slow
@pytest.mark.usefixtures("cases")
def test_a_release_is_what_was_signed_and_comes_out_the_same(store: Store, settings: Settings, team: Team) -> None:
    number = released(store, settings, team)
    here = {"NUMBER": str(number), "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    asked = [block for block in blocks("runbook/release.md") if block.facts.get("on") == "release"]
    said = [run(block, environment_of(settings) | here, None) for block in asked]
    assert len(said) == 1
