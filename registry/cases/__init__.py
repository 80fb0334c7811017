"""The life of a case after it was stored: pairs across trusts, and what is erased when its time is over."""

from registry.cases.erasure import retire
from registry.cases.pairs import find_pairs

__all__ = ["find_pairs", "retire"]
