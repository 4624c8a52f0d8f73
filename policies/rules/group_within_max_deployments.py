"""A group has no more versions deployed at a time than its quota allows (PrimeHub's `max-deploy`).

The number is `maxDeployments` of the ModelProject's quota; stopped versions are not counted. Workloads in its namespace
that carry the labels of a version count, whether a component made them or not.
"""

from pulumi_policy import Severity

from caraml_pulumi.model.quota import deployments_within_maximum
from caraml_pulumi.model.spec import within
from policies.groups import of_each_group
from policies.platform_config import LABEL_PREFIX, LABEL_PREFIX_SCHEMA
from policies.reading import broken
from policies.rule import stack_rule

policy = stack_rule(
    "group-within-max-deployments",
    "A group has no more versions deployed at a time than its quota allows.",
    doc=__doc__,
    severity=Severity.HIGH,
    tags=("quota",),
    steps="Stop a version or take it out, or raise maxDeployments of the project's quota.",
    settings={LABEL_PREFIX: LABEL_PREFIX_SCHEMA},
    judge=of_each_group(
        lambda group: broken(
            within("quota", "maxDeployments")(deployments_within_maximum),
            group.name,
            group.quota.max_deployments,
            group.versions,
        )
    ),
)
