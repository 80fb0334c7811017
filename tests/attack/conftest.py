"""The nation that several attacks need: made once a test process, copied for each test or module."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.embedded import Server
from tests.attack.nation import Demonstration, Nation, copied, demonstrate


@pytest.fixture(scope="session")
def demonstration(
    server: Server, secrets_folder: Path, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Demonstration:
    return demonstrate(server, secrets_folder, template, tmp_path_factory.mktemp("demonstration"))


@pytest.fixture(scope="module")
def nation(
    server: Server, secrets_folder: Path, demonstration: Demonstration, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Nation]:
    """One copy for all tests of a module."""
    with copied(server, secrets_folder, demonstration, tmp_path_factory.mktemp("nation")) as made:
        yield made
