"""Kubernetes manifests as the resources that Pulumi would make of them."""

from collections.abc import Iterator, Mapping
from typing import Any

from caraml_pulumi.engine.values import Properties, Secret
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.spec import Locate, in_words
from caraml_pulumi.policy_tests.case import Setup, Subject, below, subject


def type_token(api_version: str, kind: str) -> str:
    """The Pulumi type of a Kubernetes object: ``kubernetes:core/v1:Pod``, ``kubernetes:apps/v1:Deployment``.

    The group is written whole, also that of a custom resource; ``core`` is the group that manifests leave out.
    """
    return f"kubernetes:{api_version if '/' in api_version else f'core/{api_version}'}:{kind}"


def is_manifest(data: object) -> bool:
    """Whether `data` is meant to be a Kubernetes object."""
    return isinstance(data, Mapping) and ("kind" in data or "apiVersion" in data)


def subjects_of(data: Any, setup: Setup, locate: Locate) -> Iterator[Subject]:  # noqa: ANN401 - whatever a file has
    """The object in a document, or the objects of a list; nothing for an empty document.

    Raises:
        CaramlError: it is no Kubernetes object.
    """
    if data is None:
        return
    api_version, kind = _text(data, "apiVersion", locate), _text(data, "kind", locate)
    if kind.endswith("List") and isinstance(items := data.get("items", ""), list | None):
        for index, item in enumerate(items or ()):
            yield from subjects_of(item, setup, below(locate, "items", index))
        return
    metadata = data.get("metadata")
    if not isinstance(metadata, Mapping):
        raise CaramlError(
            f"the {kind} has no metadata", where=locate(("metadata",)), fix="add metadata with at least a name"
        )
    name = _name(kind, metadata, below(locate, "metadata"))
    yield subject(
        setup, type_token(api_version, kind), name, _kept_secret(data), f"{api_version} {kind} {name}", locate
    )


def _text(data: Any, key: str, locate: Locate) -> str:  # noqa: ANN401 - whatever a file has
    if not isinstance(data, Mapping):
        raise CaramlError("a document is not a Kubernetes object", where=locate(()), allowed="a map")
    value = data.get(key)
    if isinstance(value, str) and value.strip():
        return value
    what = f"`{key}` must be a text, not {in_words(value)}" if value else f"the Kubernetes object has no {key}"
    raise CaramlError(what, where=locate((key,) if key in data else ()), fix=f"add {key}" if not value else "")


def _name(kind: str, metadata: Mapping[str, Any], locate: Locate) -> str:
    """``namespace/name``, as Pulumi names objects of manifests; ``name`` without a namespace."""
    parts = [metadata.get("namespace"), metadata.get("name") or metadata.get("generateName")]
    if not parts[1]:
        raise CaramlError(f"the {kind} has no name", where=locate(()), fix="add metadata.name")
    for key, part in zip(("namespace", "name"), parts, strict=True):
        if part is not None and not isinstance(part, str):
            raise CaramlError(
                f"`{key}` must be a text, not {in_words(part)}", where=locate((key,)), fix='put it in quotes: "..."'
            )
    return "/".join(str(part) for part in parts if part)


def _kept_secret(data: Mapping[str, Any]) -> Properties:
    """The object with the values of a Secret marked as such, so that no message shows them."""
    if data.get("kind") != "Secret":
        return dict(data)
    return {
        key: {name: Secret(text) for name, text in value.items()}
        if key in ("data", "stringData") and isinstance(value, Mapping)
        else value
        for key, value in data.items()
    }
