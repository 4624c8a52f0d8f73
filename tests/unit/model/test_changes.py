import pytest

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model import changes
from caraml_pulumi.model.changes import Props, change_allowed

VERSION = "caraml:index:CustomModelVersion"


def props(mode: str, **more: object) -> Props:
    identity = {"model": "iris", "version": 2, "project": "iris-team", "environment": "dev"}
    return {**identity, "deploymentMode": mode, "stopped": False, **more}


def test_a_running_version_may_not_change_its_deployment_mode_in_merlins_words() -> None:
    with pytest.raises(CaramlError) as caught:
        change_allowed(VERSION, props("SERVERLESS"), props("RAW_DEPLOYMENT", image="iris:2"))
    assert caught.value.what == (
        "changing deployment type of a running model is not allowed, please terminate it first"
    )
    assert caught.value.where == "iris-2: deploymentMode, SERVERLESS => RAW_DEPLOYMENT"
    assert "stop the version or take it out, with deploymentMode SERVERLESS" in caught.value.fix


def test_it_may_not_be_stopped_and_changed_in_one_go() -> None:
    with pytest.raises(CaramlError, match="terminate it first"):
        change_allowed(VERSION, props("SERVERLESS"), props("RAW_DEPLOYMENT", stopped=True))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (props("SERVERLESS"), props("SERVERLESS", image="iris:2")),
        (props("SERVERLESS", stopped=True), props("RAW_DEPLOYMENT")),
        (props("SERVERLESS", stopped=True), props("RAW_DEPLOYMENT", stopped=True)),
        (props("SERVERLESS"), props("RAW_DEPLOYMENT", version=3)),
        ({"model": "iris"}, props("RAW_DEPLOYMENT")),
    ],
    ids=["same mode", "stopped", "stays stopped", "another version", "state of an older release"],
)
def test_any_other_change_is_allowed(old: Props, new: Props) -> None:
    change_allowed(VERSION, old, new)


def test_other_types_have_no_rule() -> None:
    change_allowed("acme:index:Thing", props("SERVERLESS"), props("RAW_DEPLOYMENT"))


def scaled(minimum: int, maximum: int, **more: object) -> Props:
    request = {"minReplica": minimum, "maxReplica": maximum}
    return props("RAW_DEPLOYMENT", autoscalingPolicy={"metric": "cpu_utilization"}, resourceRequest=request, **more)


def fixed(replicas: int, **more: object) -> Props:
    request = {"minReplica": replicas, "maxReplica": replicas}
    return props("RAW_DEPLOYMENT", replicas=replicas, resourceRequest=request, **more)


def test_an_autoscaler_that_wants_other_replicas_may_not_be_replaced_by_a_fixed_number_at_once() -> None:
    with pytest.raises(CaramlError) as caught:
        change_allowed(VERSION, scaled(1, 3), fixed(2))
    assert str(caught.value).splitlines() == [
        "the autoscaler of 1 to 3 replicas could outlive the change to 2",
        "  where:   iris-2: replicas",
        "  fix:     set minReplica and maxReplica to 2 and run up; then set replicas and run up again",
    ]


def test_neither_may_that_of_a_transformer() -> None:
    with pytest.raises(CaramlError) as caught:
        change_allowed(VERSION, fixed(2, transformer=scaled(1, 3)), fixed(2, transformer=fixed(3)))
    assert caught.value.where == "iris-2: transformer.replicas"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (scaled(2, 2), fixed(2)),
        (fixed(2), scaled(1, 3)),
        (fixed(2), fixed(3)),
        (scaled(1, 3, stopped=True), fixed(2)),
        (scaled(1, 3), fixed(2, stopped=True)),
        (scaled(1, 3, revision=1), fixed(2, revision=2)),
        (fixed(2), fixed(2, transformer=fixed(2))),
        (props("SERVERLESS", autoscalingPolicy={"metric": "rps"}), props("SERVERLESS", replicas=2)),
    ],
    ids=[
        "a range of that number",
        "to an autoscaler",
        "between numbers",
        "stopped",
        "to be stopped",
        "another revision",
        "a new transformer",
        "serverless",
    ],
)
def test_replicas_may_otherwise_be_fixed_and_scaled_at_will(old: Props, new: Props) -> None:
    change_allowed(VERSION, old, new)


def test_a_version_that_gets_requests_may_end_only_if_that_is_acknowledged() -> None:
    changes.serving_version_kept("iris-team/iris/1", "")
    for acknowledged in (["iris-team/iris/1"], ["iris-team/iris"]):
        changes.serving_version_kept("iris-team/iris/1", "deleted", acknowledged)
    for acknowledged in ([], ["iris-team/iris/2"], ["iris-team"]):
        with pytest.raises(CaramlError, match="version iris-team/iris/1 gets requests, and would be deleted"):
            changes.serving_version_kept("iris-team/iris/1", "deleted", acknowledged)


@pytest.mark.parametrize("value", ["iris-team/iris", "iris-team/iris/12"])
def test_an_acknowledgement_names_a_model_or_a_version(value: str) -> None:
    assert changes.acknowledgement(value) == value


@pytest.mark.parametrize("value", ["iris", "iris-team/iris/0", "iris-team/iris/v1", "a/b/1/2", "*", 1, None])
def test_anything_else_acknowledges_nothing(value: object) -> None:
    with pytest.raises(CaramlError, match="acknowledges no version"):
        changes.acknowledgement(value)
