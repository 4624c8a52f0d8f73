"""What a policy pack knows of an environment that extends another."""

from collections.abc import Iterator
from pathlib import Path

import pulumi
import pytest

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.stack_files.place import STACK_FILES
from policies import platform_config
from policies.platform_config import label_prefix, platform

STAGING = """\
config:
  caraml:platform:
    domain: staging.example.com
    maxCpu: "4"
    labelPrefix: models.example.com/
"""


@pytest.fixture(autouse=True)
def extending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A project whose configuration is in ``stacks``, and the stack prod, which extends staging."""
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\nstackConfigDir: stacks\n")
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks/Pulumi.staging.yaml").write_text(STAGING)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setattr("sys.path", [str(tmp_path / "elsewhere")])
    monkeypatch.delenv(STACK_FILES, raising=False)
    monkeypatch.delenv("PWD", raising=False)
    monkeypatch.setattr(pulumi, "get_project", lambda: "shop")
    monkeypatch.setattr(pulumi, "get_stack", lambda: "prod")
    platform_config._parsed.cache_clear()
    pulumi.runtime.set_config("caraml:extends", "staging")
    pulumi.runtime.set_config("caraml:platform", '{"domain": "models.example.com"}')
    yield
    platform_config._parsed.cache_clear()
    pulumi.runtime.set_all_config({})


def check() -> None:
    found = platform()
    assert found is not None
    assert (found.environment, found.domain, found.max_cpu) == ("prod", "models.example.com", "4")
    assert label_prefix({}) == "models.example.com/"


def test_what_caraml_names_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Pulumi.yaml").unlink()
    monkeypatch.setenv(STACK_FILES, str(tmp_path / "stacks"))
    check()


def test_the_project_is_found_above_the_pack() -> None:
    check()


def test_the_project_is_found_where_pulumi_was_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    monkeypatch.setattr("sys.path", ["/"])
    monkeypatch.setenv("PWD", str(tmp_path))
    check()


def test_an_environment_that_says_nothing_itself_takes_over_everything() -> None:
    pulumi.runtime.set_config("caraml:platform", "")
    found = platform()
    assert found is not None
    assert found.domain == "staging.example.com"


def test_rules_do_not_judge_by_half_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: another\nruntime: python\n")
    with pytest.raises(CaramlError) as caught:
        platform()
    assert caught.value.what == 'the files of the project "shop" are not found, whose environments extend each other'
    assert STACK_FILES in caught.value.fix
