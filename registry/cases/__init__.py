"""The life of a case after it was stored: pairs across trusts, and what is erased when its time is over."""

from registry.cases.erasure import erase_wished, retire
from registry.cases.pairs import find_pairs

__all__ = ["erase_wished", "find_pairs", "retire"]
