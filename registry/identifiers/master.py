"""The master key as a tree, so that it can be made to forget one trust and goes on serving all others.

A trust's wrapping key is a leaf: the eight hexadecimal digits of its tenant id lead from the root to it, each node being the HMAC of
a digit under the node above (Goldreich, Goldwasser, Micali 1986: a pseudo-random function that can be punctured). A master key is the
root, 32 bytes. One that has forgotten trusts is the list of those nodes from which every leaf but theirs can be reached: one line a
node, its digits and its 64 hexadecimal digits. From these no forgotten leaf, and no node above one, can be worked out.
"""

import hmac
from collections.abc import Mapping

ROOT_BYTES = 32
_DIGITS = "0123456789abcdef"
_DEPTH = 8  # hexadecimal digits of a tenant id, which is a 32-bit integer


def leaf(master: bytes, tenant_id: int) -> bytes | None:
    """The key that wraps one trust's data keys; None where the master key has forgotten the trust."""
    way, nodes = _way(tenant_id), _nodes(master)
    for depth in range(_DEPTH + 1):
        if (node := nodes.get(way[:depth])) is not None:
            return _down(node, way[depth:])
    return None


def without(master: bytes, tenant_id: int) -> bytes:
    """The master key that has forgotten one trust too; the same where it had already."""
    way, nodes = _way(tenant_id), dict(_nodes(master))
    above = next((way[:depth] for depth in range(_DEPTH + 1) if way[:depth] in nodes), None)
    if above is None:
        return master
    node = nodes.pop(above)
    for depth in range(len(above), _DEPTH):
        nodes |= {way[:depth] + each: _below(node, each) for each in _DIGITS if each != way[depth]}
        node = _below(node, way[depth])
    return "".join(f"{name} {nodes[name].hex()}\n" for name in sorted(nodes)).encode("ascii")


def _nodes(master: bytes) -> Mapping[str, bytes]:
    if len(master) == ROOT_BYTES:
        return {"": master}
    return {
        name: bytes.fromhex(node) for name, node in (line.split(" ") for line in master.decode("ascii").splitlines())
    }


def _way(tenant_id: int) -> str:
    return f"{tenant_id:0{_DEPTH}x}"


def _down(node: bytes, way: str) -> bytes:
    for digit in way:
        node = _below(node, digit)
    return node


def _below(node: bytes, digit: str) -> bytes:
    return hmac.digest(node, digit.encode("ascii"), "sha256")
