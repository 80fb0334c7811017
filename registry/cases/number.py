"""The registry's own number of a case: short enough to write into the notes, and safe against a slip of the pen.

The record's id ends in 62 random bits; the last 60 of them are twelve letters of Crockford's base 32 (no I, L, O or U), and a
thirteenth is their check. It tells nothing of patient, trust or day, and is the same wherever it is worked out. Among a million cases
two have the same number with a chance of 1 in 2,000,000; the number names a case within its trust, where the chance is smaller still.
"""

from uuid import UUID

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LETTERS = 12
GROUP = 4
_BITS = 5
_MASK = (1 << (LETTERS * _BITS)) - 1
_MODULUS = 0b100101
"""x^5 + x^2 + 1, under which the 32 letters are a field in which 2 runs through all others."""
_MISREAD = str.maketrans("OIL", "011")


def case_number(record_id: UUID) -> str:
    """The number of a case: `K7QM-4D2X-9WPT-3`."""
    tail = record_id.int & _MASK
    values = [tail >> (place * _BITS) & 31 for place in reversed(range(LETTERS))]
    letters = "".join(ALPHABET[value] for value in (*values, _check(values)))
    return "-".join(letters[at : at + GROUP] for at in range(0, LETTERS + 1, GROUP))


def tail_of(typed: str) -> str | None:
    """The last 15 hexadecimal digits of the id of the case whose number this is; None for anything else.

    Small letters, blanks and hyphens do not matter; O is read as 0, I and L as 1.
    """
    letters = typed.upper().translate(_MISREAD).replace("-", "").replace(" ", "")
    if len(letters) != LETTERS + 1 or not set(letters) <= set(ALPHABET):
        return None
    *values, check = (ALPHABET.index(letter) for letter in letters)
    if _check(values) != check:
        return None
    tail = 0
    for value in values:
        tail = tail << _BITS | value
    return f"{tail:015x}"


def _check(values: list[int]) -> int:
    """The sum of the values, each times 2 to the power of its place, in the field of 32.

    No two places have the same weight, so one wrong letter or any two that changed places are always found out.
    """
    total = 0
    for value in values:
        total = _doubled(total ^ value)
    return total


def _doubled(value: int) -> int:
    twice = value << 1
    return twice ^ _MODULUS if twice > 31 else twice
