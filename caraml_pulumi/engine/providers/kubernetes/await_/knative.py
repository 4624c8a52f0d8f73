"""Knative objects that say Ready=False for good: waiting out the timeout would only hide the reason."""

from typing import Final

from caraml_pulumi.engine.providers.kubernetes.objects import Object, group_of
from caraml_pulumi.observed.objects import condition, observed, reason_and_message
from caraml_pulumi.observed.workloads import LASTING

_GROUP: Final = "serving.knative.dev"


def lasting_failure(obj: Object) -> str:
    """Why a Knative object will not become ready; empty while it still may."""
    if group_of(obj) != _GROUP:
        return ""
    for type_ in ("ConfigurationsReady", "ResourcesAvailable", "ContainerHealthy", "Ready"):
        found = condition(obj, type_)
        if found is None or found.get("status") != "False" or not observed(obj, found):
            continue
        if found.get("reason") in LASTING:
            return reason_and_message(found)
    return ""
