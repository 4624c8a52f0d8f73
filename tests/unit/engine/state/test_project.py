from pathlib import Path

import pytest

from caraml_pulumi.engine.state.project import load_project
from caraml_pulumi.errors import CaramlError


def _write(root: Path, text: str, name: str = "Pulumi.yaml") -> Path:
    (root / name).write_text(text)
    return root


def test_a_project_is_read_with_its_defaults(tmp_path: Path) -> None:
    project = load_project(_write(tmp_path, "name: shop\nruntime: python\ndescription: A shop.\n"))
    assert (project.name, project.description) == ("shop", "A shop.")
    assert project.main == tmp_path / "__main__.py"
    assert project.root == project.stack_config_dir == tmp_path
    assert project.file == tmp_path / "Pulumi.yaml"
    assert project.backend_url == ""


@pytest.mark.parametrize("name", ["Pulumi.yaml", "Pulumi.yml"])
def test_a_project_is_found_from_a_directory_within_it(name: str, tmp_path: Path) -> None:
    _write(tmp_path, "name: shop\nruntime: {name: python, options: {virtualenv: venv}}\n", name)
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert load_project(inner).root == tmp_path


def test_main_may_be_a_file_or_a_directory(tmp_path: Path) -> None:
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy" / "run.py").write_text("")
    base = "name: shop\nruntime: python\n"
    assert load_project(_write(tmp_path, f"{base}main: deploy\n")).main == tmp_path / "deploy" / "__main__.py"
    assert load_project(_write(tmp_path, f"{base}main: deploy/run.py\n")).main == tmp_path / "deploy" / "run.py"


@pytest.mark.parametrize("line", ["stackConfigDir: config", "config: config"])
def test_stack_files_may_be_in_a_directory_of_their_own(line: str, tmp_path: Path) -> None:
    project = load_project(_write(tmp_path, f"name: shop\nruntime: python\n{line}\n"))
    assert project.stack_config_dir == tmp_path / "config"
    assert project.config == {}


def test_declarations_of_configuration_are_kept_as_written(tmp_path: Path) -> None:
    text = "name: shop\nruntime: python\nconfig:\n  size: {type: integer, default: 3}\n  aws:region: {value: eu}\n"
    project = load_project(_write(tmp_path, text))
    assert project.config == {"size": {"type": "integer", "default": 3}, "aws:region": {"value": "eu"}}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("file://state", "file://{root}/state"),
        ("file:///abs", "file:///abs"),
        ("file://~", "file://~"),
        ("s3://b", "s3://b"),
    ],
)
def test_the_backend_of_a_project_is_relative_to_it(written: str, meant: str, tmp_path: Path) -> None:
    project = load_project(_write(tmp_path, f"name: shop\nruntime: python\nbackend: {{url: '{written}'}}\n"))
    assert project.backend_url == meant.format(root=tmp_path)


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("runtime: python\n", "no name", ""),
        ("name: [a]\nruntime: python\n", "'name' is", ":1"),
        ("name: a/b\nruntime: python\n", "'a/b' cannot be the name of a project", ":1"),
        ("name: shop\n", "no runtime", ":1"),
        ("name: shop\nruntime: nodejs\n", "'nodejs'", ":2"),
        ("name: shop\nruntime: {name: go}\n", "'go'", ":2"),
        ("name: shop\nruntime: python\nmain: [1]\n", "'main' is", ":3"),
        ("name: shop\nruntime: python\nconfig: [1]\n", "'config' is", ":3"),
        ("name: shop\n\n runtime: python\n", "not valid YAML", ":3"),
    ],
)
def test_a_malformed_project_is_refused_at_its_line(text: str, message: str, line: str, tmp_path: Path) -> None:
    with pytest.raises(CaramlError, match=message) as caught:
        load_project(_write(tmp_path, text))
    assert caught.value.where == f"{tmp_path}/Pulumi.yaml{line}"


def test_a_directory_without_a_project_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(CaramlError, match="no Pulumi project") as caught:
        load_project(tmp_path)
    assert "Pulumi.yaml" in caught.value.allowed
    with pytest.raises(CaramlError, match="no directory"):
        load_project(tmp_path / "missing")
