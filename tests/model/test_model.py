"""The model is searched, refuses what is planted in it, and still speaks of the code that is there."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from model.__main__ import explain, run
from model.checks import FAULTS, QUICK, SOUND, Check
from model.spin import SOURCE, Unusable, ask, missing

from tests.center import skippable

ROOT = Path(__file__).parents[2]
TEXT = SOURCE.read_text()

# Counts to a hundred, and says so; with the faults, it is wrong about what it counted, or has more to say.
COUNTER = """
byte n;
active proctype Counter() {
    do
    :: n < 100 -> n++
    :: else -> break
    od;
#ifdef WRONG
    assert(n == 99); /* I1 */
#endif
#ifdef DEAD
    if :: n < 100 -> n = 0 :: else fi
#endif
}
"""


@pytest.fixture
def spin_installed() -> None:
    absent = missing()
    if absent is not None:
        if skippable("Spin"):
            pytest.skip(f"SKIPPED LOUDLY: {absent} not installed (ALLOW_SKIP=1)")
        pytest.fail(f"{absent} not installed; run make test as root, or install the packages spin and gcc")


@pytest.mark.usefixtures("spin_installed")
def test_the_model_holds_and_spin_refuses_planted_faults() -> None:
    verdicts = list(run(QUICK))
    assert [explain(verdict) for verdict in verdicts if not verdict.expected] == []
    assert [verdict.check for verdict in verdicts] == list(QUICK)
    assert verdicts[0].states > 1_000_000


@pytest.mark.usefixtures("spin_installed")
def test_a_verdict_is_expected_only_for_the_right_reason(tmp_path: Path) -> None:
    source = tmp_path / SOURCE.name
    source.write_text(COUNTER)
    sound = ask(Check(""), source)
    assert (sound.broken, sound.unreached, sound.expected) == ("", (), True)
    wrong = ask(Check("", ("WRONG",), breaks="Counter: I1"), source)
    assert (wrong.broken, wrong.expected) == ("Counter: I1", True)
    for verdict, breaks in ((sound, "Counter: I1"), (wrong, "Counter: I3"), (wrong, "deadlock"), (wrong, "")):
        asked = replace(verdict, check=Check("", breaks=breaks))
        assert not asked.expected
        assert f"found {verdict.broken or 'nothing broken'}" in explain(asked)
    dead = ask(Check("", ("DEAD",)), source)
    assert (dead.broken, dead.expected) == ("", False)
    assert "n = 0" in explain(dead)


@pytest.mark.usefixtures("spin_installed")
def test_a_search_cut_short_is_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / SOURCE.name
    source.write_text(COUNTER)
    monkeypatch.setattr("model.spin.DEEPEST", 20)
    with pytest.raises(Unusable, match="cut short"):
        ask(Check(""), source)


def test_every_fault_in_the_model_is_asked_for_and_no_other() -> None:
    planted = set(re.findall(r"^#ifn?def (\w+)|defined\((\w+)\)", TEXT, re.MULTILINE))
    asked = {define for check in (*SOUND, *FAULTS) for define in check.defines}
    assert {name or other for name, other in planted} == asked
    assert len({check.name for check in (*SOUND, *FAULTS)}) == len(SOUND) + len(FAULTS)


def test_the_document_lists_every_check_with_what_it_breaks() -> None:
    rows = re.findall(r"^\| `([\w+ ]+)` \|.*\| ([^|]*) \|$", (ROOT / "docs" / "model.md").read_text(), re.MULTILINE)
    assert rows == [(check.name, check.breaks or "nothing") for check in (*SOUND, *FAULTS)]


def test_what_the_model_names_is_in_the_code() -> None:
    source = ROOT / "src" / "slotlink"
    named = re.findall(r"\b((?:domain|services|store|web|worker)/\w+)\.(\w+)", TEXT)
    assert len(named) > 10
    for file, name in named:
        module = source / f"{file}.py"
        assert module.exists(), file
        assert name == "py" or re.search(rf"(def|class) {name}\b|^{name}\b", module.read_text(), re.MULTILINE), name
