"""What is put before a policy pack: resources with their places in a file, and what is expected of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Literal

from caraml_pulumi.engine.policies.config import Setting
from caraml_pulumi.engine.resource import ResourceState, make_urn
from caraml_pulumi.engine.values import Properties
from caraml_pulumi.model.spec import Locate, Path

PROJECT = "policy-test"
"""The Pulumi project that resources of files which name none are of."""
Kind = Literal["tests", "manifests", "state", "release"]


@dataclass(frozen=True, slots=True)
class Subject:
    """A resource to judge: rules about a resource see its inputs, rules about a stack its outputs, if it has any."""

    state: ResourceState
    title: str
    """The resource as a person knows it: ``apps/v1 Deployment shop/web``."""
    locate: Locate
    """Says where a property of it is in the file."""


@dataclass(frozen=True, slots=True)
class Expected:
    """A violation that a case of a test suite expects. What is empty may be anything."""

    rule: str
    message: str = ""
    """A part of the violation's message."""
    resource: str = ""
    """The logical name of the resource that it is about."""
    level: str = ""

    def __str__(self) -> str:
        """``rule (mandatory) of web, with "privileged" in its message``."""
        level = f" ({self.level})" if self.level else ""
        resource = f" of {self.resource}" if self.resource else ""
        return f"{self.rule}{level}{resource}" + (f', with "{self.message}" in its message' if self.message else "")


@dataclass(frozen=True, slots=True)
class Setup:
    """What a pack is started with. Cases of the same setup share a process."""

    environment: str
    """The name of the stack that the pack is told."""
    project: str = PROJECT
    stack_config: Mapping[str, str] = field(default_factory=dict)
    """The stack's configuration by full key (``caraml:platform``), maps and lists as JSON."""
    directory: FilePath | None = None
    """Where the stack's files are."""
    settings: Mapping[str, Setting] = field(default_factory=dict)
    """The pack's configuration."""
    settings_file: FilePath | None = None
    """The file that the pack's configuration is from, for messages."""


@dataclass(frozen=True, slots=True)
class Case:
    """Resources that are judged together, as a stack."""

    name: str
    where: str
    setup: Setup
    subjects: Sequence[Subject]
    rules: Sequence[str] = ()
    """The rules that the case is about; all of the pack if there are none."""
    expected: Sequence[Expected] | None = None
    """The violations that a test suite expects, all of them; None where the pack is simply asked what it thinks."""
    locate: Locate = lambda _path: ""
    """Says where a property of the case itself is."""
    _by_urn: dict[str, Subject] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Find subjects by URN: there may be thousands."""
        object.__setattr__(self, "_by_urn", {one.state.urn: one for one in self.subjects})

    def subject(self, urn: str) -> Subject | None:
        """The subject of that URN, if it is one of the case."""
        return self._by_urn.get(urn)


@dataclass(frozen=True, slots=True)
class CaseFile:
    """A file given to ``caraml policy test``."""

    path: str
    kind: Kind
    cases: Sequence[Case]


def subject(setup: Setup, type_: str, name: str, properties: Properties, title: str, locate: Locate) -> Subject:
    """A resource of a file that knows no URNs."""
    urn = make_urn(setup.environment, setup.project, type_, name)
    custom = not type_.startswith("caraml:")
    return Subject(ResourceState(urn=urn, type=type_, custom=custom, inputs=properties), title, locate)


def below(locate: Locate, *prefix: str | int) -> Locate:
    """A `locate` for paths relative to `prefix`."""

    def at(path: Path) -> str:
        return locate((*prefix, *path))

    return at
