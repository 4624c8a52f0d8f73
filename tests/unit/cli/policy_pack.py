"""A small policy pack on disk: one rule about each resource that can mend it, one about the stack."""

from pathlib import Path

PACK = """
from pulumi_policy import (
    EnforcementLevel, PolicyConfigSchema, PolicyPack, ResourceValidationPolicy, Severity, StackValidationPolicy,
)


def small(args, report):
    largest = args.get_config()["largest"]
    if args.props.get("size", 0) > largest:
        report(f"a team of {int(args.props['size'])} is too large\\n  where:   size\\n  fix:     split it")


def shrunk(args):
    largest = args.get_config()["largest"]
    if args.props.get("size", 0) > largest:
        return {**args.props, "size": largest}


def told(args, report):
    if args.resource_type == "kubernetes:core/v1:Secret" and "stringData" in args.props:
        report("the password is " + args.props["stringData"]["password"])
    if args.resource_type == "kubernetes:example.org/v1:Team":
        report("there are teams in the cluster")


def few(args, report):
    teams = [one for one in args.resources if one.resource_type.endswith(":Team")]
    if len(teams) > 2:
        report(f"{len(teams)} teams are too many")


PolicyPack(
    "teams",
    policies=[
        ResourceValidationPolicy(
            "small-teams",
            "Teams are small.",
            small,
            EnforcementLevel.MANDATORY,
            PolicyConfigSchema({
                "largest": {"type": "integer", "default": 4, "minimum": 1, "description": "The largest team."},
                "exemptions": {"type": "array", "default": [], "items": {"type": "object"}},
            }),
            remediate=shrunk,
            severity=Severity.HIGH,
            tags=["teams", "size"],
            remediation_steps="Split the team.",
            url="docs/small-teams.md",
        ),
        ResourceValidationPolicy("told", "Something is told.", told),
        StackValidationPolicy("few-teams", "There are few teams.", few, EnforcementLevel.MANDATORY, tags=["teams"]),
    ],
)
"""
PAGE = """# small-teams

<!-- documentation -->
A large team talks more than it works.
<!-- end -->

The rest of the page.
"""


def write_pack(root: Path) -> Path:
    """Write the pack to ``policies`` of a project, with a profile for the stack prod and the page of a rule."""
    pack = root / "policies"
    (pack / "profiles").mkdir(parents=True)
    (pack / "PulumiPolicy.yaml").write_text("runtime: python\n")
    (pack / "__main__.py").write_text(PACK)
    exemption = '{"resource": "crowd", "owner": "ann", "reason": "it grew", "expires": "2099-01-31"}'
    (pack / "profiles" / "prod.json").write_text(
        f'{{"small-teams": {{"largest": 2, "exemptions": [{exemption}]}}, "told": "disabled"}}\n'
    )
    (root / "docs").mkdir()
    (root / "docs" / "small-teams.md").write_text(PAGE)
    return pack
