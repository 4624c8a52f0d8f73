"""`caraml init` where somebody answers, and where nobody can."""

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.unit.cli.terminal import CARAML, on_a_terminal


def test_what_no_option_says_is_asked_for_with_its_default(tmp_path: Path) -> None:
    code, shown = on_a_terminal(tmp_path, "\nranker\n\n\ndev,prod\nml.shop.example\ngithub\n", "init", "shop")
    assert code == 0, shown
    assert "Name of the platform [shop]" in shown
    assert "Image [registry.local/models/ranker:1.0]" in shown
    release = yaml.safe_load((tmp_path / "shop/stacks/releases/dev/ranker.yaml").read_text())
    assert (release["model"], release["project"]) == ("ranker", "ranker-team")
    production = yaml.safe_load((tmp_path / "shop/stacks/Pulumi.prod.yaml").read_text())["config"]
    assert production["caraml:platform"]["domain"] == "ml.shop.example"
    assert (tmp_path / "shop/.github/workflows/platform.yml").is_file()


def test_what_options_say_is_not_asked_for(tmp_path: Path) -> None:
    code, shown = on_a_terminal(tmp_path, "", "init", "shop", "--yes")
    assert (code, "Model [" in shown) == (0, False)


def test_who_ends_the_input_at_a_question_gets_no_files(tmp_path: Path) -> None:
    code, shown = on_a_terminal(tmp_path, "shop\n\x04", "init", "shop")
    assert code != 0
    assert "Traceback" not in shown
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("directory", [".", "new/and/deep", "with space"])
def test_without_a_terminal_the_defaults_are_taken(tmp_path: Path, directory: str) -> None:
    command = [str(CARAML), "init", directory]
    done = subprocess.run(command, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    assert (tmp_path / directory / "Pulumi.yaml").is_file()
    assert ("cd " in done.stdout) == (directory != ".")
    assert ("cd 'with space'" in done.stdout) == (directory == "with space")
