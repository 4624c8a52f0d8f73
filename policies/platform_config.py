"""What the stack's own configuration says of its platform: what settings of rules that are left empty fall back to.

Pulumi hands the stack's configuration to the process of a policy pack, but not that of the environments which it
extends: their files are looked for. A stack that goes around the components may have none; then only the pack's
settings count.
"""

import os
import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import pulumi

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.labels import DEFAULT_PREFIX
from caraml_pulumi.model.platform import PlatformSpec, parse_platform
from caraml_pulumi.model.spec import dotted
from caraml_pulumi.stack_files.configuration import EXTENDS_KEY, PLATFORM_KEY, read_configuration
from caraml_pulumi.stack_files.place import stack_files

LABEL_PREFIX: Final = "labelPrefix"
LABEL_PREFIX_SCHEMA: Final = {
    "type": "string",
    "default": "",
    "description": (
        "The prefix of the platform's labels. "
        "Default: `labelPrefix` of the stack's `caraml:platform`, else `caraml.dev/`."
    ),
}


def platform() -> PlatformSpec | None:
    """The platform in the stack's configuration; none if it has none, or not a right one: its program says so.

    Raises:
        CaramlError: the configuration extends another environment, whose file is not found.
    """
    config = pulumi.Config("caraml")
    text, extends = config.get("platform"), config.get("extends")
    if not text and not extends:
        return None
    return _parsed(text or "{}", extends, pulumi.get_project(), pulumi.get_stack())


def label_prefix(settings: Mapping[str, Any]) -> str:
    """The prefix of the platform's labels, for a rule with these settings."""
    if given := settings.get(LABEL_PREFIX):
        return str(given)
    configured = platform()
    return configured.label_prefix if configured else DEFAULT_PREFIX


@lru_cache(maxsize=4)
def _parsed(text: str, extends: str | None, project: str, stack: str) -> PlatformSpec | None:
    import yaml

    found = _merged(text, extends, project, stack) if extends else text
    try:
        settings = yaml.safe_load(found) if isinstance(found, str) else found
        return parse_platform(settings, environment=stack, locate=dotted)
    except (CaramlError, yaml.YAMLError):
        return None


def _merged(text: str, extends: str, project: str, stack: str) -> object:
    """The platform `text` laid over those of the environments that the stack extends. Raises `CaramlError`."""
    import yaml

    here = [Path(named).absolute() for named in (os.environ.get("PWD"), sys.path[0], ".") if named]
    own = {EXTENDS_KEY: extends, PLATFORM_KEY: yaml.safe_load(text)}
    return read_configuration(stack_files(project, here), stack, own).values[PLATFORM_KEY]
