"""Calendars that live elsewhere: reading them, expanding what repeats, the page of a link whose people have them, and
the look before a booking. The provider is a local Radicale on the core of the load; its CPU is in no figure but the one
that is named after it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import icalendar
import recurring_ical_events

from bench.calendar_looks import look_figures
from bench.calendar_objects import DAY, OWNER, TZID, CalendarObject, usual_objects
from bench.calendar_pages import page_figures
from bench.calendar_reader import Cost, Reader
from bench.engine_contest import THREAD_US, cpu_us
from bench.figures import Figure, Samples, interleaved
from bench.load import Load
from bench.radicale import Radicale
from bench.scenarios import TEN_PEOPLE, Shape
from slotlink.services.mirrored import horizon
from slotlink.services.occurrences import stored_occurrences

PLAIN = "fetched by the same client, parsed by icalendar alone"
ORACLE = "recurring-ical-events"
CPU_US = "CPU µs an event"
USER = "alice"


@dataclass(frozen=True)
class CalendarEffort:
    """A calendar of `events`, of which `repeating` repeat, read anew in `reads` rounds; `changed` differ at the read
    after that. `expanded`: how many repeating ones are expanded. `people`: whose page is shown, for `page_s` a sample.
    `looked_at`: events of each whose calendar is looked at."""

    events: int
    repeating: int
    changed: int
    reads: int
    expanded: int
    people: Shape
    page_s: float
    looked_at: int


WHOLE_CALENDARS = CalendarEffort(
    events=10_000,
    repeating=2_000,
    changed=10,
    reads=1,
    expanded=200,
    people=TEN_PEOPLE,
    page_s=1,
    looked_at=60,
)
LEAST_CALENDARS = CalendarEffort(
    events=20,
    repeating=4,
    changed=2,
    reads=1,
    expanded=2,
    people=Shape("ten people", ((3, 3),), 5, 4, max_results=None),
    page_s=0.05,
    looked_at=42,
)


def calendar_figures(load: Load, effort: CalendarEffort, rounds: int, folder: Path) -> list[Figure]:
    today = int(time.time()) // DAY * DAY
    objects = usual_objects(effort.events, effort.repeating, today)
    with Radicale(folder / "radicale") as radicale:
        figures = reading_figures(radicale, objects, effort, folder)
        people = effort.people.members
        figures += look_figures(radicale, people, effort.looked_at, effort.events, rounds, folder / "looks")
    figures += expansion_figures([each for each in objects if each.repeats][: effort.expanded], rounds)
    return figures + page_figures(load, effort.people, rounds, effort.page_s, folder / "pages")


def reading_figures(
    radicale: Radicale, objects: list[CalendarObject], effort: CalendarEffort, folder: Path
) -> list[Figure]:
    """All of a calendar into an empty mirror, then what has changed."""
    radicale.fill(USER, objects)
    first: dict[str, list[Cost]] = {"slotlink": [], "plain": []}
    again: dict[str, list[Cost]] = {"slotlink": [], "plain": []}
    radicale_s: Samples = []

    def read(way: str, number: int) -> None:
        with Reader(way, folder / f"reader {number}", radicale, USER) as reader:
            before = radicale.cpu_s()
            first[way].append(reader.read())
            if way == "slotlink":
                radicale_s.append(radicale.cpu_s() - before)
            changed = objects[number * effort.changed :: len(objects) // effort.changed][: effort.changed]
            radicale.fill(USER, [each.retitled() for each in changed])
            again[way].append(reader.read())
            radicale.fill(USER, changed)
            assert (first[way][-1].objects, again[way][-1].objects) == (len(objects), effort.changed)

    for number in range(effort.reads):
        for way in list(first) if number % 2 == 0 else reversed(first):
            read(way, number)
    name, an_event = f"first read of {len(objects):,} events, {effort.repeating:,} repeating", 1e6 / len(objects)

    def cpu_s(costs: dict[str, list[Cost]], way: str) -> Samples:
        return [cost.cpu_s for cost in costs[way]]

    ours, plain = (_times(cpu_s(first, way), an_event) for way in first)
    memory, plain_memory = ([cost.peak_mib for cost in first[way]] for way in first)
    next_ours, next_plain = (_times(cpu_s(again, way), 1000) for way in again)
    return [
        Figure(name, CPU_US, PLAIN, ours, plain),
        Figure(f"{name}: memory at most", "MiB more", PLAIN, memory, plain_memory),
        Figure(f"{name}: Radicale's part", CPU_US, "ours", _times(radicale_s, an_event), ours),
        Figure(f"next read, {effort.changed} of them changed", "CPU ms", PLAIN, next_ours, next_plain),
    ]


def _times(samples: Samples, factor: float) -> Samples:
    return [sample * factor for sample in samples]


def expansion_figures(objects: list[CalendarObject], rounds: int) -> list[Figure]:
    """Text to occurrences over what a mirror knows. Nothing is timed before both find as many."""
    within = horizon(int(time.time()))
    start, end = (datetime.fromtimestamp(each, UTC) for each in (within.start, within.end))

    def ours() -> int:
        return sum(
            len(stored_occurrences(each.text, TZID, within.start, within.end, owner_addresses=[OWNER]))
            for each in objects
        )

    def oracle() -> int:
        return sum(
            len(recurring_ical_events.of(icalendar.Calendar.from_ical(each.text)).between(start, end))
            for each in objects
        )

    found, expected = ours(), oracle()
    assert found == expected, f"{found} occurrences, where {ORACLE} finds {expected}"
    probes: dict[str, Callable[[], float]] = {
        way.__name__: lambda way=way: cpu_us(way, 0) / len(objects) for way in (ours, oracle)
    }
    samples = interleaved(rounds, probes)
    name = f"expansion of one of {len(objects)} repeating events, {found / len(objects):.0f} occurrences each"
    return [Figure(name, THREAD_US, ORACLE, samples["ours"], samples["oracle"])]
