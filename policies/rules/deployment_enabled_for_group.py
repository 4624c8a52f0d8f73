"""Models are deployed only for groups that deployment is switched on for (seed: Model Deployment)."""

from pulumi_policy import Severity

from caraml_pulumi.model.quota import deployment_enabled
from policies.groups import of_each_group
from policies.reading import broken
from policies.rule import stack_rule

policy = stack_rule(
    "deployment-enabled-for-group",
    "Models are deployed only for groups that deployment is switched on for.",
    doc=__doc__,
    severity=Severity.HIGH,
    tags=("quota",),
    steps="Set enabled: true on the project, or take its versions out.",
    judge=of_each_group(lambda group: broken(deployment_enabled, group.name, group.enabled, group.demands)),
)
