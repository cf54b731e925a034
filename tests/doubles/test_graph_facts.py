"""The facts that the double of Microsoft keeps to: each with its source, and each held by a test."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

FOLDER = Path(__file__).parent
FACTS = tomllib.loads((FOLDER / "graph_facts.toml").read_text())["fact"]
MARK = re.compile(r"fact: ([a-z0-9.-]+)")


def _marks(pattern: str) -> set[str]:
    return {mark for file in FOLDER.glob(pattern) for mark in MARK.findall(file.read_text())}


def test_every_fact_says_what_where_and_how_sure() -> None:
    assert len({fact["id"] for fact in FACTS}) == len(FACTS) > 100
    for fact in FACTS:
        assert fact.keys() == {"id", "kind", "rule", "source", "read"}, fact
        assert fact["kind"] in {"documented", "reported", "assumed"}, fact
        assert fact["kind"] == "assumed" or fact["source"].startswith("https://"), fact


def test_every_documented_or_reported_fact_is_held_by_a_test() -> None:
    sure = {fact["id"] for fact in FACTS if fact["kind"] != "assumed"}
    assert sure - _marks("test_graph*.py") == set()


def test_every_assumption_is_marked_where_it_is_made_or_tested() -> None:
    assumed = {fact["id"] for fact in FACTS if fact["kind"] == "assumed"}
    assert assumed - _marks("*graph*.py") == set()


def test_no_mark_names_a_fact_that_is_not_there() -> None:
    assert _marks("*graph*.py") - {fact["id"] for fact in FACTS} == set()
