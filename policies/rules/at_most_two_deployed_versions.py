"""At most two versions of a model are deployed in an environment (seed: Deploying a Model Version).

Held twice: by an endpoint's own traffic, matches and mirror, before the endpoint is applied, and over the whole stack.
There, versions without an endpoint count too, and workloads that carry a version's labels but that no component made:
Knative Services and Configurations, InferenceServices, Deployments and StatefulSets. A stopped version is not deployed.
"""

from collections import defaultdict
from collections.abc import Iterator

from pulumi_policy import Severity

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.traffic import at_most_two_deployed_versions
from policies.platform_config import LABEL_PREFIX, LABEL_PREFIX_SCHEMA, label_prefix
from policies.reading import MODEL_ENDPOINT, MODEL_VERSION, broken, versions_of_endpoint
from policies.resource import Resource, Stack
from policies.rule import Blamed, blame, resource_rule, stack_rule
from policies.versions import WORKLOADS, Owner, deployed_versions

DESCRIPTION = "At most two versions of a model are deployed in an environment."
STEPS = "Remove or stop a version before another is deployed."


def _of_endpoint(endpoint: Resource) -> Iterator[CaramlError]:
    versions = versions_of_endpoint(endpoint.props)
    model, environment = endpoint.props["model"], endpoint.props["environment"]
    yield from broken(at_most_two_deployed_versions, versions, model=model, environment=environment)


def _of_stack(stack: Stack) -> Iterator[Blamed]:
    versions: dict[Owner, dict[int, str]] = defaultdict(dict)
    for found, resources in deployed_versions(
        stack.of(MODEL_VERSION, *WORKLOADS), label_prefix(stack.settings)
    ).items():
        versions[found[:3]][found.version] = resources[0].urn
    for (environment, _, model), urns in versions.items():
        errors = broken(at_most_two_deployed_versions, urns, model=model, environment=environment)
        yield from blame(urns[max(urns)], errors)


of_endpoint = resource_rule(
    "at-most-two-deployed-versions",
    DESCRIPTION,
    doc=__doc__,
    severity=Severity.CRITICAL,
    tags=("traffic",),
    steps=STEPS,
    judges={MODEL_ENDPOINT: _of_endpoint},
)
of_stack = stack_rule(
    "at-most-two-deployed-versions-of-stack",
    DESCRIPTION,
    doc=__doc__,
    severity=Severity.CRITICAL,
    tags=("traffic",),
    steps=STEPS,
    settings={LABEL_PREFIX: LABEL_PREFIX_SCHEMA},
    judge=_of_stack,
)
