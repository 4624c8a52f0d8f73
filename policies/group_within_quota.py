"""The versions of a group ask together for no more CPU, memory and GPUs than its quota (seed: Model Deployment)."""

from pulumi_policy import EnforcementLevel, StackValidationPolicy

from caraml_pulumi.model.quota import group_within_quota
from policies.groups import of_each_group

policy = StackValidationPolicy(
    name="group-within-quota",
    description="The versions of a group ask together for no more CPU, memory and GPUs than its quota.",
    validate=of_each_group(lambda group: group_within_quota(group.name, group.quota, group.demands)),
    enforcement_level=EnforcementLevel.MANDATORY,
)
