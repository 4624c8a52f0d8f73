"""Knative objects that say Ready=False for good: waiting out the timeout would only hide the reason."""

from typing import Final

from caraml_pulumi.engine.providers.kubernetes.await_.progress import condition, observed, reason_and_message
from caraml_pulumi.engine.providers.kubernetes.objects import Object, group_of, words

_GROUP: Final = "serving.knative.dev"
_LASTING: Final = frozenset(
    words(
        "ContainerMissing ExitCode0 ExitCode1 ImagePullBackOff ErrImagePull InvalidImageName ProgressDeadlineExceeded "
        "RevisionFailed"
    )
)
"""Reasons that do not go away without a change of the spec, or only by luck."""


def lasting_failure(obj: Object) -> str:
    """Why a Knative object will not become ready; empty while it still may."""
    if group_of(obj) != _GROUP:
        return ""
    for type_ in ("ConfigurationsReady", "ResourcesAvailable", "ContainerHealthy", "Ready"):
        found = condition(obj, type_)
        if found is None or found.get("status") != "False" or not observed(obj, found):
            continue
        if found.get("reason") in _LASTING:
            return reason_and_message(found)
    return ""
