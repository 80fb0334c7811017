"""A provider of sign-ins for tests: a real service on loopback that knows OpenID Connect's code flow, and may be told to break its rules."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

CLIENT, SECRET = "hat-registry", "a secret of: the provider's & ours"
STRONG = "AAL3_ANY"

Key = RSAKey | ECKey


@dataclass
class Provider:
    """What it says is changed by a test: `claims` over those of an honest token (None takes one out), `header` over its header."""

    issuer: str = ""
    key: Key = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}))
    algorithm: str = "RS256"
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    described: dict[str, Any] = field(default_factory=dict)
    shown: list[Key] = field(default_factory=list)
    """The keys that it shows; its own by default."""
    asked: list[str] = field(default_factory=list)
    """The paths that were asked for."""
    codes: dict[str, tuple[dict[str, str], str]] = field(default_factory=dict)

    def authorise(self, address: str, subject: str) -> dict[str, str]:
        """Somebody signs in there whose browser was sent to this address: what it brings back."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert address.startswith(f"{self.issuer}/authorize?")
        assert (asked["client_id"], asked["response_type"], asked["scope"]) == (CLIENT, "code", "openid")
        assert asked["code_challenge_method"] == "S256"
        code = uuid4().hex
        self.codes[code] = (asked, subject)
        return {"code": code, "state": asked["state"]}

    def description(self) -> dict[str, Any]:
        places = {
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }
        return {"issuer": self.issuer} | places | self.described

    def keys(self) -> dict[str, Any]:
        return {"keys": [dict(each.as_dict(private=False)) for each in self.shown or [self.key]]}

    def token(self, form: Mapping[str, str], authorisation: str) -> dict[str, Any] | None:
        """None where the request is not as RFC 6749 and 7636 want it."""
        asked, subject = self.codes.pop(form.get("code", ""), ({}, ""))
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        right = (
            form.get("grant_type") == "authorization_code"
            and bool(asked)
            and form.get("redirect_uri") == asked["redirect_uri"]
            and base64.urlsafe_b64encode(verifier).decode().rstrip("=") == asked["code_challenge"]
            and base64.b64decode(authorisation.removeprefix("Basic ")).decode().startswith("hat-registry:a%20secret")
        )
        return {"access_token": "x", "token_type": "Bearer", "id_token": self.signed(asked, subject)} if right else None

    def signed(self, asked: Mapping[str, str], subject: str) -> str:
        now = int(datetime.now(UTC).timestamp())
        honest = {
            "iss": self.issuer, "sub": subject, "aud": CLIENT, "iat": now, "exp": now + 300, "auth_time": now,
            "nonce": asked["nonce"], "acr": STRONG,
        }  # fmt: skip
        claims = {name: value for name, value in (honest | self.claims).items() if value is not None}
        header = {"alg": self.algorithm, "kid": self.key.as_dict().get("kid", "one"), "typ": "JWT"} | self.header
        start = ".".join(_encoded(json.dumps(part).encode()) for part in (header, claims))
        if header["alg"] == "none":
            return f"{start}."
        if header["alg"] == "HS256":  # with what everybody knows, its public key
            return f"{start}.{_encoded(hmac.digest(self.key.as_pem(private=False), start.encode(), 'sha256'))}"
        registry = jws.JWSRegistry(algorithms=[header["alg"]])
        return jws.serialize_compact(header, json.dumps(claims), self.key, registry=registry)


def _encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).decode().rstrip("=")


@contextmanager
def running() -> Iterator[Provider]:
    """The provider on a port of loopback."""
    provider = Provider()

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            provider.asked.append(path)
            found = {"/.well-known/openid-configuration": provider.description, "/keys": provider.keys}.get(path)
            self._answer(found() if found else None)

        def do_POST(self) -> None:
            provider.asked.append(self.path)
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self._answer(provider.token(form, self.headers.get("Authorization", "")))

        def _answer(self, value: object) -> None:
            content = json.dumps(value).encode()
            self.send_response(400 if value is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nothing is written of it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
