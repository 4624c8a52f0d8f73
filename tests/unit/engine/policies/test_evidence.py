import os
from pathlib import Path

import pytest

from caraml_pulumi.engine.policies.evidence import STACK_BEFORE, STACK_FILES, STATUS_BEFORE, evidence


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(STATUS_BEFORE, raising=False)


def test_paths_are_absolute_because_a_pack_runs_in_its_own_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert evidence(Path("stack.json"), Path("stacks")) == {
        STACK_BEFORE: str(tmp_path / "stack.json"),
        STACK_FILES: str(tmp_path / "stacks"),
    }
    monkeypatch.setenv(STATUS_BEFORE, os.path.join("..", "staging.json"))
    assert evidence(tmp_path / "stack.json", tmp_path)[STATUS_BEFORE] == str(tmp_path.parent / "staging.json")


def test_a_stack_that_holds_nothing_hides_what_the_environment_says_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STACK_BEFORE, "other.json")
    assert evidence(None, Path("stacks"))[STACK_BEFORE] == os.devnull
