"""The facts that the double of Google keeps to: each with its source, and each held somewhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

FOLDER = Path(__file__).parent
FACTS = tomllib.loads((FOLDER / "google_facts.toml").read_text())["fact"]
MARK = re.compile(r"fact: ([a-z0-9.-]+)")


def _marks() -> set[str]:
    files = [*FOLDER.glob("google*.py"), *FOLDER.glob("test_google*.py"), FOLDER / "oauth.py"]
    return {mark for file in files for mark in MARK.findall(file.read_text())}


def test_every_fact_says_what_where_and_how_sure() -> None:
    assert len({fact["id"] for fact in FACTS}) == len(FACTS) > 100
    for fact in FACTS:
        assert fact.keys() == {"id", "kind", "rule", "source", "read"}, fact
        assert fact["kind"] in {"documented", "reported", "assumed"}, fact
        assert fact["kind"] == "assumed" or fact["source"].startswith("https://"), fact


def test_every_fact_is_held_by_a_test_or_marked_in_the_code() -> None:
    known = {fact["id"] for fact in FACTS}
    assert known - _marks() == set()


def test_no_mark_names_a_fact_that_is_not_there() -> None:
    assert _marks() - {fact["id"] for fact in FACTS} == set()
