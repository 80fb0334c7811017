import json
from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey

from registry.accounts import keys
from tests.registry.accounts.make import ec_key, jwk, jwks, rsa_key

GOOD = jwk(rsa_key(), "a")
POINT = jwk(ec_key(), "b")


def the_fault(document: str) -> str:
    found = keys.read(document)
    assert found.keys is None
    [words] = found.faults
    return words


def test_what_verifying_needs_is_kept_and_nothing_else() -> None:
    document = jwks(
        GOOD | {"use": "sig", "key_ops": ["verify"], "x5c": ["…"], "alg": "RS512"}, POINT | {"alg": "ES384"}
    )
    found = keys.read(document)
    assert found.faults == ()
    assert found.keys == {"keys": [GOOD | {"alg": "RS512"}, POINT | {"alg": "ES384"}]}


def test_documents_written_by_another_library_are_read() -> None:
    made = [
        RSAKey.generate_key(3072).as_dict(private=False, kid="one", use="sig"),
        ECKey.generate_key("P-384").as_dict(private=False, kid="two", key_ops=["verify"]),
    ]
    assert keys.read(json.dumps({"keys": made})).faults == ()


@pytest.mark.parametrize("member", ["d", "p", "q", "dp", "dq", "qi", "oth", "k"])
@pytest.mark.parametrize("key", [GOOD, POINT, {"kty": "oct", "kid": "c"}], ids=["rsa", "ec", "oct"])
def test_a_private_key_is_refused_with_clear_words(member: str, key: dict[str, Any]) -> None:
    words = the_fault(jwks(key | {member: "secret-material"}))
    assert words.startswith("Key number 1 is a private key")
    assert "make a new pair" in words
    assert "secret-material" not in words


def test_a_pasted_pem_is_refused_likewise() -> None:
    assert "private key" in the_fault("-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----")


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("", "Paste the client's public keys"),
        (" " * 70_000, "Paste the client's public keys"),
        ("nothing", "not JSON"),
        ("[" * 50_000, "not JSON"),
        ('{"keys": NaN}', "not JSON"),
        ('{"keys": [], "keys": []}', "names a member twice"),
        ("[]", "JWKS document"),
        (json.dumps(GOOD), "JWKS document"),
        ('{"keys": {}}', "JWKS document"),
        ('{"keys": []}', "1 to 10 keys"),
        (jwks(*[GOOD | {"kid": str(number)} for number in range(11)]), "1 to 10 keys"),
        ('{"keys": [7]}', "is not a key"),
        (jwks({"kty": "oct", "kid": "a"}), "neither an RSA nor an EC key"),
        (jwks({"kty": ["RSA"], "kid": "a"}), "neither an RSA nor an EC key"),
        (jwks({"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "AA"}), "neither an RSA nor an EC key"),
        (jwks(GOOD, POINT | {"kid": "a"}), "the same “kid”"),
        (jwks(GOOD | {"alg": "RS256"}), "another algorithm than RS384 or RS512"),
        (jwks(POINT | {"alg": "RS384"}), "another algorithm than ES384"),
        (jwks(GOOD | {"use": "enc"}), "must be sig"),
        (jwks(GOOD | {"key_ops": ["sign", "verify"]}), "must be verify"),
        (jwks(GOOD | {"key_ops": ["encrypt"]}), "must be verify"),
        (jwks(jwk(rsa_key(1024), "a")), "fewer than 2048 bits"),
        (jwks(GOOD | {"e": "Aw"}), "exponent that is not safe"),
        (jwks(GOOD | {"n": "…"}), "no modulus"),
        (jwks(GOOD | {"n": 5}), "no modulus"),
        (jwks({"kty": "RSA", "kid": "a"}), "no modulus"),
        (jwks(jwk(ec_key("P-256"), "a")), "another curve than P-384"),
        (jwks(jwk(ec_key("P-521"), "a")), "another curve than P-384"),
        (jwks(POINT | {"y": POINT["x"]}), "no point on P-384"),
        (jwks(POINT | {"y": ""}), "no point on P-384"),
    ],
)
def test_what_is_no_document_of_sound_public_keys_is_refused(document: str, words: str) -> None:
    assert words in the_fault(document)


@pytest.mark.parametrize("kid", [None, "", 7, "x" * 201, "a\nb", "\ud800"])
def test_each_key_has_a_name(kid: object) -> None:
    assert "has no “kid”" in the_fault(jwks(GOOD | {"kid": kid}))


def test_all_faults_are_told_at_once() -> None:
    assert len(keys.read(jwks(GOOD | {"kid": ""}, jwk(ec_key("P-256"), "a"), POINT | {"use": "enc"})).faults) == 3
