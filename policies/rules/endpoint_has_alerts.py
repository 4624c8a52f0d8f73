"""Somebody is warned when a model does not answer as it should.

Every ModelEndpoint has alerts by itself, unless its `monitoring`, or the platform's, is switched off, or all its alerts
are. A ModelMonitoring of the same model and project does as well, and so does a PrometheusRule that no component made:
one in the project's namespace that carries the model's label `app` under the platform's prefix, or one with an alert
whose expression names both the project and the model.

Routes that no component made are judged if they carry the labels of an endpoint: `app`, and `component: model-endpoint`
under the platform's prefix.

Refused, unless there is such a rule besides:

```yaml
endpoint:
  traffic: [{version: 1, weight: 100}]
  monitoring: {enabled: false}
```
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from pulumi_policy import EnforcementLevel, Severity

from caraml_pulumi.model.alerts import model_has_alerts
from caraml_pulumi.model.labels import APP, COMPONENT
from caraml_pulumi.model.labels import MODEL_ENDPOINT as ENDPOINT_LABEL
from policies.platform_config import LABEL_PREFIX, LABEL_PREFIX_SCHEMA, label_prefix
from policies.reading import MODEL_ENDPOINT, Properties, at, broken
from policies.resource import Resource, Stack
from policies.routes import ROUTE_TYPES, namespace_of
from policies.rule import Blamed, blame, stack_rule
from policies.versions import owner

PROMETHEUS_RULE: Final = "kubernetes:monitoring.coreos.com/v1:PrometheusRule"
Model = tuple[str, str]
"""A project and a model in it."""


def _judge(stack: Stack) -> Iterator[Blamed]:
    prefix = label_prefix(stack.settings)
    endpoints = _endpoints(stack, prefix)
    rules = stack.of(PROMETHEUS_RULE)
    watched = {_labelled(rule.props, prefix) for rule in rules if any(_alerts(rule.props))}
    for (project, model), urn in endpoints.items():
        alerts = (project, model) in watched or _is_named(rules, project, model)
        yield from blame(urn, broken(model_has_alerts, model, project, alerts=alerts))


def _endpoints(stack: Stack, prefix: str) -> Mapping[Model, str]:
    """The models that have an endpoint, and its URN."""
    found: dict[Model, str] = {}
    for endpoint in stack.of(MODEL_ENDPOINT):
        if "model" in endpoint.props:
            found.setdefault(owner(endpoint.props)[1:], endpoint.urn)
    for route in stack.of(*ROUTE_TYPES):
        if at(route.props, "metadata", "labels", prefix + COMPONENT) == ENDPOINT_LABEL:
            found.setdefault(_labelled(route.props, prefix), route.urn)
    return found


def _labelled(props: Properties, prefix: str) -> Model:
    return namespace_of(props), str(at(props, "metadata", "labels", prefix + APP) or "")


def _alerts(rule: Properties) -> Iterator[Properties]:
    groups = at(rule, "spec", "groups")
    return (one for group in groups for one in at(group, "rules") if at(one, "alert"))


def _is_named(rules: list[Resource], project: str, model: str) -> bool:
    """Whether an alert names the project and the model in its expression; a model may begin like its project."""
    of_project, of_model = (re.compile(rf"(?<![\w-]){re.escape(name)}(?!\w)") for name in (project, model))
    expressions = (str(at(alert, "expr")) for rule in rules for alert in _alerts(rule.props))
    without = (of_project.sub("", expression) for expression in expressions if of_project.search(expression))
    return any(of_model.search(expression) for expression in without)


policy = stack_rule(
    "endpoint-has-alerts",
    "Every endpoint of a model has an alert.",
    doc=__doc__,
    level=EnforcementLevel.ADVISORY,
    severity=Severity.MEDIUM,
    tags=("monitoring",),
    steps="Leave the endpoint's monitoring enabled, or add a ModelMonitoring or a PrometheusRule for the model.",
    settings={LABEL_PREFIX: LABEL_PREFIX_SCHEMA},
    judge=_judge,
)
