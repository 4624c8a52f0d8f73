"""Which policy pack a command is about, and what it is started with for a stack."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from caraml_pulumi.cli import complete
from caraml_pulumi.cli.common import STACK_VARIABLES, default_packs
from caraml_pulumi.errors import USAGE, CaramlError

if TYPE_CHECKING:
    from caraml_pulumi.engine.state.project import Project
    from caraml_pulumi.policy_tests.case import Setup

Pack = Annotated[
    Path | None,
    typer.Option(
        "--policy-pack",
        metavar="DIR",
        exists=True,
        file_okay=False,
        help="The policy pack.",
        show_default="policies/ of the project",
    ),
]
PackConfig = Annotated[
    Path | None,
    typer.Option(
        "--policy-pack-config",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help="The configuration of the pack.",
        show_default="profiles/STACK.json of the project's pack",
    ),
]
StackName = Annotated[
    str | None,
    typer.Option(
        "--stack",
        "-s",
        metavar="NAME",
        help="The stack, or environment.",
        show_default="$CARAML_STACK, $PULUMI_STACK",
        autocompletion=complete.stacks,
    ),
]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The pack that a command is about, and what it knows of stacks."""

    pack: Path
    project: "Project | None"
    stack: str
    """The stack that was named; empty if none was."""
    config_file: Path | None
    is_default: bool
    """Whether the pack is the project's own, which has profiles."""

    def setup(self, stack: str) -> "Setup":
        """What the pack is started with for `stack`. Secrets of its configuration stay encrypted.

        Raises:
            CaramlError: the pack's or the stack's configuration is not right.
        """
        from caraml_pulumi.engine.policies.config import read_config
        from caraml_pulumi.policy_tests.case import PROJECT, Setup

        file = self.config_file or (self._profile(stack) if self.is_default else None)
        return Setup(
            environment=stack,
            project=self.project.name if self.project else PROJECT,
            stack_config=_configuration(self.project, stack) if self.project else {},
            directory=self.project.stack_config_dir if self.project else None,
            settings=read_config(file) if file else {},
            settings_file=file,
        )

    def suite_setup(self) -> "Setup":
        """What test suites lay theirs over: no stack's configuration, and none of the pack unless one was given.

        Raises:
            CaramlError: the pack's configuration is not right.
        """
        from caraml_pulumi.engine.policies.config import read_config
        from caraml_pulumi.policy_tests.case import Setup

        settings = read_config(self.config_file) if self.config_file else {}
        return Setup(environment=self.stack or "dev", settings=settings, settings_file=self.config_file)

    def _profile(self, stack: str) -> Path | None:
        packs = default_packs(self.project, stack) if self.project else []
        return next((profile for _, profile in packs), None)


def choose(cwd: Path, pack: Path | None, config_file: Path | None, stack: str | None) -> Chosen:
    """The pack in `pack`, else that of the project of `cwd`.

    Raises:
        CaramlError: neither is there.
    """
    from caraml_pulumi.engine.state.project import load_project

    named = stack or next((text for name in STACK_VARIABLES if (text := os.environ.get(name))), "")
    stack_name = named.rpartition("/")[2]
    project = load_project(cwd) if pack is None or _is_in_project(cwd) else None
    if pack is not None:
        return Chosen(pack, project, stack_name, config_file, _is_default(pack, project))
    packs = default_packs(project, stack_name) if project else []
    if not packs:
        raise CaramlError(
            "the project has no policy pack",
            where=str(project.root if project else cwd),
            allowed="a directory policies with PulumiPolicy.yaml",
            fix="name one: --policy-pack DIR",
            exit_code=USAGE,
        )
    return Chosen(packs[0][0], project, stack_name, config_file, True)


def _is_in_project(cwd: Path) -> bool:
    here = cwd.absolute()
    return any(
        (folder / f"Pulumi.{suffix}").is_file() for folder in (here, *here.parents) for suffix in ("yaml", "yml")
    )


def _is_default(pack: Path, project: "Project | None") -> bool:
    packs = default_packs(project, "") if project else []
    return any(pack.resolve() == own.resolve() for own, _ in packs)


def _configuration(project: "Project", stack: str) -> dict[str, str]:
    """The configuration of a stack by full key, without its secrets; none if it has no file."""
    from caraml_pulumi.engine.state.config import load_stack_config
    from caraml_pulumi.engine.values import plain

    return {key: plain(value) for key, value in load_stack_config(project, stack).entries().items()}
