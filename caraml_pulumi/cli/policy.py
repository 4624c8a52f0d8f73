"""``caraml policy``: the rules of a policy pack, and tests of them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from caraml_pulumi.cli.common import HERE, Cwd, Json, note, print_json
from caraml_pulumi.cli.policy_setup import Chosen, Pack, PackConfig, StackName, choose
from caraml_pulumi.errors import FAILED, POLICY_VIOLATION

if TYPE_CHECKING:
    from caraml_pulumi.engine.policies import Rule

app = typer.Typer(add_completion=False, help="The rules of a policy pack, and tests of them.", no_args_is_help=True)

Files = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE...",
        help="Test suites, Kubernetes manifests, exported stacks, release files, or directories of them; - is standard "
        "input.",
    ),
]


@app.command("list", epilog="Example: caraml policy list --stack prod")
def list_rules(
    cwd: Cwd = HERE,
    stack: StackName = None,
    policy_pack: Pack = None,
    policy_pack_config: PackConfig = None,
    json: Json = False,
) -> None:
    """List the rules of a policy pack.

    Each has its level, as it is configured for the stack, its severity, its tags, and what it holds.
    """
    from caraml_pulumi.cli.policy_rules import print_rules, rule_document

    rules = _rules(choose(cwd, policy_pack, policy_pack_config, stack))
    if json:
        print_json([rule_document(rule) for rule in rules])
    else:
        print_rules(rules)


@app.command(epilog="Example: caraml policy explain image-pinned-by-digest --stack prod")
def explain(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="The rule's name.")],
    cwd: Cwd = HERE,
    stack: StackName = None,
    policy_pack: Pack = None,
    policy_pack_config: PackConfig = None,
    json: Json = False,
) -> None:
    """Explain a rule, its settings and its exemptions.

    What it holds and why, and how a violation is mended; for our pack that is the text of its page in docs/policies.
    """
    from caraml_pulumi.cli.policy_rules import print_explanation, rule_document
    from caraml_pulumi.policy_tests.judging import find_rule

    chosen = choose(cwd, policy_pack, policy_pack_config, stack)
    found = find_rule(rule, _rules(chosen))
    if json:
        print_json(rule_document(found))
    else:
        print_explanation(found, chosen.pack)


@app.command("test", epilog="Example: kustomize build deploy | caraml policy test --stack prod -")
def run_tests(
    files: Files,
    cwd: Cwd = HERE,
    stack: StackName = None,
    policy_pack: Pack = None,
    policy_pack_config: PackConfig = None,
    json: Json = False,
) -> None:
    """Test a policy pack, and judge files with it.

    Test suites are run; Kubernetes manifests, exported stacks and releases are judged as a preview would judge them.
    Exit code 1 if a test fails, 3 if a file violates a mandatory rule.
    """
    from caraml_pulumi.cli.policy_report import print_report, report_document
    from caraml_pulumi.policy_tests.files import Reader
    from caraml_pulumi.policy_tests.judging import judge

    chosen = choose(cwd, policy_pack, policy_pack_config, stack)
    read = Reader(chosen.setup, chosen.suite_setup(), chosen.stack).read(files)
    results = iter(judge([case for file in read for case in file.cases], chosen.pack, note))
    judged = [(file, [next(results) for _ in file.cases]) for file in read]
    if json:
        print_json(report_document(judged))
    else:
        print_report(judged)
    failed = [file.kind for file, cases in judged if not all(case.passed for case in cases)]
    if failed:
        raise typer.Exit(FAILED if "tests" in failed else POLICY_VIOLATION)


def _rules(chosen: Chosen) -> "list[Rule]":
    """The rules of the pack, as it is configured. Raises `CaramlError`."""
    from caraml_pulumi.policy_tests.judging import open_pack

    pack = open_pack(chosen.pack, chosen.setup(chosen.stack or "dev") if chosen.stack else chosen.suite_setup())
    try:
        return sorted(pack.rules, key=lambda rule: rule.name)
    finally:
        pack.close()
