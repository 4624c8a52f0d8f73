"""A version of a model, deployed from an image of the user's: Merlin's Custom Model, PrimeHub's Model Deployment.

    CustomModelVersion(
        "iris-1",
        model="iris",
        version=1,
        project=project,
        image="ghcr.io/team/iris:1.0",
        storage_uri=artifact.uri,
        autoscaling_policy=AutoscalingPolicy.concurrency(2),
    )

| argument | default |
|---|---|
| `protocol`, `deployment_mode` | those of the platform: HTTP_JSON, SERVERLESS |
| `resource_request` | the platform's `defaultDeploymentConfig`, property by property |
| `autoscaling_policy` | the platform's: concurrency 1 (SERVERLESS), 50 % of the CPU request (RAW_DEPLOYMENT) |
| `team`, `stream` | those of the ModelProject, if `project` is one |
| `platform` | that of the ModelProject, else the stack's configuration `caraml:platform` |
"""

from typing import Any, Unpack, cast, overload

import pulumi

from caraml_pulumi.autoscaling_policy import AutoscalingPolicy
from caraml_pulumi.component import arguments, kubernetes_object, located_in, platform_from, readable, with_secrets
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.manifests import Manifest, routing
from caraml_pulumi.manifests import version as manifests
from caraml_pulumi.model.images import image_doubts
from caraml_pulumi.model.labels import PREDICTOR
from caraml_pulumi.model.modes import declared_status
from caraml_pulumi.model.quota import demand_of
from caraml_pulumi.model.spec import in_words, located, parse, within
from caraml_pulumi.model.version import ModelVersionSpec, plan_version
from caraml_pulumi.model.version_plan import VersionPlan
from caraml_pulumi.model.workload import WorkloadPlan
from caraml_pulumi.model_project import ModelProject
from caraml_pulumi.model_version_args import CustomModelVersionArgs, CustomModelVersionKeywords

KINDS = (
    "Deployment",
    "GRPCRoute",
    "HTTPRoute",
    "HorizontalPodAutoscaler",
    "Ingress",
    "PodDisruptionBudget",
    "Service",
    "VirtualService",
)
"""Kinds of a version's objects; Service is Knative's, or that of a RAW_DEPLOYMENT."""


class CustomModelVersion(pulumi.ComponentResource):
    """A deployed version of a model, at its own address.

    SERVERLESS makes a Knative Service; RAW_DEPLOYMENT a Deployment, a Service and a HorizontalPodAutoscaler; both what
    the platform's backend routes with, such as a VirtualService. All are named `{model}-{version}`. At most two
    versions of a model may be deployed at a time.
    """

    full_name: pulumi.Output[str]
    """`{model}-{version}`, by which the model is asked for."""
    url: pulumi.Output[str]
    """Where predictions are asked for, known at preview; who uses it waits until the version is ready. A host alone for
    UPI_V1."""
    status: pulumi.Output[str]
    """The declared state of the version's own endpoint: running, or terminated if it is stopped. A ModelEndpoint that
    routes to it makes it serving."""

    @overload
    def __init__(self, name: str, args: CustomModelVersionArgs, opts: pulumi.ResourceOptions | None = None) -> None: ...

    @overload
    def __init__(
        self, name: str, *, opts: pulumi.ResourceOptions | None = None, **keywords: Unpack[CustomModelVersionKeywords]
    ) -> None: ...

    def __init__(  # type: ignore[misc]  # `args` among the keywords is the container's
        self,
        name: str,
        args: CustomModelVersionArgs = cast(CustomModelVersionArgs, {}),  # noqa: B008 - never changed
        opts: pulumi.ResourceOptions | None = None,
        **keywords: Any,
    ) -> None:
        """Raises `CaramlError` for arguments that break a rule; for an Output, when it resolves."""
        locate = located_in("CustomModelVersion", name)
        settings, keywords = (args, keywords) if isinstance(args, dict) else ({}, {**keywords, "args": args})
        with readable():
            given, project = _without_components(arguments(settings, keywords, locate))
            self.platform = platform_from(given.pop("platform", None))
            adopted = given.pop("adopt", ())
            self.spec = parse(ModelVersionSpec, given, locate=locate)
            with located(locate, given):
                self._adopted = _kinds(adopted)
                types = project.spec.instance_types if project else {}
                plan = self.plan = plan_version(self.spec, self.platform, instance_types=types)
            self.model_project = project
            if project:
                project.admit(plan)
        super().__init__("caraml:index:CustomModelVersion", name, plan.props(), opts)

        for workload in plan.workloads:
            self._doubt(workload.image)
        after = [project] if project else []
        workloads = [child for workload in plan.workloads for child in self._register(name, plan, workload, after)]
        routes = [
            self._object(name, route, [*after, *workloads]) for route in routing.version_objects(plan, self.platform)
        ]

        status = declared_status(routed=False, stopped=plan.stopped).value
        self.full_name = pulumi.Output.from_input(plan.full_name)
        self.url = pulumi.Output.all(*[one.urn for one in [*routes, *workloads][:1]]).apply(lambda _: plan.url)
        self.status = pulumi.Output.from_input(status)
        demand = demand_of(plan)
        self.register_outputs(
            {
                **plan.identity(),
                "protocol": plan.protocol.value,
                "fullName": plan.full_name,
                "url": plan.url,
                "status": status,
                **({"demand": demand.props()} if demand else {}),
            }
        )

    def _doubt(self, image: pulumi.Input[str]) -> None:
        """Warn of an image that is taken but may surprise, now or when it is known."""

        def warn(reference: str) -> None:
            for doubt in image_doubts(reference):
                pulumi.log.warn(doubt, resource=self)

        if isinstance(image, pulumi.Output):
            image.apply(warn)
        else:
            warn(cast(str, image))

    def _register(
        self, name: str, plan: VersionPlan, workload: WorkloadPlan, after: list[Any]
    ) -> list[pulumi.CustomResource]:
        """Register what runs a workload, after the Secret that it reads, and its disruption budget."""
        logical = name if workload.component == PREDICTOR else f"{name}-{workload.component}"
        secret_name = None
        if secret := manifests.secret(workload):
            # Pulumi takes the Secret's name from this one, which Kubernetes must take.
            kept = self._object(f"{plan.project}-{workload.name}", with_secrets(secret), after)
            secret_name = kept.id.apply(lambda id_: id_.rpartition("/")[2])
            after = [*after, kept]
        objects = manifests.workload_objects(plan, workload, self.platform, secret_name)
        children = [self._object(logical, manifest, after) for manifest in objects]
        if budget := manifests.disruption_budget(plan, workload):
            children.append(self._object(logical, budget, after))
        return children

    def _object(self, name: str, manifest: Manifest, after: list[Any]) -> pulumi.CustomResource:
        adopted = manifest["kind"] in self._adopted
        if adopted:
            # Whoever made the object, such as Merlin or KServe, may own fields of it; adopting is taking them.
            annotations = {**manifest["metadata"].get("annotations", {}), "pulumi.com/patchForce": "true"}
            manifest = {**manifest, "metadata": {**manifest["metadata"], "annotations": annotations}}
        return kubernetes_object(name, manifest, parent=self, depends_on=after, import_=adopted)


def _without_components(given: dict[str, Any]) -> tuple[dict[str, Any], ModelProject | None]:
    """The arguments with components replaced by what they stand for, and the project if it is one."""
    policy, project = given.get("autoscaling_policy"), given.get("project")
    if isinstance(policy, AutoscalingPolicy):
        given = {**given, "autoscaling_policy": policy.args}
    if not isinstance(project, ModelProject):
        return given, None
    inherited = {
        "team": project.spec.team,
        "stream": project.spec.stream,
        "platform": project.platform,
        "image_pull_secrets": project.spec.image_pull_secrets,
    }
    labels = {**project.version_labels, **given.get("labels", {})}
    return {**inherited, **given, "labels": labels, "project": project.spec.project}, project


def _kinds(adopted: object) -> frozenset[str]:
    """The kinds to take over. Raises `CaramlError` for what is no list of them, and for one that no version has."""
    with within("adopt"):
        if not isinstance(adopted, list | tuple):
            raise CaramlError(
                f"`adopt` must be a list of kinds, not {in_words(adopted)}", allowed=f"a list with {', '.join(KINDS)}"
            )
        wrong = [kind for kind in adopted if kind not in KINDS]
        if wrong:
            raise CaramlError(f"{in_words(wrong[0])} is not a kind of a version's objects", allowed=", ".join(KINDS))
    return frozenset(adopted)
