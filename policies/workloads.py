"""The workloads of a model version, and which objects are a component's own."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from policies.pods import KNATIVE_CONFIGURATION, Path
from policies.reading import KNATIVE_SERVICE, Properties
from policies.resource import Resource

IMAGE_BUILD: Final = "caraml:index:ImageBuild"
KNATIVE_TYPES: Final = (KNATIVE_SERVICE, KNATIVE_CONFIGURATION)


class Workload(NamedTuple):
    """What a CustomModelVersion runs: its model, or its transformer."""

    path: Path
    """Where in the component's properties it is described."""
    props: Properties


def workloads(version: Resource) -> Iterator[Workload]:
    """The workloads of a CustomModelVersion: the model first, then the transformer, if it has one."""
    yield Workload((), version.props)
    if transformer := version.props.get("transformer"):
        yield Workload(("transformer",), transformer)


def is_of_component(resource: Resource) -> bool:
    """Whether one of our components made the object, so that the rules of the component have decided its values."""
    parent_type = resource.parent.split("::")[2] if resource.parent.count("::") > 2 else ""
    return parent_type.rpartition("$")[2].startswith("caraml:index:")
