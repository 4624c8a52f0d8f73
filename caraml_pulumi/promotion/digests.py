"""The images of a version by their digests: a tag may mean other bytes by now than those that were tested."""

from collections.abc import Collection

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.images import parse_image
from caraml_pulumi.model.modes import DeploymentMode
from caraml_pulumi.model.names import container_name
from caraml_pulumi.model.states import Workload
from caraml_pulumi.observed.digests import replica_digests, revision_digests, template_image
from caraml_pulumi.observed.objects import text_at
from caraml_pulumi.status.cluster import Live
from caraml_pulumi.status.deployed import WORKLOADS, DeployedVersion
from caraml_pulumi.status.derive import workload_of

_REVISION = "serving.knative.dev/revision"


def pinned_images(version: DeployedVersion, live: Live) -> dict[str, str]:
    """The image of each component of a version with the digest that its replicas run.

    Raises `CaramlError` where that is not known, not the same everywhere, or not what the stack recorded.
    """
    pinned = {}
    for ref in version.objects:
        mode = WORKLOADS.get((ref.api_version, ref.kind))
        workload = workload_of(ref, mode, live) if mode else None
        if workload is not None and (image := version.images.get(workload.component)):
            container = container_name(workload.component)
            live_image = template_image(workload.live, container)
            name = f"version {version.version} of {version.project}/{version.model}"
            pinned[workload.component] = pinned_image(image, live_image, _running(workload, container), name)
    return pinned


def pinned_image(recorded: str, live: str, running: Collection[str], version: str) -> str:
    """`recorded` with the digest that is `running`; `live` is what the cluster was told to run.

    Raises `CaramlError` where they do not agree; `version` says in words whose they are.
    """
    if live and live != recorded:
        raise CaramlError(
            f'{version} runs image "{live}", and the stack has recorded "{recorded}"',
            fix="somebody has changed it by hand: bring the cluster back with caraml up --refresh, or record it",
        )
    digest = parse_image(recorded).digest
    if digest and (not running or digest in running):
        return recorded
    if digest or len(running) > 1:
        raise CaramlError(
            f'{version}: image "{recorded}" is stale, its replicas run {" and ".join(sorted(running))}',
            fix="start its replicas anew, so that all run the same, or pin the image by the digest that was tested",
        )
    if not running:
        raise CaramlError(
            f'{version}: nothing tells which digest the tag of image "{recorded}" stands for',
            allowed="an image with a digest, or replicas whose node tells what they run",
            fix="pin the image by its digest, repository[:tag]@sha256:…, and deploy that first",
        )
    return f"{recorded}@{next(iter(running))}"


def _running(workload: Workload, container: str) -> set[str]:
    if workload.mode is not DeploymentMode.SERVERLESS:
        return replica_digests(workload.pods, container)
    newest = text_at(workload.live, "status", "latestReadyRevisionName")
    revisions = [one for one in workload.revisions if text_at(one, "metadata", "name") == newest]
    found = {digest for revision in revisions for digest in revision_digests(revision, container)}
    pods = [pod for pod in workload.pods if text_at(pod, "metadata", "labels", _REVISION) == newest]
    return found or replica_digests(pods, container)
