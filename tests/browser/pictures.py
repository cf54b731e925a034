"""`python -m tests.browser.pictures FOLDER`: every state of the page, on a telephone and a wide screen, light and dark;
one sheet each."""

from __future__ import annotations

import base64
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from tests.browser.conftest import ServedCenter, chromium, london
from tests.browser.states import every_state

SIZES = {"phone": (390, 844), "desktop": (1280, 800)}
SHOWN = {"phone": (180, 8), "desktop": (360, 4)}  # width of each picture on its sheet, and how many stand in a row
QUALITY = 58
_SHEET = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 16px; background: {ground}; color: {ink}; font: 13px system-ui, sans-serif; width: max-content; }}
main {{ display: grid; grid-template-columns: repeat({columns}, {width}px); gap: 16px; align-items: start; }}
figure {{ margin: 0; }} figcaption {{ margin-bottom: 6px; }}
img {{ width: 100%; display: block; border: 1px solid {line}; border-radius: 6px; }}
</style><main>{figures}</main>"""
_COLOURS = {
    "light": {"ground": "#e8eaec", "ink": "#202428", "line": "#c8ccd0"},
    "dark": {"ground": "#303438", "ink": "#f0f2f4", "line": "#505458"},
}


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        for device in SIZES:
            for scheme in _COLOURS:
                path = folder / f"{device}-{scheme}.jpg"
                draw(browser, device, scheme, path)
                print(f"{path}  {path.stat().st_size // 1024} KiB")


def draw(browser: Browser, device: str, scheme: str, path: Path) -> None:
    width, height = SIZES[device]
    figures: list[str] = []
    with tempfile.TemporaryDirectory() as folder, ServedCenter(Path(folder)) as center:
        more: dict[str, Any] = {"is_mobile": True, "has_touch": True} if device == "phone" else {}
        with london(browser, width=width, height=height, scheme=scheme, **more) as page:
            for state in every_state(center, page):
                figures.append(f"<figure><figcaption>{state}</figcaption>{_picture_of(page)}</figure>")
    shown, columns = SHOWN[device]
    with london(browser) as sheet:
        sheet.set_content(
            _SHEET.format(figures="".join(figures), width=shown, columns=columns, **_COLOURS[scheme]), wait_until="load"
        )
        sheet.locator("body").screenshot(path=path, type="jpeg", quality=QUALITY)


def _picture_of(page: Page) -> str:
    taken = page.screenshot(type="jpeg", quality=90, full_page=True, animations="disabled")
    return f'<img src="data:image/jpeg;base64,{base64.b64encode(taken).decode()}">'


if __name__ == "__main__":
    main(Path(sys.argv[1]))
