import sys
from pathlib import Path

import pytest

from caraml_pulumi.engine.policies.manifest import load_manifest
from caraml_pulumi.errors import CaramlError


def write(directory: Path, text: str, program: str = "__main__.py") -> Path:
    (directory / "PulumiPolicy.yaml").write_text(text)
    (directory / program).parent.mkdir(exist_ok=True)
    (directory / program).touch()
    return directory


def test_a_plain_pack_runs_on_our_interpreter(tmp_path: Path) -> None:
    manifest = load_manifest(write(tmp_path, "runtime: python\nversion: 2.0.1\n"))
    assert (manifest.program, manifest.version) == (tmp_path, "2.0.1")
    assert manifest.python == Path(sys.executable)


def test_a_pack_may_have_its_own_virtual_environment_and_program(tmp_path: Path) -> None:
    python = tmp_path / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    text = "runtime: {name: python, options: {virtualenv: venv}}\nmain: rules/all.py\n"
    manifest = load_manifest(write(tmp_path, text, "rules/all.py"))
    assert (manifest.program, manifest.python) == (tmp_path / "rules" / "all.py", python)


@pytest.mark.parametrize(
    ("text", "message", "where"),
    [
        ("runtime: nodejs", "runtime is 'nodejs'", ""),
        ("runtime: {name: opa}", "runtime is 'opa'", ""),
        ("description: none", "says no runtime", ""),
        ("- runtime", "must be a mapping", ""),
        ("runtime: python\nmain: [", "not valid YAML", ":2"),
        ("runtime: python\nmain: elsewhere", "has no program", ""),
        ("runtime: {name: python, options: {virtualenv: gone}}", "gone does not exist", ""),
    ],
)
def test_a_bad_manifest_is_refused(tmp_path: Path, text: str, message: str, where: str) -> None:
    with pytest.raises(CaramlError, match=message) as caught:
        load_manifest(write(tmp_path, text))
    assert caught.value.where == f"{tmp_path}/PulumiPolicy.yaml{where}"


@pytest.mark.parametrize("name", ["missing", "file"])
def test_a_directory_without_a_pack_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CaramlError, match="there is no policy pack in"):
        load_manifest(tmp_path / name)
