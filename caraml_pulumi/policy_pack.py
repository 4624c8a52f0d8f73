"""The policy pack that comes with the library, for the ``policies/`` of a platform's own repository.

    from caraml_pulumi.policy_pack import serve

    serve()

is the whole program of such a pack; its levels and settings are those of its ``profiles/<stack>.json``.
"""

import sys
from pathlib import Path

from caraml_pulumi.errors import CaramlError

PACK = "policies"


def home() -> Path:
    """Where the pack's sources, ``policies/``, are: a directory of the wheel, or the checkout.

    Raises:
        CaramlError: neither has them.
    """
    here = Path(__file__).resolve().parent
    for candidate in (here / "shipped", here.parent):
        if (candidate / PACK / "rules").is_dir():
            return candidate
    raise CaramlError(
        "the policy pack of caraml-pulumi is missing",
        where=str(here / "shipped"),
        fix="install caraml-pulumi again, or run it from a complete checkout",
    )


def serve() -> None:
    """Build the pack, which starts its server: Pulumi and `caraml` ask it then. Raises as `home` does."""
    sys.path.insert(0, str(home()))
    from policies.pack import build

    build()
