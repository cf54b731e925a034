"""`python -m tests.browser.lighthouse`: what Lighthouse says of a link's page, on a telephone and a wide screen, and of
those that a visitor may come back to. Fails where a score is below what the page is to have.

Lighthouse comes from npm, of the version named here. It slows the processor four times itself, and the network on top.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.chromium import FLAGS, find_chromium

from tests.browser.conftest import ServedCenter
from tests.browser.test_booking import interview

LIGHTHOUSE = "lighthouse@12.8.2"
LEAST = {"performance": 95, "accessibility": 100, "best-practices": 100}
FORMS = {"phone": [], "desktop": ["--preset=desktop"]}


def main() -> int:
    below = 0
    with tempfile.TemporaryDirectory() as folder, ServedCenter(Path(folder)) as center:
        for name, address in pages(center).items():
            for form, options in FORMS.items():
                report = examine(address, options)
                scores = {each: round(100 * (report["categories"][each]["score"] or 0)) for each in LEAST}
                print(f"{name}, {form}: " + ", ".join(f"{each} {score}" for each, score in scores.items()))
                for each in (each for each, score in scores.items() if score < LEAST[each]):
                    below += 1
                    print("  " + "\n  ".join(failed(report, each)))
    return min(below, 1)


def pages(center: ServedCenter) -> dict[str, str]:
    link, _ = interview(center)
    event = {"event_id": "booked", "summary": "Product manager interview"}
    booked, _ = interview(center, event=event, selection_mode="no_confirm")
    page = booked.page()
    booked.choose(page.slots[-1], page)
    assert booked.status()["status"] == "completed"
    return {
        "picker": link.url,
        "picker, Arabic": f"{link.url}?locale=ar",
        "completed": booked.url,
    }


def examine(address: str, options: list[str]) -> dict[str, Any]:
    command = ["npx", "--yes", LIGHTHOUSE, address, "--output=json", "--quiet", *options]
    command += [f"--only-categories={','.join(LEAST)}", f"--chrome-flags=--headless=new {' '.join(FLAGS)}"]
    environ = {**os.environ, "CHROME_PATH": find_chromium() or ""}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise SystemExit(f"Lighthouse: {done.stderr}")
    return json.loads(done.stdout)


def failed(report: dict[str, Any], category: str) -> list[str]:
    """The audits that cost something."""
    audits = [
        report["audits"][each["id"]] for each in report["categories"][category]["auditRefs"] if each["weight"] > 0
    ]
    return [
        f"{audit['id']} {audit['score']} {audit.get('displayValue', '')}".strip()
        for audit in audits
        if audit["score"] is not None and audit["score"] < 1
    ]


if __name__ == "__main__":
    sys.exit(main())
