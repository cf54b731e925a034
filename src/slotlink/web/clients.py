"""Who a client is, as far as its address tells."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

from slotlink.setting_kinds import Network

IPV6_PREFIX = 64  # what one household or one rented machine is given
UNKNOWN = "unknown"


@lru_cache(maxsize=4096)
def client_of(host: str) -> str:
    """What counts as one client: an IPv4 address, a /64 of IPv6. What is no address is one client together."""
    address = _address(host)
    if address is None:
        return UNKNOWN
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(ipaddress.ip_network((address, IPV6_PREFIX), strict=False))


def speaks_for_many(host: str, proxies: Iterable[Network] = ()) -> bool:
    """A trusted proxy, or this machine: whoever comes from the loopback is its operator, or a proxy not told of."""
    address = _address(host)
    return address is not None and (address.is_loopback or any(address in network for network in proxies))


def in_both_spellings(proxies: Iterable[Network]) -> list[str]:
    """The networks, and the IPv4 ones inside ::ffff:0:0/96 too: so a socket for both families names them."""
    written: list[str] = []
    for network in proxies:
        written.append(str(network))
        if isinstance(network, ipaddress.IPv4Network):
            written.append(f"::ffff:{network.network_address}/{96 + network.prefixlen}")
    return written


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None) or address
