import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from syrupy.assertion import SnapshotAssertion

from caraml_pulumi.model.prices import Prices
from caraml_pulumi.review.document import ExemptionReview, Review
from caraml_pulumi.review.markdown import LIMIT, markdown, marker
from tests.unit.engine.display.events import diagnostic
from tests.unit.review.builders import a_version, a_whole_change, reviewed, rule, same, version, violated

PRICES = Prices(currency="EUR", cpu_per_hour=0.04, memory_gib_per_hour=0.005)
HTML = MarkdownIt("gfm-like", {"html": True, "linkify": False})


def whole() -> Review:
    found = reviewed(*a_whole_change(), prices=PRICES, rules=[rule()], create=3, delete=1, update=2, replace=1, same=4)
    exempt = ExemptionReview(
        policy="labels-present", resource="iris-*", owner="ds", reason="moves", expires="2026-12-01", ends_soon=True
    )
    return found.model_copy(update={"exemptions": [exempt]})


def test_a_comment_tells_the_whole_change(snapshot: SnapshotAssertion) -> None:
    assert markdown(whole()) == snapshot


def test_the_first_line_is_a_marker_by_which_the_comment_is_found_again() -> None:
    assert markdown(whole()).startswith(f"{marker('iris', 'dev')}\n")
    assert marker("iris", "dev") == "<!-- caraml review: iris/dev -->"


def test_the_same_change_gives_the_same_bytes() -> None:
    events = a_whole_change()
    first, second = (markdown(reviewed(*one, rules=[rule()])) for one in (events, list(reversed(events))))
    assert first == second


def test_text_of_users_is_no_markup() -> None:
    text = markdown(whole())
    assert "@team" not in text
    assert "<b>" not in text
    assert "three versions | of `iris` @\N{ZERO WIDTH SPACE}team <b>" in unescape(HTML.render(text))


def test_tables_have_as_many_cells_in_each_row() -> None:
    for table in markdown(whole()).split("\n\n"):
        rows = [line for line in table.split("\n") if line.startswith("|")]
        assert len({row.replace(r"\|", "").count("|") for row in rows}) <= 1


def test_a_rule_links_to_its_page_where_that_is_on_a_host() -> None:
    linked = markdown(reviewed(violated(), rules=[rule(url="https://example.com/rules#a")]))
    assert "[`at-most-two-versions`](https://example.com/rules#a)" in linked
    assert "**rule:** `docs/a.md`" in markdown(reviewed(violated(), rules=[rule(url="docs/a.md")]))


def test_the_steps_of_a_rule_stand_in_for_a_fix() -> None:
    assert "**fix:** Stop one." in markdown(reviewed(violated(), rules=[rule()]))
    mended = markdown(reviewed(violated(message="x\n  fix:     do that"), rules=[rule()]))
    assert "**fix:** do that" in mended
    assert "Stop one." not in mended


def test_a_failed_preview_says_why() -> None:
    text = markdown(reviewed([diagnostic("Traceback:\n```\nno such model")]))
    assert "## ❌ iris/dev: the preview failed" in text
    assert "````\nTraceback:\n```\nno such model\n````" in text
    assert "No model changes" not in text


def test_without_changes_it_is_short() -> None:
    text = markdown(reviewed(same(a_version(), version()), same=2))
    assert "No model changes." in text
    assert "2 unchanged" in text


def test_many_models_are_folded() -> None:
    named = [(f"m{number}", {**version(), "model": f"m{number}"}) for number in range(9)]
    events = [a_version(number).does("create", None, props) for number, (_, props) in enumerate(named)]
    assert markdown(reviewed(*events)).count("<details><summary>iris-team/m") == 9
    assert "<details><summary>iris-team/m" not in markdown(reviewed(*events[:8]))


def test_what_is_longer_than_a_comment_may_be_is_cut_with_a_note() -> None:
    events = [violated(message=f"{number} {'x' * 2000}", policy=f"rule-{number:03}") for number in range(60)]
    text = markdown(reviewed(*events, rules=[rule()]))
    assert len(text) <= LIMIT
    assert "rule-000" in text
    assert "rule-059" not in text
    assert "parts are not shown" in text.splitlines()[-1]


WHOLE = whole()


@given(st.integers(300, 5000))
def test_it_is_never_longer_than_its_limit(limit: int) -> None:
    assert len(markdown(WHOLE, "+ a\n" * 500, limit=limit)) <= limit


def test_of_too_many_changed_properties_the_first_are_shown() -> None:
    text = markdown(WHOLE, "\n".join(f"+ line {number}" for number in range(20_000)))
    assert LIMIT - 300 < len(text) <= LIMIT
    assert "\n+ line 0\n" in text
    assert re.search(r"\n… \d+ more lines: caraml review --diff\n```\n\n</details>\n$", text)


@pytest.mark.parametrize("diff", ["", "~ image: 1 => 2"])
def test_all_changed_properties_are_folded_at_the_end(diff: str) -> None:
    assert ("All changed properties" in markdown(whole(), diff)) == bool(diff)
    assert diff in markdown(whole(), diff)
