"""The samples: calendar files written by us, each with a trap in it, and what expected.toml says that they mean."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from slotlink.engine import Period, join_periods

FOLDER = Path(__file__).parent
Taken = dict[str, list[str]]
"""Kind → periods, as "start/end" on Berlin's clock, so that a failing test can be read."""


@dataclass(frozen=True, slots=True)
class Sample:
    """`unowned` is what the file means where nobody's addresses are known. `error`: a pattern of why it is refused."""

    name: str
    raw: bytes
    zone: str
    window: Period
    owner: tuple[str, ...]
    taken: Taken
    unowned: Taken
    error: str | None


def taken_in(window: Period, blocking: Iterable[tuple[str, int, int]]) -> Taken:
    """(kind, start, end) as expected.toml writes them: clipped, joined, without what is free."""
    periods: dict[str, list[tuple[int, int]]] = {"busy": [], "tentative": []}
    for kind, start, end in blocking:
        if kind != "free" and start < window.end and end > window.start:
            periods[kind].append((max(start, window.start), min(end, window.end)))
    return {kind: [shown(start, end) for start, end in join_periods(found)] for kind, found in periods.items()}


def shown(start: int, end: int) -> str:
    berlin = ZoneInfo("Europe/Berlin")
    return "/".join(datetime.fromtimestamp(each, berlin).isoformat(timespec="minutes") for each in (start, end))


def _period(pair: list[str]) -> Period:
    start, end = (int(datetime.fromisoformat(each).timestamp()) for each in pair)
    return Period(start, end)


def _sample(name: str, written: dict[str, Any], zone: str, window: list[str]) -> Sample:
    unknown = written.keys() - {
        "window", "owner", "busy", "tentative", "unowned_busy", "unowned_tentative", "error",
    }  # fmt: skip
    if unknown:
        raise ValueError(f"{name} has {unknown}")
    taken = {kind: [shown(*_period(each)) for each in written.get(kind, [])] for kind in ("busy", "tentative")}
    unowned = {
        kind: [shown(*_period(each)) for each in written.get(f"unowned_{kind}", written.get(kind, []))]
        for kind in ("busy", "tentative")
    }
    return Sample(
        name=name,
        raw=(FOLDER / f"{name}.ics").read_bytes(),
        zone=zone,
        window=_period(written.get("window", window)),
        owner=tuple(written.get("owner", ())),
        taken=taken,
        unowned=unowned,
        error=written.get("error"),
    )


def _read() -> list[Sample]:
    written = tomllib.loads((FOLDER / "expected.toml").read_text())
    zone, window = written.pop("zone"), written.pop("window")
    return [_sample(name, each, zone, window) for name, each in written.items()]


SAMPLES = _read()
READABLE = [sample for sample in SAMPLES if sample.error is None]
REFUSED = [sample for sample in SAMPLES if sample.error is not None]
