"""`caraml cluster down`: somebody who watches is asked, a script is not."""

import subprocess
from pathlib import Path

from caraml_pulumi.cluster.state import MARKER
from tests.unit.cli.terminal import CARAML, on_a_terminal


def made(home: Path) -> None:
    """A cluster of which nothing runs."""
    home.mkdir()
    (home / MARKER).touch()


def test_a_cluster_stays_unless_the_answer_is_yes(tmp_path: Path) -> None:
    made(tmp_path / "here")
    down = ("cluster", "down", "--name", "here", "--state", str(tmp_path))
    for answer in ("n\n", "\n", "\x04"):
        code, shown = on_a_terminal(tmp_path, answer, *down)
        assert "End the cluster here and remove all it stored?" in shown
        assert code != 0
        assert (tmp_path / "here").is_dir()
    assert on_a_terminal(tmp_path, "y\n", *down)[0] == 0
    assert not (tmp_path / "here").exists()


def test_a_script_is_not_asked_and_what_is_not_there_neither(tmp_path: Path) -> None:
    made(tmp_path / "here")
    down = [str(CARAML), "cluster", "down", "--name", "here", "--state", str(tmp_path)]
    subprocess.run(down, stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=60)
    assert not (tmp_path / "here").exists()
    code, shown = on_a_terminal(tmp_path, "", "cluster", "down", "--name", "here", "--state", str(tmp_path))
    assert (code, "nothing to do" in shown) == (0, True)
