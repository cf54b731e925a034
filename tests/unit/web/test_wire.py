"""The wire's own types: what they take, what they refuse, and by which name."""

from typing import Any

import pytest
from pydantic_core import PydanticCustomError

from slotlink.web.body import form_members, pairs_to_members, parse_json, path_of, without_nulls
from slotlink.web.render import matches
from slotlink.web.wire import parse_date, parse_duration, parse_time


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01 00:00:00Z", 0),
        ("1970-01-01t00:00:01z", 1),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1969-12-31T18:30:00-0530", 0),
        ("1970-01-01T00:00:00.000Z", 0),
        ("1970-01-01T00:00:00 UTC", 0),
        ("1970-01-01T00:00:00+00:00", 0),
        ("2999-12-31T23:59:59Z", 32_503_679_999),
        ("1900-01-01T00:00:00Z", -2_208_988_800),
    ],
)
def test_a_time_is_read_in_every_form_that_clients_send(text: str, seconds: int) -> None:
    assert parse_time(text) == seconds


NO_TIMES: list[Any] = [
    "",
    "2027-03-05",
    "2027-03-05T09:00Z",
    "2027-03-05T09:00:00",
    "2027-03-05T09:00:00.001Z",
    "2027-03-05T24:00:00Z",
    "2027-03-05T23:59:60Z",
    "2027-02-29T00:00:00Z",
    "2027-03-05T09:00:00Z ",
    "2027-03-05T09:00:00Z\n",
    "２０２７-03-05T09:00:00Z",
    "1899-12-31T23:59:59Z",
    "3000-01-01T00:00:00Z",
    "2027-03-05T09:00:00+25:00",
    7,
    None,
    ["2027-03-05T09:00:00Z"],
]


@pytest.mark.parametrize("value", NO_TIMES)
def test_anything_else_is_no_time(value: Any) -> None:
    with pytest.raises(PydanticCustomError) as refused:
        parse_time(value)
    assert refused.value.type == "errors.invalid_format"


@pytest.mark.parametrize("value", ["", "2027-3-5", "2027-02-29", "20270305", "1899-01-01", "3000-01-01", 7, None])
def test_a_date_is_a_day_of_the_calendar(value: Any) -> None:
    assert parse_date("2028-02-29").isoformat() == "2028-02-29"
    with pytest.raises(PydanticCustomError) as refused:
        parse_date(value)
    assert refused.value.type == "errors.must_be_date"


def test_a_length_is_minutes_hours_or_both() -> None:
    assert parse_duration({"minutes": 90}) == parse_duration(90) == parse_duration({"hours": 1, "minutes": 30}) == 5400
    assert parse_duration({"hours": 2, "more": "x"}) == 7200
    wrong: list[Any] = [{}, {"minutes": -1}, {"hours": 1, "minutes": 60}, {"minutes": 1.0}, {"minutes": True}, True]
    for value in [*wrong, "30", None, [30], {"hours": "1"}, {"seconds": 60}]:
        with pytest.raises(PydanticCustomError):
            parse_duration(value)


def test_a_path_is_dotted_with_indexes_in_brackets() -> None:
    assert path_of(("availability", "query_periods", 0, "end")) == "availability.query_periods[0].end"
    assert path_of(("members", 1, 2)) == "members[1][2]"
    assert path_of(()) == "base"


def test_null_members_are_absent_at_every_depth_but_list_items_stay() -> None:
    assert without_nulls({"a": None, "b": {"c": None, "d": [None, {"e": None}]}}) == {"b": {"d": [None, {}]}}


def test_form_names_with_brackets_make_lists() -> None:
    assert form_members(b"a[]=1&a%5B%5D=2&b=x&b=y&c=") == {"a": ["1", "2"], "b": "y", "c": ""}
    assert pairs_to_members([("a", "1"), ("a[]", "2")]) == {"a": "1"}


def test_json_is_read_as_it_is_meant_to_be() -> None:
    assert parse_json(b'{"a": "\\u00e9", "b": 1e3}') == {"a": "é", "b": 1000.0}


def test_entity_tags_are_compared_weakly() -> None:
    assert all(matches(given, '"x"') for given in ('"x"', 'W/"x"', "*", ' "a" , W/"x"', '"a","x"'))
    assert not any(matches(given, '"x"') for given in (None, "", "x", '"X"', '"a", "b"', 'w/"x"'))
