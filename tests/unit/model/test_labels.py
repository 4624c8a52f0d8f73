import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model import labels


@pytest.mark.parametrize("key", ["tier", "a.b_c-d", "example.org/tier", "A", "a" * 63, ".".join(["x" * 50] * 4) + "/a"])
def test_a_key_that_kubernetes_takes_is_accepted(key: str) -> None:
    assert labels.label_key(key) == key


@pytest.mark.parametrize(
    "key", ["", "-a", "a-", "a b", "a" * 64, "/a", "a/", "a/b/c", "Example.org/a", "é", ".".join(["x" * 63] * 4) + "/a"]
)
def test_a_key_that_kubernetes_refuses_is_refused(key: str) -> None:
    with pytest.raises(CaramlError, match="is not a label key"):
        labels.label_key(key)


@given(st.text(max_size=70))
def test_a_value_is_accepted_as_kubernetes_would(value: str) -> None:
    kubernetes = len(value) <= 63 and re.fullmatch(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?", value, re.ASCII)
    try:
        assert labels.label_value(value) == value
    except CaramlError:
        assert not kubernetes
    else:
        assert kubernetes


@pytest.mark.parametrize(
    "key",
    [
        "component",
        "caraml.dev/app",
        "caraml.dev/version",
        "serving.kserve.io/inferenceservice",
        "serving.knative.dev/x",
    ],
)
def test_a_key_that_the_platform_sets_is_not_free(key: str) -> None:
    with pytest.raises(CaramlError, match="is set by the platform"):
        labels.labels_are_free({key: "x"}, "caraml.dev/")


@pytest.mark.parametrize(
    "key", ["app", "team", "app.kubernetes.io/name", "caraml.dev/tier", "myknative.dev/x", "example.org/app"]
)
def test_every_other_key_is_free(key: str) -> None:
    labels.labels_are_free({key: "x"}, "caraml.dev/")


def test_required_labels_are_found_under_the_prefix_or_as_they_are() -> None:
    found = {"caraml.dev/team": "fraud", "stream": "risk", "app.kubernetes.io/part-of": "shop"}
    labels.labels_present(found, ["team", "stream", "app.kubernetes.io/part-of"], "caraml.dev/")
    with pytest.raises(CaramlError) as caught:
        labels.labels_present(found, ["team", "owner", "example.com/cost"], "caraml.dev/")
    assert caught.value.what == "missing labels: caraml.dev/owner, example.com/cost"


def test_a_required_label_has_a_value_that_kubernetes_takes() -> None:
    with pytest.raises(CaramlError, match=r"missing label: caraml\.dev/owner"):
        labels.labels_present({"caraml.dev/owner": ""}, ["owner"], "caraml.dev/")
    with pytest.raises(CaramlError, match=r"alice@.* is not a label value"):
        labels.labels_present({"caraml.dev/owner": "alice@example.com"}, ["owner"], "caraml.dev/")
