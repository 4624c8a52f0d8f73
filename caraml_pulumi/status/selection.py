"""Which models of a stack a command is about: ``[[PROJECT/]MODEL[/VERSION]]``."""

from dataclasses import dataclass
from typing import Final, Self

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.status.deployed import Deployed, DeployedVersion
from caraml_pulumi.status.report import Report


@dataclass(frozen=True, slots=True)
class Selection:
    """A model, in all projects unless one is named; all of its versions unless one is named. Empty is everything."""

    model: str = ""
    project: str = ""
    version: int | None = None

    @classmethod
    def parse(cls, text: str | None) -> Self:
        """What a user has written. Raises `CaramlError` for what is no such name."""
        parts = (text or "").split("/")
        version = int(parts.pop()) if len(parts) > 1 and parts[-1].isdecimal() else None
        if len(parts) > 2 or (text and not all(parts)):
            raise CaramlError(f'"{text}" names no model', allowed="[PROJECT/]MODEL[/VERSION]")
        return cls(parts[-1], parts[0] if len(parts) == 2 else "", version)

    def models(self, deployed: Deployed) -> Deployed:
        """The selected models, all versions of each. Raises `CaramlError` where there is none, with what there is."""
        if not self.model:
            return deployed
        found = Deployed(
            tuple(one for one in deployed.versions if self.includes(one.model, one.project)),
            tuple(one for one in deployed.endpoints if self.includes(one.model, one.project)),
        )
        if not any(self.version in (None, one.version) for one in found.versions) and (
            self.version is not None or not found.endpoints
        ):
            known = {f"{one.project}/{one.model}/{one.version}": None for one in deployed.versions}
            raise CaramlError(
                f'the stack deploys no "{self}"',
                allowed=", ".join(known) or "it deploys no model",
                fix="name what there is, as [PROJECT/]MODEL[/VERSION], or another stack with --stack",
            )
        return found

    def versions(self, deployed: Deployed) -> list[DeployedVersion]:
        """The selected versions. Raises `CaramlError` where there is none, with what there is."""
        return [one for one in self.models(deployed).versions if self.version in (None, one.version)]

    def shown(self, report: Report) -> Report:
        """`report` without the endpoint and the other versions where a version is selected."""
        if self.version is None:
            return report
        return Report([], [one for one in report.versions if one.version.version == self.version])

    def includes(self, model: str, project: str) -> bool:
        """Whether the model, of whatever version, is selected. Empty selects every one."""
        return not self.model or (model == self.model and self.project in ("", project))

    def __str__(self) -> str:
        """As a user writes it."""
        return "/".join(filter(None, (self.project, self.model, str(self.version or ""))))


EVERYTHING: Final = Selection()
