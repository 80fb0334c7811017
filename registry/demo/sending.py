"""Sending the returns as trusts do: files over HTTP with a token and an idempotency key, several organisations at once."""

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from itertools import groupby

import httpx2

from registry.demo.written import Batch
from registry.processes import ProcessError

PATH = "/api/submissions"
AT_ONCE = 4
PATIENCE_SECONDS = 120.0
TRIES = 6
_BUSY = (429, 503)
_FINAL = "accepted"


class DemonstrationError(ProcessError):
    """The demonstration cannot be made here; the words say why, never what was sent."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of the files: rows sent, stored anew, and held already."""

    files: int = 0
    rows: int = 0
    new: int = 0
    unchanged: int = 0

    def and_then(self, other: "Sent") -> "Sent":
        return Sent(
            self.files + other.files, self.rows + other.rows, self.new + other.new, self.unchanged + other.unchanged
        )


def send_all(
    base_url: str, files: Iterable[Batch], senders: Mapping[str, str], *, seen: Callable[[Batch], None]
) -> Sent:
    """Send every file, those of one organisation one after the other. `seen` hears of each file that was accepted.

    The same files may be sent again: their keys are made of their content. Raises DemonstrationError at the first that is not
    accepted whole.
    """
    total = Sent()
    with httpx2.Client(base_url=base_url, timeout=PATIENCE_SECONDS) as client, ThreadPoolExecutor(AT_ONCE) as pool:
        waiting: list[Future[Sent]] = []
        for code, own in groupby(files, key=lambda each: each.code):
            waiting.append(pool.submit(_send_own, client, list(own), senders[code], seen))
        try:
            for each in as_completed(waiting):
                total = total.and_then(each.result())
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return total


def _send_own(client: httpx2.Client, files: Sequence[Batch], token: str, seen: Callable[[Batch], None]) -> Sent:
    total = Sent()
    for each in files:
        total = total.and_then(send(client, each, token))
        seen(each)
    return total


def send(client: httpx2.Client, file: Batch, token: str) -> Sent:
    """Send one file and wait until all of it is stored. Raises DemonstrationError where it is not."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "text/csv", "Idempotency-Key": _key(file)}
    asked = {"kind": file.kind.value, "format": "csv", "mode": "all-or-nothing", "organisation": file.code}
    answer = _when_free(lambda: client.post(PATH, params=asked, headers=headers, content=file.content))
    while answer.is_success and answer.json()["state"] == "received":
        time.sleep(0.2)
        answer = _when_free(partial(client.get, answer.json()["links"]["self"], headers=headers))
    return _counted(file, answer)


def _key(file: Batch) -> str:
    return f"demonstration-{file.kind.value}-{hashlib.sha256(file.content).hexdigest()[:32]}"


def _when_free(ask: Callable[[], httpx2.Response]) -> httpx2.Response:
    """The answer, asked for again where the service is busy for the moment."""
    for attempt in range(TRIES):
        answer = ask()
        if answer.status_code not in _BUSY:
            return answer
        time.sleep(min(float(answer.headers.get("Retry-After", 1)), 5) * (attempt + 1))
    return answer


def _counted(file: Batch, answer: httpx2.Response) -> Sent:
    body = answer.json() if "json" in answer.headers.get("Content-Type", "") else {}
    if not answer.is_success or body.get("state") != _FINAL:
        raise DemonstrationError(f"{file.kind.value} of {file.code}: {answer.status_code} {_words(body)}")
    counts = body["counts"]
    return Sent(1, counts["sent"], counts["new"], counts["unchanged"])


def _words(body: Mapping[str, object]) -> str:
    """The first faults in the service's own words, which hold no value."""
    errors = body.get("errors")
    listed = [f"{each['pointer']}: {each['detail']}" for each in errors[:5]] if isinstance(errors, list) else []
    return " ".join([str(body.get("detail", body.get("state", ""))), *listed])
