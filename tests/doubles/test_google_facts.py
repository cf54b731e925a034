"""The facts that the double of Google keeps to: each with its source, and each held somewhere."""

from __future__ import annotations

from tests.doubles.facts import facts_of, marks_in

FACTS = facts_of("google_facts.toml")
MARKED = marks_in("google*.py", "test_google*.py", "oauth.py")


def test_every_fact_is_held_by_a_test_or_marked_in_the_code() -> None:
    assert {fact["id"] for fact in FACTS} - MARKED == set()


def test_no_mark_names_a_fact_that_is_not_there() -> None:
    assert MARKED - {fact["id"] for fact in FACTS} == set()
