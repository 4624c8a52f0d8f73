from pathlib import Path

import pytest

from caraml_pulumi.cli.common import print_table, resolve_target
from caraml_pulumi.errors import CaramlError
from tests.unit.cli.stacks import Place


def test_the_option_counts_before_the_environment(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_STACK", "from-pulumi")
    assert resolve_target(place.root, None).stack == "from-pulumi"
    monkeypatch.setenv("CARAML_STACK", "from-caraml")
    assert resolve_target(place.root, None).stack == "from-caraml"
    assert resolve_target(place.root, "option").stack == "option"


def test_the_only_stack_is_meant_where_none_is_named(place: Place) -> None:
    (place.root / "Pulumi.dev.yaml").write_text("")
    assert resolve_target(place.root, None).stack == "dev"
    place.backend.create("shop", "dev")
    place.backend.create("other", "prod")
    assert resolve_target(place.root, None).stack == "dev"


def test_several_stacks_are_listed_where_none_is_named(place: Place) -> None:
    (place.root / "Pulumi.dev.yaml").write_text("")
    place.backend.create("shop", "prod")
    with pytest.raises(CaramlError, match="several stacks") as caught:
        resolve_target(place.root, None)
    assert caught.value.allowed == "dev, prod"


def test_a_project_without_stacks_says_how_to_make_one(place: Place) -> None:
    with pytest.raises(CaramlError, match="no stack yet") as caught:
        resolve_target(place.root, None)
    assert "caraml stack init" in caught.value.fix


def test_a_stack_may_be_named_in_full_but_not_of_another_project(place: Place) -> None:
    assert resolve_target(place.root, "organization/shop/dev").stack == "dev"
    with pytest.raises(CaramlError, match="not of the project 'shop'"):
        resolve_target(place.root, "other/dev")


def test_the_environment_counts_before_the_projects_backend(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (place.root / "Pulumi.yaml").write_text("name: shop\nruntime: python\nbackend: {url: 'file://state'}\n")
    assert resolve_target(place.root, "dev").backend_url == f"file://{tmp_path}/backend"
    monkeypatch.delenv("PULUMI_BACKEND_URL")
    assert resolve_target(place.root, "dev").backend_url == f"file://{place.root}/state"


def test_a_table_is_plain_and_whole_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("A", "LONG"), [("x" * 200, "1"), ("y", "two\nlines")])
    assert capsys.readouterr().out.splitlines() == [
        "A" + " " * 201 + "LONG",
        "x" * 200 + "  1",
        "y" + " " * 201 + "two lines",
    ]


def test_a_table_with_colours_shows_markup_as_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    print_table(("KEY", "VALUE"), [("a", "[red]x[/red]")])
    out = capsys.readouterr().out
    assert "[red]x[/red]" in out
    assert "\x1b[1m" in out
