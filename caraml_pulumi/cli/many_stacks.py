"""The stacks that ``--all`` means: one of each Pulumi project under a directory, all of one name."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from caraml_pulumi.cli.common import STACK_VARIABLES, default_packs, known_stacks, project_backend
from caraml_pulumi.engine.api import Options, Target
from caraml_pulumi.engine.state.backend import open_backend
from caraml_pulumi.engine.state.project import Project, load_project, runtime_of
from caraml_pulumi.engine.state.properties import compact_json
from caraml_pulumi.engine.state.snapshot import deployment_of
from caraml_pulumi.engine.state.yaml_text import read_mapping
from caraml_pulumi.errors import USAGE, CaramlError, CaramlErrors

STACK_REFERENCE: Final = "pulumi:pulumi:StackReference"
_PROJECT_FILES: Final = ("Pulumi.yaml", "Pulumi.yml")
_NOT_PROJECTS: Final = frozenset({"node_modules", "__pycache__", "vendor"})
"""Directories of packages that others made."""


@dataclass(frozen=True, slots=True)
class Found:
    """What there is under a directory."""

    targets: list[Target] = field(default_factory=list)
    """The stacks."""
    left_out: list[str] = field(default_factory=list)
    """The projects that do not take part, each with the reason."""
    broken: dict[str, CaramlError] = field(default_factory=dict)
    """What is wrong with projects of which it cannot be told, by their directories."""


def stack_name(environment: str | None, stack: str | None) -> str:
    """The name of the stacks: ``--env``, else ``--stack``, else CARAML_STACK or PULUMI_STACK.

    Raises:
        CaramlError: none is given, two differ, or one names a project.
    """
    if environment and stack and environment != stack:
        raise CaramlError(
            f"--env {environment} and --stack {stack} name different stacks", allowed="one of them", exit_code=USAGE
        )
    named = environment or stack or next((text for name in STACK_VARIABLES if (text := os.environ.get(name))), "")
    if not named or "/" in named:
        raise CaramlError(
            f"--all takes the name that the stacks share, not {named!r}" if named else "it is not said which stacks",
            where="--all",
            allowed="the name of an environment: dev, staging, prod",
            fix="name it: --all --env staging",
            exit_code=USAGE,
        )
    return named


def find_stacks(directory: Path, stack: str) -> Found:
    """The stacks named `stack` of all Pulumi projects under `directory`.

    A project has the stack if its backend does, or there is a ``Pulumi.<stack>.yaml``. Hidden directories, virtual
    environments and installed packages are not searched.

    Raises:
        CaramlError: two projects share a stack, or there is no such stack at all.
    """
    if not directory.is_dir():
        raise CaramlError(f"there is no directory {str(directory)!r}", fix="correct the path after -C")
    found = Found()
    for root in _project_directories(directory.absolute()):
        try:
            _find_stack(found, root, stack)
        except CaramlError as error:
            found.broken[os.path.relpath(root, directory)] = error
    if shared := list(_shared(found.targets)):
        raise shared[0] if len(shared) == 1 else CaramlErrors(shared)
    if not found.targets and found.broken:
        raise CaramlErrors(list(found.broken.values()))
    if not found.targets:
        raise CaramlError(
            f"no project under {str(directory.absolute())!r} has a stack {stack!r}",
            allowed=f"a Pulumi.yaml with a Pulumi.{stack}.yaml beside it",
            fix=f"make the stacks: caraml stack init {stack} -C DIRECTORY; there are: {', '.join(found.left_out)}"
            if found.left_out
            else "change to the directory above the projects, or name it: -C DIRECTORY",
        )
    return found


def _find_stack(found: Found, root: Path, stack: str) -> None:
    file = next(root / name for name in _PROJECT_FILES if (root / name).is_file())
    runtime = runtime_of(read_mapping(file))
    if runtime not in ("", "python"):
        found.left_out.append(f"{os.path.basename(root)} (its runtime is {runtime})")
        return
    project = load_project(root)
    backend = project_backend(project)
    if stack in known_stacks(project, backend):
        found.targets.append(Target(project, stack, backend.url))
    else:
        found.left_out.append(f"{project.name} (no stack {stack})")


def with_packs(options: Options, project: Project, stack: str) -> Options:
    """`options` with the policy packs of the project, where none are named."""
    if options.policy_packs:
        return options
    packs = default_packs(project, stack)
    return replace(
        options,
        policy_packs=tuple(pack for pack, _ in packs),
        policy_pack_configs=tuple(config for _, config in packs if config),
    )


def read_state(target: Target) -> tuple[str, tuple[str, ...]]:
    """A digest of the stack's resources as they are now, and the stacks that it refers to.

    A stack that is not there is as one that holds nothing: to preview it, the Pulumi CLI makes it.

    Raises:
        CaramlError: the state cannot be read.
    """
    document = open_backend(target.backend_url).load(target.project.name, target.stack)
    deployment = {} if document is None else deployment_of(document)
    resources = deployment.get("resources") or []
    names = {str(one["inputs"].get("name")) for one in resources if one["type"] == STACK_REFERENCE}
    told = [resources, deployment.get("pending_operations") or []]
    return hashlib.sha256(compact_json(told).encode()).hexdigest(), tuple(sorted(names))


def _project_directories(top: Path) -> Iterator[Path]:
    for root, directories, files in os.walk(top):
        if "pyvenv.cfg" in files:
            directories.clear()
            continue
        directories[:] = sorted(name for name in directories if not name.startswith(".") and name not in _NOT_PROJECTS)
        if not set(_PROJECT_FILES).isdisjoint(files):
            yield Path(root)


def _shared(targets: list[Target]) -> Iterator[CaramlError]:
    """Two projects of one name in one backend have one stack, which both would lock and overwrite."""
    first: dict[tuple[str, str], Target] = {}
    for target in targets:
        other = first.setdefault((target.backend_url, target.project.name), target)
        if other is not target:
            yield CaramlError(
                f"two projects are named {target.project.name!r}, and would share the stack {target.stack!r}",
                where=str(target.project.file),
                allowed=f"names other than that of {other.project.file}",
            )
