"""What the stack's own configuration says of its platform: what settings of rules that are left empty fall back to.

Pulumi hands the stack's configuration to the process of a policy pack. A stack that goes around the components may
have none; then only the pack's settings count.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import pulumi

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.labels import DEFAULT_PREFIX
from caraml_pulumi.model.platform import PlatformSpec, parse_platform
from caraml_pulumi.model.spec import dotted

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
    """The platform in the stack's configuration; none if it has none, or not a right one: its program says so."""
    text = pulumi.Config("caraml").get("platform")
    return _parsed(text, pulumi.get_stack()) if text else None


def label_prefix(settings: Mapping[str, Any]) -> str:
    """The prefix of the platform's labels, for a rule with these settings."""
    if given := settings.get(LABEL_PREFIX):
        return str(given)
    configured = platform()
    return configured.label_prefix if configured else DEFAULT_PREFIX


@lru_cache(maxsize=4)
def _parsed(text: str, stack: str) -> PlatformSpec | None:
    import yaml

    try:
        return parse_platform(yaml.safe_load(text), environment=stack, locate=dotted)
    except (CaramlError, yaml.YAMLError):
        return None
