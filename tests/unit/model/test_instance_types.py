from typing import Any

import pytest

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.instance_types import InstanceType, find_instance_type
from caraml_pulumi.model.spec import parse


def instance_type(cpu: str = "2", memory: str = "4Gi", **settings: Any) -> InstanceType:
    return parse(InstanceType, {"limits": {"cpu": cpu, "memory": memory}, **settings})


def test_what_an_instance_type_does_not_ask_for_is_its_limit() -> None:
    assert (instance_type().cpu_request, instance_type().memory_request) == ("2", "4Gi")
    asking = instance_type(requests={"cpu": "500m"})
    assert (asking.cpu_request, asking.memory_request) == ("500m", "4Gi")


def test_a_gpu_is_nvidias_unless_the_instance_type_says_otherwise() -> None:
    assert instance_type().gpu_resource_name == "nvidia.com/gpu"
    assert instance_type(gpuResourceName="amd.com/gpu").gpu_resource_name == "amd.com/gpu"


def test_the_instance_type_of_a_project_comes_before_the_platforms() -> None:
    of_platform = {"small": instance_type("1"), "large": instance_type("8")}
    of_project = {"small": instance_type("2")}
    assert find_instance_type("small", of_project=of_project, of_platform=of_platform).limits.cpu == "2"
    assert find_instance_type("large", of_project=of_project, of_platform=of_platform).limits.cpu == "8"


def test_an_unknown_instance_type_is_answered_in_primehubs_words() -> None:
    with pytest.raises(CaramlError) as caught:
        find_instance_type("smal", of_project={"small": instance_type()}, of_platform={"large": instance_type()})
    assert caught.value.what == "InstanceType not found: smal"
    assert caught.value.allowed == "large, small"
    assert caught.value.fix == "did you mean `small`?"


def test_an_unknown_instance_type_where_there_are_none_says_so() -> None:
    with pytest.raises(CaramlError) as caught:
        find_instance_type("small", of_project={}, of_platform={})
    assert "none: neither" in caught.value.allowed


@pytest.mark.parametrize(
    ("settings", "where", "what"),
    [
        ({"limits": {"cpu": "0", "memory": "1Gi"}}, "limits.cpu", "gives 0"),
        ({"limits": {"cpu": "1"}}, "limits.memory", "`memory` is missing"),
        ({"limits": {"cpu": "1", "memory": "1Gi", "gpu": 0.5}}, "limits.gpu", "0.5 is not a whole number"),
        ({"requests": {"cpu": "3"}}, "requests.cpu", "the cpu request 3 is more than the limit 2"),
        ({"requests": {"memory": "5G"}}, "requests.memory", "the memory request 5G is more than the limit 4Gi"),
        ({"gpuResourceName": "gpu"}, "gpuResourceName", '"gpu" is not the name of a device'),
        ({"gpuResourceName": "kubernetes.io/gpu"}, "gpuResourceName", "is not the name of a device"),
        ({"nodeSelector": {"a b": "c"}}, "nodeSelector.a b", '"a b" is not a label key'),
        ({"tolerations": [{"operator": "Equal"}]}, "tolerations[0]", "has no key"),
    ],
)
def test_a_wrong_instance_type_names_the_property(settings: dict[str, Any], where: str, what: str) -> None:
    with pytest.raises(CaramlError) as caught:
        parse(InstanceType, {"limits": {"cpu": "2", "memory": "4Gi"}, **settings})
    assert caught.value.where == where
    assert what in caught.value.what
