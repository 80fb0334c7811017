"""The life of a case after it was stored: the work on it, pairs across trusts, and what is erased when its time is over."""

from registry.cases.drafts import forget_drafts
from registry.cases.erasure import erase_wished, retire
from registry.cases.pairing import between_trusts
from registry.cases.pairs import find_pairs
from registry.cases.taking_in import take_in_overlooked, take_in_work

__all__ = [
    "between_trusts",
    "erase_wished",
    "find_pairs",
    "forget_drafts",
    "retire",
    "take_in_overlooked",
    "take_in_work",
]
