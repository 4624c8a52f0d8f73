"""The canonical form of a built-in object's inputs: what the API server would store and give back.

pulumi-kubernetes passes inputs through Kubernetes' Go types; without them we know which fields are quantities and which
empty values those types leave out. What this misses costs no false update: a diff is confirmed by a dry run.
"""

import base64
import binascii
from typing import Any, Final

from caraml_pulumi.engine.providers.kubernetes.objects import Object, group_kind, is_built_in, words
from caraml_pulumi.engine.values import UNKNOWN
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.quantities import parse_quantity

_READ_ONLY: Final = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "uid",
)
_AMOUNTS: Final = frozenset(
    words(
        "allocatable allocatedResources capacity default defaultRequest hard limits max maxLimitRequestRatio min "
        "overhead podFixed requests"
    )
)
"""Fields that map a resource's name to a quantity."""
_AMOUNT: Final = frozenset(["averageValue", "divisor", "sizeLimit"])
"""Fields that are one quantity."""
_TEXTS: Final = frozenset(words("annotations binaryData data labels matchLabels nodeSelector parameters stringData"))
"""Fields that map texts to texts: an empty map is left out, an empty text in it is kept."""
_KEPT_EMPTY: Final = frozenset(["rules", "storageClassName"])
"""Fields whose empty value is kept, or means something else than leaving it out."""


def normalise(obj: Object) -> Object:
    """`obj` in canonical form; of custom resources only read-only metadata is taken off."""
    result = _without_read_only(obj)
    if not is_built_in(obj):
        return result
    kind = group_kind(obj)
    if kind == "Secret":
        return _secret(result)
    if kind == "ConfigMap":
        return {key: value for key, value in result.items() if value is not None}
    if kind == "apiextensions.k8s.io/CustomResourceDefinition":
        return _definition(result)
    canonical: Object = _canonical(result)
    return canonical


def _without_read_only(obj: Object) -> Object:
    metadata = obj.get("metadata")
    if not isinstance(metadata, dict) or not any(key in metadata for key in _READ_ONLY):
        return obj
    return {**obj, "metadata": {key: value for key, value in metadata.items() if key not in _READ_ONLY}}


def _canonical(value: Any) -> Any:  # noqa: ANN401 - JSON values
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    if not isinstance(value, dict):
        return value
    canonical = {key: _field(key, item) for key, item in value.items() if item is not None}
    return {key: item for key, item in canonical.items() if not _left_out(key, item)}


def _field(key: str, value: Any) -> Any:  # noqa: ANN401
    if key in _AMOUNTS and isinstance(value, dict):
        return {name: _quantity(amount) for name, amount in value.items()}
    if key in _AMOUNT and not isinstance(value, dict):
        return _quantity(value)
    return value if key in _TEXTS else _canonical(value)


def _left_out(key: str, value: Any) -> bool:  # noqa: ANN401
    if key in _KEPT_EMPTY:
        return False
    if value in ("", []):
        return True
    return value == {} and (key in _TEXTS or key in _AMOUNTS)


def _quantity(value: Any) -> Any:  # noqa: ANN401
    if not isinstance(value, str | int | float):
        return value
    try:
        return str(parse_quantity(value))
    except CaramlError:
        return value  # the API server says what is wrong with it


def _secret(obj: Object) -> Object:
    """`stringData` folded into base64 `data`, as the API server does; where a value is unknown, so is its data."""
    texts, data = obj.get("stringData"), obj.get("data")
    if texts is UNKNOWN or data is UNKNOWN:
        return {**{key: value for key, value in obj.items() if key != "stringData"}, "data": UNKNOWN}
    encoded = {key: _recoded(value) for key, value in data.items()} if isinstance(data, dict) else {}
    if isinstance(texts, dict):
        encoded |= {key: _encoded(value) for key, value in texts.items()}
    result = {key: value for key, value in obj.items() if key not in ("stringData", "data") and value is not None}
    return {**result, "data": encoded} if encoded else result


def _encoded(value: Any) -> Any:  # noqa: ANN401
    return base64.b64encode(value.encode()).decode() if isinstance(value, str) else value


def _recoded(value: Any) -> Any:  # noqa: ANN401
    """Base64 as the API server writes it: without the line breaks that tools put in."""
    if not isinstance(value, str):
        return value
    try:
        return base64.b64encode(base64.b64decode("".join(value.split()), validate=True)).decode()
    except (binascii.Error, ValueError):
        return value  # the API server says what is wrong with it


def _definition(obj: Object) -> Object:
    result = {key: value for key, value in obj.items() if key != "status"}
    spec = result.get("spec")
    if isinstance(spec, dict) and spec.get("preserveUnknownFields") is False:
        result["spec"] = {key: value for key, value in spec.items() if key != "preserveUnknownFields"}
    return result
