"""Ask Spin: make a verifier of booking.pml, search every state, and read what it says.

Exhaustive: no bit states, no hash compaction. A search that was cut short counts as a failure."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from model.checks import Check

SOURCE = Path(__file__).with_name("booking.pml")
PROGRAMS = ("spin", "gcc")
DEEPEST = 1_000_000  # steps of one search path
MOST_MIB = 1500  # of memory, for one search
CUT_SHORT = ("Search not completed", "max search depth too small")


class Unusable(Exception):
    """Spin or the compiler is missing, or refuses the model."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`broken`: who broke which invariant ("Visitor: I3"), "deadlock", "I4 never", or nothing.

    `unreached`: lines of the model that no search path came by; empty where a fault ended the search."""

    check: Check
    broken: str
    states: int
    depth: int
    mib: float
    seconds: float
    unreached: tuple[str, ...]
    trail: str

    @property
    def expected(self) -> bool:
        return self.broken == self.check.breaks and not self.unreached


def missing() -> str | None:
    """What has to be installed first, or None."""
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    return " and ".join(absent) or None


def ask(check: Check, source: Path = SOURCE) -> Verdict:
    """Search the whole state space, up to the first fault. Raises Unusable."""
    with tempfile.TemporaryDirectory(prefix="slotlink-model-") as name:
        folder = Path(name)
        shutil.copy(source, folder / SOURCE.name)
        began = time.monotonic()
        defines = [f"-D{define}" for define in check.defines]
        _run(folder, "spin", "-a", *defines, SOURCE.name)
        # A fault is found within seconds: compiling for speed would take longer than it saves.
        _run(folder, "gcc", "-w", "-O0" if check.breaks else "-O1", *_options(check), "-o", "pan", "pan.c")
        said = _run(folder, "./pan", f"-m{DEEPEST}", *(("-a", "-f") if check.live else ()))
        complaint = re.search(r"^pan:\d+: (.+) \(at depth \d+\)", said, re.MULTILINE)
        trail = _run(folder, "spin", "-t", "-p", *defines, SOURCE.name) if complaint else ""
        if not complaint and any(sign in said for sign in CUT_SHORT):
            raise Unusable(f"{check.name}: the search was cut short\n{said}")
        return Verdict(
            check,
            _broken(complaint[1], trail, source) if complaint else "",
            states=int(_number(said, r"(\d+) states, stored")),
            depth=int(_number(said, r"depth reached (\d+)")),
            mib=_number(said, r"([\d.]+)\s+total actual memory usage"),
            seconds=time.monotonic() - began,
            unreached=() if check.breaks or check.live else _unreached(said),
            trail=trail,
        )


def _options(check: Check) -> tuple[str, ...]:
    """NFAIR=3: weak fairness among more than six processes."""
    return (f"-DMEMLIM={MOST_MIB}", *(("-DNFAIR=3",) if check.live else ("-DSAFETY", "-DNOCLAIM")))


def _broken(complaint: str, trail: str, source: Path) -> str:
    """The invariant is named in the comment beside the assertion that failed."""
    if complaint == "acceptance cycle":
        return "I4 never"
    if complaint == "invalid end state":
        return "deadlock"
    failed = re.search(rf"{SOURCE.name}:(\d+), Error: assertion violated", trail)
    movers = re.findall(r"proc +\d+ \((\w+):", trail.partition("#processes")[0])
    if failed is None or not movers:
        return complaint
    line = source.read_text().splitlines()[int(failed[1]) - 1]
    named = re.search(r"/\* (I\d|fence)\b", line)
    return f"{movers[-1]}: {named[1] if named else line.strip()}"


def _unreached(said: str) -> tuple[str, ...]:
    """Statements that nothing leads to, as `line: statement`: what the search did not look at it has not proved."""
    found = re.findall(rf"^\t{SOURCE.name}:(\d+), state \d+, \"(.*)\"$", said, re.MULTILINE)
    return tuple(f"{line}: {statement}" for line, statement in found if statement != "-end-")


def _number(said: str, pattern: str) -> float:
    found = re.search(pattern, said)
    if found is None:
        raise Unusable(f"the verifier did not say what it searched:\n{said}")
    return float(found[1])


def _run(folder: Path, *command: str) -> str:
    done = subprocess.run(  # noqa: S603 - our own words only
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    # The verifier says by its words what it found; spin and gcc say by their exit that they refuse.
    if done.returncode != 0 and command[0] != "./pan" and "-t" not in command:
        raise Unusable(f"{' '.join(command)} failed:\n{done.stdout}")
    return done.stdout
