"""What our parser takes, the schemas take; what it refuses by shape, they refuse."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic.alias_generators import to_snake

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.platform import parse_platform
from caraml_pulumi.model.project import parse_projects
from caraml_pulumi.model.release import ReleaseSpec
from caraml_pulumi.model.spec import dotted, parse
from caraml_pulumi.schemas import SCHEMAS
from tests.e2e.any_spec import endpoints, platforms, projects, versions

STACKS = Path(__file__).parents[3] / "stacks"
VALIDATORS = {name: Draft202012Validator(schema()) for name, schema in SCHEMAS.items()}
BY_SHAPE = ("unknown field", " must be a", " is missing", " must be true or false", " is not a whole number")
"""How messages of our parser begin or go on where a document has the wrong shape."""
FREE = {"env", "labels", "annotations", "nodeSelector", "secretRefs", "config", "affinity", "iris-team", "secrets"}
"""Maps whose keys are the user's, and those that are no spec."""
any_document = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@st.composite
def releases(draw: st.DrawFn) -> dict[str, Any]:
    args = draw(versions())
    for name in ("model", "team", "stream", "secrets"):
        args.pop(name, None)
    if "transformer" in args:
        args["transformer"].pop("secrets", None)
    release: dict[str, Any] = {"model": "iris", "project": "iris-team", "versions": [args]}
    if not args.get("stopped") and draw(st.booleans()):
        traffic = [{"version": args["version"], "weight": 100}]
        release["endpoint"] = {"traffic": traffic, "labels": draw(endpoints()).get("labels", {})}
    return release


def taken(release: Any) -> CaramlError | None:
    """What our parser says of a release."""
    try:
        parse(ReleaseSpec, release)
    except CaramlError as error:
        return error
    return None


def environment(platform: Any, project: Any) -> dict[str, Any]:
    return {"config": {"caraml:platform": platform, "caraml:projects": {"iris-team": project}}}


def problems(name: str, document: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in VALIDATORS[name].iter_errors(document)]


def snake(value: Any) -> Any:
    if isinstance(value, dict):
        return {to_snake(key): item if key in FREE else snake(item) for key, item in value.items()}
    return [snake(item) for item in value] if isinstance(value, list) else value


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every map or list in a document, with each of its keys."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield value, key
        yield from places(item)


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_one(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name]())


@given(release=releases())
@any_document
def test_what_our_parser_takes_the_schema_of_releases_takes_in_both_spellings(release: dict[str, Any]) -> None:
    assert taken(release) is None
    assert problems("release", release) == []
    assert taken(snake(release)) is None
    assert problems("release", snake(release)) == []


@given(platform=platforms, project=projects, extends=st.booleans())
@any_document
def test_what_our_parser_takes_the_schema_of_environments_takes(
    platform: dict[str, Any], project: dict[str, Any], extends: bool
) -> None:
    parse_platform(platform, environment="dev", locate=dotted)
    parse_projects({"iris-team": project}, locate=dotted)
    secrets = {name: {key: {"secure": "v1:a"} for key in keys} for name, keys in project.get("secrets", {}).items()}
    document = environment(platform, {**project, "secrets": secrets})
    document["config"] |= {"kubernetes:context": "prod"} | ({"caraml:extends": "base"} if extends else {})
    assert problems("environment", document) == []


@given(release=releases(), data=st.data())
@any_document
def test_a_release_of_the_wrong_shape_is_refused_by_both(release: dict[str, Any], data: st.DataObject) -> None:
    broken = copy.deepcopy(release)
    holder, key = data.draw(st.sampled_from(list(places(broken))))
    change = data.draw(st.sampled_from(["rename", "remove", "list", "map", "text", "number", "null"]))
    if change == "rename" and isinstance(holder, dict):
        holder[f"{key}Mistaken"] = holder.pop(key)
    elif change == "remove":
        del holder[key]
    elif change != "rename":
        holder[key] = {"list": [[]], "map": {"a b": {}}, "text": "a b", "number": 3.5, "null": None}[change]
    error, found = taken(broken), problems("release", broken)
    if error is None:
        assert found == []
    elif any(words in single.what for single in error.each for words in BY_SHAPE):
        assert found != [], str(error)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"domain": "a b"}, "domain"),
        ({"maxCpus": 2}, "caraml:platform"),
        ({"maxCpu": "lots"}, "maxCpu"),
        ({"maxAllowedReplica": 0}, "maxAllowedReplica"),
        ({"defaultDeploymentMode": "KNATIVE"}, "defaultDeploymentMode"),
        ({"defaultAutoscaling": {"KNATIVE": {"metric": "rps", "target": 1}}}, "defaultAutoscaling"),
        ({"monitoring": {"alerts": [{"metric": "latency"}]}}, "monitoring"),
        ({"gpus": [{}]}, "gpus"),
        ({"cluster": {"server": "10.0.0.1"}}, "cluster"),
    ],
)
def test_a_wrong_setting_of_a_platform_is_refused_where_it_is(change: dict[str, Any], path: str) -> None:
    document = environment({"domain": "models.example.com", **change}, {"team": "a", "stream": "b"})
    with pytest.raises(CaramlError):
        parse_platform(document["config"]["caraml:platform"], environment="dev", locate=dotted)
    assert any(path in problem for problem in problems("environment", document))


def test_an_environment_needs_a_platform_and_projects_unless_it_extends_another() -> None:
    assert problems("environment", {"config": {}})
    assert problems("environment", environment({}, {"team": "a", "stream": "b"}))
    assert problems("environment", environment({"domain": "models.example.com"}, {"team": "a"}))
    assert problems("environment", {"config": {"caraml:extends": "staging"}}) == []
    laid_over = environment({"maxCpu": None, "limits": {"cpuFactor": None}, "gpus": None}, {"quota": None})
    laid_over["config"]["caraml:extends"] = "staging"
    assert problems("environment", laid_over) == []


def test_a_secret_in_plain_text_is_refused() -> None:
    project = {"team": "a", "stream": "b", "secrets": {"registry": {"token": "s3cr3t"}}}
    assert problems("environment", environment({"domain": "models.example.com"}, project))


def test_the_files_of_the_sample_platform_hold_their_schemas() -> None:
    for path in STACKS.glob("Pulumi.*.yaml"):
        assert problems("environment", yaml.safe_load(path.read_text())) == []
    for path in STACKS.glob("releases/*/*.yaml"):
        assert problems("release", yaml.safe_load(path.read_text())) == []


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_property_is_described_and_none_has_a_title(name: str) -> None:
    def check(value: Any, path: str) -> None:
        if isinstance(value, list):
            for index, item in enumerate(value):
                check(item, f"{path}[{index}]")
        if not isinstance(value, dict):
            return
        for key, item in value.get("properties", {}).items():
            assert "then" in path or item.get("description"), f"{path}.{key}"
            assert not isinstance(item.get("title"), str), f"{path}.{key}"
        for key, item in value.items():
            check(item, f"{path}.{key}")

    check(SCHEMAS[name](), name)
