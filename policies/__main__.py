"""The policy pack. Only this module builds it: building one starts its server."""

import sys
from pathlib import Path

from pulumi_policy import EnforcementLevel, PolicyPack

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from policies import (
    at_most_two_deployed_versions,
    autoscaling_metric_allowed_in_mode,
    deployment_enabled_for_group,
    group_within_max_deployments,
    group_within_quota,
)

PolicyPack(
    name="caraml",
    enforcement_level=EnforcementLevel.MANDATORY,
    policies=[
        at_most_two_deployed_versions.of_endpoint,
        at_most_two_deployed_versions.of_stack,
        autoscaling_metric_allowed_in_mode.policy,
        deployment_enabled_for_group.policy,
        group_within_max_deployments.policy,
        group_within_quota.policy,
    ],
)
