"""What web processes that were killed have left: nothing of it is at work or in use any more."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

_OF_LIVING = re.compile(r"gauge_live\w+_(\d+)\.db")


class Dead(Collector):
    """Finds no numbers, but takes those of the dead away, before others look. What they counted is kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        for path in self._folder.iterdir():
            found = _OF_LIVING.fullmatch(path.name)
            if found is not None and not _lives(int(found[1])):
                path.unlink(missing_ok=True)
        return ()


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
