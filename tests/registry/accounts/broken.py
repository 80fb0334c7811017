"""Assertions that break one rule each, and are right in all else."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from joserfc.jwk import RSAKey

from registry.accounts.assertions import Fault
from tests.registry.accounts.make import (
    TOKEN_URL,
    b64,
    claims,
    ec_key,
    header,
    jwk,
    rsa_key,
    seconds,
    signed,
    two_keys,
)

AT = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
Broken = tuple[str, str, Fault]
"""What is wrong, the assertion, and the rule that it breaks."""
Claims = Mapping[str, Any]


def broken(client: UUID) -> Iterator[Broken]:
    """All of them, as at `AT`, for a client with the two keys."""
    right = claims(client, AT)
    yield from _algorithms(right)
    yield from _names_of_keys(right)
    yield from _headers(right)
    yield from _signatures(right)
    yield from _clients(client)
    yield from _other_claims(client)
    for words, text in _no_assertions(right):
        yield words, text, Fault.FORM


def _algorithms(right: Claims) -> Iterator[Broken]:
    public = jwk(rsa_key(), "rsa")
    yield "no alg", signed('{"typ": "JWT", "kid": "rsa"}', right), Fault.ALGORITHM
    for algorithm in ("none", "None", "NONE", ""):
        unsigned = signed(f'{{"alg": "{algorithm}", "typ": "JWT", "kid": "rsa"}}', right).rpartition(".")[0]
        yield f"alg {algorithm}", f"{unsigned}.", Fault.ALGORITHM
    head = '{"alg": "none", "typ": "JWT", "kid": "rsa"}'
    yield "alg none with a signature", signed(head, right), Fault.ALGORITHM
    for material in (public["n"].encode(), two_keys().encode(), _pem()):
        yield "HS256 with the public key", signed(header(alg="HS256"), right, material), Fault.ALGORITHM
    yield "HS384 with the public key", signed(header(alg="HS384"), right, _pem()), Fault.ALGORITHM
    yield "RS256", signed(header(alg="RS256"), right), Fault.ALGORITHM
    yield "a list of algorithms", signed('{"alg": ["RS384"], "typ": "JWT", "kid": "rsa"}', right), Fault.ALGORITHM


def _names_of_keys(right: Claims) -> Iterator[Broken]:
    yield "no typ", signed(header(typ=None), right), Fault.TYPE
    yield "another typ", signed(header(typ="JOSE"), right), Fault.TYPE
    yield "a number as typ", signed(header(typ=7), right), Fault.TYPE

    yield "no kid", signed(header(kid=None), right), Fault.KEY
    yield "unknown kid", signed(header(kid="another"), right), Fault.KEY
    yield "a number as kid", signed(header(kid=1), right), Fault.KEY
    yield "kid of a key of another kind", signed(header(kid="ec"), right), Fault.KEY
    yield "kid twice", signed('{"alg": "RS384", "typ": "JWT", "kid": "ec", "kid": "rsa"}', right), Fault.FORM


def _headers(right: Claims) -> Iterator[Broken]:
    for name, value in (
        ("jku", "https://127.0.0.1/jwks.json"), ("jwk", jwk(rsa_key(2048, 1), "rsa")),
        ("x5u", "https://127.0.0.1/chain.pem"), ("x5c", ["MIIB"]),
    ):  # fmt: skip
        yield f"{name} in the header", signed(header(**{name: value}), right, rsa_key(2048, 1)), Fault.FOREIGN_KEY
        yield f"{name}, signed rightly", signed(header(**{name: value}), right), Fault.FOREIGN_KEY
    yield "unknown crit", signed(header(crit=["exp2"], exp2=1), right), Fault.EXTENSION
    yield "crit of something known", signed(header(crit=["kid"]), right), Fault.EXTENSION
    yield "crit of nothing", signed(header(crit=[]), right), Fault.EXTENSION
    yield "crit that is no list", signed(header(crit=7), right), Fault.EXTENSION
    yield "b64", signed(header(crit=["b64"], b64=False), right), Fault.EXTENSION
    yield "b64 without crit", signed(header(b64=False), right), Fault.EXTENSION


def _signatures(right: Claims) -> Iterator[Broken]:
    yield "another's signature", signed(header(), right, rsa_key(2048, 1)), Fault.SIGNATURE
    yield "no signature", signed(header(), right).rpartition(".")[0] + ".", Fault.SIGNATURE
    yield "changed claims", _with_claims(signed(header(), right), {**right, "scope": "all"}), Fault.SIGNATURE
    yield "RS512 said, RS384 done", _with_header(signed(header(), right), header(alg="RS512")), Fault.SIGNATURE
    yield "ES384 of a P-256 key", signed(header(alg="ES384", kid="ec"), right, ec_key("P-256")), Fault.SIGNATURE
    with_ec = signed(header(alg="ES384", kid="ec"), right, ec_key())
    for proof in (bytes(96), b"0d" + bytes(100), b"\xff" * 96, b"x"):
        yield "a signature that is none", _with_signature(with_ec, proof), Fault.SIGNATURE


def _clients(client: UUID) -> Iterator[Broken]:
    yield "no issuer", signed(header(), claims(client, AT, iss=None)), Fault.CLIENT
    yield "no subject", signed(header(), claims(client, AT, sub=None)), Fault.CLIENT
    yield "another subject", signed(header(), claims(client, AT, sub=str(uuid4()))), Fault.CLIENT
    yield "nobody's", signed(header(), claims(uuid4(), AT)), Fault.CLIENT
    yield "no id", signed(header(), claims(client, AT, iss="trust", sub="trust")), Fault.CLIENT
    shouted = str(client).upper()
    yield "the id in capitals", signed(header(), claims(client, AT, iss=shouted, sub=shouted)), Fault.CLIENT
    yield "a list as issuer", signed(header(), claims(client, AT, iss=[str(client)], sub=[str(client)])), Fault.CLIENT


def _other_claims(client: UUID) -> Iterator[Broken]:
    for audience in (
        None, "http://127.0.0.1:8080", "http://127.0.0.1:8080/fhir/r4", TOKEN_URL + "/", TOKEN_URL.upper(), f" {TOKEN_URL}",
        [TOKEN_URL, "https://elsewhere.example/token"], [], 7,
    ):  # fmt: skip
        yield f"aud {audience}", signed(header(), claims(client, AT, aud=audience)), Fault.AUDIENCE

    for words, changed in _times():
        yield words, signed(header(), claims(client, AT, **changed)), Fault.TIME
    for literal in ("null", "1e400", "NaN", "Infinity", "1" * 5000):
        said = f'{{"iss": "{client}", "sub": "{client}", "aud": "{TOKEN_URL}", "jti": "1", "exp": {literal}}}'
        yield f"exp {literal[:8]}", signed(header(), said), Fault.TIME if literal in ("null", "1e400") else Fault.FORM

    yield "no jti", signed(header(), claims(client, AT, jti=None)), Fault.NUMBER
    yield "empty jti", signed(header(), claims(client, AT, jti="")), Fault.NUMBER
    yield "a number as jti", signed(header(), claims(client, AT, jti=7)), Fault.NUMBER
    yield "endless jti", signed(header(), claims(client, AT, jti="x" * 257)), Fault.NUMBER


def _times() -> Iterator[tuple[str, dict[str, Any]]]:
    def at(**later: float) -> int:
        return seconds(AT + timedelta(**later))

    yield "no exp", {"exp": None}
    yield "exp as text", {"exp": str(at(minutes=1))}
    yield "exp true", {"exp": True}
    yield "exp below zero", {"exp": -1}
    yield "exp 6 minutes ahead", {"exp": at(minutes=6)}
    yield "exp 6 minutes ahead, issued now", {"exp": at(minutes=6), "iat": at()}
    yield "exp 5 minutes after an issue too far ahead", {"exp": at(seconds=370), "iat": at(seconds=70)}
    yield "exp in the past", {"exp": at(minutes=-5)}
    yield "exp 60 seconds ago", {"exp": at(seconds=-60)}
    yield "issued in the future", {"iat": at(seconds=61), "exp": at(seconds=200)}
    yield "issued long ago", {"iat": at(minutes=-7)}
    yield "issued when it expires", {"iat": at(seconds=30), "exp": at(seconds=30)}
    yield "issued at no time", {"iat": "now"}
    yield "not yet valid", {"nbf": at(seconds=61), "exp": at(seconds=200)}
    yield "valid from its end", {"nbf": at(seconds=30), "exp": at(seconds=30)}


def _no_assertions(right: Claims) -> Iterator[tuple[str, str]]:
    whole = signed(header(), right)
    yield "nothing", ""
    yield "two parts", whole.rpartition(".")[0]
    yield "four parts", whole + ".AA"
    yield "not base64", "%%%.%%%.%%%"
    yield "a header that is no object", signed('["RS384"]', right)
    yield "claims that are no object", signed(header(), '"claims"')
    yield "claims that are no JSON", signed(header(), "{")
    yield "a claim twice", signed(header(), '{"iss": "a", "iss": "b"}')
    yield "nested", signed(header(), "[" * 3000)
    yield "too long", signed(header(), {**right, "more": "x" * 9000})
    yield "letters of no assertion", whole + "é"


def _pem() -> bytes:
    return RSAKey.import_key(rsa_key().public_key()).as_pem()


def _with_header(assertion: str, head: Claims) -> str:
    _, told, proof = assertion.split(".")
    return ".".join((signed(head, {}).split(".")[0], told, proof))


def _with_claims(assertion: str, told: Claims) -> str:
    head, _, proof = assertion.split(".")
    return ".".join((head, signed(header(), told).split(".")[1], proof))


def _with_signature(assertion: str, proof: bytes) -> str:
    return f"{assertion.rpartition('.')[0]}.{b64(proof)}"
