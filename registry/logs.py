"""Logs: of a fault its kind and the places it came through, never its words, which may hold a value.

The registry's parts write one JSON object a line, so nothing that stands in one can look like another; what was done for a request
bears its number, which its answer carried as X-Request-Id.
"""

import json
import logging
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

log = logging.getLogger(__name__)

LARGEST = 10_000_000
"""Bytes of a log file; one that is larger when it is opened is set aside, and the one that was set aside before goes."""
MOST_PLACES = 12

request_number: ContextVar[str | None] = ContextVar("request_number", default=None)
"""The number of the request that is being answered."""
FACTS = "facts"
"""`log.info("…", extra={FACTS: {…}})` adds members to the line: counts, times, names of ours; never what somebody sent."""

ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def without_words(level: int = logging.INFO, *, lines: bool = False) -> None:
    """Send this process's log from `level` on to the error stream, and with it whatever nobody catches; as JSON `lines`, or as text to
    somebody who watches."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Lines() if lines else _WithoutWords("%(asctime)s %(levelname)s %(name)s: %(message)s"))
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
        return "" if ei[0] is None else "\n".join([ei[0].__name__, *(f"  {place}" for place in _places(ei))])


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "process": record.process,
            "from": record.name,
            "words": record.getMessage(),
        }
        number = request_number.get()
        if number is not None:
            line["request_id"] = number
        if record.exc_info and record.exc_info[0] is not None:
            line["fault"] = record.exc_info[0].__name__
            line["places"] = _places(record.exc_info)
        return json.dumps(line | getattr(record, FACTS, {}), default=str)


def _places(info: ExceptionInfo) -> list[str]:
    places = [f"{place.filename}:{place.lineno} {place.name}" for place in traceback.extract_tb(info[2])]
    return places[-MOST_PLACES:]


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    log.critical("uncaught", exc_info=(kind, error, trace))


def _info(error: BaseException | None) -> ExceptionInfo:
    return (None, None, None) if error is None else (type(error), error, error.__traceback__)
