"""What is installed is what the lock files name, with hashes; what is served is what the bill of materials says."""

from __future__ import annotations

import importlib.util
import json
import re
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import Marker

ROOT = Path(__file__).parents[2]
REQUIREMENTS = ROOT / "requirements"
LOCKS = ("uv.txt", "runtime.txt", "dev.txt")
# Installed by `python -m venv` itself, and ourselves.
NOT_LOCKED = {"pip", "setuptools", "slotlink"}


def sbom() -> Any:
    spec = importlib.util.spec_from_file_location("sbom", REQUIREMENTS / "sbom.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def locked(name: str) -> dict[str, dict[str, Any]]:
    return sbom().locked((REQUIREMENTS / name).read_text())


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_is_pinned_with_hashes(name: str) -> None:
    packages = locked(name)
    assert packages
    for package, found in packages.items():
        assert found["sha256"], package


def test_a_line_that_is_no_pinned_package_is_noticed() -> None:
    for line in ("aiohttp>=3", "-e .", "git+https://example.test/x", "--pre"):
        with pytest.raises(ValueError, match="not a pinned package"):
            sbom().locked(line)


def test_what_we_depend_on_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    named = [re.split(r"[\[<>=;~! ]", wanted)[0] for wanted in project["project"]["dependencies"]]
    runtime = {plain(name) for name in locked("runtime.txt")}
    assert named and {plain(name) for name in named} <= runtime
    assert runtime <= {plain(name) for name in locked("dev.txt")}


def test_what_is_installed_is_what_is_locked() -> None:
    applies = {
        plain(name): found["version"]
        for lock in ("dev.txt", "uv.txt")
        for name, found in locked(lock).items()
        if not found["marker"] or Marker(found["marker"]).evaluate()
    }
    installed = {plain(each.metadata["Name"]): each.version for each in metadata.distributions()}
    for name in NOT_LOCKED:
        installed.pop(name, None)
        applies.pop(name, None)
    assert installed == applies


def test_the_bill_of_materials_is_that_of_the_lock() -> None:
    assert json.loads((REQUIREMENTS / "sbom.json").read_text()) == sbom().bill(locked("runtime.txt"))
