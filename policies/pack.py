"""The pack itself. Building one starts its server, so that only the program of a pack calls this."""

import gc

from pulumi_policy import EnforcementLevel, PolicyPack, policy

from policies.rules import all_rules


def build() -> PolicyPack:
    """The pack of all rules, which answers from now on."""
    # An SDK of a later version without this server runs the pack with its own, only slower.
    if hasattr(policy, server := "_PolicyAnalyzerServicer"):
        from policies.server import RuleServer

        setattr(policy, server, RuleServer)
    # What is imported stays; the garbage collector need not look at it again while thousands of resources are judged.
    gc.freeze()
    return PolicyPack(name="caraml", enforcement_level=EnforcementLevel.MANDATORY, policies=[*all_rules()])
