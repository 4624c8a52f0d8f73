"""The tables of the pages are those of the docstrings."""

from enum import StrEnum
from pathlib import Path
from typing import Any, NotRequired, TypedDict, get_type_hints

import pulumi
import pytest

from tools import component_docs
from tools.component_docs import PAGES, Described, described, docstrings, rendered, table, type_text


@pytest.mark.parametrize("page", sorted(PAGES.glob("*.md")), ids=lambda page: page.stem)
def test_every_table_is_what_the_docstrings_say(page: Path) -> None:
    assert rendered(page) == page.read_text(), f"{page.name} is stale: run `make docs`"


def test_a_docstring_is_taken_apart() -> None:
    assert described(
        """How long it may take,
        all attempts together (seed: Deploying a Model Version). Unit: seconds. Default: 600 (Merlin). Refused: 0."""
    ) == Described(
        "How long it may take, all attempts together.", "seconds", "600", "0", "seed: Deploying a Model Version; Merlin"
    )


def test_what_a_docstring_does_not_say_is_left_empty() -> None:
    assert described("A name (not a path).") == Described("A name (not a path).")


class Colour(StrEnum):
    RED = "RED"
    BLUE = "BLUE"


class Annotations(TypedDict):
    text: NotRequired[str]
    count: int
    share: float
    wanted: bool
    anything: dict[str, Any]
    names: list[str]
    values: dict[str, pulumi.Input[str]]
    later: pulumi.Input[str]
    colour: Colour
    perhaps: str | None


def test_types_are_told_in_words() -> None:
    hints = get_type_hints(Annotations, localns={"Output": pulumi.Output, "T": Any}, include_extras=True)
    assert {name: type_text(hint, "page.md") for name, hint in hints.items()} == {
        "text": "text",
        "count": "whole number",
        "share": "number",
        "wanted": "true or false",
        "anything": "map",
        "names": "list of text",
        "values": "map to text or Output",
        "later": "text or Output",
        "colour": "`RED`, `BLUE`",
        "perhaps": "text",
    }


def test_an_inherited_property_has_the_docstring_of_its_base() -> None:
    assert docstrings("ImageBuildSpec")["node_selector"] == docstrings("PlacementSettings")["node_selector"] != ""


@pytest.mark.parametrize(
    ("docstring", "problem"),
    [("", "has no docstring"), ("The directory.", "is optional and has no Default:")],
)
def test_a_docstring_that_lacks_something_is_named(
    monkeypatch: pytest.MonkeyPatch, docstring: str, problem: str
) -> None:
    written = docstrings("ImageBuildArgs") | {"dockerfile": docstring}
    monkeypatch.setattr(component_docs, "docstrings", lambda _: written)
    with pytest.raises(ValueError, match=f"ImageBuildArgs.dockerfile {problem}"):
        table("arguments", "ImageBuildArgs", "image-build.md")


def test_a_table_of_no_class_is_named() -> None:
    with pytest.raises(ValueError, match=r"page\.md: there is no class Nothing"):
        table("arguments", "Nothing", "page.md")
