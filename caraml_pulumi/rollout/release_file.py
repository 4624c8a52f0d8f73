"""The release file of a model: found, read, and its weights changed so that the rest of it stays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from caraml_pulumi.engine.state.yaml_edit import edited, write_whole
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.release import ReleaseSpec, plan_release
from caraml_pulumi.model.spec import located, parse
from caraml_pulumi.model.version_plan import VersionPlan
from caraml_pulumi.rollout.plan import Weights
from caraml_pulumi.stack_files import StackFiles
from caraml_pulumi.stack_files.document import Document


@dataclass(frozen=True, slots=True)
class ReleaseFile:
    """A release file, and what it said when it was found."""

    path: Path
    spec: ReleaseSpec

    def weights(self) -> Weights:
        """The weights of its endpoint's default route, as the file has them now. Raises `CaramlError`."""
        endpoint = _parsed(self.path).endpoint
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
        write_whole(self.path, edited(self.path.read_text("utf-8"), lambda document: _set_weights(document, weights)))


def find_release(directory: Path, name: str) -> ReleaseFile:
    """The release file in `directory` of the model `name`, which is ``model`` or ``project/model``.

    Raises `CaramlError` if there is none, if several projects have the model, or if it has no endpoint.
    """
    project, _, model = name.rpartition("/")
    paths = sorted({*directory.glob("*.yaml"), *directory.glob("*.yml")})
    found: list[ReleaseFile] = []
    names: list[str] = []
    for path in paths:
        data = Document(path).data
        named = (data.get("project"), data.get("model")) if isinstance(data, Mapping) else (None, None)
        names.append(f"{named[0]}/{named[1]}")
        if named[1] == model and (not project or named[0] == project):
            found.append(ReleaseFile(path, _parsed(path)))
    if not found:
        raise CaramlError(
            f'no release file is of the model "{name}"',
            where=str(directory),
            allowed=", ".join(sorted(names)) or "there is no release file",
            fix="correct the name, or deploy the model with a release file first",
        )
    if len(found) > 1:
        raise CaramlError(
            f'the model "{name}" is of several projects',
            allowed=", ".join(f"{one.spec.project}/{one.spec.model}" for one in found),
        )
    if found[0].spec.endpoint is None:
        raise CaramlError(
            f'the model "{name}" has no endpoint, so no traffic can be moved',
            where=str(found[0].path),
            fix="give the release an endpoint, and deploy it: caraml up",
        )
    return found[0]


def _parsed(path: Path) -> ReleaseSpec:
    document = Document(path)
    return parse(ReleaseSpec, document.data, locate=document.locate)


def _set_weights(document: Any, weights: Weights) -> None:  # noqa: ANN401 - plain data, or ruamel's
    """Change the weights in place: versions that are not in `weights` go, new ones are formatted like the others."""
    traffic = document["endpoint"]["traffic"]
    for index in reversed(range(len(traffic))):
        if int(traffic[index]["version"]) not in weights:
            del traffic[index]
    for version, weight in weights.items():
        entry = next((entry for entry in traffic if int(entry["version"]) == version), None)
        if entry is not None:
            entry["weight"] = weight
        else:
            place = sum(int(entry["version"]) < version for entry in traffic)
            traffic.insert(place, _entry_like(traffic, version, weight))


def _entry_like(traffic: Any, version: int, weight: int) -> Mapping[str, int]:  # noqa: ANN401 - as above
    """An entry for a version, in one line if the others are."""
    entry = {"version": version, "weight": weight}
    if not hasattr(traffic, "fa"):
        return entry
    from ruamel.yaml.comments import CommentedMap

    commented = CommentedMap(entry)
    if traffic and traffic[0].fa.flow_style():
        commented.fa.set_flow_style()
    return commented
