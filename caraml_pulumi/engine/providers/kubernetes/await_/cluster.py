"""CustomResourceDefinition, ResourceQuota and Secret: ready when the control plane has taken them in."""

from caraml_pulumi.engine.providers.kubernetes.await_.progress import READY, Progress, failed, waiting
from caraml_pulumi.engine.providers.kubernetes.objects import Object
from caraml_pulumi.observed.objects import at, condition, reason_and_message


def definition(obj: Object) -> Progress:
    """Its kind is served. Names that another definition has taken never will be."""
    names = condition(obj, "NamesAccepted")
    if names is not None and names.get("status") == "False":
        return failed(reason_and_message(names))
    established = condition(obj, "Established")
    if established is not None and established.get("status") == "True":
        return READY
    return waiting("its kind is not served yet")


def quota(obj: Object) -> Progress:
    """Its limits are enforced."""
    if at(obj, "spec", "hard") == at(obj, "status", "hard"):
        return READY
    return waiting("its limits are not enforced yet")


def secret(obj: Object) -> Progress:
    """A service account token has been filled in; other secrets are ready as they are."""
    if obj.get("type") != "kubernetes.io/service-account-token" or obj.get("data"):
        return READY
    return waiting("no token has been issued yet")
