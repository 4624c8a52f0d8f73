import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model import names

labels = st.from_regex(r"[a-z]([-a-z0-9]{1,23}[a-z0-9])", fullmatch=True)


@given(labels, st.integers(1, 10**9))
def test_every_name_that_is_accepted_makes_objects_and_hosts_that_dns_takes(model: str, version: int) -> None:
    full = names.full_name(names.model_name(model), names.version_number(version))
    host = names.host(full, "iris-team", "models.example.com")
    assert len(full) + len("-00001") <= 63
    assert all(re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", label) for label in host.split("."))


@given(st.text(max_size=30))
def test_a_model_name_is_accepted_as_it_is_or_refused(name: str) -> None:
    try:
        accepted = names.model_name(name)
    except CaramlError:
        return
    assert accepted == name
    assert re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", name, re.ASCII)
    assert 3 <= len(name) <= 25


@pytest.mark.parametrize("name", ["Iris", "1iris", "iris-", "-iris", "iris.x", "írís", "iris\n"])
def test_a_model_name_that_kubernetes_refuses_is_refused(name: str) -> None:
    with pytest.raises(CaramlError, match="is not a name"):
        names.model_name(name)


def test_a_name_in_capitals_is_answered_with_the_name_to_use() -> None:
    with pytest.raises(CaramlError) as caught:
        names.model_name("Iris_Model")
    assert caught.value.fix == 'use "iris-model"'


@pytest.mark.parametrize("name", ["ab", "a" * 26])
def test_a_model_name_has_three_to_25_characters(name: str) -> None:
    with pytest.raises(CaramlError, match=f"has {len(name)} characters"):
        names.model_name(name)


@pytest.mark.parametrize("name", ["kube-system", "knative-serving", "istio-system", "default"])
def test_a_project_is_not_a_namespace_of_the_cluster_itself(name: str) -> None:
    with pytest.raises(CaramlError, match="namespace of the cluster itself"):
        names.project_name(name)


def test_a_version_that_leaves_knative_no_room_for_its_suffix_is_refused() -> None:
    assert names.workload_name(names.full_name("a" * 25, 10**30), "predictor")
    with pytest.raises(CaramlError, match="58 characters") as caught:
        names.workload_name(names.full_name("a" * 25, 10**31), "predictor")
    assert "at most 57" in caught.value.allowed


@pytest.mark.parametrize("version", [0, -1])
def test_versions_count_from_one(version: int) -> None:
    with pytest.raises(CaramlError, match="is not a version"):
        names.version_number(version)


@pytest.mark.parametrize("domain", ["", "Models.example.com", "models..com", ".com", "a" * 64 + ".com", "x_y.com"])
def test_a_domain_that_is_not_a_dns_name_is_refused(domain: str) -> None:
    with pytest.raises(CaramlError, match="is not a DNS name"):
        names.domain_name(domain)


def test_a_host_that_is_longer_than_dns_allows_is_refused() -> None:
    domain = ".".join(["a" * 60] * 4)
    with pytest.raises(CaramlError, match="characters"):
        names.host("iris-1", "iris-team", domain)
