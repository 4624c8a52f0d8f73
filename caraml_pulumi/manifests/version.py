"""The objects of a version: secrets, workloads and disruption budgets."""

from caraml_pulumi.manifests import Manifest
from caraml_pulumi.manifests.knative import knative_service
from caraml_pulumi.manifests.raw import raw_workload
from caraml_pulumi.model.deferred import Value
from caraml_pulumi.model.modes import DeploymentMode
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.version_plan import VersionPlan
from caraml_pulumi.model.workload import WorkloadPlan


def secret(workload: WorkloadPlan) -> Manifest | None:
    """The Secret with the variables that `workload` keeps in one; none when it has no such variables.

    It has no name, so that Pulumi gives it one: another one whenever a value changes. So the pods that need the new
    values are made anew, and those that run keep the old Secret until they are gone.
    """
    if not workload.secrets:
        return None
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"namespace": workload.project, "labels": dict(workload.labels)},
        "type": "Opaque",
        "stringData": dict(workload.secrets),
    }


def workload_objects(
    version: VersionPlan, workload: WorkloadPlan, platform: PlatformSpec, secret_name: Value | None = None
) -> list[Manifest]:
    """What runs `workload`; nothing for a stopped SERVERLESS version, whose address stays."""
    if version.mode is DeploymentMode.RAW_DEPLOYMENT:
        return raw_workload(version, workload, platform, secret_name)
    return [] if version.stopped else [knative_service(version, workload, platform, secret_name)]


def disruption_budget(version: VersionPlan, workload: WorkloadPlan) -> Manifest | None:
    """The PodDisruptionBudget of `workload`: `{version}-predictor-pdb`, as Merlin names it."""
    budget = workload.disruption_budget
    if budget is None or version.stopped:
        return None
    bounds = {"minAvailable": budget.min_available, "maxUnavailable": budget.max_unavailable}
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {
            "name": f"{version.object_name}-{workload.component}-pdb",
            "namespace": workload.project,
            "labels": dict(workload.labels),
        },
        "spec": {
            **{name: bound for name, bound in bounds.items() if bound},
            "selector": {"matchLabels": dict(workload.selector)},
        },
    }
