"""What a log line says when something breaks: where, but never with what values."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Generator
from typing import Any

import pytest
import structlog

from slotlink.logs import configure_logs

SECRET = "CRN_not-for-anybodys-eyes"


@pytest.fixture(autouse=True)
def log_settings() -> Generator[None]:
    yield
    structlog.reset_defaults()


def break_with(client_secret: str) -> None:
    members = {"client_secret": client_secret}
    raise RuntimeError(f"broken by {len(members)}")


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_logged_fault_says_where_but_not_what_the_variables_held(form: Any, monkeypatch: Any) -> None:
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    configure_logs(form)
    try:
        break_with(SECRET)
    except RuntimeError as error:
        structlog.get_logger("test").error("request.broke", reference="ab12", exc_info=error)
    text = written.getvalue()
    assert "break_with" in text
    assert "broken by 1" in text
    assert SECRET not in text


FORGED = 'x\n2027-03-04T09:00:00Z [info     ] link.completed\r\x1b[2J\x9b1m\x00\u2028\u202e {"event": "forged"}'


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_a_stranger_sent_is_one_event_on_one_line(form: Any, monkeypatch: Any) -> None:
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    configure_logs(form)
    structlog.get_logger("test").info(
        "page.form_refused", reason=FORGED, listed=[FORGED], bare="\x1b[2J\x07", plain="fine"
    )
    text = written.getvalue()
    assert text.endswith("\n") and text.count("\n") == 1
    assert text[:-1].isprintable()
    assert "plain" in text and "link.completed" in text


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_line_of_a_traceback_passes_for_an_event(form: Any, monkeypatch: Any) -> None:
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    configure_logs(form)
    try:
        raise ValueError(FORGED)
    except ValueError as error:
        structlog.get_logger("test").error("request.broke", exc_info=error)
    event, *traceback = written.getvalue().splitlines()
    assert "request.broke" in event
    assert all(line.startswith("    ") and line.isprintable() for line in traceback)
    assert bool(traceback) == (form == "text")


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_libraries_log_looks_the_same(form: str) -> None:
    code = (
        "import logging; from slotlink.logs import configure_logs; "
        f"configure_logs({form!r}); logging.getLogger('uvicorn.error').error('broke %s', {FORGED!r}); "
        "logging.getLogger('other').info('too little to tell')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = done.stderr.splitlines()
    assert len(lines) == 1 and lines[0].isprintable()
    assert "uvicorn.error" in lines[0] and "broke x" in lines[0] and "error" in lines[0]
    if form == "json":
        assert json.loads(lines[0])["event"] == "broke " + FORGED
