"""What the shell offers: commands, options, and the stacks, models and versions of the project's files."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from caraml_pulumi.cli.init import app as init

CARAML = Path(sys.executable).with_name("caraml")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("complete") / "shop"
    made = CliRunner().invoke(init, [str(directory), "--model", "ranker", "--project", "ranking"])
    assert made.exit_code == 0, made.output
    return directory


@pytest.fixture(scope="module")
def offered(repository: Path) -> "Offered":
    script = subprocess.run([CARAML, "completion", "bash"], capture_output=True, text=True, check=True).stdout
    return Offered(repository, script)


class Offered:
    """What a real bash offers after a line, in the directory of a project."""

    def __init__(self, directory: Path, script: str) -> None:
        self.directory, self.script = directory, script

    def __call__(self, line: str) -> list[str]:
        words = [f"'{word}'" for word in line.split(" ")]
        ask = (
            f"{self.script}\nCOMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}\n"
            "_caraml_completion caraml; printf '%s\\n' \"${COMPREPLY[@]}\""
        )
        environment = {"PATH": f"{CARAML.parent}:{os.environ['PATH']}", "HOME": str(self.directory)}
        done = subprocess.run(
            ["bash", "-c", ask], cwd=self.directory, env=environment, capture_output=True, text=True, check=True
        )
        assert done.stderr == ""
        return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("caraml rol", ["rollout", "rollback"]),
        ("caraml add ver", ["version"]),
        ("caraml up --stack ", ["dev", "prod", "staging"]),
        ("caraml up -s d", ["dev"]),
        ("caraml policy list --stack st", ["staging"]),
        ("caraml rollout ", ["ranker"]),
        ("caraml rollout ranking/", ["ranking/ranker"]),
        ("caraml logs ranker/", ["ranker/1"]),
        ("caraml promote ranker --from dev --to st", ["staging"]),
        ("caraml -nothing", []),
    ],
)
def test_bash_offers_what_can_follow(offered: Offered, line: str, expected: list[str]) -> None:
    assert offered(line) == expected


def test_another_directory_is_completed_from_where_the_option_says(offered: Offered, repository: Path) -> None:
    elsewhere = Offered(Path("/"), offered.script)
    assert elsewhere("caraml up --stack ") == []
    assert elsewhere(f"caraml up -C {repository} --stack p") == ["prod"]


def test_files_that_cannot_be_read_offer_nothing_and_fail_nothing(offered: Offered, repository: Path) -> None:
    broken = repository / "stacks/releases/dev/broken.yaml"
    broken.write_text("model: [")
    try:
        assert offered("caraml rollout ") == ["ranker"]
    finally:
        broken.unlink()


def test_completion_is_quick(repository: Path) -> None:
    environment = {**os.environ, "_CARAML_COMPLETE": "complete_bash", "COMP_CWORD": "2"}
    environment |= {"COMP_WORDS": "caraml rollout ", "PYTHONDONTWRITEBYTECODE": ""}

    def took() -> float:
        began = os.times()
        subprocess.run([CARAML], cwd=repository, env=environment, capture_output=True, check=True)
        ended = os.times()
        return ended.children_user + ended.children_system - began.children_user - began.children_system

    took()
    assert min(took() for _ in range(5)) < 0.25  # about 0.1 s of CPU time where nothing else runs


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_has_a_script(shell: str) -> None:
    done = subprocess.run([CARAML, "completion", shell], capture_output=True, text=True, check=True)
    assert "_CARAML_COMPLETE" in done.stdout
