import pytest

from caraml_pulumi.errors import CaramlError
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
