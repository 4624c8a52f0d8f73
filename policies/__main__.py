"""The policy pack. Only this module builds it: building one starts its server."""

import gc
import sys
from pathlib import Path

from pulumi_policy import EnforcementLevel, PolicyPack, policy

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from policies.rules import all_rules

# An SDK of a later version without this server runs the pack with its own, only slower.
if hasattr(policy, server := "_PolicyAnalyzerServicer"):
    from policies.server import RuleServer

    setattr(policy, server, RuleServer)

# What is imported stays; the garbage collector need not look at it again while thousands of resources are judged.
gc.freeze()
PolicyPack(name="caraml", enforcement_level=EnforcementLevel.MANDATORY, policies=[*all_rules()])
