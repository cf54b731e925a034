"""The facts that a double keeps to, and the places that say so: `fact: id` in a comment or a docstring."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

FOLDER = Path(__file__).parent
MARK = re.compile(r"fact: ([a-z0-9.-]+)")
Fact = dict[str, str]


def facts_of(file: str) -> list[Fact]:
    """Of a TOML file beside this one. Each says what, where from, and how sure; AssertionError when one does not."""
    facts: list[Fact] = tomllib.loads((FOLDER / file).read_text())["fact"]
    assert len({fact["id"] for fact in facts}) == len(facts) > 100
    for fact in facts:
        assert fact.keys() == {"id", "kind", "rule", "source", "read"}, fact
        assert fact["kind"] in {"documented", "reported", "assumed"}, fact
        assert fact["kind"] == "assumed" or fact["source"].startswith("https://"), fact
    return facts


def marks_in(*patterns: str) -> set[str]:
    """The facts that files beside this one name."""
    files = [file for pattern in patterns for file in FOLDER.glob(pattern)]
    return {mark for file in files for mark in MARK.findall(file.read_text())}
