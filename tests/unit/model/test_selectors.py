from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi.model.selectors import selects

keys, values = st.sampled_from(["app", "tier", "canary"]), st.sampled_from(["a", "b"])
labels = st.dictionaries(keys, values)


@given(labels, labels)
def test_match_labels_select_what_has_them_all(wanted: dict[str, str], found: dict[str, str]) -> None:
    assert selects({"matchLabels": wanted}, found) == (wanted.items() <= found.items())


@given(labels, keys, st.lists(values, min_size=1))
def test_an_expression_and_its_opposite_never_agree(found: dict[str, str], key: str, among: list[str]) -> None:
    def holds(operator: str, **rest: Any) -> bool:
        return selects({"matchExpressions": [{"key": key, "operator": operator, **rest}]}, found)

    assert holds("In", values=among) != holds("NotIn", values=among)
    assert holds("Exists") != holds("DoesNotExist")
    assert holds("In", values=among) == (found.get(key) in among)
    assert holds("Exists") == (key in found)


@pytest.mark.parametrize("found", [{}, {"app": "iris"}])
def test_an_empty_selector_selects_everything_and_none_nothing(found: dict[str, str]) -> None:
    assert selects({}, found)
    assert selects({"matchLabels": None, "matchExpressions": None}, found)
    assert not selects(None, found)


def test_labels_and_expressions_must_both_hold() -> None:
    selector = {"matchLabels": {"app": "iris"}, "matchExpressions": [{"key": "canary", "operator": "DoesNotExist"}]}
    assert selects(selector, {"app": "iris"})
    assert not selects(selector, {"app": "iris", "canary": "yes"})
    assert not selects(selector, {"app": "wine"})
