import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from caraml_pulumi.engine.state.history import author, default_message, history_entry, update_environment


def _git(directory: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=Ana", "-c", "user.email=ana@example.com"]
    subprocess.run(["git", *identity, *arguments], cwd=directory, check=True, capture_output=True)


def test_an_entry_counts_seconds_and_leaves_out_what_did_not_happen() -> None:
    start, end = datetime(2026, 11, 22, 4, 0, 0, 900_000, UTC), datetime(2026, 11, 22, 4, 0, 5, tzinfo=UTC)
    entry = history_entry("update", start, end, "m", "failed", {}, {"same": 2, "create": 1, "delete": 0}, {})
    assert entry["endTime"] - entry["startTime"] == 5
    assert entry["result"] == "failed"
    assert list(entry["resourceChanges"].items()) == [("create", 1), ("same", 2)]


def test_the_commit_a_project_is_at_is_recorded(tmp_path: Path) -> None:
    _git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "inner").mkdir()
    _git(tmp_path, "commit", "-q", "--allow-empty", "-m", "Deploy iris\n\nWhy.")
    environment = update_environment(tmp_path / "inner")
    assert environment["git.headTitle"] == default_message(environment) == "Deploy iris"
    assert environment["git.author"] == author({"environment": environment}) == "Ana"
    assert environment["git.author.email"] == "ana@example.com"
    assert environment["git.headName"] == "refs/heads/main"
    assert environment["git.dirty"] == "false"
    assert len(environment["git.head"]) == 40
    (tmp_path / "inner" / "file").write_text("")
    assert update_environment(tmp_path)["git.dirty"] == "true"


def test_a_project_outside_git_has_an_author_all_the_same(tmp_path: Path) -> None:
    environment = update_environment(tmp_path)
    assert not [key for key in environment if key.startswith("git.")]
    assert author({"environment": environment}) == environment["exec.user"] != ""
    assert default_message(environment) == ""


def test_a_repository_without_commits_or_without_git_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _git(tmp_path, "init", "-q")
    assert "git.head" not in update_environment(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "git.head" not in update_environment(tmp_path)


def test_no_variable_of_the_environment_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "a-passphrase")
    assert "a-passphrase" not in str(update_environment(tmp_path))


def test_an_entry_of_the_pulumi_cli_may_have_no_author() -> None:
    assert author({"environment": {"exec.kind": "cli"}}) == ""
    assert author({}) == ""
