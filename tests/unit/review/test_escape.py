import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from caraml_pulumi.review.escape import block, cell, code, escaped

MARKDOWN = MarkdownIt("commonmark").enable("table")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a|b", r"a\|b"),
        ("`x`", r"\`x\`"),
        ("<b>&", "&lt;b&gt;&amp;"),
        ("a\nb  c", "a b c"),
        ("[x](y)", r"\[x\](y)"),
        ("# title", r"\# title"),
        ("1. one", r"1\. one"),
        ("- x", r"\- x"),
    ],
)
def test_markup_is_shown_as_it_is(text: str, shown: str) -> None:
    assert escaped(text) == shown


@pytest.mark.parametrize("text", ["ask @team", "see #12"])
def test_nobody_is_told_and_nothing_is_referred_to(text: str) -> None:
    assert text[4] + "\N{ZERO WIDTH SPACE}" in escaped(text)


def test_lines_stay_lines_in_a_cell() -> None:
    assert cell("a\nb|c\n") == r"a<br>b\|c"


def test_code_has_no_backticks_in_it() -> None:
    assert code("a`b|c") == r"`a'b\|c`"
    assert code("") == ""


def test_a_block_is_fenced_longer_than_what_is_in_it() -> None:
    assert block("x\n````\ny", "diff") == "`````diff\nx\n````\ny\n`````"


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"]), min_size=1))
def test_any_text_renders_as_itself(text: str) -> None:
    [paragraph] = [token for token in MARKDOWN.parse(f"x {escaped(text)}") if token.type == "inline"]
    children = paragraph.children or []
    assert {child.type for child in children} <= {"text", "text_special"}
    assert "".join(child.content for child in children).replace("\N{ZERO WIDTH SPACE}", "") == f"x {text}".replace(
        "\N{ZERO WIDTH SPACE}", ""
    )
