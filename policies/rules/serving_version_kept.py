"""A version that gets requests is not deleted, stopped or replaced, unless somebody has said that it may be.

A version gets requests if a ModelEndpoint gives it weight, or a route that no component made sends requests to it: to
the workload that carries the version's labels. It is judged by the stack as it was, since the
stack that is to be does not have it any more. The safe way takes two updates: give its traffic to another version,
and once that has proven itself, take the old one out; until then it can take the traffic back at once.

What is meant to go is acknowledged, by version or for all versions of a model:

```
caraml config set caraml:acknowledge iris-team/iris/1
```

or in the rule's setting `acknowledge`. Take it back afterwards: an acknowledgement does not expire. With the setting
`afterTrafficHasMoved: allow` none is needed where the same update gives the traffic of the model to another version:
Pulumi deletes last, when the new version is ready and gets the requests.

To take the endpoint of a model out is to end its versions as well: they are there, and nobody reaches them.

A version whose objects get other names, as with another `revision`, is not replaced in this sense: Pulumi makes the
new ones first. A Deployment that keeps its name and gets another selector is deleted before it is made anew.

`caraml` hands over the stack as it was by itself; with the Pulumi CLI, export it first:

```
pulumi stack export --file before.json
CARAML_STACK_BEFORE=$PWD/before.json pulumi up --policy-pack policies
```

Without it the rule is not applicable. The Pulumi CLI judges whole stacks in the preview, and in an update only when it
is done: `pulumi up --skip-preview` would be told too late.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pulumi
from pulumi_policy import Severity

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.changes import acknowledgement, serving_version_kept
from policies.evidence import STACK_BEFORE, STACK_BEFORE_SCHEMA, stack_before
from policies.platform_config import LABEL_PREFIX, LABEL_PREFIX_SCHEMA, label_prefix
from policies.reading import DEPLOYMENT, Properties, at, broken
from policies.resource import Resource, Stack
from policies.routes import namespace_of
from policies.rule import Blamed, blame, stack_rule
from policies.versions import READ, deployed_versions, serving_versions, stopped_versions

ACKNOWLEDGE = "acknowledge"
AFTER_TRAFFIC_HAS_MOVED = "afterTrafficHasMoved"
_CUT_OFF = "cut off: nothing sends requests to its model any more"


def _judge(stack: Stack) -> Iterator[Blamed]:
    try:
        before = stack_before(stack.settings, next(iter(stack.urns), ""))
    except CaramlError as error:
        yield Blamed(error)
        return
    prefix, new = label_prefix(stack.settings), stack.of(*READ)
    was, now = before.versions(prefix), deployed_versions(new, prefix)
    stopped, serving = stopped_versions(new, prefix), serving_versions(new, prefix)
    reached = {one[:3] for one in serving}
    may_go = {one[:3] for one in serving & now.keys()} if stack.settings[AFTER_TRAFFIC_HAS_MOVED] == "allow" else set()
    acknowledged = _acknowledged(stack.settings)
    for value in acknowledged:
        yield from blame("", broken(acknowledgement, value))
    for version in sorted(serving_versions(before.resources, prefix) & was.keys()):
        if version in now:
            urn = now[version][0].urn
            fate = _replaced(was[version], now[version]) if version[:3] in reached else _CUT_OFF
        elif version[:3] in may_go:
            continue
        else:
            kept = stopped.get(version)
            fate, urn = ("stopped", kept[0].urn) if kept else ("deleted", was[version][0].urn)
        name = f"{version.project}/{version.model}/{version.version}"
        yield from blame(urn, broken(serving_version_kept, name, fate, acknowledged))


def _replaced(was: list[Resource], now: list[Resource]) -> str:
    """What becomes of a Deployment of a version that keeps its name and gets other pods; empty if none does."""
    selectors = {_name(one): _selector(one.props) for one in was if one.type == DEPLOYMENT}
    for one in now:
        if one.type == DEPLOYMENT and selectors.get(_name(one), _selector(one.props)) != _selector(one.props):
            return f"deleted before it is made anew: the selector of Deployment {_name(one)[1]} changes"
    return ""


def _name(resource: Resource) -> tuple[str, str]:
    return namespace_of(resource.props), str(at(resource.props, "metadata", "name"))


def _selector(props: Properties) -> dict[str, str]:
    return {name: str(value) for name, value in at(props, "spec", "selector", "matchLabels").items()}


def _acknowledged(settings: Mapping[str, Any]) -> list[str]:
    """What the rule's setting and the stack's configuration acknowledge: there a list, or texts with commas."""
    text = (pulumi.Config("caraml").get(ACKNOWLEDGE) or "").strip()
    try:
        configured = json.loads(text) if text.startswith("[") else [one.strip() for one in text.split(",") if one]
    except ValueError:
        configured = [text]
    return [str(value) for value in (*settings[ACKNOWLEDGE], *configured)]


policy = stack_rule(
    "serving-version-kept",
    "A version that gets requests is not deleted, stopped or replaced without an acknowledgement.",
    doc=__doc__,
    severity=Severity.CRITICAL,
    tags=("change",),
    steps="Give the version's traffic to another one first, or acknowledge its end in caraml:acknowledge.",
    settings={
        ACKNOWLEDGE: {
            "type": "array",
            "items": {"type": "string"},
            "default": [],
            "description": "Versions that may go: project/model/version, or project/model for all of a model. "
            "The stack's configuration `caraml:acknowledge` counts as well.",
        },
        AFTER_TRAFFIC_HAS_MOVED: {
            "type": "string",
            "enum": ["refuse", "allow"],
            "default": "refuse",
            "description": "Whether a version may go in the update that gives its traffic to another version.",
        },
        STACK_BEFORE: STACK_BEFORE_SCHEMA,
        LABEL_PREFIX: LABEL_PREFIX_SCHEMA,
    },
    judge=_judge,
)
