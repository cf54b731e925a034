"""A measured figure with its reference: how the two are kept, compared and printed."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from rich.table import Table

Samples = list[float]


@dataclass
class Figure:
    """One cost, sampled once a round, and what it is held against. Everything here is better when smaller.

    The ratio is reference / measured, round by round: 1 is as cheap as the reference, 0.5 costs twice as much.

    floor, goal  the least ratio that is tolerated, and the one that is wished for
    at_most      or: the goal is to cost at most so many times the reference
    limit        or: the goal is at most so much in the figure's own unit, whatever the reference
    """

    name: str
    unit: str
    reference: str
    measured: Samples = field(default_factory=list)
    referred: Samples = field(default_factory=list)
    floor: float | None = None
    goal: float | None = None
    at_most: float | None = None
    limit: float | None = None

    @property
    def ratios(self) -> Samples:
        return [reference / value for value, reference in zip(self.measured, self.referred, strict=True)]

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)

    @property
    def verdict(self) -> str:
        if self.at_most is not None:
            return _reached(1 / self.ratio <= self.at_most)
        if self.limit is not None:
            return _reached(statistics.median(self.measured) <= self.limit)
        if self.floor is None:
            return ""
        if self.goal is not None and self.ratio >= self.goal:
            return "goal reached"
        return "floor kept" if self.ratio >= self.floor else "BELOW FLOOR"

    @property
    def wanted(self) -> str:
        """Floor and goal in words, with the verdict; empty for a figure without."""
        if self.at_most is not None:
            return f"≤ {_times(self.at_most)}, is {_times(1 / self.ratio)}: {self.verdict}"
        if self.limit is not None:
            return f"≤ {self.limit:g}: {self.verdict}"
        return f"{self.floor} / {self.goal}: {self.verdict}" if self.floor is not None else ""

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "unit": self.unit,
            "reference": self.reference,
            "measured": _summary(self.measured),
            "referred": _summary(self.referred),
            "ratio": _summary(self.ratios),
            "floor": self.floor,
            "goal": self.goal,
            "at_most": self.at_most,
            "limit": self.limit,
            "verdict": self.verdict,
        }


def interleaved(rounds: int, probes: dict[str, Callable[[], float]]) -> dict[str, Samples]:
    """Run every probe once a round, in turn, with the order reversed every round: drift hits all of them alike."""
    samples: dict[str, Samples] = {name: [] for name in probes}
    for number in range(rounds):
        for name in list(probes) if number % 2 == 0 else reversed(probes):
            samples[name].append(probes[name]())
    return samples


def table(title: str, figures: Iterable[Figure]) -> Table:
    """Medians, each with its spread (minimum–maximum) over the rounds."""
    drawn = Table(title=title, title_justify="left")
    for column in ("figure", "unit"):
        drawn.add_column(column)
    drawn.add_column("measured", justify="right")
    drawn.add_column("reference")
    drawn.add_column("costs", justify="right")
    drawn.add_column("ratio", justify="right")
    drawn.add_column("floor / goal")
    for figure in figures:
        drawn.add_row(
            figure.name,
            figure.unit,
            _text(figure.measured),
            figure.reference,
            _text(figure.referred),
            _text(figure.ratios),
            figure.wanted,
        )
    return drawn


def _summary(samples: Samples) -> dict[str, Any]:
    return {
        "median": statistics.median(samples),
        "minimum": min(samples),
        "maximum": max(samples),
        "rounds": samples,
    }


def _reached(reached: bool) -> str:
    return "reached" if reached else "MISSED"


def _times(factor: float) -> str:
    """So many times the reference; a part of it as a fraction with one above the line."""
    return f"{factor:.3g}×" if factor >= 1 else f"1/{1 / factor:.3g}"


def _text(samples: Samples) -> str:
    median, lowest, highest = (_short(value) for value in (statistics.median(samples), min(samples), max(samples)))
    return f"{median} ({lowest}–{highest})"


def _short(value: float) -> str:
    return (
        f"{value:,.0f}" if value >= 100 else f"{value:.2g}" if value < 0.1 else f"{value:.{1 if value >= 10 else 2}f}"
    )
