"""Fixtures for the tests of the doubles themselves."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from tests.doubles import google_world
from tests.doubles.google import GoogleDouble
from tests.doubles.google_caller import Caller
from tests.doubles.google_person import GooglePerson
from tests.doubles.service import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def google(clock: Clock) -> Generator[GoogleDouble]:
    with GoogleDouble(clock) as google:
        google_world.register(google)
        yield google


@pytest.fixture
def ann(google: GoogleDouble) -> GooglePerson:
    return google.person(google_world.ANN, zone="Europe/Berlin")


@pytest.fixture
def api(google: GoogleDouble, ann: GooglePerson) -> Caller:
    """The application, signed in for Ann."""
    return google_world.caller(google, ann.email)
