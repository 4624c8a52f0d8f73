"""PersistentVolumeClaim and PersistentVolume: ready when bound, or waiting for their first pod."""

from caraml_pulumi.engine.providers.kubernetes.await_.progress import READY, Find, Progress, failed, waiting
from caraml_pulumi.engine.providers.kubernetes.objects import Object
from caraml_pulumi.observed.objects import at


def claim(obj: Object, find: Find) -> Progress:
    """It is bound, or its StorageClass binds only when a pod uses it."""
    phase = at(obj, "status", "phase")
    if phase == "Bound":
        return READY
    if phase == "Lost":
        return failed("the volume of the claim is lost")
    class_name = at(obj, "spec", "storageClassName")
    if not class_name:
        return waiting("no volume is bound, and the claim names no StorageClass")
    found = find("storage.k8s.io/v1", "StorageClass", "", class_name)
    if found is None:
        return waiting(f"the StorageClass {class_name!r} does not exist")
    if found.get("volumeBindingMode") == "WaitForFirstConsumer" and phase == "Pending":
        return READY
    return waiting("no volume is bound yet")


def volume(obj: Object) -> Progress:
    """It is available or bound."""
    phase = at(obj, "status", "phase")
    if phase == "Failed":
        return failed(str(at(obj, "status", "message") or "the volume failed"))
    return READY if phase in ("Available", "Bound") else waiting(f"the volume is {phase or 'Pending'}")
