"""Whatever is written in a file, the answer is a stack or an explained error."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.stack_files import read_stack

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["iris", "1", "5Gi", "a/b:1"]),
)
NAMES = """model project versions version image endpoint traffic weight env labels args deploymentMode
    autoscaling_policy
    metric target resourceRequest cpuRequest domain limits defaultDeploymentConfig maxCpu istio gateway iris-team team
    stream quota cpu memory gpu maxDeployments instanceTypes instanceType small requests tolerations deployers users
    secrets registry enabled existing nonsense"""
names = st.sampled_from(NAMES.split())
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names | scalars, inner, max_size=4),
    max_leaves=12,
)
VALID: dict[str, Any] = {
    "model": "iris",
    "project": "iris-team",
    "versions": [
        {"version": 1, "image": "a/b:1", "resourceRequest": {}, "autoscalingPolicy": {"metric": "rps", "target": 5}}
    ],
    "endpoint": {"traffic": [{"version": 1, "weight": 100}]},
}
CONFIG: dict[str, Any] = {
    "caraml:platform": {"domain": "models.example.com", "limits": {"cpuFactor": 1}},
    "caraml:projects": {
        "iris-team": {
            "team": "a",
            "stream": "b",
            "enabled": True,
            "quota": {"cpu": 99, "memory": "99Gi", "gpu": 2, "maxDeployments": 2},
            "instanceTypes": {"small": {"limits": {"cpu": 1, "memory": "1Gi"}, "tolerations": [{"key": "a"}]}},
            "deployers": {"users": ["ann"]},
            "secrets": {"registry": {"token": "b"}},
        }
    },
}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of everything in `value`."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else []
    return [path, *(place for key, item in items for place in places(item, (*path, key)))]


def replaced(value: Any, path: tuple[Any, ...], by: Any) -> Any:
    if not path:
        return by
    copy = value.copy()
    copy[path[0]] = replaced(value[path[0]], path[1:], by)
    return copy


@given(st.sampled_from(places(VALID)), values, st.sampled_from(places(CONFIG)), values, st.booleans())
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_value_anywhere_is_read_or_explained(
    tmp_path: Path,
    place: tuple[Any, ...],
    value: Any,
    config_place: tuple[Any, ...],
    config_value: Any,
    in_config: bool,
) -> None:
    release = VALID if in_config else replaced(VALID, place, value)
    config = replaced(CONFIG, config_place, config_value) if in_config else CONFIG
    (tmp_path / "releases" / "dev").mkdir(parents=True, exist_ok=True)
    (tmp_path / "releases" / "dev" / "iris.yaml").write_text(yaml.safe_dump(release))
    (tmp_path / "Pulumi.dev.yaml").write_text(yaml.safe_dump({"config": config}))
    try:
        answer = repr(read_stack(tmp_path, "dev", config if isinstance(config, dict) else {}))
    except CaramlError as error:
        answer = str(error)
    assert answer


@given(st.text(max_size=60))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_read_or_explained(tmp_path: Path, text: str) -> None:
    (tmp_path / "releases" / "dev").mkdir(parents=True, exist_ok=True)
    (tmp_path / "releases" / "dev" / "iris.yaml").write_text(text)
    with pytest.raises(CaramlError):
        read_stack(tmp_path, "dev", CONFIG)


@pytest.mark.parametrize("text", ["{{}}", "model: {{ model }}", "model: iris\n? [a]\n: b"])
def test_a_key_that_is_no_text_is_explained_with_its_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "releases" / "dev").mkdir(parents=True)
    (tmp_path / "releases" / "dev" / "iris.yaml").write_text(text)
    with pytest.raises(CaramlError, match=r"a key is a map or a list(.|\n)*iris.yaml:\d"):
        read_stack(tmp_path, "dev", CONFIG)
