"""What stands below the tree: messages, policy violations, outputs, the count of resources, the time it took."""

from collections.abc import Iterator
from itertools import groupby

from rich.text import Text

from caraml_pulumi.engine.display.changes import output_changes
from caraml_pulumi.engine.display.diff import change_lines
from caraml_pulumi.engine.display.ops import SUMMARY_ORDER, look
from caraml_pulumi.engine.display.table import seconds, short_type
from caraml_pulumi.engine.display.tree import Tree
from caraml_pulumi.engine.display.values import entry_lines, plain_value
from caraml_pulumi.engine.resource import urn_name, urn_type

_SEVERITY_STYLES = {"error": "bold red", "warning": "yellow"}
_WEIGHTS = {"warning": 1, "error": 2}
"""Of a resource's messages the errors come last, where a reader looks first."""


def summary(tree: Tree, *, planning: bool, duration: float) -> list[Text]:
    """All blocks, an empty line before each."""
    blocks = [
        list(_diagnostics(tree)),
        list(_policies(tree)),
        list(_outputs(tree, planning=planning)),
        [
            *_packs(tree),
            _resources(tree, planning=planning),
            Text.assemble(("Duration:  ", "bold"), seconds(duration)),
        ],
    ]
    return [line for block in blocks if block for line in (Text(), *block)]


def _diagnostics(tree: Tree) -> Iterator[Text]:
    if not tree.diagnostics:
        return
    yield Text("Diagnostics:", "bold")
    by_resource = sorted(tree.diagnostics, key=lambda item: (item.urn, _WEIGHTS.get(item.severity, 0)))
    for urn, group in groupby(by_resource, key=lambda item: item.urn):
        yield Text(f"  {_resource(urn)}:")
        for item in group:
            style = _SEVERITY_STYLES.get(item.severity, "")
            first, *rest = item.message.split("\n")
            label = f"{item.severity}: " if style and not first.startswith(f"{item.severity}:") else ""
            yield Text.assemble("    ", (label, style), first)
            yield from (Text(f"    {line}") for line in rest)


def _policies(tree: Tree) -> Iterator[Text]:
    if not tree.violations:
        return
    yield Text("Policy violations:", "bold")
    ordered = sorted(tree.violations, key=lambda item: (not item.mandatory, item.pack, item.policy, item.urn))
    for item in ordered:
        style = "bold red" if item.mandatory else "yellow"
        yield Text.assemble(
            "  ", (f"{item.level} ", style), (item.policy, "bold"), (f"  {_pack(item.pack, item.version)}", "dim")
        )
        yield Text(f"    {_resource(item.urn)}")
        yield from (Text(f"    {line}") for line in item.message.split("\n"))


def _packs(tree: Tree) -> Iterator[Text]:
    """The packs that were asked, and what they said."""
    if not tree.packs:
        return
    mandatory = sum(item.mandatory for item in tree.violations)
    advisory = sum(item.level == "advisory" for item in tree.violations)
    verdict = Text(f"{mandatory} violated", "bold red") if mandatory else Text("passed", "green")
    if advisory:
        verdict.append(f", {advisory} advisory", "yellow")
    names = ", ".join(_pack(name, version) for name, version in sorted(tree.packs.items()))
    yield Text.assemble(("Policies:  ", "bold"), verdict, (f"  {names}", "dim"))


def _pack(name: str, version: str) -> str:
    return f"{name} {version if version.startswith('v') or not version else f'v{version}'}".rstrip()


def _outputs(tree: Tree, *, planning: bool) -> Iterator[Text]:
    """The stack's outputs: all of them after a change, those that would change in a preview."""
    if tree.outputs is None:
        return
    old, new = tree.outputs
    changed = {str(change.path[0]): change for change in output_changes(old, new)}
    names = sorted({*changed} if planning else {*old, *new})
    if not names:
        return
    yield Text("Outputs:", "bold")
    for name in names:
        if name in changed and old:
            yield from (Text("  ").append_text(line) for line in change_lines([changed[name]]))
        else:
            yield from (Text(f"    {line}") for line in entry_lines(name, plain_value(new[name])))


def _resources(tree: Tree, *, planning: bool) -> Text:
    text = Text.assemble(("Resources: ", "bold"))
    counted = [op for op in SUMMARY_ORDER if tree.counts.get(op)]
    others = sorted(op for op in tree.counts if op not in SUMMARY_ORDER and op != "same" and tree.counts[op])
    parts = []
    for op in (*counted, *others):
        words = f"to {look(op).planned}" if planning else look(op).done
        parts.append(Text(f"{look(op).sign} {tree.counts[op]} {words}", look(op).style))
    if same := tree.counts.get("same"):
        parts.append(Text(f"{same} unchanged", "dim"))
    return text.append_text(Text(", ").join(parts) if parts else Text("none", "dim"))


def _resource(urn: str) -> str:
    return f"{short_type(urn_type(urn))} {urn_name(urn)}" if urn else "the stack as a whole"
