"""Every state of the page: no violation that axe knows of, nothing wider than the screen, and every role and name that
a screen reader hears as it was when somebody last read them. `make names` writes those anew: read the difference.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser.conftest import ServedCenter, london
from tests.browser.states import every_state

NAMES = Path(__file__).parent / "names"
WRITES = bool(os.environ.get("SLOTLINK_NAMES"))
# What differs from run to run: the port, the link's own address, and what the clock of the device says in each zone.
_DIFFERS = re.compile(r"127\.0\.0\.1:\d+|/rts/[\w-]+|(?<= UTC)([+−][\d:]+)? \d\d:\d\d(?=\"?$)", re.MULTILINE)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (320, "dark")])
def test_every_state_is_accessible_and_fits(served: ServedCenter, browser: Browser, scheme: Any, width: int) -> None:
    """axe needs a policy that lets it in. Names are compared on the wide screen, where there is most."""
    heard: dict[str, str] = {}
    with london(browser, width=width, scheme=scheme, bypass_csp=True) as page:
        for state in every_state(served, page):
            heard[state] = names_of(page)
            results = Axe().run(page)
            assert results.violations_count == 0, f"{state}: {results.generate_report()}"
            over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert over <= 0, f"{state} scrolls sideways by {over} px"
    if width == 1280:
        compare(heard)


def compare(heard: dict[str, str]) -> None:
    if WRITES:
        NAMES.mkdir(exist_ok=True)
        for path in NAMES.iterdir():
            path.unlink()
        for state, names in heard.items():
            file_of(state).write_text(names)
    assert {path.stem for path in NAMES.iterdir()} == {file_of(state).stem for state in heard}
    for state, names in heard.items():
        assert names == file_of(state).read_text(), f"{state}; make names, and read the difference"


def names_of(page: Page) -> str:
    """Roles, names and states, as an outline."""
    return _DIFFERS.sub("…", page.locator("body").aria_snapshot()) + "\n"


def file_of(state: str) -> Path:
    return NAMES / f"{state.replace(',', '').replace(' ', '-')}.yaml"
