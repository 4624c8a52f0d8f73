"""What `make` says when the Python environment cannot be made."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SETUP = Path(__file__).parents[3] / "tools/setup"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "requirements.lock").write_text(f"nothing-of-that-name==1.0 --hash=sha256:{'0' * 64}\n")
    return tmp_path


def setup(checkout: Path, python: str, **environment: str) -> str:
    """The output of a set-up that must fail, and must not count as done."""
    result = subprocess.run(
        [SETUP, python, ".venv", ".venv/.ready-x"],
        cwd=checkout,
        env={"PATH": os.environ["PATH"], "HOME": str(checkout), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert not (checkout / ".venv/.ready-x").exists()
    assert "Traceback" not in result.stdout + result.stderr
    return result.stderr


def test_a_missing_python_is_named_with_the_fix(checkout: Path) -> None:
    error = setup(checkout, "python-of-nowhere")
    assert error.startswith("error: there is no python-of-nowhere\n")
    assert "make PYTHON=" in error


def test_an_old_python_is_named_with_its_version(checkout: Path) -> None:
    old = checkout / "old"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2" && exit 0\nexit 1\n')
    old.chmod(0o755)
    assert setup(checkout, str(old)).startswith("error: Python 3.9.2 is too old\n")


def test_a_blocked_registry_is_one_clear_error(checkout: Path) -> None:
    error = setup(checkout, sys.executable, PIP_INDEX_URL="http://127.0.0.1:1/simple", PIP_RETRIES="0")
    assert error.startswith("error: the locked dependencies cannot be installed\n")
    assert "nothing-of-that-name" in error
    assert "PIP_INDEX_URL" in error
