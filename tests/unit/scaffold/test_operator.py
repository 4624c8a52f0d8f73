"""The operator's objects of an environment: no more rights than it needs, and no secret."""

from pathlib import Path
from typing import Any

import pytest

from caraml_pulumi.scaffold.operator import SecretKey, Settings, Source, name_of, objects
from caraml_pulumi.scaffold.plan import Ci, plan
from caraml_pulumi.scaffold.repository import contents, write
from caraml_pulumi.scaffold.staging import read_files
from caraml_pulumi.stack_files import StackFiles


def settings(**other: Any) -> Settings:
    given: dict[str, Any] = {
        "project": "shop",
        "namespace": "pulumi",
        "source": Source("https://git.example.com/shop.git", "main"),
        "backend": "s3://shop-state",
        "secrets": {"PULUMI_CONFIG_PASSPHRASE": SecretKey("shop", "passphrase")},
        "image": "pulumi/pulumi:3.260.0-nonroot",
    }
    return Settings(**(given | other))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    wanted = plan(
        name="shop",
        environments=("dev",),
        domain="models.example.com",
        project="ranking",
        model="ranker",
        image="registry.local/models/ranker:1",
        ci=Ci.NONE,
    )
    write(tmp_path, contents(wanted))
    return tmp_path / "stacks"


@pytest.fixture
def files(directory: Path) -> StackFiles:
    return read_files(directory, "dev")


def kinds(found: list[dict[str, Any]]) -> list[str]:
    return [one["kind"] for one in found]


def test_a_namespace_that_is_made_needs_rights_in_all(files: StackFiles) -> None:
    found = objects(settings(), "dev", files)
    assert kinds(found) == ["ServiceAccount", "ClusterRoleBinding", "ClusterRole", "ClusterRoleBinding", "Stack"]
    rules = found[2]["rules"]
    assert any(rule["resources"] == ["namespaces"] for rule in rules)
    assert not any("*" in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]] for rule in rules)
    assert not any("roles" in rule["resources"] for rule in rules)


def test_a_namespace_that_is_there_confines_the_rights_to_it(directory: Path) -> None:
    path = directory / "Pulumi.dev.yaml"
    text = path.read_text().replace("      labels:\n        caraml.dev/owner: ranking # who answers for it\n", "")
    path.write_text(text.replace("      stream: models\n", "      stream: models\n      createNamespace: false\n"))
    found = objects(settings(), "dev", read_files(directory, "dev"))
    assert kinds(found) == ["ServiceAccount", "ClusterRoleBinding", "ClusterRole", "RoleBinding", "Stack"]
    assert found[1]["roleRef"]["name"] == "system:auth-delegator"
    assert found[3]["metadata"]["namespace"] == "ranking"
    assert not any(rule["resources"] == ["namespaces"] for rule in found[2]["rules"])


def test_another_cluster_needs_no_rights_in_this_one(files: StackFiles) -> None:
    found = objects(settings(kubeconfig=SecretKey("prod", "config")), "dev", files)
    assert kinds(found) == ["ServiceAccount", "ClusterRoleBinding", "Stack"]
    workspace = found[-1]["spec"]["workspaceTemplate"]["spec"]
    [container] = workspace["podTemplate"]["spec"]["containers"]
    [mount] = container["volumeMounts"]
    [variable] = workspace["env"]
    assert variable["value"].startswith(mount["mountPath"])
    assert workspace["podTemplate"]["spec"]["volumes"][0]["secret"]["secretName"] == "prod"


def test_an_environment_may_wait_for_another(files: StackFiles) -> None:
    assert objects(settings(), "prod", files, "dev")[-1]["spec"]["prerequisites"] == [{"name": "shop-dev"}]
    assert "prerequisites" not in objects(settings(), "dev", files)[-1]["spec"]


def test_a_pulumi_name_becomes_one_of_kubernetes() -> None:
    assert name_of(settings(project="My_Shop.web"), "dev") == "my-shop-web-dev"
