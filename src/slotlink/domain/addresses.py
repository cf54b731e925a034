"""Which addresses callbacks may reach: the guard that is asked at connect time, with the address that is dialled.

Python's own `is_global` is no filter (it calls 64:ff9b::7f00:1 and 224.0.0.1 global), so the ranges are listed here,
from the IANA IPv4 and IPv6 Special-Purpose Address Registries: whole, with what they call globally reachable as well,
since none of it is where an application lives. Addresses that carry another are unwrapped or refused whole.
"""

from __future__ import annotations

import ipaddress
import socket
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from slotlink.errors import ConfigurationError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_DENIED_V4 = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",  # a cloud's own metadata service, in public space
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# Only global unicast is reachable at all; these parts of it are set aside. Teredo (in 2001::/23) and 6to4 (2002::/16)
# lead through somebody's relay to the IPv4 address inside, and no receiver needs them.
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
_DENIED_V6 = tuple(
    ipaddress.IPv6Network(text)
    for text in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)
# The well-known prefix alone: in 64:ff9b:1::/48, which is for local use, the IPv4 address may lie elsewhere (RFC 6052).
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_ISATAP = (0x0000_5EFE, 0x0200_5EFE)  # above the IPv4 address, in any network (RFC 5214 6.1): a tunnel, refused whole


@dataclass(frozen=True, slots=True)
class Allowed:
    """One entry of SLOTLINK_CALLBACK_ALLOW: a network or a host name, with a port or for every port."""

    network: ipaddress.IPv4Network | ipaddress.IPv6Network | None
    host: str
    port: int | None


def parse_allowed(entries: Sequence[str]) -> tuple[Allowed, ...]:
    """Raises ConfigurationError for what is neither a network nor a host, with an optional `:port`."""
    return tuple(_parse_entry(entry) for entry in entries)


def _parse_entry(entry: str) -> Allowed:
    host, port = entry, ""
    if entry.startswith("["):
        host, _, port = entry[1:].partition("]")
        port = port.removeprefix(":")
    elif entry.count(":") == 1:
        host, _, port = entry.partition(":")
    if port and not port.isdecimal():
        raise ConfigurationError(f"SLOTLINK_CALLBACK_ALLOW: {entry!r} has no number behind its colon")
    try:
        network = ipaddress.ip_network(host, strict=False)
    except ValueError:
        network = None
    return Allowed(network, host.lower().rstrip("."), int(port) if port else None)


def is_allowed(allowed: Sequence[Allowed], host: str, address: Address | None, port: int) -> bool:
    """Whether the operator lets callbacks reach this, although it is internal."""
    for entry in allowed:
        if entry.port is not None and entry.port != port:
            continue
        if entry.network is None and entry.host == host.lower().rstrip("."):
            return True
        if entry.network is not None and address is not None and address in entry.network:
            return True
    return False


def is_internal(address: Address) -> bool:
    """Whether the address, or one carried inside it, is anything but a public unicast one."""
    if isinstance(address, ipaddress.IPv4Address):
        return any(address in network for network in _DENIED_V4)
    inner = _carried(address)
    if inner is not None:
        return is_internal(inner)
    return (
        address not in _GLOBAL_V6
        or any(address in network for network in _DENIED_V6)
        or int(address) >> 32 & 0xFFFF_FFFF in _ISATAP
    )


def _carried(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address inside a mapped or NAT64 one, which are other names of it."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def literal_address(host: str) -> Address | None:
    """The address a URL's host spells, in any form that a resolver would take for one; None for a name."""
    bare = unicodedata.normalize("NFKC", host).replace("。", ".").strip("[]").rstrip(".")
    try:
        return ipaddress.ip_address(bare)
    except ValueError:
        pass
    try:
        # What the resolver itself asks: decimal, octal, hexadecimal, fewer than four parts (`2130706433`, `0x7f.1`).
        return ipaddress.IPv4Address(socket.inet_aton(bare))
    except (OSError, ValueError):
        return None
