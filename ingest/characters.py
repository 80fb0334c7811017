"""What the characters of a cell may be, for every reader."""

import re

SPACES = "\t\n\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
"""What is trimmed off both ends of a cell: Unicode's white space but for the control characters, which are refused."""
UNWANTED = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd-\uffff]")
"""NUL, control characters but tab and line ends, the replacement mark, and two code points that no XML may hold."""
LONGEST_CELL = 32_767
"""Characters of a cell, as in a spreadsheet; the csv module's own limit of 131,072 stays as it is."""


def unwanted(text: str) -> list[str]:
    """The names of the rules that the characters of a cell break."""
    found = set(UNWANTED.findall(text))
    broken = ["nul_character"] if "\0" in found else []
    if found - {"\0", "\ufffd"}:
        broken.append("control_character")
    return [*broken, "damaged_character"] if "\ufffd" in found else broken
