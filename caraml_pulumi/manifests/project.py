"""A project: a Namespace."""

from caraml_pulumi.manifests import Manifest
from caraml_pulumi.model.project import ProjectPlan


def namespace(project: ProjectPlan) -> Manifest:
    """The Namespace of `project`, labelled as managed."""
    metadata = {"name": project.project, "labels": dict(project.labels)}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
