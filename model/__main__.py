"""`python -m model`: search the whole model, and see that Spin refuses every fault planted in it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from rich.console import Console
from rich.table import Table

from model.checks import FAULTS, QUICK, SOUND, Check
from model.spin import Unusable, Verdict, ask, missing


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m model", description=__doc__)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--quick", action="store_true", help="the model as the code is, and three faults")
    which.add_argument("--trace", metavar="FAULT", choices=[fault.name for fault in FAULTS], help="print how it ends")
    given = parser.parse_args()
    absent = missing()
    if absent is not None:
        sys.exit(f"error: {absent} not found; on Debian or Ubuntu: apt-get install spin gcc")
    try:
        if given.trace:
            print(ask(next(fault for fault in FAULTS if fault.name == given.trace)).trail)
            return
        verdicts = list(run(QUICK if given.quick else (*SOUND, *FAULTS)))
    except Unusable as error:
        sys.exit(f"error: {error}")
    Console(width=None if sys.stdout.isatty() else 140).print(table(verdicts))
    for verdict in verdicts:
        if not verdict.expected:
            print(explain(verdict), file=sys.stderr)
    sys.exit(not all(verdict.expected for verdict in verdicts))


def run(checks: Iterable[Check]) -> Iterator[Verdict]:
    """Ask about all, two at a time (each may need some hundred MiB), in the order given. Raises Unusable."""
    with ThreadPoolExecutor(max_workers=min(2, os.cpu_count() or 1)) as pool:
        yield from pool.map(ask, checks)


def explain(verdict: Verdict) -> str:
    check = verdict.check
    if verdict.unreached:
        return f"{check.name}: nothing leads to these lines of booking.pml: {'; '.join(verdict.unreached)}"
    return f"{check.name}: expected {check.breaks or 'nothing broken'}, found {verdict.broken or 'nothing broken'}"


def table(verdicts: Iterable[Verdict]) -> Table:
    shown = Table("check", "what", "found", title="booking.pml, searched whole", title_justify="left")
    for heading in ("states", "depth", "MiB", "s"):
        shown.add_column(heading, justify="right")
    for verdict in verdicts:
        shown.add_row(
            verdict.check.name,
            verdict.check.what,
            ("" if verdict.expected else "WRONG: ") + (verdict.broken or "nothing broken"),
            f"{verdict.states:,}",
            f"{verdict.depth:,}",
            f"{verdict.mib:.0f}",
            f"{verdict.seconds:.1f}",
        )
    return shown


if __name__ == "__main__":
    main()
