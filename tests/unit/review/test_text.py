from io import StringIO

import pytest
from rich.cells import cell_len
from rich.console import Console
from syrupy.assertion import SnapshotAssertion

from caraml_pulumi.review.document import Review
from caraml_pulumi.review.text import text
from tests.unit.engine.display.events import diagnostic
from tests.unit.review.builders import a_child, a_version, reviewed, same, version, violated
from tests.unit.review.test_markdown import whole


def shown(review: Review, width: int = 100) -> str:
    console = Console(file=StringIO(), width=width, color_system=None)
    return text(review, console).plain


@pytest.mark.parametrize("width", [80, 100])
def test_a_terminal_shows_the_whole_change(width: int, snapshot: SnapshotAssertion) -> None:
    assert shown(whole(), width) == snapshot


@pytest.mark.parametrize("width", [60, 80, 100])
def test_no_line_is_longer_than_the_terminal(width: int) -> None:
    lines = shown(whole(), width).splitlines()
    assert [line for line in lines if cell_len(line) > width and len(line.split()) > 1] == []
    assert [line for line in lines if line != line.rstrip()] == []


def test_a_review_without_a_pack_says_so() -> None:
    assert "none were asked" in shown(reviewed())


def test_a_failed_preview_shows_why_and_no_more() -> None:
    out = shown(reviewed([diagnostic("no such model")]))
    assert "✘ the preview failed" in out
    assert "error  the stack as a whole\n    no such model" in out
    assert "No model changes" not in out


def test_a_rule_that_judged_nothing_is_named_once_for_a_reason() -> None:
    parts = [a_version(number) for number in (1, 2)]
    child = a_child(parts[0])
    said = [
        {
            "policyNotApplicableEvent": {
                "policyName": "a",
                "policyPackName": "p",
                "resourceUrn": one.urn,
                "reason": "why",
            }
        }
        for one in (*parts, child)
    ]
    alike = [same(one, version(number)) for number, one in enumerate(parts, 1)]
    out = shown(reviewed(*alike, same(child, {}), said))
    assert "not judged  a  version 1 of iris-team/iris and 2 more\n    why" in out


def test_several_lines_of_a_message_stay_lines() -> None:
    out = shown(reviewed(violated(message="first\nsecond\n  fix:     a\nb")))
    assert "    first\n    second\n      fix:     a\n               b" in out
