"""Models as a stack has them, for tests of rules about traffic and changes: components, raw objects, and evidence."""

import json
from pathlib import Path
from typing import Any

from caraml_pulumi.engine.values import Properties
from policies.reading import DEPLOYMENT, KNATIVE_SERVICE, MODEL_ENDPOINT, MODEL_VERSION, SERVICE
from policies.rule import ResourceRule, StackRule

VIRTUAL_SERVICE = "kubernetes:networking.istio.io/v1:VirtualService"
HTTP_ROUTE = "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute"
KNATIVE_ROUTE = "kubernetes:serving.knative.dev/v1:Route"
INGRESS = "kubernetes:networking.k8s.io/v1:Ingress"
WHO = {"project": "iris-team", "model": "iris", "environment": "dev"}
DIGEST = f"sha256:{'a' * 64}"

Named = tuple[str, str, Properties]


def version(number: int, **more: Any) -> Named:
    """A CustomModelVersion, by its outputs."""
    return MODEL_VERSION, f"iris-{number}", {**WHO, "version": number, "status": "running", **more}


def endpoint(*weights: int, **more: Any) -> Named:
    """A ModelEndpoint over versions 1, 2 and so on."""
    traffic = [{"version": index, "weight": weight} for index, weight in enumerate(weights, start=1)]
    return MODEL_ENDPOINT, "iris", {**WHO, "protocol": "HTTP_JSON", "traffic": traffic, **more}


def labels(number: int | None = None, **more: str) -> dict[str, str]:
    """The platform's labels of iris, or of a version of it."""
    found = {"orchestrator": "caraml", "environment": "dev", "app": "iris", **more}
    found |= {"version": str(number)} if number else {}
    return {f"caraml.dev/{name}": value for name, value in found.items()}


def raw(type_: str, name: str, spec: dict[str, Any], own: dict[str, str] | None = None, **metadata: Any) -> Named:
    """An object that no component made, with these labels."""
    return (
        type_,
        name,
        {"metadata": {"name": name, "namespace": "iris-team", "labels": own or {}, **metadata}, "spec": spec},
    )


def raw_deployment(number: int, *, replicas: int = 1, select: str = "", image: str = "iris") -> list[Named]:
    """A Deployment with the labels of a version, and a Service for its pods."""
    name = f"iris-{number}"
    selector = {"app": select or name}
    template = {"metadata": {"labels": selector}, "spec": {"containers": [{"name": "model", "image": image}]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": selector}, "template": template}
    return [
        raw(DEPLOYMENT, name, spec, labels(number)),
        raw(SERVICE, f"{name}-predictor", {"selector": selector}, labels(number)),
    ]


def raw_knative_service(number: int) -> Named:
    """A Knative Service with the labels of a version."""
    return raw(KNATIVE_SERVICE, f"iris-{number}", {"template": {}}, labels(number))


def virtual_service(*routes: dict[str, Any], **own: str) -> Named:
    """A VirtualService with these HTTP routes, and the labels of an endpoint of iris."""
    return raw(VIRTUAL_SERVICE, "iris", {"http": list(routes)}, labels(component="model-endpoint") | own)


def to(host: str, weight: int | None = None, **more: Any) -> dict[str, Any]:
    """A destination of a VirtualService."""
    destination = {"destination": {"host": host, **more}}
    return destination if weight is None else {**destination, "weight": weight}


def state(*resources: Named) -> dict[str, Any]:
    """What `pulumi stack export` prints of a stack with these resources."""
    items = [{"urn": urn(type_, name), "type": type_, "inputs": inputs} for type_, name, inputs in resources]
    return {"version": 3, "deployment": {"manifest": {}, "resources": items}}


def defaults(policy: ResourceRule | StackRule) -> dict[str, Any]:
    """The settings of a rule and their defaults."""
    assert policy.config_schema is not None
    return {name: schema["default"] for name, schema in policy.config_schema.properties.items()}


def urn(type_: str, name: str) -> str:
    """The URN that tests of stacks give a resource."""
    return f"urn:pulumi:dev::project::{type_}::{name}"


def written(path: Path, document: object) -> str:
    """The name of a file with that document."""
    path.write_text(json.dumps(document))
    return str(path)
