"""What ingress-nginx takes as values of annotations; others make it drop the Ingress (its annotation validation)."""

import re
from typing import Final

from caraml_pulumi.manifests import Manifest
from caraml_pulumi.manifests.routing.ingress import PREFIX

_PLAIN: Final = r"\-\.\_\~a-zA-Z0-9\/:"
_REGEX: Final = re.escape(r"^$[](){}*+?|&=\\")
CHECKS: Final = {
    "rewrite-target": rf"/?[{_PLAIN}$]*",
    "upstream-vhost": rf"[{_PLAIN}{_REGEX}]*",
    "backend-protocol": "HTTP|GRPC",
    "proxy-read-timeout": r"\d+",
    "proxy-next-upstream-tries": r"\d+",
    "proxy-next-upstream-timeout": r"\d+",
    "proxy-next-upstream": r"((error|timeout|http_\d{3}|non_idempotent|off)\s?)+",
    "proxy-body-size": r"\d+[bkmg]?",
    "enable-cors": "true|false",
    "cors-allow-origin": r"((([a-z]+://)?(\*\.)?[A-Za-z0-9\-.]*(:\d+)?,?)+|\*)",
    "cors-allow-methods": r"([A-Za-z]+,?\s?)+",
    "cors-allow-headers": r"[A-Za-z0-9-_, ]*",
    "cors-expose-headers": r"(([A-Za-z0-9\-\_]+|\*),?\s?)+",
    "cors-allow-credentials": "true|false",
    "cors-max-age": r"\d+",
    "auth-type": "basic",
    "auth-secret": rf"[{_PLAIN}]*",
    "auth-secret-type": "auth-file",
    "auth-realm": rf"[{_PLAIN} ]*",
    "canary": "true",
    "canary-weight": r"\d+",
    "canary-by-header": rf"[{_PLAIN}]*",
    "canary-by-header-value": rf"[{_PLAIN} ]*",
    "canary-by-header-pattern": rf"[{_PLAIN}{_REGEX}]*",
}


def annotations(ingress: Manifest) -> dict[str, str]:
    """The annotations for ingress-nginx, without their prefix; each is one that it takes."""
    given = ingress["metadata"].get("annotations", {})
    found = {name.removeprefix(f"{PREFIX}/"): value for name, value in given.items() if name.startswith(PREFIX)}
    for name, value in found.items():
        assert re.fullmatch(CHECKS[name], value), (name, value)
    return found
