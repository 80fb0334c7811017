"""What a program does to send a file: one request under one key, repeated until it is answered, then asked after until it is done."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import httpx2

from ingest.report import Line
from registry.settings import LOOPBACK

PATH = "/api/submissions"
MEDIA = {"csv": "text/csv", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
CHUNK = 1 << 18
TRIES = 6
PATIENCE_SECONDS = 300.0
ASK_SECONDS = 1.0
PAUSE_SECONDS = 0.5  # doubled with each try, ten seconds at most
BUSY = (429, 502, 503, 504)

Seen = Callable[[str, int, int | None], None]
"""Hears what is being done ("Sending", "Checking"), how far, and of how much."""


class ClientError(RuntimeError):
    """The file could not be sent, or the service refused to take it; the words say why. Never the token, never a value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be sent, and how. `key` makes repeating harmless: the same key with the same bytes is the same submission."""

    path: Path
    kind: str
    format: str
    mode: str
    rehearsal: bool
    key: str
    organisation: str | None = None
    opt_out_screened: bool = False
    overwrite_online: bool = False

    def asked(self) -> dict[str, str]:
        yes_no = {
            "rehearsal": self.rehearsal,
            "opt_out_screened": self.opt_out_screened,
            "overwrite_online": self.overwrite_online,
        }
        asked = {"kind": self.kind, "format": self.format, "mode": self.mode} | {
            name: "true" for name, yes in yes_no.items() if yes
        }
        return asked | ({"organisation": self.organisation} if self.organisation else {})


@dataclass(frozen=True, slots=True)
class Receipt:
    """The service's receipt, as it came."""

    body: Mapping[str, Any]

    @property
    def waiting(self) -> bool:
        return bool(self.body["state"] == "received")

    @property
    def state(self) -> str:
        return str(self.body["state"])

    @property
    def errors(self) -> int:
        return int(self.body["errors"] or 0)

    def link(self, name: str) -> str | None:
        link: str | None = self.body["links"][name]
        return link


class Client:
    """A connection to one service with one token. Raises ClientError for an address to which a token may not be sent."""

    def __init__(self, base_url: str, token: str) -> None:
        parts = urlsplit(base_url)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            raise ClientError("Give an https address; a token is sent without encryption to this machine itself only.")
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self._http = httpx2.Client(base_url=base_url, headers=headers, timeout=PATIENCE_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def submit(self, order: Order, seen: Seen) -> Receipt:
        """Send the file and wait until its outcome is known, also a refusal. Raises ClientError if it could not be delivered."""
        size = order.path.stat().st_size
        headers = {"Content-Type": MEDIA[order.format], "Idempotency-Key": order.key, "Content-Length": str(size)}

        def send() -> httpx2.Response:
            content = chunks(order.path, lambda done: seen("Sending", done, size))
            return self._http.post(PATH, params=order.asked(), headers=headers, content=content)

        receipt = _receipt(answered(send))
        while receipt.waiting:
            progress = receipt.body.get("progress") or {}
            seen("Checking", progress.get("done") or 0, progress.get("total"))
            time.sleep(ASK_SECONDS)
            receipt = self.look(str(receipt.link("self")))
        return receipt

    def look(self, link: str) -> Receipt:
        """A receipt in its present state."""
        return _receipt(answered(lambda: self._http.get(link)))

    def findings(self, receipt: Receipt, limit: int) -> list[Line]:
        """The first findings, as the offline check would tell them."""
        answer = answered(lambda: self._http.get(f"{receipt.link('findings')}?limit={limit}"))
        _refuse_problem(answer)
        return [Line(**{name: each[name] for name in Line.__slots__}) for each in answer.json()["findings"]]

    def download(self, link: str, to: Path) -> None:
        """One of the files that go back to the sender; nothing is written if it cannot be had."""
        answer = answered(lambda: self._http.get(link, headers={"Accept": "*/*"}))
        _refuse_problem(answer)
        to.write_bytes(answer.content)


def chunks(path: Path, seen: Callable[[int], None]) -> Iterator[bytes]:
    """The bytes of a file; `seen` hears how many have gone."""
    done = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk
            done += len(chunk)
            seen(done)


def answered(ask: Callable[[], httpx2.Response]) -> httpx2.Response:
    """The answer, asked for again while the service is busy or cannot be reached. The key makes that harmless."""
    for attempt in range(TRIES):
        if attempt:
            time.sleep(min(PAUSE_SECONDS * 2**attempt, 10.0))
        try:
            answer = ask()
        except httpx2.TransportError as error:
            kind = type(error).__name__
            continue
        if answer.status_code not in BUSY:
            return answer
        kind = f"status {answer.status_code}"
    raise ClientError(
        f"The service could not be reached or was busy ({kind}, {TRIES} tries). Try again with the same --key."
    )


def _receipt(answer: httpx2.Response) -> Receipt:
    body = body_of(answer)
    if answer.is_success and "state" in body:
        return Receipt(body)
    if isinstance(refused := body.get("submission"), dict):
        return Receipt(refused)
    raise problem(answer)


def _refuse_problem(answer: httpx2.Response) -> None:
    if not answer.is_success:
        raise problem(answer)


def problem(answer: httpx2.Response) -> ClientError:
    """The service's own words."""
    body = body_of(answer)
    words = " ".join(str(body[name]) for name in ("title", "detail") if name in body)
    errors = body.get("errors")
    listed = [f"  {each['pointer']}: {each['detail']}" for each in errors[:10]] if isinstance(errors, list) else []
    return ClientError("\n".join([f"{answer.status_code} {words or 'There was no answer of the registry.'}", *listed]))


def body_of(answer: httpx2.Response) -> Mapping[str, Any]:
    """The JSON object of an answer; empty where there is none."""
    if "json" not in answer.headers.get("Content-Type", ""):
        return {}
    body = answer.json()
    return body if isinstance(body, dict) else {}
