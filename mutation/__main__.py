"""`python -m mutation`: plant every fault that mutmut knows, one at a time, and count those that the tests notice.

All happens in a copy of the tree, which is gone afterwards."""

from __future__ import annotations

import argparse
import contextlib
import fnmatch
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from mutation.modules import FIRST, MODULES, NOT_FIRST, SECOND
from mutation.planting import Mutant, difference, plant

LEAST = 0.9
"""The share of mutants that has to be noticed, of each module."""
SECOND_LOOK_S = 900
MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it

# noticed, slow tests (noticed by those alone), too slow (given up, which counts as noticed), survived
Fates = dict[Mutant, str]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m mutation", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="without the second look at survivors, on PostgreSQL")
    parser.add_argument("--only", metavar="PATTERN", default="*", help="of these functions alone: '*x_book_slot*'")
    parser.add_argument("--keep", metavar="FOLDER", type=Path, help="work in this folder, and leave it there")
    given = parser.parse_args()
    folder: Path = (given.keep or Path(tempfile.mkdtemp(prefix="slotlink-mutation-"))).resolve()
    (folder / "temporary").mkdir(parents=True, exist_ok=True)
    try:
        planted = plant(Path(__file__).parent.parent, folder, MODULES)
        fates = look_first(folder, [mutant for mutant in planted if fnmatch.fnmatch(mutant.chosen_by, given.only)])
        if not given.quick:
            look_again(folder, fates)
        for mutant, fate in fates.items():
            if fate == "survived":
                print(f"{mutant.shown}\n{difference(folder, mutant)}")
        Console(width=None if sys.stdout.isatty() else 100).print(table(fates))
    finally:
        os.chdir("/")
        if given.keep is None:
            shutil.rmtree(folder)
    if min(share(fates, module) for module in modules_of(fates)) < LEAST:
        sys.exit(f"error: of each module at least {LEAST:.0%} must be noticed")


def look_first(folder: Path, mutants: Sequence[Mutant]) -> Fates:
    """Each mutant against the quick tests, on SQLite. Exits when those fail by themselves."""
    shuffled = random.Random(1).sample(mutants, len(mutants))  # noqa: S311 - so that progress tells what to expect
    (folder / "mutants.json").write_text(
        json.dumps([{"chosen_by": mutant.chosen_by, "function": mutant.function} for mutant in shuffled])
    )
    options = ["-s", "-p", "mutation.forking", "--timeout", "20", "-k", f"not ({NOT_FIRST})"]
    # In memory, where that can be had: the databases of the tests wait for the disk at every commit.
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else folder) as temporary:
        environ = {**_environ(folder), "MUTATION_FOLDER": str(folder), "TMPDIR": temporary}
        code = _run([*options, *FIRST], folder, environ)
    found = folder / "fates.json"
    if code != 0 or not found.exists():
        sys.exit(f"error: the tests cannot be run: pytest ended with {code}")
    fates = json.loads(found.read_text())
    return {mutant: fates[mutant.chosen_by] for mutant in mutants}


def look_again(folder: Path, fates: Fates) -> None:
    """Each survivor against the slow tests: PostgreSQL, other processes, every other way to a link."""
    survivors = [mutant for mutant, fate in fates.items() if fate == "survived"]
    for number, mutant in enumerate((None, *survivors)):
        print(f"second look {number}/{len(survivors)}", file=sys.stderr, flush=True)
        environ = {**_environ(folder), "MUTANT_UNDER_TEST": "" if mutant is None else mutant.chosen_by}
        code = _run(["-x", *SECOND], folder, environ, SECOND_LOOK_S)
        if mutant is not None and code != 0:
            fates[mutant] = "slow tests"
        elif code != 0:
            sys.exit("error: the slow tests fail without any mutant")


def _environ(folder: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(folder / "src"), "TMPDIR": str(folder / "temporary")}


def _run(options: Sequence[str], folder: Path, environ: dict[str, str], limit_s: float | None = None) -> int:
    """Pytest's exit code; 1 for what takes too long. Ends everything that was started, servers too."""
    command = [sys.executable, "-m", "pytest", *options]
    said = None if limit_s is None else subprocess.DEVNULL
    with subprocess.Popen(  # noqa: S603 - our own words only
        command, cwd=folder, env=environ, stdout=said, stderr=said, start_new_session=True
    ) as process:
        try:
            return process.wait(limit_s)
        except subprocess.TimeoutExpired:
            return 1
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def modules_of(fates: Fates) -> list[str]:
    return list(dict.fromkeys(mutant.module for mutant in fates))


def share(fates: Fates, module: str | None) -> float:
    """What share of a module's mutants was noticed; of all when None."""
    counted = Counter(fate for mutant, fate in fates.items() if module in (mutant.module, None))
    return 1 - counted["survived"] / counted.total()


def table(fates: Fates) -> Table:
    shown = Table("module", title="Mutants", title_justify="left")
    for heading in ("planted", "noticed", "slow tests", "too slow", "survived", "share"):
        shown.add_column(heading, justify="right")
    for module in (*modules_of(fates), None):
        counted = Counter(fate for mutant, fate in fates.items() if module in (mutant.module, None))
        numbers = (
            counted.total(),
            counted.total() - counted["survived"],
            counted["slow tests"],
            counted["too slow"],
            counted["survived"],
        )
        shown.add_row(
            (module or "all").removeprefix("src/slotlink/"), *map(str, numbers), f"{share(fates, module):.1%}"
        )
    return shown


if __name__ == "__main__":
    main()
