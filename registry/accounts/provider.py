"""Signing in by the word of another service: the code flow of OpenID Connect Core 1.0, with PKCE (RFC 7636), state and nonce.

State, nonce and verifier are worked out from a secret in a cookie of the browser that began, which is used once: what comes back to
another browser, or a second time, is nobody's. The provider's description and keys are fetched from the origin of the configured issuer
and from nowhere else; redirects are not followed. A token is believed if it is signed with a key of the provider by one of `ALGORITHMS`,
is for us alone, for this very flow, fresh, and says that the sign-in was as strong as the settings ask (`acr`: what it says, not what
was asked for).
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from threading import Lock
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx2 as httpx
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from registry.accounts.keys import strict_json
from registry.identifiers import digest, mac, same
from registry.settings import ProviderRules

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384")
KIND: Final = {"R": "RSA", "P": "RSA", "E": "EC"}
"""The kind of key that goes with an algorithm, by its first letter."""
DESCRIPTION = "/.well-known/openid-configuration"
MOST_BYTES = 256 * 1024
KEPT_FOR = timedelta(minutes=10)
ASKED_AGAIN = timedelta(seconds=30)
"""For a key that is not known the keys are fetched anew, this often at most."""
SKEW = timedelta(seconds=60)
OLDEST = timedelta(minutes=10)
LONGEST_SUBJECT = 255  # OpenID Connect Core 2


class Fault(StrEnum):
    """Which rule an answer of the provider broke."""

    AWAY = "provider away"
    DESCRIPTION = "description"
    CODE = "code"
    FORM = "form"
    ALGORITHM = "algorithm"
    KEY = "key"
    SIGNATURE = "signature"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    NONCE = "nonce"
    TIME = "time"
    SUBJECT = "subject"
    STRENGTH = "strength"
    AGE = "age of the sign-in"


class UnbelievedError(Exception):
    """An answer of the provider that is not believed. It holds the rule that was broken and nothing of the answer."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(fault.value)


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom the provider knows: a subject is somebody together with its issuer only."""

    issuer: str
    subject: str


@dataclass(frozen=True, slots=True)
class _Fetched:
    at: datetime
    description: Mapping[str, Any]
    keys: tuple[Mapping[str, Any], ...]


def of(secret: str, what: str) -> str:
    """`state`, `nonce` or `verifier` of the flow that a browser began; 43 letters."""
    made = mac(digest(secret.encode()), f"hat sign-in {what}".encode())
    return base64.urlsafe_b64encode(made).decode().rstrip("=")


class Provider:
    """The configured provider; safe to share between threads. What it fetches is kept for ten minutes."""

    def __init__(self, rules: ProviderRules, secret: str) -> None:
        if rules.issuer is None:
            raise ValueError("no provider is configured")
        self.rules, self.issuer = rules, rules.issuer
        self._secret = secret
        self._held: _Fetched | None = None
        self._lock = Lock()

    def address(self, secret: str, back: str, at: datetime, *, again: bool) -> str:
        """Where the browser is sent. `again`: somebody who is signed in proves it anew. Raises UnbelievedError where the provider is away."""
        extra = {"prompt": "login", "max_age": "0"} if again else {}
        found: str = prepare_grant_uri(
            self._fetched(at).description["authorization_endpoint"],
            self.rules.client_id,
            "code",
            redirect_uri=back,
            scope="openid",
            state=of(secret, "state"),
            nonce=of(secret, "nonce"),
            code_challenge=create_s256_code_challenge(of(secret, "verifier")),
            code_challenge_method="S256",
            acr_values=" ".join(self.rules.acr),
            **extra,
        )
        return found

    def identity(self, secret: str, code: str, back: str, at: datetime, *, again: bool) -> Identity:
        """Who it is that came back with a code. Raises UnbelievedError."""
        body = prepare_token_request("authorization_code", "", back, code=code, code_verifier=of(secret, "verifier"))
        answer = self._ask(self._fetched(at).description["token_endpoint"], body)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise UnbelievedError(Fault.FORM)
        claims = self._signed(token, at)
        self._check(claims, of(secret, "nonce"), at, again=again)
        return Identity(self.issuer, claims["sub"])

    # --- what is fetched

    def _fetched(self, at: datetime, unknown: bool = False) -> _Fetched:
        """Description and keys; anew where they are old, or lack a key (`unknown`)."""
        with self._lock:
            held = self._held
            if held is None or at - held.at > (ASKED_AGAIN if unknown else KEPT_FOR):
                described = self._ask(self.issuer.rstrip("/") + DESCRIPTION)
                self._check_description(described)
                keys = self._ask(described["jwks_uri"]).get("keys")
                if not isinstance(keys, list):
                    raise UnbelievedError(Fault.DESCRIPTION)
                held = self._held = _Fetched(at, described, tuple(one for one in keys if isinstance(one, dict)))
            return held

    def _check_description(self, described: Mapping[str, Any]) -> None:
        places = [described.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
        if described.get("issuer") != self.issuer or not all(self._is_theirs(place) for place in places):
            raise UnbelievedError(Fault.DESCRIPTION)

    def _is_theirs(self, place: object) -> bool:
        if not isinstance(place, str):
            return False
        there, here = urlsplit(place), urlsplit(self.issuer)
        return (there.scheme, there.netloc.lower()) == (here.scheme, here.netloc.lower())

    def _ask(self, address: str, body: str | None = None) -> dict[str, Any]:
        """A JSON object from the provider; with a `body` the form is sent under our name and secret."""
        form = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": self._credentials()}
        headers = {"Accept": "application/json"} | (form if body is not None else {})
        asked = httpx.Client(timeout=self.rules.timeout_seconds, follow_redirects=False, trust_env=False)
        try:
            with asked as client, client.stream("GET" if body is None else "POST", address, content=body, headers=headers) as answer:  # fmt: skip
                content = _limited(answer)
                status = answer.status_code
        except httpx.HTTPError:
            raise UnbelievedError(Fault.AWAY) from None
        if status != 200:
            raise UnbelievedError(Fault.AWAY if body is None or status >= 500 else Fault.CODE)
        try:
            value = strict_json(content)
        except ValueError:
            raise UnbelievedError(Fault.FORM) from None
        if not isinstance(value, dict):
            raise UnbelievedError(Fault.FORM)
        return value

    def _credentials(self) -> str:
        """RFC 6749, 2.3.1."""
        both = f"{quote(self.rules.client_id, safe='')}:{quote(self._secret, safe='')}"
        return f"Basic {base64.b64encode(both.encode()).decode()}"

    # --- what is believed

    def _signed(self, token: str, at: datetime) -> dict[str, Any]:
        """The claims of a token, once its signature is proven."""
        header = _header(token)
        key = self._key(header, at)
        registry = jws.JWSRegistry(algorithms=[header["alg"]], strict_check_header=False)
        try:
            payload = jws.deserialize_compact(token, key, registry=registry).payload
            claims = strict_json(payload)
        except JoseError:
            raise UnbelievedError(Fault.SIGNATURE) from None
        except ValueError:
            raise UnbelievedError(Fault.FORM) from None
        if not isinstance(claims, dict):
            raise UnbelievedError(Fault.FORM)
        return claims

    def _key(self, header: Mapping[str, Any], at: datetime) -> RSAKey | ECKey:
        for unknown in (False, True):
            found = [one for one in self._fetched(at, unknown).keys if one.get("kid") == header["kid"]]
            if len(found) == 1:
                return _usable(found[0], header["alg"])
        raise UnbelievedError(Fault.KEY)

    def _check(self, claims: Mapping[str, Any], nonce: str, at: datetime, *, again: bool) -> None:
        if claims.get("iss") != self.issuer:
            raise UnbelievedError(Fault.ISSUER)
        if claims.get("aud") not in (self.rules.client_id, [self.rules.client_id]) or claims.get(
            "azp", self.rules.client_id
        ) != self.rules.client_id:  # fmt: skip
            raise UnbelievedError(Fault.AUDIENCE)
        given = claims.get("nonce")
        if not isinstance(given, str) or not same(given.encode(), nonce.encode()):
            raise UnbelievedError(Fault.NONCE)
        _check_times(claims, at)
        subject = claims.get("sub")
        if not isinstance(subject, str) or not 1 <= len(subject) <= LONGEST_SUBJECT or not subject.isprintable():
            raise UnbelievedError(Fault.SUBJECT)
        if claims.get("acr") not in self.rules.acr:
            raise UnbelievedError(Fault.STRENGTH)
        if again and not at - OLDEST < _moment(claims, "auth_time", at) <= at + SKEW:
            raise UnbelievedError(Fault.AGE)


def _limited(answer: httpx.Response) -> bytes:
    content = b""
    for piece in answer.iter_bytes():
        content += piece
        if len(content) > MOST_BYTES:
            raise UnbelievedError(Fault.FORM)
    return content


def _header(token: str) -> dict[str, Any]:
    """What a token says of how it was signed, not yet believed."""
    parts = token.split(".")
    if len(parts) != 3 or not token.isascii():
        raise UnbelievedError(Fault.FORM)
    try:
        header = strict_json(base64.urlsafe_b64decode(parts[0] + "=" * (-len(parts[0]) % 4)))
    except ValueError:
        raise UnbelievedError(Fault.FORM) from None
    if not isinstance(header, dict):
        raise UnbelievedError(Fault.FORM)
    if header.get("alg") not in ALGORITHMS or "crit" in header or "b64" in header:
        raise UnbelievedError(Fault.ALGORITHM)
    if not isinstance(header.get("kid"), str):
        raise UnbelievedError(Fault.KEY)
    return header


def _usable(key: Mapping[str, Any], algorithm: str) -> RSAKey | ECKey:
    kind = KIND[algorithm[0]]
    if key.get("kty") != kind or key.get("use", "sig") != "sig" or key.get("alg", algorithm) != algorithm:
        raise UnbelievedError(Fault.KEY)
    try:
        return RSAKey.import_key(dict(key)) if kind == "RSA" else ECKey.import_key(dict(key))
    except (JoseError, ValueError):
        raise UnbelievedError(Fault.KEY) from None


def _check_times(claims: Mapping[str, Any], at: datetime) -> None:
    issued, expires = _moment(claims, "iat", at), _moment(claims, "exp", at)
    if not at - OLDEST < issued <= at + SKEW or expires <= at - SKEW:
        raise UnbelievedError(Fault.TIME)


def _moment(claims: Mapping[str, Any], name: str, at: datetime) -> datetime:
    """A NumericDate (RFC 7519, 2)."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 253_402_300_800:
        raise UnbelievedError(Fault.TIME)
    return datetime.fromtimestamp(value, at.tzinfo)
