import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model import object_names

kinds = st.sampled_from(["Deployment", "StatefulSet", "Service", "Namespace", "Job", "CronJob", "Pod"])
label = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"


@given(kinds, st.one_of(st.text(max_size=70), st.from_regex(rf"{label}(\.{label})?", fullmatch=True)))
def test_every_name_that_is_accepted_is_one_that_kubernetes_takes(kind: str, name: str) -> None:
    try:
        object_names.object_fits(kind, name)
    except CaramlError:
        return
    assert re.fullmatch(rf"{label}(\.{label})*", name, re.ASCII)
    assert len(name) <= (52 if kind in ("StatefulSet", "CronJob") else 253)


def test_what_is_added_to_the_name_of_a_stateful_set_still_fits_into_a_label() -> None:
    name = "a" * 52
    object_names.object_fits("StatefulSet", name)
    assert len(f"{name}-5d8c7f6b9d") == 63


def test_the_host_of_a_knative_service_is_judged_with_the_domain_alone() -> None:
    object_names.knative_service_fits("iris", "iris-team", None)
    object_names.knative_service_fits("iris", "iris-team", "models.example.com")
    with pytest.raises(CaramlError, match="has 254 characters"):
        object_names.knative_service_fits("iris", "iris-team", ".".join(["d" * 59] * 4))


@given(st.lists(st.from_regex(label, fullmatch=True), min_size=1, max_size=6), st.booleans())
def test_a_host_of_labels_is_refused_just_if_it_is_too_long(parts: list[str], wildcard: bool) -> None:
    host = ".".join(["*", *parts] if wildcard else parts)
    try:
        object_names.host_fits(host)
        accepted = True
    except CaramlError:
        accepted = False
    assert accepted == (len(host) <= 253)
