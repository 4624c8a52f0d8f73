"""Rules asked in a stack whose configuration has a platform, and versions as components register them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pulumi

from caraml_pulumi.engine.values import Properties
from tests.unit.model import builders


@contextmanager
def stack_platform(**settings: Any) -> Iterator[None]:
    """Configure the stack's `caraml:platform`."""
    pulumi.runtime.set_config("caraml:platform", json.dumps({"domain": "models.example.com", **settings}))
    try:
        yield
    finally:
        pulumi.runtime.set_config("caraml:platform", "")


def version(**settings: Any) -> Properties:
    """What a CustomModelVersion registers, and so what a rule sees of it."""
    return builders.version(**settings).props()
