"""The house keeps its shape: who may import whom, drawn in ARCHITECTURE.md."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "slotlink"

# A room may import the rooms named here, itself, and nothing else of ours.
ARROWS: dict[str, set[str]] = {
    "errors": set(),
    "engine": set(),
    "logs": set(),
    "processes": set(),
    "server": set(),
    "vault": {"errors"},
    "setting_kinds": {"vault"},
    "settings": {"errors", "setting_kinds", "vault"},
    "domain": {"engine", "errors"},
    "ical": {"domain", "errors"},
    "store": {"domain", "errors", "vault"},
    "connectors": {"domain", "engine", "errors", "ical"},
    "services": {"connectors", "domain", "engine", "errors", "ical", "settings", "store", "vault"},
    "web": {"domain", "engine", "errors", "ical", "services", "setting_kinds", "settings", "store", "vault"},
    "worker": {"connectors", "domain", "errors", "services", "setting_kinds", "settings", "store"},
    "opening": {"services", "settings", "store", "vault"},
    "app": {
        *("connectors", "domain", "errors", "opening", "processes", "server"),
        *("services", "settings", "store", "vault", "web", "worker"),
    },
    "diagnosis": {"domain", "errors", "opening", "services", "settings", "store", "worker"},
    "demo": {"app", "domain", "logs", "services", "settings", "store"},
    "terminal": {"errors", "logs", "opening", "services", "settings"},
    "cli_applications": {"cli_branding", "domain", "errors", "services", "store", "terminal"},
    "cli_branding": {"domain", "errors", "services", "terminal"},
    "cli_calendars": {"domain", "services", "store", "terminal"},
    "cli_records": {"domain", "errors", "services", "store", "terminal"},
    "cli": {
        *("app", "cli_applications", "cli_calendars", "cli_records", "demo", "diagnosis"),
        *("errors", "opening", "services", "settings", "store", "terminal", "vault"),
    },
    "__main__": {"cli"},
    "__init__": set(),
}
MODULES = sorted(SOURCE.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> list[tuple[str, bool]]:
    """(module, whether it is imported at the top of the file)."""
    tree = ast.parse(path.read_text())
    top = set(map(id, tree.body))
    found: list[tuple[str, bool]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) in top) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            if node.module == "slotlink":
                found += [(f"slotlink.{alias.name}", id(node) in top) for alias in node.names]
            else:
                found.append((node.module or "", id(node) in top))
    return found


def test_every_room_is_drawn() -> None:
    assert {room_of(path) for path in MODULES} == set(ARROWS)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_arrows_never_turn_back(path: Path) -> None:
    room = room_of(path)
    for module, _ in imports_of(path):
        parts = module.split(".")
        if parts[0] == "slotlink" and len(parts) > 1:
            assert parts[1] in ARROWS[room] | {room}, f"{room} imports {module}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_stand_at_the_top(path: Path) -> None:
    """An import inside a function is a sign that an arrow points the wrong way. Commands alone may: one that shows a
    list need not wait for what serves pages."""
    if room_of(path).startswith("cli"):
        return
    assert [module for module, at_top in imports_of(path) if not at_top and module.startswith("slotlink")] == []


@pytest.mark.parametrize("path", sorted((SOURCE / "engine").rglob("*.py")), ids=lambda path: path.name)
def test_the_engine_needs_only_the_standard_library(path: Path) -> None:
    for module, _ in imports_of(path):
        first = module.partition(".")[0]
        assert first in sys.stdlib_module_names or module.startswith("slotlink.engine"), module
        assert first not in {"time", "random", "os", "socket"}, "no clock, no I/O"
        assert path.name == "civil.py" or first not in {"datetime", "zoneinfo"}, "zones are known to civil.py alone"


def test_the_package_imports_nothing_by_itself() -> None:
    """So that `slotlink.engine` can be imported alone."""
    assert imports_of(SOURCE / "__init__.py") == []


def test_no_file_is_named_for_what_did_not_fit_elsewhere() -> None:
    names = {path.stem for path in [*MODULES, *Path(__file__).parents[1].rglob("*.py")]}
    assert not names & {"utils", "util", "helpers", "helper", "common", "misc", "support"}


def test_lock_files_name_no_host() -> None:
    root = SOURCE.parents[1]
    for path in [*root.glob("requirements/*.txt"), root / "tests/sdk/package-lock.json"]:
        text = path.read_text()
        assert "://" not in text, path
        assert '"resolved"' not in text, path
