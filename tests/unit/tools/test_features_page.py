"""Every row of the feature table names tests that there are."""

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
ROWS = [
    cells
    for line in (REPOSITORY / "docs/features.md").read_text().splitlines()
    if len(cells := [cell.strip() for cell in line.strip("|").split(" | ")]) == 5 and cells[0] != "feature"
]
LINK = re.compile(r"\[(test_\w+)\]\(\.\./(tests/e2e/[\w/]+\.py)\)")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_feature_is_held_by_tests_or_not_offered(row: list[str]) -> None:
    _, _, _, here, tests = row
    links = LINK.findall(tests)
    if here.startswith(("later", "not offered")):
        assert links == []
        return
    assert len(links) == len(tests.split("<br>"))
    for name, path in links:
        assert f"def {name}(" in (REPOSITORY / path).read_text(), f"{path} has no {name}"


def test_no_row_is_malformed() -> None:
    lines = (REPOSITORY / "docs/features.md").read_text().splitlines()
    assert len(ROWS) == sum(line.startswith("| ") and not line.startswith("| feature") for line in lines)
