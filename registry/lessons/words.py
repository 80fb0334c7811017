"""Why something was taken down, as everybody reads it."""

from collections.abc import Mapping
from typing import Final

WHY_DOWN: Final[Mapping[str, str]] = {
    "identifies": "It may tell who somebody is",
    "wrong": "It is wrong or out of date",
    "wish": "A patient, a family or a member of staff asked for it",
    "trust": "The organisation that offered it asked for it",
    "other": "Another reason",
}
