"""The facts that the double of Microsoft keeps to: each with its source, and each held by a test."""

from __future__ import annotations

from tests.doubles.facts import facts_of, marks_in

FACTS = facts_of("graph_facts.toml")
MARKED = marks_in("graph*.py", "record_graph.py", "microsoft/test_*.py")


def test_every_documented_or_reported_fact_is_held_by_a_test() -> None:
    sure = {fact["id"] for fact in FACTS if fact["kind"] != "assumed"}
    assert sure - marks_in("microsoft/test_*.py") == set()


def test_every_assumption_is_marked_where_it_is_made_or_tested() -> None:
    assumed = {fact["id"] for fact in FACTS if fact["kind"] == "assumed"}
    assert assumed - MARKED == set()


def test_no_mark_names_a_fact_that_is_not_there() -> None:
    assert MARKED - {fact["id"] for fact in FACTS} == set()
