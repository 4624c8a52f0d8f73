"""Which engine runs an operation."""

import shutil
from enum import StrEnum

from caraml_pulumi.engine.api import Engine
from caraml_pulumi.errors import USAGE, CaramlError


class EngineChoice(StrEnum):
    """``auto`` is the Pulumi CLI where it is on PATH, else the embedded engine."""

    AUTO = "auto"
    EMBEDDED = "embedded"
    PULUMI = "pulumi"


def uses_pulumi(choice: EngineChoice) -> bool:
    """Whether `choice` stands for the Pulumi CLI.

    Raises:
        CaramlError: the Pulumi CLI is asked for and is not on PATH.
    """
    installed = shutil.which("pulumi") is not None
    if choice is EngineChoice.PULUMI and not installed:
        raise CaramlError(
            "the Pulumi CLI is not on PATH",
            where="--engine pulumi",
            fix="install it, or use the embedded engine: --engine embedded",
            exit_code=USAGE,
        )
    return installed and choice is not EngineChoice.EMBEDDED


def open_engine(choice: EngineChoice) -> Engine:
    """The engine that `choice` stands for. Raises `CaramlError` as `uses_pulumi` does."""
    if uses_pulumi(choice):
        from caraml_pulumi.engine.automation import PulumiCliEngine

        return PulumiCliEngine()
    from caraml_pulumi.engine.embedded import EmbeddedEngine

    return EmbeddedEngine()
