"""The software bill of materials of what is served: requirements/runtime.txt as CycloneDX 1.5, on standard output."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
_PINNED = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)(?P<marker>[^\\]*)\\?$")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def locked(text: str) -> dict[str, dict[str, Any]]:
    """{name: {"version", "marker", "sha256": [...]}} of a compiled requirements file. Raises ValueError for a line that
    is neither a pinned package, one of its hashes, nor a comment."""
    packages: dict[str, dict[str, Any]] = {}
    current: dict[str, Any] = {}
    for line in text.splitlines():
        stripped = line.strip()
        if pinned := _PINNED.match(line):
            current = {"version": pinned["version"], "marker": pinned["marker"].strip(" ;"), "sha256": []}
            packages[pinned["name"].lower()] = current
        elif found := _HASH.match(stripped):
            current["sha256"].append(found[1])
        elif stripped and not stripped.startswith("#"):
            raise ValueError(f"not a pinned package: {line!r}")
    return packages


def bill(packages: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": {"type": "application", "name": "slotlink", "licenses": [{"license": {"id": "Apache-2.0"}}]}
        },
        "components": [
            {
                "type": "library",
                "name": name,
                "version": package["version"],
                "purl": f"pkg:pypi/{name}@{package['version']}",
                **({"properties": [{"name": "marker", "value": package["marker"]}]} if package["marker"] else {}),
            }
            for name, package in sorted(packages.items())
        ],
    }


if __name__ == "__main__":
    json.dump(bill(locked((HERE / "runtime.txt").read_text())), sys.stdout, indent=1)
    sys.stdout.write("\n")
