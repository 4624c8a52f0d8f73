import json
from pathlib import Path
from typing import Any

import pytest

from caraml_pulumi.environment import deploy_environment
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.testing import Recording, record

KUBECONFIG = {
    "current-context": "dev",
    "contexts": [
        {"name": "dev", "context": {"cluster": "dev", "user": ""}},
        {"name": "prod", "context": {"cluster": "prod", "user": ""}},
    ],
    "clusters": [
        {"name": "dev", "cluster": {"server": "https://10.0.0.1:6443"}},
        {"name": "prod", "cluster": {"server": "https://10.0.0.2:6443"}},
    ],
}
PROJECTS = {"iris-team": {"team": "data-science", "stream": "samples"}}


@pytest.fixture(autouse=True)
def kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(KUBECONFIG))
    monkeypatch.setenv("KUBECONFIG", str(path))
    monkeypatch.delenv("PULUMI_K8S_CONTEXT", raising=False)
    monkeypatch.delenv("PULUMI_K8S_CLUSTER", raising=False)


def deploy(directory: Path, cluster: dict[str, str], **config: str) -> Recording:
    platform = {"domain": "models.example.com", "cluster": cluster}
    document = {"config": {"caraml:platform": platform, "caraml:projects": PROJECTS}}
    (directory / "Pulumi.prod.yaml").write_text(json.dumps(document, indent=1))
    given: dict[str, Any] = {**document["config"], **{f"kubernetes:{key}": value for key, value in config.items()}}
    return record(lambda: deploy_environment(directory), stack="prod", config=given)


def test_production_is_never_deployed_to_the_cluster_of_development(tmp_path: Path) -> None:
    with pytest.raises(CaramlError) as caught:
        deploy(tmp_path, {"context": "prod"})
    assert 'is deployed by the context "prod" alone, and the context is "dev"' in str(caught.value)
    assert f"{tmp_path}/Pulumi.prod.yaml:6 (config.caraml:platform.cluster.context)" in str(caught.value)


def test_the_context_of_the_stacks_configuration_counts(tmp_path: Path) -> None:
    assert deploy(tmp_path, {"context": "prod", "server": "https://10.0.0.2:6443"}, context="prod").registrations


def test_the_context_of_the_environment_variable_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_K8S_CONTEXT", "prod")
    assert deploy(tmp_path, {"context": "prod"}).registrations


def test_a_context_that_leads_to_another_server_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CaramlError) as caught:
        deploy(tmp_path, {"context": "prod", "server": "https://10.0.0.3:6443"}, context="prod")
    assert "is deployed to https://10.0.0.3:6443 alone, and the API server is https://10.0.0.2:6443" in str(
        caught.value
    )


def test_yaml_is_rendered_wherever_the_kubeconfig_leads(tmp_path: Path) -> None:
    assert deploy(tmp_path, {"context": "prod"}, renderYamlToDirectory="yaml").registrations


def test_without_any_cluster_a_preview_is_as_it_is_without_the_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.setattr("caraml_pulumi.kube.kubeconfig.SERVICE_ACCOUNT", tmp_path)
    assert deploy(tmp_path, {"context": "prod"}).registrations
