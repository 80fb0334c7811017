"""What each stage of a rotation does."""

from collections.abc import Mapping

from registry.keys import data, match
from registry.keys.rotation import Kind, Move

MOVES: Mapping[tuple[str, str], Move] = {
    (Kind.DATA.value, data.ANNOUNCED): data.announced,
    (Kind.DATA.value, data.SEALING): data.sealing,
    (Kind.DATA.value, data.MOVING): data.moving,
    (Kind.MATCH.value, match.ANNOUNCED): match.announced,
    (Kind.MATCH.value, match.FILLING): match.filling,
    (Kind.MATCH.value, match.TURNED): match.turned,
    (Kind.MATCH.value, match.CLEARING): match.clearing,
}
