"""At most two versions of a model are deployed in an environment (seed: Deploying a Model Version).

Held twice: by an endpoint's own traffic, matches and mirror, before the endpoint is applied, and over the whole stack.
There, versions without an endpoint count too, and Knative Services and Deployments that carry a version's labels but
that no component made. A stopped version is not deployed.
"""

from collections import defaultdict

from pulumi_policy import (
    EnforcementLevel,
    PolicyConfigSchema,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

from caraml_pulumi.model.traffic import at_most_two_deployed_versions
from policies.reading import (
    DEPLOYMENT,
    KNATIVE_SERVICE,
    LABEL_PREFIX,
    LABEL_PREFIX_SCHEMA,
    MODEL_ENDPOINT,
    MODEL_VERSION,
    broken,
    version_of_component,
    version_of_object,
    versions_of_endpoint,
)

DESCRIPTION = "At most two versions of a model are deployed in an environment."


def _validate_endpoint(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if args.resource_type != MODEL_ENDPOINT:
        return
    versions = versions_of_endpoint(args.props)
    model, environment = args.props["model"], args.props["environment"]
    for message in broken(at_most_two_deployed_versions, versions, model=model, environment=environment):
        report(message, None)


def _validate_stack(args: StackValidationArgs, report: ReportViolation) -> None:
    prefix = args.get_config()[LABEL_PREFIX]
    versions: dict[tuple[str, str, str], dict[int, str]] = defaultdict(dict)
    for resource in args.resources:
        if resource.resource_type == MODEL_VERSION:
            found = version_of_component(resource.props)
        elif resource.resource_type in (KNATIVE_SERVICE, DEPLOYMENT):
            found = version_of_object(resource.props, prefix)
        else:
            found = None
        if found:
            versions[found.environment, found.project, found.model].setdefault(found.version, resource.urn)
    for (environment, _, model), urns in versions.items():
        for message in broken(at_most_two_deployed_versions, urns, model=model, environment=environment):
            report(message, urns[max(urns)])


of_endpoint = ResourceValidationPolicy(
    name="at-most-two-deployed-versions",
    description=DESCRIPTION,
    validate=_validate_endpoint,
    enforcement_level=EnforcementLevel.MANDATORY,
)
of_stack = StackValidationPolicy(
    name="at-most-two-deployed-versions-of-stack",
    description=DESCRIPTION,
    validate=_validate_stack,
    enforcement_level=EnforcementLevel.MANDATORY,
    config_schema=PolicyConfigSchema(properties={LABEL_PREFIX: LABEL_PREFIX_SCHEMA}),
)
