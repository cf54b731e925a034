"""Who counts as looked at, and how often that is worth a write."""

from __future__ import annotations

import pytest

from slotlink.services import viewing
from slotlink.services.viewing import NOTED_EVERY_S, Viewing


def test_each_account_is_noted_once_in_a_while() -> None:
    noted = Viewing()
    assert noted.due("a", ["maya", "jonas"], 1000) == ["maya", "jonas"]
    assert noted.due("a", ["maya", "ines"], 1000 + NOTED_EVERY_S - 1) == ["ines"]
    assert noted.due("a", ["maya"], 1000 + NOTED_EVERY_S) == ["maya"]
    assert noted.due("b", ["maya"], 1000 + NOTED_EVERY_S) == ["maya"], "another application's"


def test_a_clock_that_was_set_back_hides_nobody() -> None:
    noted = Viewing()
    noted.due("a", ["maya"], 100_000)
    assert noted.due("a", ["maya"], 100_000 - 3600) == ["maya"]


def test_the_oldest_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewing, "REMEMBERED", 2)
    noted = Viewing()
    noted.due("a", ["1", "2", "3"], 1000)
    assert noted.due("a", ["2", "3"], 1001) == []
    assert noted.due("a", ["1"], 1001) == ["1"]
