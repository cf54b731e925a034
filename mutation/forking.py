"""A plugin for pytest: collects once, then runs in a process of its own, for each mutant, the tests that reach it.

MUTATION_FOLDER names where `mutants.json` is read and `fates.json` is written."""

from __future__ import annotations

import gc
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest
import structlog
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.state import state
from tests.center import _migrated_file  # pyright: ignore[reportPrivateUsage]

PASSED, FAILED, TIMED_OUT = 0, 1, 2
ENOUGH_S = 30
"""A mutant that survives so many seconds of tests is left to the second look."""
LIMIT_S = 300
"""A mutant that takes so long is given up."""

# Drawn with every variable of every frame, as is the default, one logged fault takes seconds.
structlog.configure(
    processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()],
    logger_factory=structlog.ReturnLoggerFactory(),
)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    if session.testsfailed:
        raise session.Interrupted("tests cannot be collected")
    folder = Path(os.environ["MUTATION_FOLDER"])
    _migrated_file()  # made once, for all
    gc.freeze()
    learnt = folder / "learnt.json"
    code, failed = _in_child(lambda: _learn(session, learnt), limit_s=3600)
    if code != PASSED:
        raise session.Interrupted(f"without any mutant, this fails: {failed}")
    reached: dict[str, dict[str, float]] = json.loads(learnt.read_text())
    mutants: list[dict[str, str]] = json.loads((folder / "mutants.json").read_text())
    items = {item.nodeid: item for item in session.items}
    noticed_by: dict[str, Counter[str]] = defaultdict(Counter)
    fates: dict[str, str] = {}
    for number, mutant in enumerate(mutants, 1):
        costs, kills = reached.get(mutant["function"], {}), noticed_by[mutant["function"]]
        # What has noticed most mutants of this function, then what is fastest.
        names = sorted(costs, key=lambda name: (-kills[name], costs[name]))
        spent = accumulate(costs[name] for name in names)
        tests = [items[name] for name, until in zip(names, spent, strict=True) if until <= ENOUGH_S or kills[name]]
        code, failed = _in_child(lambda: _run(tests, mutant["chosen_by"]), LIMIT_S)  # noqa: B023 - called at once
        kills.update([failed] if failed else [])
        fates[mutant["chosen_by"]] = {PASSED: "survived", FAILED: "noticed"}.get(code, "too slow")
        if number % 50 == 0 or number == len(mutants):
            (folder / "fates.json").write_text(json.dumps(fates))
            survivors = list(fates.values()).count("survived")
            print(f"{number}/{len(mutants)} tried, {survivors} survived", file=sys.stderr, flush=True)
    return True


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> None:
    """The first failure is all we want to know: no traceback, nothing is cleaned up."""
    if call.excinfo is not None and not isinstance(call.excinfo.value, pytest.skip.Exception):
        os.write(_told, item.nodeid.encode())
        # pytest-timeout's own words
        os._exit(TIMED_OUT if str(call.excinfo.value).startswith("Timeout (") else FAILED)


_told = -1
"""In a child: where the name of the test that failed goes."""


def _learn(session: pytest.Session, learnt: Path) -> None:
    """Run every test, and note how long it takes and which functions it reaches."""
    reached: dict[str, dict[str, float]] = {}
    set_mutant_under_test("stats")
    for item, following in zip(session.items, [*session.items[1:], None], strict=True):
        state()._stats.clear()  # pyright: ignore[reportPrivateUsage]
        began = time.perf_counter()
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        for function in state()._stats:  # pyright: ignore[reportPrivateUsage]
            reached.setdefault(function, {})[item.nodeid] = time.perf_counter() - began
    learnt.write_text(json.dumps(reached))


def _run(tests: Sequence[pytest.Item], mutant: str) -> None:
    set_mutant_under_test(mutant)
    for item, following in zip(tests, [*tests[1:], None], strict=True) if tests else ():
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)


def _in_child(work: Callable[[], None], limit_s: float) -> tuple[int, str]:
    """How `work` ended in a process of its own, and which test failed in it. Negative when it had to be ended."""
    global _told
    reading, writing = os.pipe()
    temporary = tempfile.mkdtemp()
    pid = os.fork()
    if pid == 0:
        code = FAILED
        try:
            _told = writing
            os.environ["PYTEST_DEBUG_TEMPROOT"] = temporary
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            work()
            code = PASSED
        finally:
            os._exit(code)
    os.close(writing)
    ends = time.monotonic() + limit_s
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            break
        if time.monotonic() > ends:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.005)
    with os.fdopen(reading, "rb") as told:
        failed = told.read().decode()
    shutil.rmtree(temporary, ignore_errors=True)
    return os.waitstatus_to_exitcode(status), failed
