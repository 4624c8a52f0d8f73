"""Whatever holds the rules of the components passes the pack in development: nothing is even advised."""

import json
import runpy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pulumi_policy import ResourceValidationPolicy, StackValidationPolicy

from caraml_pulumi import CustomModelVersion, ImageBuild, ModelEndpoint, ModelProject
from caraml_pulumi.testing import Recording, record
from caraml_pulumi.testing.stacks import assert_passes
from policies.rules import all_rules
from tests.e2e.any_spec import PLATFORM, Args, endpoints, image_builds, platforms, projects, versions

REPOSITORY = Path(__file__).parents[3]
PROFILE = json.loads((REPOSITORY / "policies/profiles/dev.json").read_text())
READY = {
    "metadata": {"generation": 1},
    "status": {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True"}]},
}
any_spec = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],  # what is generated is large: shrinking would take minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)


def level(name: str) -> str:
    setting = PROFILE.get(name, PROFILE.get("all", "mandatory"))
    return setting if isinstance(setting, str) else setting.get("enforcementLevel", "mandatory")


def settings_of(name: str) -> dict[str, Any]:
    setting = PROFILE.get(name, {})
    return (
        {} if isinstance(setting, str) else {key: value for key, value in setting.items() if key != "enforcementLevel"}
    )


RULES: list[ResourceValidationPolicy | StackValidationPolicy] = [
    rule for rule in all_rules() if level(rule.name) != "disabled"
]
CONFIG = {rule.name: settings_of(rule.name) for rule in RULES}


def passes(program: Any, *, platform: Args, live: dict[str, Any] | None = None) -> Recording:
    for preview in (True, False):
        recording = record(program, config={"caraml:platform": platform}, preview=preview, live=live)
        assert_passes(recording, RULES, CONFIG)
    return recording


def test_most_rules_are_on_in_development() -> None:
    assert len(RULES) >= 20
    assert {"no-plaintext-secrets", "no-privileged-containers", "requests-within-ceilings"} <= {*CONFIG}


@given(args=versions(), platform=platforms)
@any_spec
def test_any_version_passes(args: Args, platform: Args) -> None:
    passes(lambda: CustomModelVersion("any", {"project": "iris-team", **args}), platform=platform)  # type: ignore[call-overload]


@given(args=endpoints())
@any_spec
def test_any_endpoint_passes(args: Args) -> None:
    live = {f"iris-team/{args['model']}-{share['version']}": READY for share in args["traffic"]}
    passes(
        lambda: ModelEndpoint("any", {"project": "iris-team", **args}),  # type: ignore[call-overload]
        platform=PLATFORM,
        live=live,
    )


@given(args=projects)
@any_spec
def test_any_project_passes(args: Args) -> None:
    passes(lambda: ModelProject("any", args), platform=PLATFORM)  # type: ignore[call-overload]


@given(args=image_builds)
@any_spec
def test_any_image_build_passes(args: Args) -> None:
    passes(lambda: ImageBuild("any", {"project": "iris-team", **args}), platform=PLATFORM)  # type: ignore[call-overload]


@given(one=versions(), other=versions(), weight=st.integers(0, 100))
@any_spec
def test_any_two_versions_behind_an_endpoint_pass(one: Args, other: Args, weight: int) -> None:
    shared: Args = {"model": one["model"], "project": "iris-team"}
    alike: Args = {key: one[key] for key in ("protocol", "deploymentMode", "transformer") if key in one}
    given_ = [
        {**one, **shared, "version": 1, "stopped": False},
        {**one, **alike, **shared, "version": 2, "stopped": False, "image": other["image"]},
    ]

    def program() -> None:
        made = [CustomModelVersion(f"any-{args['version']}", args) for args in given_]  # type: ignore[call-overload]
        ModelEndpoint("any", versions=made, traffic={made[0]: weight, made[1]: 100 - weight})

    passes(program, platform=PLATFORM)


@pytest.mark.parametrize("stack", ["dev", "staging", "prod"])
def test_the_sample_stacks_pass(stack: str) -> None:
    config = yaml.safe_load((REPOSITORY / f"stacks/Pulumi.{stack}.yaml").read_text())["config"]
    for preview in (True, False):
        recording = record(
            lambda: runpy.run_path(str(REPOSITORY / "stacks"), run_name="__main__"),
            project="caraml-platform",
            config=config,
            stack=stack,
            preview=preview,
        )
        assert recording.registrations
        assert_passes(recording, RULES, CONFIG)
