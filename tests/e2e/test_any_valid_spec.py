"""Arguments that hold the rules are admitted by the real servers; those that break one are one error and no objects."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from caraml_pulumi import CaramlError, CustomModelVersion, ImageBuild, ModelEndpoint, ModelProject
from caraml_pulumi.engine.values import plain
from caraml_pulumi.kube.client import KubeClient
from caraml_pulumi.testing import Recording, record
from tests.e2e.admission import admit
from tests.e2e.any_spec import PLATFORM, Args, endpoints, image_builds, platforms, projects, versions
from tests.e2e.conftest import LocalCluster

pytestmark = pytest.mark.e2e
CONFIG = {"caraml:platform": PLATFORM}
READY = {
    "metadata": {"generation": 1},
    "status": {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True"}]},
}
"""A version that another program deployed."""
any_spec = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],  # each try is several requests: shrinking would take minutes
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.large_base_example,
    ],
)


def version(args: Args, namespace: str, platform: Args) -> Recording:
    def program() -> None:
        CustomModelVersion("any", {"project": namespace, **args})  # type: ignore[call-overload]

    return record(program, config={"caraml:platform": platform})


def image_build(args: Args, namespace: str) -> Recording:
    def program() -> None:
        ImageBuild("any", {"project": namespace, **args})  # type: ignore[call-overload]

    return record(program, config=CONFIG)


def endpoint(args: Args, namespace: str) -> Recording:
    def program() -> None:
        ModelEndpoint("any", {"project": namespace, **args})  # type: ignore[call-overload]

    live = {f"{namespace}/{args['model']}-{share['version']}": READY for share in args["traffic"]}
    return record(program, config=CONFIG, live=live)


def project(args: Args, namespace: str) -> Recording:
    return record(lambda: ModelProject(namespace, args), config=CONFIG)  # type: ignore[call-overload]


def objects(recording: Recording) -> dict[str, Any]:
    return {item.urn: plain(item.inputs) for item in recording.registrations if item.custom}


def held(recording: Recording, again: Recording, client: KubeClient) -> None:
    """Everything is admitted, under names that fit and are unique, and made the same twice.

    Names become labels and parts of hosts, but for those of Secrets.
    """
    made = objects(recording)
    assert json.dumps(made, sort_keys=True) == json.dumps(objects(again), sort_keys=True)
    for urn, manifest in made.items():
        if "name" not in manifest["metadata"]:  # Pulumi names it
            manifest["metadata"]["name"] = f"{urn.rpartition(':')[2]}-12345678"
    names = [(item["kind"], item["apiVersion"], item["metadata"]["name"]) for item in made.values()]
    assert len(set(names)) == len(names)
    assert [name for kind, _, name in names if len(name) > (253 if kind == "Secret" else 63)] == []
    assert len({item.urn for item in recording.registrations}) == len(recording.registrations)
    for manifest in made.values():
        admit(client, manifest)


@given(args=versions(), platform=platforms)
@any_spec
def test_any_version_that_holds_the_rules_is_admitted(
    cluster: LocalCluster, namespace: str, args: Args, platform: Args
) -> None:
    held(version(args, namespace, platform), version(args, namespace, platform), cluster.client)


@given(args=image_builds)
@any_spec
def test_any_image_build_that_holds_the_rules_is_admitted(cluster: LocalCluster, namespace: str, args: Args) -> None:
    held(image_build(args, namespace), image_build(args, namespace), cluster.client)


@given(args=endpoints())
@any_spec
def test_any_endpoint_that_holds_the_rules_is_admitted(cluster: LocalCluster, namespace: str, args: Args) -> None:
    held(endpoint(args, namespace), endpoint(args, namespace), cluster.client)


@given(args=projects)
@any_spec
def test_any_project_that_holds_the_rules_is_admitted(cluster: LocalCluster, namespace: str, args: Args) -> None:
    held(project(args, namespace), project(args, namespace), cluster.client)


Broken = Callable[[Args], Args]


def setting(path: str, value: Any) -> Broken:
    """Arguments with another value at `path`."""

    def broken(args: Args) -> Args:
        head, _, rest = path.partition(".")
        return {**args, head: setting(rest, value)(args.get(head, {})) if rest else value}

    return broken


def without(name: str) -> Broken:
    """Arguments without one of them."""
    return lambda args: {key: value for key, value in args.items() if key != name}


BROKEN: dict[str, tuple[Broken, str]] = {
    "no model": (without("model"), "`model` is missing"),
    "no image": (without("image"), "`image` is missing"),
    "a model in capitals": (setting("model", "Iris"), 'use "iris"'),
    "a version as a text": (setting("version", "1"), "is not a whole number"),
    "a version of 0": (setting("version", 0), "version 0 is not a version"),
    "an unknown argument": (setting("imagge", "x"), "did you mean `image`?"),
    "a malformed image": (setting("image", "registry.local/Iris"), "repositories are in lower case"),
    "no such mode": (setting("deploymentMode", "RAW"), "SERVERLESS, RAW_DEPLOYMENT"),
    "no such protocol": (setting("protocol", "GRPC"), "HTTP_JSON"),
    "a variable of the platform's": (setting("env.CARAML_MODEL_NAME", "x"), "is set by the platform"),
    "a variable with no name": (setting("env.1 a", "x"), "is not a name of an environment variable"),
    "a variable that is a number": (setting("env.A", 1), "must be a text"),
    "a label of the platform's": (setting("labels", {"caraml.dev/team": "x"}), "is set by the platform"),
    "a label that is too long": (setting("labels", {"tier": "x" * 64}), "is not a label value"),
    "an annotation of Knative's": (setting("annotations", {"autoscaling.knative.dev/target": "1"}), "is set by"),
    "a command with an open quote": (setting("command", "serve 'iris"), "close the quotes"),
    "a timeout of 11 minutes": (setting("timeoutSeconds", 660), "600"),
    "a probe of a path without a slash": (setting("startupProbe", {"path": "health"}), "starts with /"),
    "no such GPU": (setting("resourceRequest", {"gpuName": "A100", "gpuRequest": 1}), "NVIDIA T4"),
    "a quantity that is none": (setting("resourceRequest", {"cpuRequest": "1 core"}), "is not a quantity"),
    "more replicas at least than at most": (
        setting("resourceRequest", {"minReplica": 3, "maxReplica": 2}),
        "minReplica <= maxReplica",
    ),
    "a budget of both percentages": (
        setting("podDisruptionBudget", {"minAvailablePercentage": 1, "maxUnavailablePercentage": 1}),
        "exactly one",
    ),
    "an artifact from nowhere": (setting("storageUri", "ftp://models/iris"), "does not download"),
    "a transformer without an image": (setting("transformer", {"type": "custom"}), "transformer image name"),
    "a toleration of nothing": (setting("tolerations", [{"value": "x"}]), "has no key"),
    "a capability in lower case": (setting("securityContext", {"capabilities": {"drop": ["all"]}}), "capability"),
    "a revision of 0": (setting("revision", 0), "revision 0"),
}


@given(args=versions(), name=st.sampled_from(sorted(BROKEN)))
@settings(any_spec, max_examples=100)
def test_any_version_that_breaks_a_rule_is_one_error_and_no_objects(args: Args, name: str) -> None:
    alter, message = BROKEN[name]
    # What the rest says of replicas would contradict a range of them, and be a second mistake.
    plain_args = {key: value for key, value in args.items() if key not in ("replicas", "instanceType", "initialScale")}
    refused: list[CaramlError] = []

    def program() -> None:
        with pytest.raises(CaramlError) as caught:
            CustomModelVersion("any", {"project": "iris-team", **alter(plain_args)})  # type: ignore[call-overload]
        refused.append(caught.value)

    assert record(program, config=CONFIG).registrations == []
    (error,) = refused
    text = str(error)
    assert message in text
    assert text.count("where:") == 1, text
    assert 'CustomModelVersion "any"' in text
    assert "validation error" not in text
