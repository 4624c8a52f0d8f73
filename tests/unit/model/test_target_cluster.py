import pytest

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.spec import parse
from caraml_pulumi.model.target_cluster import ClusterSpec, is_the_cluster

PROD = ClusterSpec(name="prod", context="prod", server="https://10.0.0.1:6443/")


def test_the_environments_own_cluster_is_taken() -> None:
    is_the_cluster(PROD, environment="prod", context="prod", server="https://10.0.0.1:6443")


def test_what_is_left_out_may_be_any() -> None:
    is_the_cluster(ClusterSpec(name="prod"), environment="prod", context="dev", server="https://elsewhere")


def test_another_context_is_refused_with_the_commands_that_choose_the_right_one() -> None:
    with pytest.raises(CaramlError) as caught:
        is_the_cluster(PROD, environment="prod", context="dev", server="https://10.0.0.1:6443")
    error = caught.value
    assert error.what == 'environment "prod" is deployed by the context "prod" alone, and the context is "dev"'
    assert (error.where, error.allowed) == ("cluster.context", "prod")
    assert "kubectl config use-context prod" in error.fix


def test_another_api_server_behind_the_same_name_is_refused() -> None:
    with pytest.raises(CaramlError) as caught:
        is_the_cluster(PROD, environment="prod", context="prod", server="https://10.0.0.2:6443")
    assert (caught.value.where, caught.value.allowed) == ("cluster.server", "https://10.0.0.1:6443")


@pytest.mark.parametrize("server", ["10.0.0.1:6443", "https://name:hunter2@host", "https:// host", ""])
def test_a_server_must_be_an_address_without_a_password(server: str) -> None:
    with pytest.raises(CaramlError) as caught:
        parse(ClusterSpec, {"server": server})
    assert caught.value.where == "server"
    assert "hunter2" not in str(caught.value)
