"""The command `slotlink`, run many times: a process each, forked from one that has imported it already."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.serving import environ_for

_PARENT = """
import json, os, signal, sys, traceback
import slotlink.app, slotlink.cli, slotlink.demo.play, slotlink.diagnosis

def run(job):
    signal.alarm(120)  # whatever goes on for ever, such as a start that was not refused, ends and leaves nobody behind
    os.environ.clear()
    os.environ.update(job["environ"])
    for number, path in ((1, job["out"]), (2, job["err"])):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.argv = ["slotlink", *job["arguments"]]
    exec(job["before"], {})
    try:
        slotlink.cli.main()
    except SystemExit as ended:
        return ended.code or 0
    except BaseException:
        traceback.print_exc()
    return 1

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        code = run(json.loads(line))
        sys.stdout.flush(), sys.stderr.flush()
        os._exit(code)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which must be one JSON document and nothing else."""
        assert self.code == 0, self.err
        return json.loads(self.out)


class Commands:
    def __enter__(self) -> Commands:
        self._folder = tempfile.TemporaryDirectory(prefix="slotlink-commands-")
        self._parent = subprocess.Popen(
            [sys.executable, "-c", _PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._count = 0
        return self

    def __exit__(self, *_: object) -> None:
        assert self._parent.stdin is not None and self._parent.stdout is not None
        self._parent.stdin.close()
        self._parent.wait(20)
        self._parent.stdout.close()
        self._folder.cleanup()

    def __call__(self, environ: Mapping[str, str], *arguments: str, before: str = "") -> Done:
        """`before`: what the process does first, as Python. An exit code below 0 is the signal that ended it."""
        assert self._parent.stdin is not None and self._parent.stdout is not None
        self._count += 1
        out, err = (Path(self._folder.name) / f"{self._count}.{name}" for name in ("out", "err"))
        job = {"environ": dict(environ), "arguments": arguments, "out": str(out), "err": str(err), "before": before}
        self._parent.stdin.write(json.dumps(job) + "\n")
        self._parent.stdin.flush()
        code = int(self._parent.stdout.readline())
        return Done(code, out.read_text(), err.read_text())


class Folder:
    """A data folder, and commands over it."""

    def __init__(self, path: Path, commands: Commands, **variables: str) -> None:
        self.path = path
        self.environ = environ_for(path, **variables)
        self.commands = commands

    def __call__(self, *arguments: str, before: str = "", **variables: str) -> Done:
        return self.commands(self.environ | variables, *arguments, before=before)
