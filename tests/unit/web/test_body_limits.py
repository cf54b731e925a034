"""What is looked at before a body is parsed: how deep it is nested, whatever texts and escapes are in it."""

from __future__ import annotations

import contextlib
import json
import time
from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from slotlink.errors import MalformedRequest
from slotlink.web import body
from slotlink.web.body import MAX_DEPTH, parse_json

PIECES = [b"[", b"]", b"{", b"}", b'"', b"\\", b'\\"', b"\\\\", b",", b":", b"1", b" ", b"\n", b"x", b"[[[[", b'{"a":']


def depth_of(content: bytes) -> int:
    """The plain way: byte by byte, as far as a parser could come before it must stop."""
    deepest = depth = 0
    in_text = escaped = False
    for byte in content:
        if in_text:
            in_text = escaped or byte != ord('"')
            escaped = not escaped and byte == ord("\\")
        elif byte == ord('"'):
            in_text = True
        elif byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest


@given(st.lists(st.sampled_from(PIECES), max_size=60).map(b"".join), st.integers(0, 40))
@example(b'"\\', 40)
@example(b'"\\\\"', 40)
def test_nothing_deep_reaches_the_parser(content: bytes, more: int) -> None:
    """Whatever comes before, between and after."""
    for written in (content, b"[" * more + content, content + b"[" * more, b"[" * more + content + b"]" * more):
        with patch.object(body.json, "loads", return_value={}) as parser, contextlib.suppress(MalformedRequest):
            parse_json(written)
        if parser.called:
            assert depth_of(written) <= MAX_DEPTH


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.text(max_size=5)
    | st.sampled_from(["[", '\\"{', "]"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=80,
)


@given(values, st.integers(0, 40))
def test_what_is_not_deep_is_read(value: object, more: int) -> None:
    for _ in range(more):
        value = [value, "]["]
    written = json.dumps(value).encode()
    if depth_of(written) <= MAX_DEPTH:
        assert parse_json(written) == value
    else:
        with pytest.raises(MalformedRequest, match="nested 32 deep"):
            parse_json(written)


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 500_000,
        b"[" * 250_000 + b"]" * 250_000,
        b"[" + b",".join([b"[]"] * 170_000) + b"]",
        b"[" * 33 + b'"\\"' * 170_000,
        b"[" * 33 + b'"' + b'\\"' * 250_000,
        b"[" * 33 + b'"' + b"\\" * 500_000,
        b"[" * 33 + b'"' * 500_000,
        b"{" + b",".join(b'"%x":[]' % n for n in range(45_000)) + b"}",
        b"[" + b"9" * 500_000 + b"]",
        b"[" + b",".join([b"9" * 4300] * 100) + b"]",
        b"[-0." + b"9" * 500_000 + b"]",
    ],
    ids=lambda content: content[:1].decode() + content[33:40].decode() + content[-5:].decode(),
)
def test_half_a_megabyte_of_anything_takes_no_time_to_speak_of(content: bytes) -> None:
    assert len(content) <= 512 * 1024
    began = time.process_time()
    with contextlib.suppress(MalformedRequest):
        parse_json(content)
    assert time.process_time() - began < 2


def test_of_two_members_of_one_name_the_last_counts() -> None:
    assert parse_json(b'{"a": 1, "b": 2, "a": 3}') == {"a": 3, "b": 2}


def test_integers_have_so_many_digits_and_no_more() -> None:
    assert parse_json(b"[" + b"9" * 4300 + b"]") == [10**4300 - 1]
    for digits in (b"9" * 4301, b"-" + b"9" * 4300, b"1" * 5000):
        with pytest.raises(MalformedRequest, match="too many digits"):
            parse_json(b"[" + digits + b"]")
