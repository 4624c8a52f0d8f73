"""What is said when a program of Debian's cannot be had, and that one on PATH is taken."""

from pathlib import Path

import pytest

from caraml_pulumi.errors import CaramlError
from tools import debian


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that is all of PATH."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return programs


def script(file: Path, text: str) -> Path:
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return file


def test_a_program_on_path_is_taken_as_it_is(path: Path) -> None:
    installed = script(path / "promtool", "")
    assert debian.program("promtool") == installed


def test_a_system_without_apt_is_told_what_to_install(path: Path) -> None:
    with pytest.raises(CaramlError, match="prometheus is not on PATH, and there is no apt-get") as error:
        debian.program("promtool")
    assert "brew install prometheus" in error.value.fix


def test_apts_own_words_are_shown_when_a_download_fails(path: Path, tmp_path: Path) -> None:
    script(path / "apt-get", 'echo "E: Unable to locate package $5" >&2; exit 100')
    script(path / "dpkg-deb", "")
    with pytest.raises(CaramlError) as error:
        debian.program("nginx")
    assert error.value.what.startswith("nginx cannot be downloaded: Unable to locate package")
    assert "sudo apt-get update" in error.value.fix
    assert [entry.name for entry in (tmp_path / "cache/caraml/tools").iterdir()] == ["nginx-debian.lock"]
