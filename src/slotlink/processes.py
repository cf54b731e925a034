"""Several serving processes on one listening socket, for PostgreSQL: start them, replace whichever dies, stop them all.

Plain forks, made before there is a loop or a thread. The processes share nothing but the socket and the database.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import structlog

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

POLL_S = 0.05
RESTART_PAUSE_S = 1.0  # so that what dies at once does not take a whole core


def serve_in_processes(count: int, serve: Callable[[Callable[[], None]], None], on_ready: Callable[[], None]) -> int:
    """Run `serve` in `count` processes until a signal; it calls what it is given when it is ready to answer.

    Returns the exit code: that of a process that ends before all were ready for the first time, else 0."""
    reading, writing = os.pipe()
    children: set[int] = set()
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True
        for pid in children:
            os.kill(pid, signal.SIGTERM)

    def start() -> None:
        pid = os.fork()
        if pid == 0:
            os._exit(_run(serve, writing))
        children.add(pid)

    # Held back while children are started: a signal must find every child in the set.
    held = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, held)
    for number in held:
        signal.signal(number, stop)
    for _ in range(count):
        start()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, held)
    os.set_blocking(reading, False)
    ready = 0
    while children:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid:
            children.discard(pid)
            code = os.waitstatus_to_exitcode(status)
            if ready < count and not stopping:
                stop()
                while children:
                    children.discard(os.wait()[0])
                return code or 1
            if not stopping:
                log.error("process.died", pid=pid, code=code)
                time.sleep(RESTART_PAUSE_S)
                signal.pthread_sigmask(signal.SIG_BLOCK, held)
                if not stopping:
                    start()
                signal.pthread_sigmask(signal.SIG_UNBLOCK, held)
            continue
        if ready < count:
            ready += _read(reading, count)
            if ready >= count:
                on_ready()
        time.sleep(POLL_S)
    return 0


def _run(serve: Callable[[Callable[[], None]], None], writing: int) -> int:
    """In the child: its exit code."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})

    def say_ready() -> None:
        os.write(writing, b".")

    try:
        serve(say_ready)
    except BaseException:  # whatever ended it: the parent hears of it by the code, and the log says what
        log.exception("process.broke")
        return 1
    return 0


def _read(reading: int, most: int) -> int:
    try:
        return len(os.read(reading, most))
    except BlockingIOError:
        return 0
