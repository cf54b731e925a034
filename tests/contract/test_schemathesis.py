"""schemathesis against a live server: whatever the document allows, the server keeps to, and the other way round.

Bounded and seeded, so that `make test` says the same thing every time. To explore further:
SCHEMATHESIS_EXAMPLES=2000 SCHEMATHESIS_SEED=7 pytest tests/contract/test_schemathesis.py
"""

from __future__ import annotations

import os
from collections.abc import Generator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis.core.failures import FailureGroup
from schemathesis.openapi.checks import RejectedPositiveData

from tests.serving import LiveServer, serving

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "15"))
SEED = int(os.environ.get("SCHEMATHESIS_SEED", "20270304"))


@dataclass
class Live:
    server: LiveServer
    client_id: str
    client_secret: str
    sub: str
    access_token: str
    refresh_token: str
    calendar_id: str
    profile_id: str
    link_id: str
    link_token: str


