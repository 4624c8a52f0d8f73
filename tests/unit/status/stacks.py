"""The state of a stack with models, as an update leaves it."""

from typing import Any

from caraml_pulumi.engine.resource import ResourceState, make_urn
from caraml_pulumi.engine.state.snapshot import PendingOperation, Snapshot

PROVIDER_TYPE = "pulumi:providers:kubernetes"
PROVIDER = make_urn("dev", "shop", PROVIDER_TYPE, "default")
VERSION = "caraml:index:CustomModelVersion"
ENDPOINT = "caraml:index:ModelEndpoint"


def provider(**inputs: Any) -> ResourceState:
    return ResourceState(PROVIDER, PROVIDER_TYPE, True, "id-1", inputs=inputs)


def version(model: str = "iris", number: int = 1, project: str = "iris-team", **outputs: Any) -> ResourceState:
    name = f"{model}-{number}"
    found = {"model": model, "version": number, "project": project, "environment": "dev", "fullName": name}
    found |= {"url": f"http://{name}.{project}.example.com/v1/models/{name}:predict", "status": "running", **outputs}
    return ResourceState(make_urn("dev", "shop", VERSION, f"{project}-{name}"), VERSION, False, outputs=found)


def endpoint(model: str = "iris", project: str = "iris-team", **weights: int) -> ResourceState:
    traffic = [{"version": int(name.removeprefix("v")), "weight": weight} for name, weight in weights.items()]
    inputs = {"model": model, "project": project, "environment": "dev", "traffic": traffic}
    outputs = {"url": f"http://{model}.{project}.example.com/v1/predict", "status": "serving"}
    urn = make_urn("dev", "shop", ENDPOINT, f"{project}-{model}")
    return ResourceState(urn, ENDPOINT, False, inputs=inputs, outputs=outputs)


def child(of: ResourceState, kind: str, name: str, id_: str = "", **more: Any) -> ResourceState:
    """An object of a component; its type is that of `kind` in the Kubernetes package."""
    project = {**of.inputs, **of.outputs}["project"]
    urn = make_urn("dev", "shop", f"kubernetes:{kind}", name, of.urn)
    more = {"id": id_ or f"{project}/{name}", **more}
    return ResourceState(urn, f"kubernetes:{kind}", True, parent=of.urn, provider=f"{PROVIDER}::id-1", **more)


def state(*resources: ResourceState, creating: tuple[ResourceState, ...] = ()) -> Snapshot:
    return Snapshot(list(resources), [PendingOperation("creating", one) for one in creating])
