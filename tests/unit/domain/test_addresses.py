"""Which addresses callbacks may reach: one table, and every way to spell what is inside."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slotlink.domain.addresses import is_allowed, is_internal, literal_address, parse_allowed
from slotlink.errors import ConfigurationError

# Every block of the IANA IPv4 and IPv6 Special-Purpose Address Registries, as of October 2025.
REGISTRY = [
    "0.0.0.0/8", "0.0.0.0/32", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
    "192.0.0.0/24", "192.0.0.0/29", "192.0.0.8/32", "192.0.0.9/32", "192.0.0.10/32", "192.0.0.170/31", "192.0.2.0/24",
    "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.88.99.2/32", "192.168.0.0/16", "192.175.48.0/24",
    "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4", "255.255.255.255/32",
    "::1/128", "::/128", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64", "2001::/23", "2001::/32", "2001:1::1/128",
    "2001:1::2/128", "2001:1::3/128", "2001:2::/48", "2001:3::/32", "2001:4:112::/48", "2001:10::/28", "2001:20::/28",
    "2001:30::/28", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20", "5f00::/16", "fc00::/7",
    "fe80::/10",
]  # fmt: skip
INTERNAL = {
    "loopback": ["127.0.0.1", "127.255.255.254", "::1"],
    "this host": ["0.0.0.0", "0.1.2.3", "::"],
    "private": ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fd12:3456:789a::1"],
    "shared by a provider": ["100.64.0.1", "100.127.255.255"],
    "link-local": ["169.254.0.1", "fe80::1", "fe80::1%eth0", "febf::1"],
    "site-local of old": ["fec0::1", "feff::1"],
    "metadata of Amazon": ["169.254.169.254", "169.254.170.2", "169.254.170.23", "fd00:ec2::254", "fd00:ec2::23"],
    "metadata of Google": ["169.254.169.254", "fd20:ce::254"],
    "metadata of Azure, in public space": ["168.63.129.16", "::ffff:168.63.129.16", "64:ff9b::168.63.129.16"],
    "metadata of Alibaba, Oracle, Scaleway, Tencent": [
        "100.100.100.200", "192.0.0.192", "169.254.42.42", "fd00:42::42", "169.254.0.23",
    ],
    "multicast": ["224.0.0.1", "239.255.255.250", "ff02::1", "ff05::2", "ff0e::1"],
    "broadcast and reserved": ["255.255.255.255", "240.0.0.1"],
    "documentation": ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"],
    "benchmarks": ["198.18.0.1", "198.19.255.255", "2001:2::1"],
    "6to4 relay, AS112": ["192.88.99.1", "192.31.196.1", "192.52.193.1", "192.175.48.1", "2620:4f:8000::1"],
    "mapped: another name of the IPv4 address": ["::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe"],
    "translated: for use within a network": ["::ffff:0:127.0.0.1", "::ffff:0:8.8.8.8"],
    "compatible: given up, and some dial the IPv4 address": ["::127.0.0.1", "::7f00:1", "::10.0.0.1", "::8.8.8.8"],
    "NAT64: another name of the IPv4 address": ["64:ff9b::7f00:1", "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254"],
    "NAT64 for local use: the IPv4 address may lie anywhere": [
        "64:ff9b:1::7f00:1", "64:ff9b:1:7f00:0:100:808:808", "64:ff9b:1::8.8.8.8",
    ],
    "6to4: somebody's relay": ["2002:7f00:1::", "2002:a00:1::1", "2002:a9fe:a9fe::1", "2002:808:808::1"],
    "Teredo: somebody's relay": ["2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001::1", "2001:0:7f00:1::80ff:fffe"],
    "ISATAP: a tunnel, in any network": [
        "2a00:1450::5efe:10.0.0.1", "2a00:1450::200:5efe:8.8.8.8", "fe80::5efe:192.168.0.1",
    ],
    "ORCHID, discard, dummy, segment routing": ["2001:10::1", "2001:20::1", "100::1", "100:0:0:1::1", "5f00::1"],
    "not given out": ["4000::1", "::2", "1::1", "200::1", "8000::1", "fe00::1"],
}  # fmt: skip
PUBLIC = {
    "well known": ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "2a00:1450:4001:800::200e", "2001:4860::8888"],
    "beside 10/8, 127/8, 172.16/12, 192.168/16": [
        "9.255.255.255", "11.0.0.1", "126.255.255.255", "128.0.0.1", "172.15.255.255", "172.32.0.1",
        "192.167.255.255", "192.169.0.1",
    ],
    "beside 100.64/10, 169.254/16, 198.18/15, 224/4": [
        "100.63.255.255", "100.128.0.1", "169.253.255.255", "169.255.0.1", "198.17.255.255", "198.20.0.1",
        "223.255.255.255",
    ],
    "beside Azure's metadata": ["168.63.129.15", "168.63.129.17"],
    "beside 2001::/23, 2001:db8::/32, 2002::/16, 2620:4f:8000::/48, 3fff::/20": [
        "2001:200::1", "2001:db7::1", "2001:db9::1", "2003::1", "2620:4f:7fff::1", "2620:4f:8001::1", "3fff:1000::1",
    ],
    "the ends of global unicast": ["2000::1", "3ffe:ffff::1"],
    "another name of a public one": ["::ffff:8.8.8.8", "64:ff9b::8.8.8.8"],
    "nearly ISATAP": ["2a00:1450::5eff:10.0.0.1", "2a00:1450::100:5efe:10.0.0.1"],
}  # fmt: skip


@pytest.mark.parametrize("block", REGISTRY)
def test_nothing_of_the_registries_is_reached(block: str) -> None:
    network = ipaddress.ip_network(block)
    assert is_internal(network[0]) and is_internal(network[-1])


@pytest.mark.parametrize(("why", "text"), [(why, text) for why, texts in INTERNAL.items() for text in texts])
def test_these_are_internal(why: str, text: str) -> None:
    assert is_internal(ipaddress.ip_address(text)), why


@pytest.mark.parametrize(("why", "text"), [(why, text) for why, texts in PUBLIC.items() for text in texts])
def test_these_are_public(why: str, text: str) -> None:
    assert not is_internal(ipaddress.ip_address(text)), why


@given(st.integers(0, 2**32 - 1))
def test_what_carries_an_internal_address_is_internal(number: int) -> None:
    inner = ipaddress.IPv4Address(number)
    for prefix in ("::ffff:0:0", "64:ff9b::"):
        outer = ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) | number)
        assert is_internal(outer) == is_internal(inner), outer


@given(st.integers(0, 2**32 - 1), st.data())
def test_an_address_is_read_from_whatever_spelling_the_resolver_takes(number: int, data: st.DataObject) -> None:
    """One to four parts, each decimal, octal or hexadecimal, with zeros before it and dots behind."""
    count = data.draw(st.integers(1, 4))
    octets = number.to_bytes(4, "big")
    numbers = [*octets[: count - 1], int.from_bytes(octets[count - 1 :], "big")]
    written = [
        data.draw(st.sampled_from([f"{part}", f"0{part:o}", f"000{part:o}", f"0x{part:x}", f"0X{part:08X}"]))
        for part in numbers
    ]
    host = ".".join(written) + data.draw(st.sampled_from(["", ".", ".."]))
    wide = "".join(chr(ord(letter) + 0xFEE0) if letter.isdigit() else letter for letter in host)
    assert literal_address(host) == literal_address(wide) == ipaddress.IPv4Address(number), host


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.0.0.1.", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7F.1", "0X7f.0.0.1",
        "017700000001", "0177.0.0.1", "0177.0.0.01", "0x7f.0x0.0x0.0x1", "127.0x1", "１２７.０.０.１",
        "127．0．0．1", "127。0｡0．1", "①②⑦.⓪.⓪.①", "[::ffff:127.0.0.1]",
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
    [
        "application.test", "localhost", "127.0.0.1.example.com", "256.1.1.1", "1.2.3.4.5", "1.2.3", "4294967296", "",
        "-1", "-0.1", "1_27.0.0.1", "+127.0.0.1", "0o177.0.0.1", "08.0.0.1", ".", "x" * 300, "127.0.0.1\x00",
    ],
)  # fmt: skip
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
