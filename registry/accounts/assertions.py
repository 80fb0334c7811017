"""Signed assertions of machine clients (private_key_jwt, SMART Backend Services; RFC 7523): read, then proven against the keys registered.

`read` gives what an assertion claims and believes none of it; `prove` verifies the signature, then each claim. Neither fetches anything: an
assertion that brings or names keys of its own (`jku`, `jwk`, `x5u`, `x5c`) is refused. Which rule was broken is for the audit log; the
client hears one and the same refusal.
"""

from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from registry.accounts.keys import ALGORITHMS, ALGORITHMS_OF, CURVE, Keys, Verifier, named, strict_json, verifier

LONGEST = 8 * 1024  # letters; one signed with a key of 8192 bits has about 2,000
LONGEST_JTI = 256
LIFE = timedelta(minutes=5)
SKEW = timedelta(seconds=60)
"""How far a client's clock may be off."""

LAST_SECOND = 253_402_300_800  # of the year 9999; also refuses infinity and what is no number

FOREIGN_KEYS: Final = ("jku", "jwk", "x5u", "x5c")
EXTENSIONS: Final = ("crit", "b64")
"""Headers that change what a signature means. None is understood here, so none is let pass."""


class Fault(StrEnum):
    """Which rule an assertion broke."""

    FORM = "form"
    TYPE = "type"
    ALGORITHM = "algorithm"
    FOREIGN_KEY = "foreign key"
    EXTENSION = "extension"
    KEY = "key"
    SIGNATURE = "signature"
    CLIENT = "client"
    AUDIENCE = "audience"
    TIME = "time"
    NUMBER = "number"
    REPLAYED = "replayed"


class UnprovenError(Exception):
    """An assertion that is not believed. It holds the rule that was broken and nothing of the assertion."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(fault.value)


@dataclass(frozen=True, slots=True)
class Claimed:
    """What an assertion says, not yet believed."""

    text: str
    algorithm: str
    kid: str
    client_id: UUID
    claims: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Proven:
    """The number of an assertion that was believed, and until when the same one would be believed again."""

    jti: str
    until: datetime


class _Registry(jws.JWSRegistry):
    """Our algorithms; room for a longer `kid` than the library's own; unknown headers are let pass, as RFC 7515 wants."""

    max_header_length = 2048
    max_payload_length = LONGEST
    max_signature_length = 2048


_REGISTRY = _Registry(algorithms=ALGORITHMS, strict_check_header=False)


def read(assertion: str) -> Claimed:
    """What an assertion claims. Raises UnprovenError for all that can be seen before a key is chosen."""
    parts = assertion.split(".")
    if len(assertion) > LONGEST or len(parts) != 3 or not assertion.isascii():
        raise UnprovenError(Fault.FORM)
    header, claims = _member(parts[0]), _member(parts[1])
    _check_header(header)
    client_id = _client_id(claims)
    return Claimed(assertion, header["alg"], header["kid"], client_id, claims)


def _member(segment: str) -> dict[str, Any]:
    try:
        value = strict_json(urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    except ValueError:
        raise UnprovenError(Fault.FORM) from None
    if not isinstance(value, dict):
        raise UnprovenError(Fault.FORM)
    return value


def _check_header(header: Mapping[str, Any]) -> None:
    if header.get("alg") not in ALGORITHMS:
        raise UnprovenError(Fault.ALGORITHM)
    kind, kid = header.get("typ"), header.get("kid")
    if not isinstance(kind, str) or kind.upper() != "JWT":
        raise UnprovenError(Fault.TYPE)
    if any(name in header for name in FOREIGN_KEYS):
        raise UnprovenError(Fault.FOREIGN_KEY)
    if any(name in header for name in EXTENSIONS):
        raise UnprovenError(Fault.EXTENSION)
    if not isinstance(kid, str):
        raise UnprovenError(Fault.KEY)


def _client_id(claims: Mapping[str, Any]) -> UUID:
    """Issuer and subject, which must be one; only as we write it, so that nobody has two names."""
    issuer, subject = claims.get("iss"), claims.get("sub")
    try:
        found = UUID(issuer) if isinstance(issuer, str) else None
    except ValueError:
        found = None
    if found is None or str(found) != issuer or subject != issuer:
        raise UnprovenError(Fault.CLIENT)
    return found


def prove(claimed: Claimed, keys: Keys | None, token_url: str, at: datetime) -> Proven:
    """Believe an assertion, or raise UnprovenError. `keys` are the client's; None for one that is unknown or disabled.

    Where there is no key to verify with, as much is worked out all the same, so that the time tells nobody who is registered.
    """
    _verify(claimed, keys)
    claims = claimed.claims
    if claims.get("aud") not in (token_url, [token_url]):
        raise UnprovenError(Fault.AUDIENCE)
    until = _check_times(claims, at.timestamp())
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 1 <= len(jti) <= LONGEST_JTI:
        raise UnprovenError(Fault.NUMBER)
    return Proven(jti, datetime.fromtimestamp(until, UTC))


def _verify(claimed: Claimed, keys: Keys | None) -> None:
    key = None if keys is None else _usable(claimed, keys)
    right = _is_signed(claimed, _decoy(claimed.algorithm) if key is None else verifier(key))
    if key is None:
        raise UnprovenError(Fault.CLIENT if keys is None else Fault.KEY)
    if not right:
        raise UnprovenError(Fault.SIGNATURE)


def _usable(claimed: Claimed, keys: Keys) -> Mapping[str, Any] | None:
    """The key that the assertion names, if it is for the assertion's algorithm."""
    key = named(keys, claimed.kid)
    if key is None or claimed.algorithm not in ALGORITHMS_OF[key["kty"]]:
        return None
    return key if key.get("alg", claimed.algorithm) == claimed.algorithm else None


def _is_signed(claimed: Claimed, key: Verifier) -> bool:
    try:
        jws.deserialize_compact(claimed.text, key, registry=_REGISTRY)
    except (JoseError, ValueError):
        return False
    return True


@lru_cache(maxsize=len(ALGORITHMS))
def _decoy(algorithm: str) -> Verifier:
    """A key of nobody's."""
    if algorithm in ALGORITHMS_OF["RSA"]:
        return RSAKey.generate_key(2048, private=False)
    return ECKey.generate_key(CURVE, private=False)


def _check_times(claims: Mapping[str, Any], now: float) -> float:
    """Until when, in seconds of 1970, the assertion would be taken.

    At most five minutes ahead. A clock that is ahead shows in `iat`; without it half the skew is let pass, since more could not be told
    from a life that is too long.
    """
    skew, life = SKEW.total_seconds(), LIFE.total_seconds()
    expires, issued, begins = (_seconds(claims, name) for name in ("exp", "iat", "nbf"))
    if expires is None or not now - skew < expires <= max(now + skew / 2, issued or 0) + life:
        raise UnprovenError(Fault.TIME)
    if any(one is not None and (one > now + skew or one >= expires) for one in (issued, begins)):
        raise UnprovenError(Fault.TIME)
    if issued is not None and issued < now - life - skew:
        raise UnprovenError(Fault.TIME)
    return expires + skew


def _seconds(claims: Mapping[str, Any], name: str) -> float | None:
    """A NumericDate (RFC 7519, 2); None where the claim is absent."""
    if name not in claims:
        return None
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < LAST_SECOND:
        raise UnprovenError(Fault.TIME)
    return float(value)
