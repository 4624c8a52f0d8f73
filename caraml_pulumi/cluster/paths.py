"""Where the local control plane keeps its things: the tools it built, and a directory of its own for each cluster."""

import os
from pathlib import Path

from caraml_pulumi.errors import CaramlError


def tools_home() -> Path:
    """Directory of the built tools: `$XDG_CACHE_HOME/caraml/tools`, by default `~/.cache/caraml/tools`."""
    return _base("XDG_CACHE_HOME", ".cache") / "caraml" / "tools"


def clusters_home() -> Path:
    """Directory of all clusters: `$XDG_STATE_HOME/caraml/clusters`, by default `~/.local/state/caraml/clusters`."""
    return _base("XDG_STATE_HOME", ".local/state") / "caraml" / "clusters"


def tools_source() -> Path:
    """Directory of the `go.mod` files that pin the servers: `tools/` of a checkout, `cluster/tools/` of a wheel.

    Raises:
        CaramlError: neither is there.
    """
    here = Path(__file__).resolve().parent
    for candidate in (here / "tools", here.parents[1] / "tools"):
        if (candidate / "kubernetes" / "go.mod").is_file():
            return candidate
    raise CaramlError(
        "the go.mod files that pin the servers of the local control plane are missing",
        where=str(here.parents[1] / "tools"),
        fix="install caraml-pulumi again, or run it from a complete checkout",
    )


def _base(variable: str, default: str) -> Path:
    """A base directory as the XDG specification has it: a relative or empty value counts as unset."""
    value = os.environ.get(variable, "")
    return Path(value) if os.path.isabs(value) else Path.home() / default
