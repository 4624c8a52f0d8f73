"""Probes: how Kubernetes finds out whether a replica lives and can serve, by what it speaks."""

from dataclasses import dataclass, replace
from typing import Annotated, Final

from pydantic import Field

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.modes import Protocol
from caraml_pulumi.model.numbers import WholeNumber
from caraml_pulumi.model.spec import Spec, rule

LIVENESS_PATH: Final = "/"
"""Seed: Custom Model: answers 200 while the server lives."""


def probe_path(value: str) -> str:
    """A path that a probe asks: it starts with a slash and has no blanks. Raises `CaramlError`."""
    if not value.startswith("/") or any(char.isspace() for char in value):
        raise CaramlError(f'"{value}" is not a path', allowed="a path that starts with /, without blanks")
    return value


class ProbeSettings(Spec):
    """What differs from the protocol's probe; what is left out stays as it is."""

    path: Annotated[str, rule(probe_path)] | None = None
    """The path to `GET`, for protocols over HTTP."""
    initial_delay_seconds: Annotated[WholeNumber, Field(ge=0)] | None = None
    """Seconds before the first probe."""
    timeout_seconds: Annotated[WholeNumber, Field(ge=1)] | None = None
    """Seconds a probe may take."""
    period_seconds: Annotated[WholeNumber, Field(ge=1)] | None = None
    """Seconds between probes."""
    success_threshold: Annotated[WholeNumber, Field(ge=1)] | None = None
    """Successes in a row until a replica that failed counts as good again; liveness and startup: only 1."""
    failure_threshold: Annotated[WholeNumber, Field(ge=1)] | None = None
    """Failures in a row until the replica is restarted, or gets no more traffic."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A probe with every value decided. Without a path it is gRPC's health check, or opens a TCP connection."""

    path: str | None
    grpc: bool
    initial_delay_seconds: int
    timeout_seconds: int
    period_seconds: int
    success_threshold: int
    failure_threshold: int


@dataclass(frozen=True, slots=True)
class Probes:
    """The probes of a container."""

    liveness: Probe | None
    readiness: Probe
    startup: Probe | None


def liveness_kept(off: str, reason: str, annotation: str) -> None:
    """Refuse a container without a liveness probe unless somebody said why.

    `off` says in which way it has none, and is empty if it has one; `reason` is the value of `annotation`, where the
    reason is looked for. A server that hangs is then never restarted. Raises `CaramlError`.
    """
    if off and not reason.strip():
        raise CaramlError(
            f"{off}: a server that hangs is never restarted",
            allowed="a liveness probe, or a reason",
            fix=f"keep the probe, or say why in the annotation {annotation}",
        )


def default_liveness(protocol: Protocol) -> Probe:
    """The liveness probe: Merlin's times, and for SELDON those of PrimeHub, which opens a TCP connection."""
    if protocol is Protocol.SELDON:
        return _SELDON
    grpc = protocol is Protocol.UPI_V1
    return Probe(None if grpc else LIVENESS_PATH, grpc, 30, 5, 10, 1, 3)


def default_readiness(protocol: Protocol, health_path: str) -> Probe:
    """The readiness probe: asks for the model itself, so that no traffic comes before it can serve."""
    if protocol is Protocol.SELDON:
        return _SELDON
    grpc = protocol is Protocol.UPI_V1
    return Probe(None if grpc else health_path, grpc, 0, 5, 10, 1, 3)


_SELDON: Final = Probe(None, False, 30, 60, 10, 1, 90)
"""PrimeHub's TCP probe: models that a wrapper loads may take long."""


def plan_probe(default: Probe, asked: ProbeSettings | None, *, restarts: bool) -> Probe:
    """`default` with what was asked for.

    Raises `CaramlError` for a path where the probe is not HTTP, and for a success threshold that Kubernetes refuses.
    """
    if asked is None:
        return default
    if asked.path and default.grpc:
        raise CaramlError("a gRPC health check has no path", fix="remove the path")
    if restarts and asked.success_threshold not in (None, 1):
        raise CaramlError(f"successThreshold {asked.success_threshold} is not 1", allowed="1: this probe restarts")
    return replace(default, **asked.model_dump(exclude_none=True))
