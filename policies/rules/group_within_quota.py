"""The versions of a group ask together for no more CPU, memory and GPUs than its quota (seed: Model Deployment).

A version counts with its limits times its replicas at most, as if it were under full load; a stopped one counts with
nothing. The quota is that of the ModelProject. Deployments, StatefulSets, ReplicaSets, Pods and Knative Services in its
namespace count as well that no component made: by what their containers are limited to, else ask for, times the
replicas that their autoscaler may make of them. A Knative Service without a max-scale counts with its min-scale, or
one replica. The ResourceQuota of the namespace holds what another stack puts there.
"""

from pulumi_policy import Severity

from caraml_pulumi.model.quota import group_within_quota
from caraml_pulumi.model.spec import within
from policies.groups import of_each_group
from policies.platform_config import LABEL_PREFIX, LABEL_PREFIX_SCHEMA
from policies.reading import broken
from policies.rule import stack_rule

policy = stack_rule(
    "group-within-quota",
    "The versions of a group ask together for no more CPU, memory and GPUs than its quota.",
    doc=__doc__,
    severity=Severity.HIGH,
    tags=("quota",),
    steps="Lower limits or replicas, stop a version, or raise the project's quota.",
    settings={LABEL_PREFIX: LABEL_PREFIX_SCHEMA},
    judge=of_each_group(
        lambda group: broken(within("quota")(group_within_quota), group.name, group.quota, group.demands)
    ),
)
