"""A group has no more versions deployed at a time than its quota allows (PrimeHub's `max-deploy`)."""

from pulumi_policy import Severity

from caraml_pulumi.model.quota import deployments_within_maximum
from policies.groups import of_each_group
from policies.reading import broken
from policies.rule import stack_rule

policy = stack_rule(
    "group-within-max-deployments",
    "A group has no more versions deployed at a time than its quota allows.",
    doc=__doc__,
    severity=Severity.HIGH,
    tags=("quota",),
    steps="Stop a version or take it out, or raise maxDeployments of the project's quota.",
    judge=of_each_group(
        lambda group: broken(deployments_within_maximum, group.name, group.quota.max_deployments, group.demands)
    ),
)
