"""NHS numbers in, keys and ciphertext out: the one module that encrypts, matches and signs.

- **Matching**: HMAC-SHA-256 of the NHS number under a key outside the database, all 32 bytes. Never a bare hash: there are
  fewer than 10^9 numbers, so a table of all of them is minutes of work.
- **Sealing**: AES-256-GCM under the trust's data key, bound to the place of the value (`cell_aad`), so that ciphertext
  copied to another row, column or trust does not open. Layout: key version (1 byte) | nonce (12) | ciphertext and tag (16).
- **Envelope**: each trust's data key is kept in the database, wrapped under a key that the master key gives for that trust and that is
  outside the database and its backups. A master key that has forgotten a trust (`without`) opens nothing of it any more, in the backups too.
- **Signing**: Ed25519 (RFC 8032) over what was audited, so that anybody who has the public key can tell whether it is ours.
- **Rotation**: the first byte of all that is sealed or wrapped says under which version of the key, and is authenticated. What opens takes
  either one key or the keys by version. Digests that must outlive a data key hang on the root that is wrapped with it (`expand`).

Nonces are random: one key may seal 2^32 values (NIST SP 800-38D 8.3), many times what a trust can hold.
No exception carries a value, and none is chained to one that does.
"""

import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from registry.identifiers.master import leaf, without

__all__ = [
    "IdentifierError", "Opening", "canonical", "cell_aad", "cell_aads", "derive", "digest", "expand", "is_signed", "key_version", "mac",
    "macs", "match_key", "match_keys", "new_data_key", "open_cells", "open_column", "open_part", "open_parts", "open_sealed", "public_key",
    "root_of", "same", "seal", "seal_cells", "seal_column", "seal_part", "seal_parts", "signature", "unwrap", "unwrap_with_root", "without",
    "wrap",
]  # fmt: skip

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
HEAD_BYTES = 1 + NONCE_BYTES
PART_BYTES = 1 << 20
_NOT_TEN_DIGITS = "An NHS number is matched as ten digits."


Opening = bytes | Mapping[int, bytes]
"""What opens: one key, whichever version it is, or the keys by version."""


class IdentifierError(ValueError):
    """Something cannot be sealed, opened or matched; the words say what kind of thing, never which value."""


# --- keys


def new_data_key() -> bytes:
    """A fresh data key for one trust."""
    return secrets.token_bytes(KEY_BYTES)


def wrap(master_key: bytes, tenant_id: int, data_key: bytes, *, root: bytes = b"", version: int = 1) -> bytes:
    """A trust's data key, sealed under the master key of that version, for keeping in the database.

    `root` is given where digests hang on an earlier key's. Raises IdentifierError where the master key has forgotten the trust.
    """
    if len(data_key) != KEY_BYTES or len(root) not in (0, KEY_BYTES):
        raise IdentifierError("A data key has 32 bytes.")
    return _seal(_wrapper(master_key, tenant_id), data_key + root, _wrapping(tenant_id), version)


def unwrap(master_key: bytes, tenant_id: int, wrapped: bytes) -> bytes:
    """The data key again. Raises IdentifierError for another master key, one that has forgotten the trust, another trust or a changed byte."""
    return unwrap_with_root(master_key, tenant_id, wrapped)[0]


def unwrap_with_root(master_key: bytes, tenant_id: int, wrapped: bytes) -> tuple[bytes, bytes]:
    """The data key, and the root that its trust's digests hang on. Raises as `unwrap`."""
    place = _wrapping(tenant_id)
    try:
        opened = _open(_wrapper(master_key, tenant_id), wrapped, place, "data key")
    except IdentifierError:
        if len(master_key) != KEY_BYTES:
            raise
        opened = _open(
            _cipher(master_key), wrapped, place, "data key"
        )  # as it was wrapped before trusts could be forgotten
    data, root = opened[:KEY_BYTES], opened[KEY_BYTES:]
    return data, root or root_of(data)


def _wrapper(master_key: bytes, tenant_id: int) -> AESGCM:
    if len(master_key) != KEY_BYTES and b" " not in master_key:
        raise IdentifierError("A key has 32 bytes.")
    key = leaf(master_key, tenant_id)
    if key is None:
        raise IdentifierError("The master key has forgotten this trust; what it sealed has been erased.")
    return _cipher(key)


def key_version(sealed: bytes) -> int:
    """Under which version of its key something was sealed or wrapped."""
    if not sealed:
        raise IdentifierError("Nothing sealed has no bytes at all.")
    return sealed[0]


def derive(key: bytes, purpose: str) -> bytes:
    """A key for one purpose only, from another (HKDF-SHA-256, RFC 5869); 32 bytes."""
    return expand(root_of(key), purpose)


def root_of(key: bytes) -> bytes:
    """The first half of `derive`, which tells nothing of the key: all that may be derived of it comes from there."""
    return hmac.digest(bytes(KEY_BYTES), _checked(key), "sha256")


def expand(root: bytes, purpose: str) -> bytes:
    """The second half: `derive(key, purpose)` is `expand(root_of(key), purpose)`."""
    return HKDFExpand(hashes.SHA256(), KEY_BYTES, canonical("hat", "derive", purpose)).derive(_checked(root))


# --- matching


def match_key(key: bytes, nhs_number: str) -> bytes:
    """The 32 bytes under which a person is found again, within and across trusts.

    Takes ten ASCII digits, spaces removed and check digit proved by the reader; raises IdentifierError otherwise.
    """
    return mac(key, _digits(nhs_number))


def match_keys(key: bytes, nhs_numbers: Sequence[str | None]) -> list[bytes | None]:
    """`match_key` for a column; None stays None."""
    present = [number for number in nhs_numbers if number is not None]
    if not _all_ten_digits(present):
        raise IdentifierError(_NOT_TEN_DIGITS)
    return _macs(key, [None if number is None else number.encode() for number in nhs_numbers])


def _all_ten_digits(numbers: Sequence[str]) -> bool:
    together = "".join(numbers)
    return not numbers or (set(map(len, numbers)) == {10} and together.isascii() and together.isdigit())


def _digits(nhs_number: str) -> bytes:
    if not _all_ten_digits([nhs_number]):
        raise IdentifierError(_NOT_TEN_DIGITS)
    return nhs_number.encode("ascii")


# --- sealing cells


def cell_aad(tenant_id: int, kind: str, record_key: str, column: str) -> bytes:
    """The place of a value: no other place has the same bytes."""
    return cell_aads(tenant_id, kind, [record_key], column)[0]


def cell_aads(tenant_id: int, kind: str, record_keys: Iterable[str], column: str) -> list[bytes]:
    """`cell_aad` for a column of many records."""
    place = canonical("hat", "cell", tenant_id, kind, column)
    return [place + key.encode("utf-8", "surrogatepass") for key in record_keys]


def seal_column(
    data_key: bytes, values: Sequence[str | None], aads: Sequence[bytes], *, version: int = 1
) -> list[bytes | None]:
    """Seal a column of text, each value at its place; None stays None. Empty text is a value."""
    return seal_cells(data_key, [None if value is None else _bytes(value) for value in values], aads, version=version)


def seal_cells(
    data_key: bytes, cells: Sequence[bytes | None], aads: Sequence[bytes], *, version: int = 1
) -> list[bytes | None]:
    """`seal_column` for text that is UTF-8 already."""
    encrypt, head = _cipher(data_key).encrypt, _head(version)
    nonces = os.urandom(NONCE_BYTES * len(cells))
    return [
        None if cell is None else head + (nonce := nonces[at : at + 12]) + encrypt(nonce, cell, aad + head)
        for cell, aad, at in zip(cells, aads, range(0, len(nonces), NONCE_BYTES), strict=True)
    ]


def open_column(keys: Opening, sealed: Sequence[bytes | None], aads: Sequence[bytes]) -> list[str | None]:
    """What `seal_column` sealed. Raises IdentifierError if any of it was changed, moved or sealed under another key."""
    return [None if cell is None else _text(cell) for cell in open_cells(keys, sealed, aads)]


def open_cells(keys: Opening, sealed: Sequence[bytes | None], aads: Sequence[bytes]) -> list[bytes | None]:
    """The same as the UTF-8 that it is."""
    ring = _Ring(keys)
    return [
        None if cell is None else _open(ring.cipher(cell), cell, aad, "cell")
        for cell, aad in zip(sealed, aads, strict=True)
    ]


def seal(data_key: bytes, value: str, aad: bytes, *, version: int = 1) -> bytes:
    """Seal one value at its place."""
    return _seal(_cipher(data_key), _bytes(value), aad, version)


def open_sealed(keys: Opening, sealed: bytes, aad: bytes) -> str:
    """One value again. Raises IdentifierError for another key, another place or a changed byte."""
    return _text(_open(_Ring(keys).cipher(sealed), sealed, aad, "cell"))


# --- sealing streams


def seal_parts(
    data_key: bytes, stream: IO[bytes], aad_prefix: bytes, *, size: int = PART_BYTES, version: int = 1
) -> Iterator[bytes]:
    """Seal what a stream gives, `size` bytes a part, at least one part. Number and end are sealed in with each part."""
    number = 0
    part = stream.read(size)
    while following := stream.read(size):
        yield seal_part(data_key, part, aad_prefix, number, last=False, version=version)
        part, number = following, number + 1
    yield seal_part(data_key, part, aad_prefix, number, last=True, version=version)


def open_parts(keys: Opening, parts: Iterable[bytes], aad_prefix: bytes) -> Iterator[bytes]:
    """The bytes again, part by part. Raises IdentifierError at a part that is changed, moved, doubled or missing.

    A cut-off end shows only at the last part that is there: use nothing of it before the whole has come.
    """
    number, part = 0, None
    for following in parts:
        if part is not None:
            yield open_part(keys, part, aad_prefix, number, last=False)
            number += 1
        part = following
    if part is None:
        raise IdentifierError("A sealed stream has at least one part.")
    yield open_part(keys, part, aad_prefix, number, last=True)


def seal_part(data_key: bytes, part: bytes, aad_prefix: bytes, number: int, *, last: bool, version: int = 1) -> bytes:
    """One part of a stream, `number` counted from 0."""
    return _seal(_cipher(data_key), part, _part_aad(aad_prefix, number, last=last), version)


def open_part(keys: Opening, sealed: bytes, aad_prefix: bytes, number: int, *, last: bool) -> bytes:
    """One part again. Raises IdentifierError for another place in the stream, another key or a changed byte."""
    return _open(_Ring(keys).cipher(sealed), sealed, _part_aad(aad_prefix, number, last=last), "part")


def _part_aad(prefix: bytes, number: int, *, last: bool) -> bytes:
    return canonical("hat", "part", prefix, number, "last" if last else "more")


# --- signing


def mac(key: bytes, message: bytes) -> bytes:
    """HMAC-SHA-256, 32 bytes: the signed tenant context, the chain of the audit log."""
    return hmac.digest(_checked(key), message, "sha256")


def macs(key: bytes, messages: Sequence[bytes]) -> list[bytes]:
    """`mac` for many messages."""
    return [made for made in _macs(key, messages) if made is not None]


def same(one: bytes, other: bytes) -> bool:
    """Whether two macs or digests are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(one, other)


def digest(content: bytes) -> bytes:
    """SHA-256, for what is no secret or is long and random: files, tokens. Never for an NHS number."""
    return hashlib.sha256(content).digest()


def canonical(*parts: str | int | bytes | None) -> bytes:
    """One sequence of bytes for one list of parts, each with its type and length, so that no two lists give the same."""
    return b"".join(_part(part) for part in parts)


def _part(part: str | int | bytes | None) -> bytes:
    if part is None:
        return b"n0:"
    if isinstance(part, int):
        kind, content = b"i", b"%d" % part
    elif isinstance(part, str):
        kind, content = b"s", _bytes(part)
    else:
        kind, content = b"b", bytes(part)
    return b"%b%d:%b" % (kind, len(content), content)


# --- signing


def signature(key: bytes, message: bytes) -> bytes:
    """The 64 bytes that only who holds the key can give for a message; the same each time."""
    return Ed25519PrivateKey.from_private_bytes(_checked(key)).sign(message)


def public_key(key: bytes) -> bytes:
    """The 32 bytes with which anybody can check what the key signed."""
    return Ed25519PrivateKey.from_private_bytes(_checked(key)).public_key().public_bytes_raw()


def is_signed(public: bytes, message: bytes, signed: bytes) -> bool:
    """Whether a message was signed by the holder of a key."""
    try:
        Ed25519PublicKey.from_public_bytes(_checked(public)).verify(signed, message)
    except InvalidSignature:
        return False
    return True


# --- the primitives


def _checked(key: bytes) -> bytes:
    if len(key) != KEY_BYTES:
        raise IdentifierError("A key has 32 bytes.")
    return key


def _cipher(key: bytes) -> AESGCM:
    return AESGCM(_checked(key))


class _Ring:
    """The ciphers of the keys that open, each set up when it is first needed."""

    def __init__(self, keys: Opening) -> None:
        self._keys = keys
        self._ciphers: dict[int, AESGCM] = {}

    def cipher(self, sealed: bytes) -> AESGCM:
        if isinstance(self._keys, bytes):
            return self._made(0, self._keys)
        version = key_version(sealed)
        if version not in self._keys:
            raise IdentifierError("This was sealed under a version of the key that is not there.")
        return self._made(version, self._keys[version])

    def _made(self, version: int, key: bytes) -> AESGCM:
        if version not in self._ciphers:
            self._ciphers[version] = _cipher(key)
        return self._ciphers[version]


def _head(version: int) -> bytes:
    if not 1 <= version <= 255:
        raise IdentifierError("A key's version lies between 1 and 255.")
    return bytes([version])


def _wrapping(tenant_id: int) -> bytes:
    return canonical("hat", "data key", tenant_id)


def _seal(cipher: AESGCM, content: bytes, aad: bytes, version: int) -> bytes:
    head, nonce = _head(version), os.urandom(NONCE_BYTES)
    return head + nonce + cipher.encrypt(nonce, content, aad + head)


def _open(cipher: AESGCM, sealed: bytes, aad: bytes, what: str) -> bytes:
    if len(sealed) < HEAD_BYTES + TAG_BYTES:
        raise IdentifierError(f"This is no sealed {what}: it is too short.")
    try:
        return cipher.decrypt(sealed[1:HEAD_BYTES], sealed[HEAD_BYTES:], aad + sealed[:1])
    except InvalidTag:
        pass
    raise IdentifierError(f"A sealed {what} does not open: it was changed, moved, or sealed under another key.")


def _macs(key: bytes, messages: Sequence[bytes | None]) -> list[bytes | None]:
    """HMAC-SHA-256 of many: the key is set up once and copied (0.7 µs each; `hmac.digest` takes 1.8)."""
    copy = HMAC(_checked(key), hashes.SHA256()).copy
    made: list[bytes | None] = []
    for message in messages:
        if message is None:
            made.append(None)
            continue
        state = copy()
        state.update(message)
        made.append(state.finalize())
    return made


def _bytes(value: str) -> bytes:
    """UTF-8; a lone surrogate passes, since the error that would be raised quotes the text."""
    return value.encode("utf-8", "surrogatepass")


def _text(content: bytes) -> str:
    return content.decode("utf-8", "surrogatepass")
