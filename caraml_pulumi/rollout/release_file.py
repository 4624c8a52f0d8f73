"""The release file of a model: found, read, and its weights changed so that the rest of it stays."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.release import ReleaseSpec, plan_release
from caraml_pulumi.model.spec import located, parse
from caraml_pulumi.model.version_plan import VersionPlan
from caraml_pulumi.releases import file
from caraml_pulumi.rollout.plan import Weights
from caraml_pulumi.stack_files import StackFiles
from caraml_pulumi.stack_files.document import Document


@dataclass(frozen=True, slots=True)
class RolloutFile:
    """The release file of a model whose traffic is moved, and what it said when it was found."""

    path: Path
    spec: ReleaseSpec

    def weights(self) -> Weights:
        """The weights of its endpoint's default route, as the file has them now. Raises `CaramlError`."""
        endpoint = file.read_release_file(self.path).spec.endpoint
        if endpoint is None:
            raise CaramlError("the release has no endpoint any more", where=str(self.path))
        return {share.version: share.weight for share in endpoint.traffic}

    def plan(self, weights: Weights, stack: StackFiles) -> Sequence[VersionPlan]:
        """The versions, as if the file had `weights`. Raises `CaramlError` for the first rule that would be broken."""
        document = Document(self.path)
        _set_weights(document.data, weights)
        release = parse(ReleaseSpec, document.data, locate=document.locate)
        with located(document.locate, document.data):
            instance_types = stack.projects[release.project].instance_types
            return plan_release(release, stack.platform, instance_types=instance_types)[0]

    def write(self, weights: Weights) -> None:
        """Change the weights, and nothing else. Raises `CaramlError` if the file cannot be written."""
        document = Document(self.path).data
        _set_weights(document, weights)
        file.write_release(self.path, document)


def find_release(directory: Path, name: str) -> RolloutFile:
    """The release file in `directory` of the model `name`, which is ``model`` or ``project/model``.

    Raises `CaramlError` if there is none, if several projects have the model, or if it has no endpoint.
    """
    found = file.find_release(directory, name)
    if found.spec.endpoint is None:
        raise CaramlError(
            f'the model "{name}" has no endpoint, so no traffic can be moved',
            where=str(found.path),
            fix="give the release an endpoint, and deploy it: caraml up",
        )
    return RolloutFile(found.path, found.spec)


def _set_weights(document: Any, weights: Weights) -> None:  # noqa: ANN401 - whatever YAML has there
    """Change the weights in a release: versions that are not in `weights` go, new ones come in order."""
    traffic = [entry for entry in document["endpoint"]["traffic"] if int(entry["version"]) in weights]
    for version, weight in weights.items():
        entry = next((entry for entry in traffic if int(entry["version"]) == version), None)
        if entry is not None:
            entry["weight"] = weight
        else:
            place = sum(int(entry["version"]) < version for entry in traffic)
            traffic.insert(place, {"version": version, "weight": weight})
    document["endpoint"]["traffic"] = traffic
