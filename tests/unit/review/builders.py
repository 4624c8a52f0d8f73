"""Previews to review: trees of the components of a model, from the events that an engine sends."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from caraml_pulumi.engine.display.tree import Tree
from caraml_pulumi.engine.events import EngineEvent
from caraml_pulumi.engine.policies.config import Rule
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.prices import Prices
from caraml_pulumi.review.build import Circumstances, review
from caraml_pulumi.review.document import Review
from caraml_pulumi.review.places import Places
from tests.unit.engine.display.events import Resource, summary, tree_of
from tests.unit.model import builders

TODAY = date(2026, 11, 22)
DIGEST = "sha256:" + "ab12" * 16
Props = dict[str, Any]


def version(number: int = 1, **settings: Any) -> Props:
    """The inputs of a CustomModelVersion."""
    return builders.version(version=number, **settings).props()


def endpoint(*shares: tuple[int, int], **settings: Any) -> Props:
    """The inputs of a ModelEndpoint that sends percents of the requests to versions."""
    return builders.endpoint([{"version": number, "weight": weight} for number, weight in shares], **settings).props()


def project(**quota: Any) -> Props:
    """The inputs of a ModelProject."""
    return {"project": "iris-team", "environment": "dev", "enabled": True, "quota": quota}


def a_version(number: int = 1) -> Resource:
    return Resource("caraml:index:CustomModelVersion", f"iris-{number}", custom=False)


def an_endpoint() -> Resource:
    return Resource("caraml:index:ModelEndpoint", "iris", custom=False)


def a_project() -> Resource:
    return Resource("caraml:index:ModelProject", "iris-team", custom=False)


def a_child(of: Resource, type_: str = "kubernetes:apps/v1:Deployment", name: str = "iris-2") -> Resource:
    return Resource(type_, name, of.urn)


def same(resource: Resource, inputs: Props) -> list[EngineEvent]:
    return resource.does("same", inputs, inputs)


def preview(*events: Sequence[EngineEvent], result: str = "succeeded", **changes: int) -> Tree:
    """The tree of a preview with those steps."""
    return tree_of([*(event for group in events for event in group), summary(result, **changes)])


def reviewed(
    *events: Sequence[EngineEvent],
    error: CaramlError | None = None,
    prices: Prices | None = None,
    rules: Sequence[Rule] = (),
    directory: Path = Path("/nowhere"),
    **changes: int,
) -> Review:
    """The review of a preview with those steps."""
    tree = preview(*events, result="succeeded", **changes)
    return reviewed_tree(tree, error=error, prices=prices, rules=rules, directory=directory)


def reviewed_tree(
    tree: Tree,
    *,
    error: CaramlError | None = None,
    prices: Prices | None = None,
    rules: Sequence[Rule] = (),
    directory: Path = Path("/nowhere"),
) -> Review:
    """The review of a preview."""
    places = Places(directory, directory, "dev")
    return review(tree, error, Circumstances("iris", "dev", places, TODAY, prices=prices, rules={"caraml": rules}))


def rule(name: str = "at-most-two-versions", **said: Any) -> Rule:
    described = {"description": "At most two.", "severity": "high", "steps": "Stop one.", "url": f"docs/{name}.md"}
    return Rule(name, "resource", "mandatory", **{**described, **said})


def violated(
    resource: Resource | None = None,
    message: str = "At most two.\nthree versions of iris",
    level: str = "mandatory",
    policy: str = "at-most-two-versions",
) -> list[EngineEvent]:
    return [
        {
            "policyEvent": {
                "resourceUrn": resource.urn if resource else "",
                "message": message,
                "policyName": policy,
                "policyPackName": "caraml",
                "policyPackVersion": "0.1.0",
                "enforcementLevel": level,
            }
        }
    ]


def a_whole_change() -> list[list[EngineEvent]]:
    """A preview with something of everything: versions that come, go and change, a violation, a warning, a loss."""
    old = version(2, env={"THREADS": "4", "OLD": "1"})
    new = version(2, image=f"ghcr.io/team/iris:2@{DIGEST}", env={"THREADS": "8", "NEW": "1"})
    changed = a_version(2)
    deployment = a_child(changed)
    return [
        a_version(1).does("delete", version(1), None),
        changed.does("update", old, new),
        deployment.does("replace", {"spec": 1}, {"spec": 2}, keys=["spec"]),
        a_version(3).does("create", None, version(3, transformer={"image": "ghcr.io/team/feast:1"})),
        an_endpoint().does("update", endpoint((1, 90), (2, 10)), endpoint((2, 80), (3, 20))),
        a_project().does("update", project(cpu="4"), project(cpu="8", memory="2Gi")),
        Resource("kubernetes:core/v1:Secret", "token").does("create", None, {"data": {}}),
        violated(a_version(3), "At most two.\nthree versions | of `iris` @team <b>\n  fix:     stop one"),
        violated(None, "no alerts", "advisory", "endpoint-has-alerts"),
        [{"diagnosticEvent": {"message": "an old image", "severity": "warning", "urn": changed.urn}}],
    ]
