"""A build of a model's image: a Job that runs Kaniko, and the Secrets that it reads."""

from typing import Any, Final

from caraml_pulumi.manifests import Manifest
from caraml_pulumi.model.build_context import WORKSPACE
from caraml_pulumi.model.image_build import ImageBuildPlan

CONTAINER_NAME: Final = "pyfunc-image-builder"
"""Merlin's."""
SAFE_TO_EVICT: Final = "cluster-autoscaler.kubernetes.io/safe-to-evict"
DOCKER_CONFIG_KEY: Final = ".dockerconfigjson"
"""Kubernetes' key in a Secret of the type kubernetes.io/dockerconfigjson."""
DOCKER_CONFIG_DIRECTORY: Final = "/kaniko/.docker"
"""Where Kaniko looks for its config.json."""
GRACE_SECONDS: Final = 60
"""How much longer Pulumi waits than the Job may take, so that the Job's own reason is told."""


def build_job(build: ImageBuildPlan) -> Manifest:
    """The Job of `build`; the constants are Merlin's.

    It has no name: Pulumi chooses another for each build, so that a new Job runs before the old one is deleted. The end
    of a failed executor's log becomes the pod's message. A failed Job is replaced at the next update, since Kubernetes
    never runs it again.
    """
    spec = build.spec
    job: Manifest = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "namespace": build.namespace,
            "labels": dict(build.labels),
            "annotations": {
                "pulumi.com/replaceUnready": "true",
                "pulumi.com/timeoutSeconds": str(spec.timeout_seconds + GRACE_SECONDS),
            },
        },
        "spec": {
            "completions": 1,
            "backoffLimit": spec.retries,
            "activeDeadlineSeconds": spec.timeout_seconds,
            "template": {
                "metadata": {"labels": dict(build.labels), "annotations": {SAFE_TO_EVICT: "false"}},
                "spec": _pod(build),
            },
        },
    }
    if spec.ttl_seconds_after_finished is not None:
        job["spec"]["ttlSecondsAfterFinished"] = spec.ttl_seconds_after_finished
    return job


def _pod(build: ImageBuildPlan) -> Manifest:
    spec = build.spec
    volumes, mounts = _volumes(build)
    container: dict[str, Any] = {
        "name": CONTAINER_NAME,
        "image": spec.executor_image,
        "args": list(build.arguments),
        "env": _env(build),
        "resources": _resources(build),
        "volumeMounts": mounts,
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    pod: dict[str, Any] = {
        "restartPolicy": "Never",
        "containers": [_without_empty(container)],
        "volumes": volumes,
        "serviceAccountName": spec.service_account_name,
        "nodeSelector": dict(spec.node_selector),
        "tolerations": [toleration.props() for toleration in spec.tolerations],
        "affinity": spec.affinity,
        "priorityClassName": spec.priority_class_name,
        "runtimeClassName": spec.runtime_class_name,
    }
    return _without_empty(pod)


def _env(build: ImageBuildPlan) -> list[Manifest]:
    refs = {name: (build.env_secret, name) for name in build.spec.secrets}
    refs |= {name: (ref.name, ref.key) for name, ref in build.spec.secret_refs.items()}
    return [
        *({"name": name, "value": value} for name, value in build.spec.env.items()),
        *(
            {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}
            for name, (secret, key) in refs.items()
        ),
    ]


def _without_empty(properties: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if value not in (None, [], {})}


def _volumes(build: ImageBuildPlan) -> tuple[list[Manifest], list[Manifest]]:
    volumes: list[Manifest] = []
    mounts: list[Manifest] = []
    if build.docker_config_secret:
        items = [{"key": DOCKER_CONFIG_KEY, "path": "config.json"}]
        volumes.append({"name": "registry", "secret": {"secretName": build.docker_config_secret, "items": items}})
        mounts.append({"name": "registry", "mountPath": DOCKER_CONFIG_DIRECTORY, "readOnly": True})
    if build.spec.context_claim:
        volumes.append({"name": "context", "persistentVolumeClaim": {"claimName": build.spec.context_claim}})
        mounts.append({"name": "context", "mountPath": WORKSPACE, "readOnly": True})
    return volumes, mounts


def _resources(build: ImageBuildPlan) -> Manifest:
    spec = build.spec
    requests = {"cpu": spec.cpu_request, "memory": spec.memory_request}
    limits = {"cpu": spec.cpu_limit, "memory": spec.memory_limit}
    return _without_empty({"requests": _without_empty(requests), "limits": _without_empty(limits)})


def own_secrets(build: ImageBuildPlan) -> dict[str, Manifest]:
    """The Secrets of `build`, by what they are for: the registry's credentials, and Kaniko's secret variables."""
    metadata = {"namespace": build.namespace, "labels": dict(build.labels)}
    secret: Manifest = {"apiVersion": "v1", "kind": "Secret"}
    found: dict[str, Manifest] = {}
    if build.spec.docker_config is not None:
        found["registry"] = secret | {
            "metadata": metadata | {"name": build.docker_config_secret},
            "type": "kubernetes.io/dockerconfigjson",
            "stringData": {DOCKER_CONFIG_KEY: build.spec.docker_config},
        }
    if build.spec.secrets:
        found["env"] = secret | {
            "metadata": metadata | {"name": build.env_secret},
            "stringData": dict(build.spec.secrets),
        }
    return found
