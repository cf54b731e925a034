"""The C floor (floor.c): compiled when there is a compiler, and asked the same as the engine."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from array import array
from collections.abc import Iterable, Sequence
from itertools import accumulate
from pathlib import Path

from bench.engine_sweep import Answer
from bench.scenarios import FORMATS, Pairs, Scenario
from slotlink import engine

SOURCE = Path(__file__).with_name("floor.c")
COMPILERS = ("cc", "gcc", "clang")
OPTIONS = ("-O3", "-march=native", "-std=gnu11", "-shared", "-fPIC")
NO_COMPILER = f"no C compiler ({', '.join(COMPILERS)}): figures against the C floor are left out"

Library = ctypes.CDLL
_numbers = ctypes.POINTER(ctypes.c_int64)
_count = ctypes.c_int64


def compiled(folder: Path) -> Library | None:
    """The library, made in `folder`; None without a compiler. Raises CalledProcessError when it does not compile."""
    compiler = next(filter(None, map(shutil.which, COMPILERS)), None)
    if compiler is None:
        return None
    library = folder / "floor.so"
    subprocess.run([compiler, *OPTIONS, str(SOURCE), "-o", str(library)], check=True)
    loaded = ctypes.CDLL(str(library))
    loaded.answer.argtypes = (ctypes.POINTER(_Question), ctypes.c_int, ctypes.c_int)
    loaded.answer.restype = _count
    return loaded


class _Question(ctypes.Structure):
    """`question` in floor.c, field by field."""

    _fields_ = (
        *((name, _count) for name in ("members", "groups", "words")),
        *((name, _numbers) for name in ("event_at", "event_starts", "event_ends")),
        *((name, _numbers) for name in ("gap_at", "gap_counts", "gap_starts", "gap_ends")),
        *((name, _numbers) for name in ("window_at", "window_starts", "window_ends")),
        *((name, _numbers) for name in ("groups_of", "required")),
        *((name, _count) for name in ("begin", "end", "duration", "interval", "before", "after", "most")),
        *((name, _numbers) for name in ("starts", "ends", "masks")),
    )


class Floor:
    """One scenario laid out for the library. `answer` is what is measured; the rest reads its results afterwards."""

    def __init__(self, library: Library, scenario: Scenario, gaps: Sequence[engine.Gaps]) -> None:
        members = len(scenario.events)
        grid = (scenario.ends - scenario.begins) // scenario.interval + 1
        changes = 2 * sum(len(free.starts) + len(windows) for free, windows in zip(gaps, scenario.windows, strict=True))
        most = scenario.shape.max_results or max(grid, changes)
        room = [len(events) + 1 for events in scenario.events]  # no member has more gaps
        self._answer = library.answer
        self._words = -(-members // 64)
        self._duration = scenario.duration
        self._starts, self._ends = _zeros(most), _zeros(most)
        self._masks = _zeros(most * self._words)
        groups_of = [
            sum(1 << number for number, (group, _) in enumerate(scenario.groups) if member in set(group))
            for member in range(members)
        ]
        self._question = _Question(
            *(members, len(scenario.groups), self._words),
            *(_offsets(scenario.events), *_columns(scenario.events)),
            *(_offsets_of(room), _numbers_of(len(free.starts) for free in gaps), *_gap_columns(gaps, room)),
            *(_offsets(scenario.windows), *_columns(scenario.windows)),
            *(_numbers_of(groups_of), _numbers_of(required for _, required in scenario.groups)),
            *(scenario.begins, scenario.ends, scenario.duration, scenario.interval, scenario.before, scenario.after),
            most,
            *(self._starts, self._ends, self._masks),
        )
        self._reference = ctypes.byref(self._question)

    def answer(self, response_format: str, *, cold: bool) -> int:
        """The number of results. From event lists when `cold`, else from the gaps."""
        return self._answer(self._reference, FORMATS.index(response_format), cold)

    def answers(self, response_format: str, *, cold: bool) -> list[Answer]:
        """The results as the plain sweep gives them."""
        return [
            (self._starts[i], self._ends[i], tuple(self._members(i)))
            for i in range(self.answer(response_format, cold=cold))
        ]

    def _members(self, result: int) -> Iterable[int]:
        for word in range(self._words):
            mask = self._masks[result * self._words + word]
            yield from (word * 64 + bit for bit in range(64) if mask >> bit & 1)


def _numbers_of(values: Iterable[int]) -> ctypes.Array[ctypes.c_int64]:
    numbers = array("q", values)
    return (_count * len(numbers)).from_buffer(numbers)


def _zeros(count: int) -> ctypes.Array[ctypes.c_int64]:
    return (_count * count)()


def _offsets_of(lengths: Iterable[int]) -> ctypes.Array[ctypes.c_int64]:
    return _numbers_of(accumulate(lengths, initial=0))


def _offsets(lists: list[Pairs]) -> ctypes.Array[ctypes.c_int64]:
    return _offsets_of(map(len, lists))


def _columns(lists: list[Pairs]) -> Iterable[ctypes.Array[ctypes.c_int64]]:
    return [_numbers_of(pair[side] for pairs in lists for pair in pairs) for side in (0, 1)]


def _gap_columns(gaps: Sequence[engine.Gaps], room: list[int]) -> Iterable[ctypes.Array[ctypes.c_int64]]:
    """Each member's gaps, followed by as many zeros as fill its room."""
    columns: list[ctypes.Array[ctypes.c_int64]] = []
    for side in ("starts", "ends"):
        column = array("q")
        for free, size in zip(gaps, room, strict=True):
            column.extend(getattr(free, side))
            column.extend([0] * (size - len(free.starts)))
        columns.append(_numbers_of(column))
    return columns
