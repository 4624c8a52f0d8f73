"""TLS of what lets requests in."""

from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase

from caraml_pulumi.errors import CaramlError


def host_has_tls(host: str, secured: Collection[str]) -> None:
    """Refuse a host without a certificate; `secured` are the hosts that have one, `*.` for all of a domain.

    An empty host is every host; an entry without hosts is the controller's own certificate, ``*``.
    """
    if not any(_covers(pattern, host) for pattern in secured):
        raise CaramlError(
            f'requests to host "{host}" come in without TLS' if host else "requests to every host come in without TLS",
            fix="add the host to spec.tls; of the platform, set routing.tls",
        )


def listener_has_tls(name: str, protocol: str, *, secured: bool) -> None:
    """Refuse a listener of a gateway that takes requests as they are; `secured` says if it has TLS, or redirects."""
    if not secured:
        raise CaramlError(
            f'listener "{name}" takes {protocol or "HTTP"} without TLS',
            allowed="HTTPS, TLS, or a redirect to HTTPS",
            fix="give it a certificate, or take it out",
        )


def address_has_tls(host: str, *, secured: bool) -> None:
    """Refuse an endpoint whose address starts with http."""
    if not secured:
        raise CaramlError(f'the endpoint answers at "{host}" without TLS', fix="set routing.tls of the platform")


def is_private(host: str, private: Iterable[str]) -> bool:
    """Whether a host is reached inside alone: it fits one of the patterns with ``*``."""
    return bool(host) and any(fnmatchcase(host, pattern) for pattern in private)


def _covers(pattern: str, host: str) -> bool:
    """By Kubernetes' rule: a wildcard stands for one label."""
    if pattern in ("*", host):
        return True
    return pattern.startswith("*.") and host.partition(".")[2] == pattern[2:]
