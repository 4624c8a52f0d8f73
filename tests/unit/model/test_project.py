from typing import Any

import pytest

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.manifests import project as manifests
from caraml_pulumi.model.project import ModelProjectSpec, find_project, parse_projects, plan_project, quota_of
from caraml_pulumi.model.spec import dotted, parse
from tests.unit.model.builders import platform


def project(**settings: Any) -> ModelProjectSpec:
    return parse(ModelProjectSpec, {"project": "iris-team", "team": "fraud", "stream": "risk", **settings})


def test_a_project_is_enabled_unlimited_and_made_here_unless_it_says_otherwise() -> None:
    props = plan_project(project(), platform()).props()
    assert (props["enabled"], props["quota"], props["existing"]) == (True, {}, False)
    assert not props.keys() & {"instanceTypes", "deployers", "viewers", "secrets"}


def test_of_secrets_only_the_names_and_keys_are_shown() -> None:
    plan = plan_project(project(secrets={"registry": {"user": "ann", "password": "hunter2"}}), platform())
    assert plan.props()["secrets"] == {"registry": ["password", "user"]}
    assert "hunter2" not in str(plan.props())


@pytest.mark.parametrize(
    ("settings", "where", "what"),
    [
        ({"quota": {"cpus": 4}}, "quota.cpus", "unknown field `cpus`"),
        ({"quota": {"memory": "8GiB"}}, "quota.memory", '"8GiB" is not a quantity'),
        ({"enabled": "perhaps"}, "enabled", "`enabled` must be true or false"),
        ({"instanceTypes": {"Big": {"limits": {"cpu": 1, "memory": 1}}}}, "instanceTypes.Big", '"Big" is not a name'),
        ({"deployers": {"user": ["ann"]}}, "deployers.user", "unknown field `user`"),
        ({"deployers": {"serviceAccounts": ["a/b/c"]}}, "deployers.serviceAccounts[0]", "not a service account"),
        ({"viewers": {"groups": [""]}}, "viewers.groups[0]", "has no name"),
        ({"secrets": {"My_Secret": {"a": "b"}}}, "secrets.My_Secret", '"My_Secret" is not a name'),
        ({"secrets": {"registry": {"a b": "c"}}}, "secrets.registry.a b", '"a b" is not a key of a Secret'),
        ({"existing": True, "secrets": {"a": {"b": "c"}}}, "secrets", "an existing project gets no secrets"),
        ({"existing": True, "deployers": {"users": ["ann"]}}, "deployers", "an existing project gets no deployers"),
        (
            {"createNamespace": False, "labels": {"a": "b"}},
            "labels",
            "a namespace that is not made here gets no labels",
        ),
    ],
)
def test_a_wrong_setting_names_the_property(settings: dict[str, Any], where: str, what: str) -> None:
    with pytest.raises(CaramlError) as caught:
        project(**settings)
    assert caught.value.where == where
    assert what in caught.value.what


def test_a_wrong_secret_is_refused_without_being_shown() -> None:
    with pytest.raises(CaramlError) as caught:
        project(secrets={"registry": {"password": 4711}})
    assert "4711" not in str(caught.value)


def test_an_unknown_project_is_answered_in_primehubs_words() -> None:
    projects = parse_projects({"iris-team": {"team": "fraud", "stream": "risk"}}, locate=dotted)
    assert find_project("iris-team", projects).team == "fraud"
    with pytest.raises(CaramlError) as caught:
        find_project("iris-tea", projects)
    assert caught.value.what == "Group not found: iris-tea"
    assert (caught.value.allowed, caught.value.fix) == ("iris-team", "did you mean `iris-team`?")


def test_what_a_quota_does_not_say_is_the_environments() -> None:
    on = platform(defaultQuota={"cpu": "8", "maxDeployments": 4})
    assert quota_of(project(), on).props() == {"cpu": "8", "maxDeployments": 4}
    assert quota_of(project(quota={"cpu": "2", "gpu": 0}), on).props() == {"cpu": "2", "gpu": 0, "maxDeployments": 4}
    assert plan_project(project(), on).props()["quota"] == {"cpu": "8", "maxDeployments": 4}
    [limits, _] = list(manifests.limits(plan_project(project(), on)))
    assert limits["spec"]["hard"]["limits.cpu"] == "8"


def test_the_environment_says_how_long_a_namespace_may_take() -> None:
    metadata = manifests.namespace(plan_project(project(annotations={"a": "b"}), platform(namespaceTimeoutSeconds=120)))
    assert metadata["metadata"]["annotations"] == {"a": "b", "pulumi.com/timeoutSeconds": "120"}
    assert "annotations" not in manifests.namespace(plan_project(project(), platform()))["metadata"]
