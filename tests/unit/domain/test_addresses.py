"""Which addresses callbacks may reach: one table, and every way to spell what is inside."""

from __future__ import annotations

import ipaddress

import pytest

from slotlink.domain.addresses import is_allowed, is_internal, literal_address, parse_allowed
from slotlink.errors import ConfigurationError

INTERNAL = {
    "loopback": ["127.0.0.1", "127.255.255.254", "::1"],
    "this host": ["0.0.0.0", "0.1.2.3", "::"],
    "private": ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fd12:3456:789a::1"],
    "shared by a provider": ["100.64.0.1", "100.127.255.255"],
    "link-local": ["169.254.0.1", "fe80::1", "fe80::1%eth0", "febf::1"],
    "site-local of old": ["fec0::1"],
    "metadata": [
        "169.254.169.254",
        "169.254.170.2",
        "100.100.100.200",
        "168.63.129.16",
        "fd00:ec2::254",
        "192.0.0.192",
    ],
    "multicast": ["224.0.0.1", "239.255.255.250", "ff02::1", "ff0e::1"],
    "broadcast and reserved": ["255.255.255.255", "240.0.0.1"],
    "documentation": ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"],
    "benchmarks": ["198.18.0.1", "198.19.255.255", "2001:2::1"],
    "6to4 relay, AS112": ["192.88.99.1", "192.31.196.1", "192.52.193.1", "192.175.48.1", "2620:4f:8000::1"],
    "mapped": ["::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "::ffff:0:127.0.0.1"],
    "compatible": ["::127.0.0.1", "::7f00:1", "::10.0.0.1"],
    "NAT64": ["64:ff9b::7f00:1", "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254"],
    "NAT64 for local use": ["64:ff9b:1::7f00:1", "64:ff9b:1:7f00:0:100:808:808", "64:ff9b:1::8.8.8.8"],
    "6to4": ["2002:7f00:1::", "2002:a00:1::1", "2002:808:808::1"],
    "Teredo": ["2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001::1"],
    "ORCHID, discard, segment routing": ["2001:10::1", "2001:20::1", "100::1", "5f00::1"],
    "not given out": ["4000::1", "::2", "1::1", "8000::1"],
}
PUBLIC = [
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.1", "100.63.255.255", "100.128.0.1", "126.255.255.255",
    "128.0.0.1", "168.63.129.15", "169.253.255.255", "172.15.255.255", "172.32.0.1", "192.167.255.255",
    "192.169.0.1", "198.17.255.255", "198.20.0.1", "223.255.255.255", "2606:4700:4700::1111",
    "2a00:1450:4001:800::200e", "2001:200::1", "2001:4860::8888", "2003::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8",
]  # fmt: skip


@pytest.mark.parametrize("text", [text for texts in INTERNAL.values() for text in texts])
def test_these_are_internal(text: str) -> None:
    assert is_internal(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_these_are_public(text: str) -> None:
    assert not is_internal(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.0.0.1.", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7F.1", "0X7f.0.0.1",
        "017700000001", "0177.0.0.1", "0177.0.0.01", "0x7f.0x0.0x0.0x1", "127.0x1", "１２７.０.０.１",
        "[::ffff:127.0.0.1]",
    ],
)  # fmt: skip
def test_every_spelling_of_the_loopback_is_read_as_it(host: str) -> None:
    address = literal_address(host)
    assert address is not None and is_internal(address)
    assert str(address) in ("127.0.0.1", "::ffff:127.0.0.1", "::ffff:7f00:1")


@pytest.mark.parametrize("host", ["[::1]", "::1", "[fe80::1%25eth0]", "0", "0.0.0.0", "[::]", "169.254.43518"])
def test_other_internal_spellings_are_read(host: str) -> None:
    address = literal_address(host)
    assert address is not None and is_internal(address)


@pytest.mark.parametrize(
    "host",
    ["application.test", "localhost", "127.0.0.1.example.com", "256.1.1.1", "1.2.3.4.5", "1.2.3", "4294967296", ""],
)
def test_a_name_is_no_address(host: str) -> None:
    address = literal_address(host)
    assert address is None or not is_internal(address)


@pytest.mark.parametrize(
    ("entry", "reached", "not_reached"),
    [
        ("127.0.0.1:8799", [("127.0.0.1", 8799)], [("127.0.0.1", 8798), ("127.0.0.2", 8799)]),
        ("127.0.0.1", [("127.0.0.1", 1), ("127.0.0.1", 65535)], [("127.0.0.2", 1)]),
        ("10.0.0.0/8", [("10.0.0.1", 80), ("10.255.255.255", 443)], [("11.0.0.1", 80), ("127.0.0.1", 80)]),
        ("10.0.0.0/8:8080", [("10.0.0.1", 8080)], [("10.0.0.1", 80)]),
        ("[::1]:80", [("::1", 80)], [("::1", 81), ("::2", 80)]),
        ("fd00::/8", [("fd12::1", 443)], [("fe80::1", 443)]),
        ("hooks.internal:80", [("hooks.internal", 80), ("HOOKS.internal.", 80)], [("hooks.internal", 81)]),
        ("hooks.internal", [("hooks.internal", 81)], [("x.hooks.internal", 81)]),
        ("hooks.internal", [("hooks.internal", 80)], [("hooks.internal.example.com", 80), ("127.0.0.1", 80)]),
    ],
)  # fmt: skip
def test_an_entry_allows_what_it_names_and_nothing_else(
    entry: str, reached: list[tuple[str, int]], not_reached: list[tuple[str, int]]
) -> None:
    allowed = parse_allowed([entry])
    for expected, asked in ((True, reached), (False, not_reached)):
        for host, port in asked:
            assert is_allowed(allowed, host, literal_address(host), port) is expected, (host, port)


def test_an_empty_list_allows_nothing() -> None:
    assert not is_allowed(parse_allowed([]), "127.0.0.1", ipaddress.ip_address("127.0.0.1"), 80)


@pytest.mark.parametrize("entry", ["127.0.0.1:http", "[::1]:x", "hooks.internal:-1"])
def test_an_entry_that_cannot_be_read_stops_the_start(entry: str) -> None:
    with pytest.raises(ConfigurationError, match="SLOTLINK_CALLBACK_ALLOW"):
        parse_allowed([entry])
