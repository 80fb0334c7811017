"""Machine clients for tests: keys, JWKS documents, and assertions signed by hand with `cryptography`, so that any rule can be broken."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID, uuid4

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from registry.access import OPERATOR, Role, Scope
from registry.accounts import clients
from registry.store import SYSTEM_TENANT
from tests.registry.web.visitors import House

Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
HASHES: Mapping[str, hashes.HashAlgorithm] = {"384": hashes.SHA384(), "512": hashes.SHA512(), "256": hashes.SHA256()}
ALL_SCOPES = tuple(scope.value for scope in Scope)
TOKEN_URL = "http://127.0.0.1:8080/fhir/r4/token"


@lru_cache
def rsa_key(bits: int = 2048, number: int = 0) -> rsa.RSAPrivateKey:
    """One RSA key for each number, made once a run."""
    return rsa.generate_private_key(65537, bits)


@lru_cache
def ec_key(curve: str = "P-384", number: int = 0) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key({"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}[curve])


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def _whole(number: int, size: int | None = None) -> str:
    return b64(number.to_bytes(size or (number.bit_length() + 7) // 8, "big"))


def jwk(key: Private, kid: str, **more: object) -> dict[str, Any]:
    """The public half as a JWK."""
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.public_key().public_numbers()
        return {"kty": "RSA", "kid": kid, "n": _whole(numbers.n), "e": _whole(numbers.e), **more}
    point = key.public_key().public_numbers()
    curve = {256: "P-256", 384: "P-384", 521: "P-521"}[key.key_size]
    size = (key.key_size + 7) // 8
    return {"kty": "EC", "kid": kid, "crv": curve, "x": _whole(point.x, size), "y": _whole(point.y, size), **more}


def jwks(*keys: Mapping[str, Any]) -> str:
    return json.dumps({"keys": keys})


def two_keys() -> str:
    """The document of most clients here: `rsa` and `ec`."""
    return jwks(jwk(rsa_key(), "rsa"), jwk(ec_key(), "ec"))


def registered(
    full: House, *codes: str, role: Role = Role.TRUST_UPLOADER, scopes: tuple[str, ...] = ALL_SCOPES, document: str = ""
) -> UUID:
    """A client of these organisations, by default of RRV, with the two keys."""
    person = full.person(f"answers-{uuid4()}")
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        return clients.register(
            connection,
            name="Nightly export",
            role=role,
            organisations=[full.ids[code] for code in codes or ("RRV",)],
            scopes=scopes,
            jwks=document or two_keys(),
            by=OPERATOR,
            made_by=person,
        )


def claims(client_id: UUID, at: datetime, **changed: Any) -> dict[str, Any]:
    """What a right assertion claims; a claim changed to None is left out."""
    made = {
        "iss": str(client_id),
        "sub": str(client_id),
        "aud": TOKEN_URL,
        "exp": seconds(at + timedelta(minutes=4)),
        "jti": str(uuid4()),
    }
    return {name: value for name, value in (made | changed).items() if value is not None}


def seconds(at: datetime) -> int:
    return int(at.timestamp())


def header(**changed: Any) -> dict[str, Any]:
    made = {"alg": "RS384", "kid": "rsa", "typ": "JWT"} | changed
    return {name: value for name, value in made.items() if value is not None}


def signed(head: Mapping[str, Any] | str, told: Mapping[str, Any] | str, key: Private | bytes | None = None) -> str:
    """An assertion; texts instead of mappings are taken as they are. A key of bytes is an HMAC's; the algorithm is the header's."""
    algorithm = "RS384" if isinstance(head, str) else str(head["alg"])
    parts = [each if isinstance(each, str) else json.dumps(each) for each in (head, told)]
    text = ".".join(b64(part.encode()) for part in parts)
    return f"{text}.{b64(signature(text.encode(), algorithm, rsa_key() if key is None else key))}"


def signature(message: bytes, algorithm: str, key: Private | bytes) -> bytes:
    if algorithm == "none":
        return b""
    if isinstance(key, bytes):
        return hmac.digest(key, message, hashlib.new(f"sha{algorithm[-3:]}").name)
    hashing = HASHES[algorithm[-3:]]
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding.PKCS1v15(), hashing)
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashing)))
    size = 48 if algorithm == "ES384" else (key.key_size + 7) // 8
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def database_now(full: House) -> datetime:
    with full.store.readonly() as connection:
        row = connection.exec_driver_sql("select now()").one()
    now: datetime = row[0]
    return now.astimezone(UTC)


def have_access(full: House, client_id: UUID, at: datetime, scope: str = " ".join(ALL_SCOPES)) -> str:
    """An access token's secret, as it is given at that time."""
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        assertion = signed(header(), claims(client_id, at))
        found = clients.exchange(connection, assertion, scope, TOKEN_URL, at)
    assert isinstance(found, clients.Access)
    return found.secret
