"""Frozen-offset random rounding to base 5: how a count becomes the number that may be published.

Source: statistics.md 6.3 items 2, 3 and 6, where the theorem is proved. Each cell has one secret offset U in 0..4, drawn once from the
key and the cell's permanent name, stored at its first publication and never drawn again. The published number is
v = 5 floor((n + U)/5): at most 4 away from the count n, equal to n on average over U, never falling when n rises, and always the same
for the same n. Fewer than 10 is not shown as a number, so every number shown for a cell stands for a true count of 6 or more.
"""

import hmac
from hashlib import sha256

BASE = 5
SHOWN_FROM = 10
KEY_BYTES = 32


def offset(key: bytes, cell_id: str, attempt: int = 0) -> int:
    """The secret offset of a cell, 0 to 4: HMAC-SHA-256 of `id|attempt`, modulo 5.

    The whole 256-bit digest is taken as one integer before the modulo, so that the five offsets differ in probability by 2^-256 and no
    rejection is needed. `attempt` counts the re-keyings of a cell before its first publication. Raises `ValueError` for a key of under
    32 bytes, a blank name, or a negative attempt.
    """
    if len(key) < KEY_BYTES:
        raise ValueError("the offset key must have at least 32 bytes")
    if not cell_id or attempt < 0:
        raise ValueError("an offset needs a cell name and an attempt of 0 or more")
    digest = hmac.new(key, f"{cell_id}|{attempt}".encode(), sha256).digest()
    return int.from_bytes(digest, "big") % BASE


def rounded(count: int, drawn: int) -> int:
    """The rounded number for a true count and its cell's offset. Refuses a negative or non-integer count and an offset not in 0..4."""
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise ValueError("a count must be a whole number of 0 or more")
    if drawn not in range(BASE):
        raise ValueError("an offset lies in 0 to 4")
    return BASE * ((count + drawn) // BASE)
