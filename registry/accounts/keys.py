"""The public keys of machine clients: a JWKS document as somebody pastes it, checked, and reduced to what verifying needs.

Taken are RSA keys of 2048 to 8192 bits and EC keys on P-384, each with a `kid` of its own. A document with anything private in it is
refused with words that say so. Nothing is ever fetched: neither a JWKS address nor a certificate chain.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from joserfc.util import base64_to_int

ALGORITHMS: Final = ("RS384", "ES384", "RS512")
"""How assertions may be signed: SMART's two, and RS512, which the NHS API platform uses."""
ALGORITHMS_OF: Final[Mapping[str, tuple[str, ...]]] = {"RSA": ("RS384", "RS512"), "EC": ("ES384",)}

PRIVATE: Final = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")
"""Members of a JWK that make it, or would make it, a private or a secret key (RFC 7518, 6)."""
MATERIAL: Final = ("kty", "n", "e", "crv", "x", "y")
KEPT: Final = ("kid", "alg", *MATERIAL)
MOST_KEYS = 10
LONGEST_KID = 200
LONGEST_DOCUMENT = 64 * 1024
RSA_BITS = (2048, 8192)
SMALLEST_EXPONENT, EXPONENT_BITS = 65537, 32  # FIPS 186-5, A.1.1; the upper bound keeps verifying cheap
CURVE = "P-384"

Keys = Mapping[str, Any]
"""A JWKS that stood the checks: {"keys": [...]}."""
Verifier = RSAKey | ECKey


class DuplicateMemberError(ValueError):
    """A JSON object names a member twice, of which each reader might take another."""


@dataclass(frozen=True, slots=True)
class Read:
    """A document: its keys if it stands, else what is wrong with it, in sentences that repeat nothing of it."""

    keys: Keys | None
    faults: tuple[str, ...]


def strict_json(text: str | bytes) -> object:
    """A JSON value. Raises ValueError for anything but JSON, a member named twice, NaN, and nesting beyond the reader's stack."""
    try:
        return json.loads(text, object_pairs_hook=_members, parse_constant=_constant)
    except RecursionError:
        raise ValueError("nests too deep") from None


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise DuplicateMemberError("a member is named twice")
    return members


def _constant(_name: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


def read(document: str) -> Read:
    """A JWKS document as it was pasted."""
    if "PRIVATE KEY-----" in document:
        return Read(None, (_words_private("This is", "a PEM file"),))
    if not document.strip() or len(document) > LONGEST_DOCUMENT:
        return Read(None, ('Paste the client\'s public keys as a JWKS document: {"keys": [ … ]}',))
    try:
        value = strict_json(document)
    except DuplicateMemberError:
        return Read(None, ("The document names a member twice",))
    except ValueError:
        return Read(None, ("This is not JSON. Paste the whole JWKS document, from its first brace to its last",))
    faults = tuple(_faults(value))
    return Read(None if faults else _kept(value), faults)


def _faults(value: object) -> Iterator[str]:
    keys = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(keys, list):
        yield 'Put the keys into a JWKS document: {"keys": [ … ]}'
    elif not 1 <= len(keys) <= MOST_KEYS:
        yield f"Give 1 to {MOST_KEYS} keys"
    else:
        for number, key in enumerate(keys, 1):
            yield from _key_faults(key, f"Key number {number}")
        kids = [key.get("kid") for key in keys if isinstance(key, dict) and isinstance(key.get("kid"), str)]
        if len(set(kids)) != len(kids):
            yield "Two keys have the same “kid”. Give each its own"


def _key_faults(key: object, which: str) -> Iterator[str]:
    """What is wrong with one key; where something private is in it, that alone."""
    if not isinstance(key, dict):
        yield f"{which} is not a key"
    elif private := [name for name in PRIVATE if name in key]:
        yield _words_private(f"{which} is", f"“{private[0]}”")
    elif key.get("kty") not in tuple(ALGORITHMS_OF):  # it may be of any type
        yield f"{which} is neither an RSA nor an EC key"
    else:
        yield from _naming_faults(key, which)
        yield from _use_faults(key, which)
        yield from (_rsa_faults if key["kty"] == "RSA" else _ec_faults)(key, which)


def _words_private(begins: str, sign: str) -> str:
    return (
        f"{begins} a private key ({sign}). Register public keys only. Whoever sees a private key can act as the client, "
        "so make a new pair and do not use this one any more"
    )


def _naming_faults(key: Mapping[str, Any], which: str) -> Iterator[str]:
    kid = key.get("kid")
    if not isinstance(kid, str) or not 1 <= len(kid) <= LONGEST_KID or not kid.isprintable():
        yield f"{which} has no “kid”, a name of 1 to {LONGEST_KID} characters by which assertions choose it"


def _use_faults(key: Mapping[str, Any], which: str) -> Iterator[str]:
    allowed = ALGORITHMS_OF[key["kty"]]
    if "alg" in key and key["alg"] not in allowed:
        yield f"{which} is for another algorithm than {' or '.join(allowed)}"
    if key.get("use", "sig") != "sig":
        yield f"{which} is not for signatures: its “use” must be sig"
    if key.get("key_ops", ["verify"]) != ["verify"]:
        yield f"{which} is not for verifying: its “key_ops” must be verify"


def _rsa_faults(key: Mapping[str, Any], which: str) -> Iterator[str]:
    modulus, exponent = _number(key.get("n")), _number(key.get("e"))
    if modulus is None or exponent is None:
        yield f"{which} has no modulus “n” and exponent “e”"
        return
    fewest, most = RSA_BITS
    if not fewest <= modulus.bit_length() <= most:
        yield f"{which} is an RSA key of fewer than {fewest} bits, or of more than {most}"
    elif not _is_sound(key):
        yield f"{which} is no sound RSA key"
    if exponent < SMALLEST_EXPONENT or exponent.bit_length() > EXPONENT_BITS or exponent % 2 == 0:
        yield f"{which} has an exponent that is not safe: use {SMALLEST_EXPONENT} (AQAB)"


def _ec_faults(key: Mapping[str, Any], which: str) -> Iterator[str]:
    if key.get("crv") != CURVE:
        yield f"{which} is an EC key on another curve than {CURVE}"
    elif _number(key.get("x")) is None or _number(key.get("y")) is None or not _is_sound(key):
        yield f"{which} is no point on {CURVE}"


def _number(text: object) -> int | None:
    """A whole number from its base64url text; None where it is none."""
    if not isinstance(text, str) or not text:
        return None
    try:
        return base64_to_int(text)
    except ValueError:  # binascii's fault is one
        return None


def _is_sound(key: Mapping[str, Any]) -> bool:
    try:
        verifier(key)
    except (JoseError, ValueError):
        return False
    return True


def _kept(value: object) -> Keys:
    keys: Sequence[Mapping[str, Any]] = value["keys"] if isinstance(value, dict) else ()
    return {"keys": [{name: key[name] for name in KEPT if name in key} for key in keys]}


def verifier(key: Mapping[str, Any]) -> Verifier:
    """A registered key, ready to verify. Raises JoseError or ValueError where it is none."""
    kind = RSAKey if key["kty"] == "RSA" else ECKey
    return kind.import_key({name: key[name] for name in MATERIAL if name in key})


def named(keys: Keys, kid: str) -> Mapping[str, Any] | None:
    """The one key of that name; None where there is none, or more than one."""
    found = [key for key in keys["keys"] if key["kid"] == kid]
    return found[0] if len(found) == 1 else None
