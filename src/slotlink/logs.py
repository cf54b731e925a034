"""Logs on standard error: text for a person at a terminal, one JSON object a line for a machine. Never a secret.

One event, one line: what strangers sent may be in it, and must look neither like another event nor like a command to
the terminal.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import traceback
from typing import Any, Literal, TextIO, cast

import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.types import EventDict, ExcInfo, Processor


def configure_logs(form: Literal["text", "json"] | None, *, level: int = logging.INFO) -> None:
    text = sys.stderr.isatty() if form is None else form == "text"
    first: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Processor] = (
        [
            _harmless,
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=_indented_traceback),
        ]
        if text
        else [
            # Without local variables: they hold bodies, tokens and secrets.
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(ensure_ascii=True),
        ]
    )
    structlog.configure(
        processors=[*first, *last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _Unfailing())),
        cache_logger_on_first_use=True,
    )
    # What libraries log looks the same.
    handler = logging.StreamHandler(_Unfailing())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *first],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


class _Unfailing:
    """Standard error; where it is a file on a full disk, what cannot be written is lost, and nothing else."""

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.flush()


def _harmless(_logger: Any, _method: str, event: EventDict) -> EventDict:
    return {name: _escaped(value) if isinstance(value, str) else value for name, value in event.items()}


def _escaped(text: str) -> str:
    """Control characters, line ends and what turns the direction of writing, as `\\x1b` and the like."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


def _indented_traceback(out: TextIO, exc_info: ExcInfo) -> None:
    """No line of a traceback begins where an event does, whatever the error's own text is."""
    lines = "".join(traceback.format_exception(*exc_info)).splitlines()
    out.write("\n" + "\n".join(f"    {_escaped(line)}" for line in lines))
