"""Policy packs: started as processes of their own and asked through Pulumi's Analyzer protocol."""

from caraml_pulumi.engine.policies.config import Rule
from caraml_pulumi.engine.policies.messages import AnalyzedResource
from caraml_pulumi.engine.policies.pack import PolicyPack
from caraml_pulumi.engine.policies.violation import NotApplicable, Violation

__all__ = ["AnalyzedResource", "NotApplicable", "PolicyPack", "Rule", "Violation"]
