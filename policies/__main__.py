"""The policy pack. Only this module builds it: building one starts its server."""

import sys
from pathlib import Path

from pulumi_policy import EnforcementLevel, PolicyPack

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from policies import at_most_two_deployed_versions, autoscaling_metric_allowed_in_mode

PolicyPack(
    name="caraml",
    enforcement_level=EnforcementLevel.MANDATORY,
    policies=[
        at_most_two_deployed_versions.of_endpoint,
        at_most_two_deployed_versions.of_stack,
        autoscaling_metric_allowed_in_mode.policy,
    ],
)
