"""The policy pack. Only this module builds it: building one starts its server."""

import sys
from pathlib import Path

from pulumi_policy import EnforcementLevel, PolicyPack

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from policies.rules import all_rules

PolicyPack(name="caraml", enforcement_level=EnforcementLevel.MANDATORY, policies=[*all_rules()])
