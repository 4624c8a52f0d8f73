"""Models are deployed only for groups that deployment is switched on for (seed: Model Deployment)."""

from pulumi_policy import EnforcementLevel, StackValidationPolicy

from caraml_pulumi.model.quota import deployment_enabled
from policies.groups import of_each_group

policy = StackValidationPolicy(
    name="deployment-enabled-for-group",
    description="Models are deployed only for groups that deployment is switched on for.",
    validate=of_each_group(lambda group: deployment_enabled(group.name, group.enabled, group.demands)),
    enforcement_level=EnforcementLevel.MANDATORY,
)
