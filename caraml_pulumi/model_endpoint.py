"""The endpoint of a model: one address, and one or two versions that answer there by weight.

    ModelEndpoint("iris", traffic={iris_1: 90, iris_2: 10})

| argument | default |
|---|---|
| `model`, `project`, `team`, `stream`, `protocol`, `platform` | those of the versions, if they are components |
| `backend` | the platform's `routing.backend`: ISTIO |
| `access` | public |
| `monitoring` | the platform's `monitoring`: on |
| `matches`, `mirror`, `timeout_seconds`, `retries`, `cors`, `max_request_size`, `labels` | none |
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Unpack, cast, overload

import pulumi

from caraml_pulumi.component import arguments, kubernetes_object, located_in, platform_from, readable, with_secrets
from caraml_pulumi.deployed_version import gate_on_ready
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.manifests import routing
from caraml_pulumi.model.clients import token_is_long_enough
from caraml_pulumi.model.deferred import is_deferred
from caraml_pulumi.model.endpoint import ModelEndpointSpec, plan_endpoint
from caraml_pulumi.model.ingress_nginx import doubts
from caraml_pulumi.model.modes import declared_status
from caraml_pulumi.model.spec import located, parse, within
from caraml_pulumi.model.traffic import no_version_is_stopped, one_protocol
from caraml_pulumi.model_endpoint_args import ModelEndpointArgs, ModelEndpointKeywords
from caraml_pulumi.model_monitoring import watch_endpoint
from caraml_pulumi.model_version import CustomModelVersion


class ModelEndpoint(pulumi.ComponentResource):
    """One address of a model, divided over its versions by weight.

    `POST /v1/predict` at the endpoint's host reaches each version at its own path. A version gets weight only when it
    is ready: given components, the endpoint waits until they are, and is deleted before they are; a version of another
    program must be ready already.
    """

    url: pulumi.Output[str]
    """Where predictions are asked for, known at preview; who uses it waits until the route exists."""
    status: pulumi.Output[str]
    """The declared state of the versions that the endpoint routes to: serving."""
    monitoring_url: pulumi.Output[str]
    """The model's dashboard; empty where the platform names no Grafana, or the model is not watched."""

    @overload
    def __init__(self, name: str, args: ModelEndpointArgs, opts: pulumi.ResourceOptions | None = None) -> None: ...

    @overload
    def __init__(
        self, name: str, *, opts: pulumi.ResourceOptions | None = None, **keywords: Unpack[ModelEndpointKeywords]
    ) -> None: ...

    def __init__(
        self,
        name: str,
        args: ModelEndpointArgs = cast(ModelEndpointArgs, {}),  # noqa: B008 - never changed
        opts: pulumi.ResourceOptions | None = None,
        **keywords: Any,
    ) -> None:
        """Raises `CaramlError` for arguments that break a rule."""
        locate = located_in("ModelEndpoint", name)
        with readable():
            given = arguments(args, keywords, locate)
            with located(locate, given):
                given, versions = _without_components(given)
            platform = platform_from(given.pop("platform", None))
            spec = parse(ModelEndpointSpec, given, locate=locate)
            with located(locate, given):
                spec = _with_tokens(spec, versions)
                plan = plan_endpoint(spec, platform, [version.plan for version in versions])
        super().__init__("caraml:index:ModelEndpoint", name, plan.props(), opts)
        for doubt in doubts(plan, platform):
            pulumi.log.warn(doubt, resource=self)

        before = _listed(opts.depends_on if opts else None)
        known = {version.spec.version for version in versions}
        elsewhere = [share for share in plan.reached() if share.version not in known]
        ready = gate_on_ready(plan, elsewhere, self, before)
        after: list[pulumi.Resource] = [*versions, *before]
        secret_name = None
        if secret := routing.clients_secret(plan):
            # Pulumi takes the Secret's name from this one, which Kubernetes must take.
            logical = f"{plan.project}-{plan.model}-clients"
            kept = kubernetes_object(logical, with_secrets(secret), parent=self, depends_on=after)
            secret_name = kept.id.apply(lambda id_: id_.rpartition("/")[2])
            after = [*after, kept]
        routes = []
        for manifest in routing.endpoint_objects(plan, platform, secret_name):
            own = manifest["metadata"]["name"]
            logical = name if own == plan.model else f"{name}-{own.removeprefix(f'{plan.model}-')}"
            routes.append(kubernetes_object(logical, manifest, parent=self, depends_on=after, once=ready))

        watching = watch_endpoint(name, spec, platform, versions, self)
        self.monitoring_url = watching.monitoring_url if watching else pulumi.Output.from_input("")
        status = declared_status(routed=True).value
        self.url = pulumi.Output.all(*[route.urn for route in routes]).apply(lambda _: plan.url)
        self.status = pulumi.Output.from_input(status)
        self.register_outputs(
            {**plan.routing(), "url": plan.url, "status": status, "monitoringUrl": self.monitoring_url}
        )


def _listed(depends_on: object) -> list[pulumi.Resource]:
    """What the endpoint was told to wait for; its objects wait too."""
    several = depends_on if isinstance(depends_on, list | tuple) else [depends_on]
    return [cast(pulumi.Resource, one) for one in several if one is not None]


def _shares(given: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Everything in the arguments that names a version."""
    holders = [given, *(match for match in given.get("matches") or [] if isinstance(match, Mapping))]
    for holder in holders:
        traffic = holder.get("traffic")
        yield from (share for share in (traffic if isinstance(traffic, list) else []) if isinstance(share, Mapping))
    if isinstance(mirror := given.get("mirror"), Mapping):
        yield mirror


def _with_tokens(spec: ModelEndpointSpec, versions: Sequence[CustomModelVersion]) -> ModelEndpointSpec:
    """`spec` with the tokens that the secrets of the project keep. Raises `CaramlError` for one that they lack."""
    project = next((version.model_project for version in versions if version.model_project), None)
    kept = project.spec.secrets if project else {}
    clients = []
    for index, client in enumerate(spec.access.clients):
        ref = client.token_ref
        if ref is None:
            clients.append(client)
            continue
        if ref.key not in kept.get(ref.name, {}):
            with within("access", "clients", index, "token_ref"):
                raise CaramlError(
                    f'Secret "{ref.name}" of ModelProject "{spec.project}" has no key "{ref.key}"',
                    fix="add it to the secrets of the project, and give the endpoint versions that have the project",
                )
        token = kept[ref.name][ref.key]
        if not is_deferred(token):
            with within("access", "clients", index, "token_ref"):
                token_is_long_enough(client.name, token)
        clients.append(client.model_copy(update={"token": token, "token_ref": None}))
    return spec.model_copy(update={"access": spec.access.model_copy(update={"clients": clients})})


def _without_components(given: dict[str, Any]) -> tuple[dict[str, Any], list[CustomModelVersion]]:
    """The arguments with versions replaced by their numbers, and the versions to wait for."""
    versions: dict[int, CustomModelVersion] = {}

    def numbered(holder: object) -> object:
        """A map that has traffic, with the numbers of the components in it."""
        traffic = holder.get("traffic") if isinstance(holder, Mapping) else None
        if not isinstance(traffic, Mapping) or not all(isinstance(one, CustomModelVersion) for one in traffic):
            return holder
        versions.update({id(version): version for version in traffic})
        shares = [{"version": version.spec.version, "weight": weight} for version, weight in traffic.items()]
        return {**cast(Mapping[str, Any], holder), "traffic": shares}

    at_hand = given.pop("versions", [])
    given = cast(dict[str, Any], numbered(given))
    if isinstance(matches := given.get("matches"), list):
        given = {**given, "matches": [numbered(match) for match in matches]}
    mirror = given.get("mirror")
    if isinstance(mirror, Mapping) and isinstance(mirrored := mirror.get("version"), CustomModelVersion):
        versions[id(mirrored)] = mirrored
        given = {**given, "mirror": {**mirror, "version": mirrored.spec.version}}
    asked = {share.get("version") for share in _shares(given)}
    versions.update({id(version): version for version in at_hand if version.spec.version in asked})
    if not versions:
        return given, []
    specs = [version.spec for version in versions.values()]
    first = specs[0]
    strangers = [spec for spec in specs if (spec.model, spec.project) != (first.model, first.project)]
    if strangers:
        raise CaramlError(
            f'an endpoint cannot divide traffic between models "{first.model}" in {first.project} and '
            f'"{strangers[0].model}" in {strangers[0].project}',
            allowed="versions of one model in one project",
        )
    no_version_is_stopped(spec.version for spec in specs if spec.stopped)
    protocols = [version.plan.protocol for version in versions.values()]
    one_protocol(protocols)
    inherited = {
        "model": first.model,
        "project": first.project,
        "protocol": protocols[0],
        "team": first.team,
        "stream": first.stream,
        "platform": next(iter(versions.values())).platform,
    }
    return {key: value for key, value in {**inherited, **given}.items() if value is not None}, [*versions.values()]
