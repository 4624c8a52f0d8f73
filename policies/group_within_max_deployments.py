"""A group has no more versions deployed at a time than its quota allows (PrimeHub's `max-deploy`)."""

from pulumi_policy import EnforcementLevel, StackValidationPolicy

from caraml_pulumi.model.quota import deployments_within_maximum
from policies.groups import of_each_group

policy = StackValidationPolicy(
    name="group-within-max-deployments",
    description="A group has no more versions deployed at a time than its quota allows.",
    validate=of_each_group(
        lambda group: deployments_within_maximum(group.name, group.quota.max_deployments, group.demands)
    ),
    enforcement_level=EnforcementLevel.MANDATORY,
)
