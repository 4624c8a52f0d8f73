"""Models are deployed only for groups that deployment is switched on for (seed: Model Deployment).

A ModelProject with `enabled: false` may have no deployed version; a stopped one is not deployed. Workloads in its
namespace that carry the labels of a version count, whether a component made them or not. The component refuses the same
of its own versions; this rule looks at the whole stack.
"""

from pulumi_policy import Severity

from caraml_pulumi.model.quota import deployment_enabled
from caraml_pulumi.model.spec import within
from policies.groups import of_each_group
from policies.platform_config import LABEL_PREFIX, LABEL_PREFIX_SCHEMA
from policies.reading import broken
from policies.rule import stack_rule

policy = stack_rule(
    "deployment-enabled-for-group",
    "Models are deployed only for groups that deployment is switched on for.",
    doc=__doc__,
    severity=Severity.HIGH,
    tags=("quota",),
    steps="Set enabled: true on the project, or take its versions out.",
    settings={LABEL_PREFIX: LABEL_PREFIX_SCHEMA},
    judge=of_each_group(
        lambda group: broken(within("enabled")(deployment_enabled), group.name, group.enabled, group.versions)
    ),
)
