"""A Pulumi project that registers any resources, run by `caraml` with the policy pack on the embedded engine."""

import contextlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from caraml_pulumi.cli import flow
from caraml_pulumi.engine.api import Options, Target
from caraml_pulumi.engine.embedded import EmbeddedEngine
from caraml_pulumi.engine.resource import urn_name
from caraml_pulumi.engine.state.project import load_project
from caraml_pulumi.errors import CaramlError

PACK = Path(__file__).parents[2] / "policies"
PROGRAM = """
import json
from pathlib import Path

import pulumi


class Component(pulumi.ComponentResource):
    def __init__(self, type_, name, props):
        super().__init__(type_, name, props)
        self.register_outputs(props)


for type_, name, props in json.loads((Path(__file__).parent / "resources.json").read_text()):
    (pulumi.CustomResource if type_.startswith("kubernetes:") else Component)(type_, name, props)
"""
Resources = list[tuple[str, str, dict[str, Any]]]


@dataclass(frozen=True)
class Violation:
    """A violation that `caraml` printed."""

    rule: str
    level: str
    resource: str
    """The logical name of the resource; empty for the stack as a whole."""


@dataclass(frozen=True)
class Ran:
    """What a command printed, and how it ended."""

    exit_code: int
    violations: list[Violation]

    @property
    def rules(self) -> set[str]:
        """The rules that were violated."""
        return {violation.rule for violation in self.violations}


class Project:
    """A project in a directory, with a backend of its own and one stack."""

    def __init__(self, root: Path, stack: str, resources: Resources, config: dict[str, Any]) -> None:
        """`config` is the pack's."""
        self._config = root / "policies.json"
        self._config.write_text(json.dumps(config))
        (root / "state").mkdir()
        (root / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
        (root / "__main__.py").write_text(PROGRAM)
        (root / "resources.json").write_text(json.dumps(resources))
        self._target = Target(load_project(root), stack, (root / "state").as_uri())

    def preview(self) -> Ran:
        """`caraml preview`."""
        return self._run(planning=True)

    def up(self, *, skip_preview: bool) -> Ran:
        """`caraml up --yes`."""
        return self._run(planning=False, skip_preview=skip_preview)

    def _run(self, *, planning: bool, skip_preview: bool = False) -> Ran:
        options = Options(policy_packs=(PACK,), policy_pack_configs=(self._config,))
        request = flow.Request(
            "update", EmbeddedEngine(), self._target, options, yes=True, as_json=True, skip_preview=skip_preview
        )
        exit_code = 0
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            try:
                (flow.show_preview if planning else flow.apply)(request)
            except CaramlError as error:
                exit_code = error.exit_code
        return Ran(exit_code, [_violation(item) for item in json.loads(printed.getvalue())["policyViolations"]])


_CONTAINERS = {"spec": {"containers": [{"name": "model", "image": "ghcr.io/team/iris:1"}]}}
_NEEDED: dict[str, dict[str, Any]] = {
    "apps/v1:Deployment": {"spec": {"template": {"metadata": {"labels": {"app": "raw"}}, **_CONTAINERS}}},
    "autoscaling/v2:HorizontalPodAutoscaler": {
        "spec": {"maxReplicas": 9, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "raw"}}
    },
    "core/v1:Service": {"spec": {"ports": [{"port": 80}]}},
    "serving.knative.dev/v1:Service": {"spec": {"template": _CONTAINERS}},
}
"""What the API server wants in an object, by type, besides what a rule is about."""


def whole(type_: str, name: str, props: dict[str, Any]) -> dict[str, Any]:
    """The properties of a resource with those added that the API server wants in it; `name` if it has none."""
    if not type_.startswith("kubernetes:"):
        return props
    filled = _laid_over({"metadata": {"name": name}, **_NEEDED.get(type_.removeprefix("kubernetes:"), {})}, props)
    if type_ == "kubernetes:apps/v1:Deployment" and not filled["spec"].get("selector"):
        filled["spec"]["selector"] = {"matchLabels": filled["spec"]["template"]["metadata"]["labels"]}
    return filled


def _laid_over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    both = below.keys() & above.keys()
    inner = {key: _laid_over(below[key], above[key]) for key in both if isinstance(above[key], dict)}
    return {**below, **above, **inner}


def _violation(item: dict[str, Any]) -> Violation:
    return Violation(item["policy"], item["enforcementLevel"], urn_name(item["urn"]) if item["urn"] else "")
