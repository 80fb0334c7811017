"""Where a request comes from: the peer, or what one of our own proxies says of it."""

from ipaddress import ip_address, ip_network

from starlette.requests import HTTPConnection

from registry.settings import Settings

FORWARDED = "x-forwarded-for"
IPV6_PREFIX = 64  # one customer has all addresses below it


def address_of(connection: HTTPConnection) -> str:
    """The address that tries are counted for; of IPv6 the network, since whoever has one address has all of it.

    Only a proxy that the settings name is believed, and of its list only the last: all before that the caller may have written.
    """
    settings: Settings = connection.app.state.settings
    peer = connection.client.host if connection.client else ""
    last = connection.headers.getlist(FORWARDED)
    if last and _is_proxy(peer, settings):
        return _network(last[-1].rpartition(",")[2].strip()) or peer
    return _network(peer) or peer


def _is_proxy(peer: str, settings: Settings) -> bool:
    try:
        found = ip_address(peer)
    except ValueError:
        return False
    return any(found in each for each in settings.proxies)


def _network(written: str) -> str:
    """Empty for what is no address."""
    try:
        found = ip_address(written)
    except ValueError:
        return ""
    if found.version == 4:
        return str(found)
    return str(found.ipv4_mapped or ip_network((int(found), IPV6_PREFIX), strict=False))
