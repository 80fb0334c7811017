"""The draw of cases for a second reading: at random, and the same however often it is made."""

from collections.abc import Sequence
from uuid import UUID

from registry import identifiers

_WHOLE = 1 << 64


def is_drawn(root: bytes, case_id: UUID, share: float) -> bool:
    """Whether a case of a trust is drawn, at a share of all cases.

    The first 64 bits of an HMAC of the case's id under a key of the trust's own (from the root of its keys, which no rotation changes), as a fraction of one: nobody who does not hold the
    key can tell, and a share that is raised keeps what a lower one had drawn.
    """
    return are_drawn(root, [case_id], share)[0]


def are_drawn(root: bytes, case_ids: Sequence[UUID], share: float) -> list[bool]:
    """`is_drawn` for many cases of one trust."""
    key = identifiers.expand(root, "second reading")
    macs = identifiers.macs(key, [each.bytes for each in case_ids])
    return [int.from_bytes(mac[:8], "big") < share * _WHOLE for mac in macs]
