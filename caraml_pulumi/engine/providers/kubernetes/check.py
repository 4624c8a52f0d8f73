"""What the engine stores as a Kubernetes resource's inputs: named, in a namespace, in canonical form."""

import secrets
from collections.abc import Callable

from caraml_pulumi.engine.providers.kubernetes.await_.conditions import parse_wait_for
from caraml_pulumi.engine.providers.kubernetes.normalise import normalise
from caraml_pulumi.engine.providers.kubernetes.objects import (
    AUTONAMED,
    TIMEOUT,
    WAIT_FOR,
    Object,
    annotation,
    api_version_and_kind,
    metadata,
    name_of,
    title,
    to_object,
)
from caraml_pulumi.engine.providers.kubernetes.secrets import with_secrets
from caraml_pulumi.engine.resource import urn_name
from caraml_pulumi.engine.values import UNKNOWN, Properties
from caraml_pulumi.errors import CaramlError

SUFFIX_BYTES = 4
"""Random bytes in a name that is chosen here, eight hexadecimal digits."""


def check(
    urn: str, old_inputs: Properties | None, new_inputs: Properties, namespace: Callable[[Object], str]
) -> Properties:
    """The inputs to store. `namespace` gives the one for an object that names none, empty for cluster-wide kinds.

    A resource without ``metadata.name`` keeps the name that was chosen for it, or gets its logical name with a random
    suffix. Raises `CaramlError` for kinds the provider does not have, and for annotations that cannot be obeyed.
    """
    obj = to_object(new_inputs)
    api_version, kind = api_version_and_kind(urn)
    obj.setdefault("apiVersion", api_version)
    obj.setdefault("kind", kind)
    if obj.get("metadata") is None:
        obj["metadata"] = {}
    found = obj["metadata"]
    if found is not UNKNOWN:
        if not isinstance(found, dict):
            raise CaramlError(f"metadata of {kind} is not an object: {found!r}", where=urn)
        obj["metadata"] = _named(urn, {**found}, to_object(old_inputs or {}))
        if not obj["metadata"].get("namespace") and (chosen := namespace(obj)):
            obj["metadata"]["namespace"] = chosen
    _check_annotations(urn, obj)
    return with_secrets(normalise(obj), new_inputs)


def _named(urn: str, new: Object, old: Object) -> Object:
    if new.get("name"):
        return new
    if new.get("generateName"):
        raise CaramlError(
            "metadata.generateName is not supported with server-side apply",
            where=urn,
            fix="leave it out: the resource then gets a name with a random suffix",
        )
    if annotation(old, AUTONAMED) == "true":
        name = name_of(old)
    else:
        name = f"{urn_name(urn)}-{secrets.token_hex(SUFFIX_BYTES)}"
    annotations = new.get("annotations")
    if annotations is UNKNOWN:
        return {**new, "name": name}
    return {**new, "name": name, "annotations": {**(annotations or {}), AUTONAMED: "true"}}


def _check_annotations(urn: str, obj: Object) -> None:
    if "name" in metadata(obj) and (value := annotation(obj, TIMEOUT)) and not value.isdigit():
        raise CaramlError(
            f"annotation {TIMEOUT} of {title(obj)} is {value!r}", where=urn, allowed="a whole number of seconds"
        )
    if expressions := annotation(obj, WAIT_FOR):
        parse_wait_for(expressions, f"annotation {WAIT_FOR} of {title(obj)}")
