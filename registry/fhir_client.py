"""What a program does to send FHIR: one Bundle and its answer, or a file of Bundles as a job that is asked after until it is done.

Sending again is harmless: a Bundle carries its own identifier, a file goes under the uuid that the sender gives it.
"""

import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2

from registry import client
from registry.client import Client, ClientError, Seen, answered, body_of, chunks, problem

BASE = "/fhir/r4"
JSON = "application/fhir+json"
NDJSON = "application/fhir+ndjson"
LONGEST_WAIT_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A file of FHIR and how it goes. `key` is a uuid: a job's own number."""

    path: Path
    rehearsal: bool
    key: str
    organisation: str | None = None
    opt_out_screened: bool = False

    def declared(self) -> dict[str, str]:
        """What goes with each request."""
        return {"opt_out_screened": "true"} if self.opt_out_screened else {}

    def asked(self) -> dict[str, str]:
        """What goes with a job. A single Bundle names its organisation itself."""
        given = {"organisation": self.organisation, "dryrun": "true" if self.rehearsal else None}
        return self.declared() | {name: value for name, value in given.items() if value}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one Bundle: a Bundle of answers, or an OperationOutcome."""

    status: int
    body: Mapping[str, Any]
    replayed: bool = False

    @property
    def good(self) -> bool:
        return self.status < 300

    def outcomes(self) -> Iterator[Mapping[str, Any]]:
        """Every OperationOutcome in it."""
        if self.body.get("resourceType") == "OperationOutcome":
            yield self.body
        for entry in self.body.get("entry") or ():
            if (outcome := (entry.get("response") or {}).get("outcome")) is not None:
                yield outcome


class FhirClient(Client):
    """A connection to the FHIR door of one service."""

    def send(self, parcel: Parcel) -> Answer:
        """Send one Bundle, or have it checked. Raises ClientError if it could not be delivered, or came to no FHIR."""
        path = f"{BASE}/Bundle/$validate" if parcel.rehearsal else BASE
        headers = {"Content-Type": JSON, "Accept": JSON, "Prefer": "return=OperationOutcome"}
        content = parcel.path.read_bytes()
        answer = answered(lambda: self._http.post(path, params=parcel.declared(), headers=headers, content=content))
        body = body_of(answer)
        if "resourceType" not in body:
            raise problem(answer)
        return Answer(answer.status_code, body, answer.headers.get("Idempotent-Replay") == "true")

    def submit_cases(self, parcel: Parcel, seen: Seen) -> Mapping[str, Any]:
        """Send a file of Bundles and wait for its manifest. Raises ClientError where the job could not run."""
        place = self._begun(parcel, seen)
        while True:
            answer = answered(lambda: self._http.get(place, headers={"Accept": "application/json"}))
            if answer.status_code != 202:
                break
            done, total = _progress(answer)
            seen("Checking", done, total)
            time.sleep(max(client.ASK_SECONDS, _retry_after(answer)))
        if not answer.is_success:
            raise refused(answer)
        return body_of(answer)

    def lines(self, manifest: Mapping[str, Any]) -> Iterator[bytes]:
        """The outcome of each unit, one OperationOutcome a line, in the order sent."""
        for part in manifest.get("outcome") or ():
            yield from self._fetched(_own(part["url"])).splitlines(keepends=True)

    def _fetched(self, place: str) -> bytes:
        answer = answered(lambda: self._http.get(place, headers={"Accept": NDJSON}))
        if not answer.is_success:
            raise refused(answer)
        return answer.content

    def _begun(self, parcel: Parcel, seen: Seen) -> str:
        size = parcel.path.stat().st_size
        headers = {
            "Content-Type": NDJSON,
            "Accept": JSON,
            "Prefer": "respond-async",
            "Submission-Id": parcel.key,
            "Content-Length": str(size),
        }

        def send() -> httpx2.Response:
            content = chunks(parcel.path, lambda done: seen("Sending", done, size))
            return self._http.post(f"{BASE}/$submit-cases", params=parcel.asked(), headers=headers, content=content)

        answer = answered(send)
        if answer.status_code != 202:
            raise refused(answer)
        return _own(answer.headers["Content-Location"])


def refused(answer: httpx2.Response) -> ClientError:
    """The words of the service: of its OperationOutcome, else of its problem."""
    body = body_of(answer)
    if body.get("resourceType") != "OperationOutcome":
        return problem(answer)
    told = [str((issue.get("details") or {}).get("text", "")) for issue in body["issue"][:10]]
    return ClientError("\n".join([f"{answer.status_code} The registry did not take this.", *filter(None, told)]))


def outcome_of(line: bytes) -> Mapping[str, Any]:
    """The OperationOutcome in a line of outcomes."""
    outcome: Mapping[str, Any] = json.loads(line)
    return outcome


def _own(location: str) -> str:
    """The place within the service that was asked: a token is never taken to another host."""
    parts = urlsplit(location)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _progress(answer: httpx2.Response) -> tuple[int, int | None]:
    found = re.search(r"(\d+) of (\d+)", answer.headers.get("X-Progress", ""))
    return (int(found[1]), int(found[2])) if found else (0, None)


def _retry_after(answer: httpx2.Response) -> int:
    given = answer.headers.get("Retry-After", "")
    return min(int(given), LONGEST_WAIT_SECONDS) if given.isdigit() and len(given) < 9 else 0
