"""Logs: of a fault its kind and the places it came through, never its words, which may hold a value."""

import logging
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

log = logging.getLogger(__name__)

LARGEST = 10_000_000
"""Bytes of a log file; one that is larger when it is opened is set aside, and the one that was set aside before goes."""
MOST_PLACES = 12

ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def without_words(level: int = logging.INFO) -> None:
    """Send this process's log from `level` on to the error stream, and with it whatever nobody catches."""
    handler = logging.StreamHandler()
    handler.setFormatter(_WithoutWords("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    sys.excepthook = _uncaught
    threading.excepthook = lambda each: log.critical("uncaught", exc_info=_info(each.exc_value))


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """A log file to add to, closed to others from its first byte."""
    if path.exists() and path.stat().st_size > LARGEST:
        path.replace(path.with_suffix(".log.1"))
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        yield handle
    finally:
        os.close(handle)


class _WithoutWords(logging.Formatter):
    def formatException(self, ei: ExceptionInfo) -> str:  # noqa: N802 (logging's own name)
        if ei[0] is None:
            return ""
        places = [f"  {place.filename}:{place.lineno} {place.name}" for place in traceback.extract_tb(ei[2])]
        return "\n".join([ei[0].__name__, *places[-MOST_PLACES:]])


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    log.critical("uncaught", exc_info=(kind, error, trace))


def _info(error: BaseException | None) -> ExceptionInfo:
    return (None, None, None) if error is None else (type(error), error, error.__traceback__)
