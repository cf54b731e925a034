"""What a log line says when something breaks: where, but never with what values."""

from __future__ import annotations

import io
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
