"""What is installed from the wheel alone, without a checkout, has the templates and the policy pack."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with what the wheel installs."""
    directory = tmp_path_factory.mktemp("wheel")
    build = ["hatchling", "build", "-t", "wheel", "-d", str(directory)]
    subprocess.run([Path(sys.executable).with_name(build[0]), *build[1:]], cwd=REPOSITORY, check=True, timeout=120)
    [wheel] = directory.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert not [name for name in archive.namelist() if "__pycache__" in name or name.endswith(".pyc")]
        archive.extractall(directory / "site")
    return directory / "site"


def caraml(installed: Path, directory: Path, *arguments: str) -> str:
    code = "import sys; from caraml_pulumi.cli.main import main; main(sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=directory,
        env={"PATH": os.environ["PATH"], "HOME": str(directory), "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_repository_that_an_installed_wheel_writes_has_its_rules_and_their_pages(
    installed: Path, tmp_path: Path
) -> None:
    caraml(installed, tmp_path, "init", "shop")
    shop = tmp_path / "shop"
    assert "no problems" in caraml(installed, shop, "validate")
    assert '"name": "image-pinned-by-digest"' in caraml(installed, shop, "policy", "list", "--stack", "prod", "--json")
    explained = caraml(installed, shop, "policy", "explain", "image-pinned-by-digest", "--stack", "prod")
    assert "A tag can be pushed again" in explained
