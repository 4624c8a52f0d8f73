"""Which images replicas really run, by their digests: what a registry's tag meant when they were started."""

from collections.abc import Iterable

from caraml_pulumi.observed.objects import Object, items_at, text_at
from caraml_pulumi.observed.pods import is_ending


def replica_digests(pods: Iterable[Object], container: str) -> set[str]:
    """The digests of a container's image in `pods`, those that end left out; pods that do not tell add none.

    A kubelet tells the digest that a registry answered with (``repository@sha256:…``), or the runtime's own id, which
    is none.
    """
    statuses = [one for pod in pods if not is_ending(pod) for one in items_at(pod, "status", "containerStatuses")]
    return _digests(text_at(one, "imageID") for one in statuses if one.get("name") == container)


def revision_digests(revision: Object, container: str) -> set[str]:
    """The digest that Knative's controller resolved a container's tag to; none where it was told not to."""
    statuses = items_at(revision, "status", "containerStatuses")
    return _digests(text_at(one, "imageDigest") for one in statuses if one.get("name") in (container, None))


def template_image(workload: Object | None, container: str) -> str:
    """The image of a container in the template of a Deployment or a Knative Service; empty where there is none."""
    containers = items_at(workload, "spec", "template", "spec", "containers")
    return next((text_at(one, "image") for one in containers if one.get("name") == container), "")


def _digests(references: Iterable[str]) -> set[str]:
    return {digest for reference in references if (digest := reference.rpartition("@")[2]) != reference}
