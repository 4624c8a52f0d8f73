"""The versions of a group ask together for no more CPU, memory and GPUs than its quota (seed: Model Deployment)."""

from pulumi_policy import Severity

from caraml_pulumi.model.quota import group_within_quota
from policies.groups import of_each_group
from policies.reading import broken
from policies.rule import stack_rule

policy = stack_rule(
    "group-within-quota",
    "The versions of a group ask together for no more CPU, memory and GPUs than its quota.",
    doc=__doc__,
    severity=Severity.HIGH,
    tags=("quota",),
    steps="Lower limits or replicas, stop a version, or raise the project's quota.",
    judge=of_each_group(lambda group: broken(group_within_quota, group.name, group.quota, group.demands)),
)
