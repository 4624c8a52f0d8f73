"""The components of models in a checkpoint, without parsing the rest of it: a checkpoint has megabytes of objects."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from caraml_pulumi.engine.state.snapshot import deployment_of
from caraml_pulumi.releases.recorded import RELEASE_TYPE
from caraml_pulumi.review.subjects import ENDPOINT_TYPE, MONITORING_TYPE, VERSION_TYPE

TYPES: Final = frozenset({RELEASE_TYPE, VERSION_TYPE, ENDPOINT_TYPE, MONITORING_TYPE})
"""The types of the components that tell of a model."""
Resource = Mapping[str, Any]
"""A resource as a checkpoint has it. Never changed: equal texts share one."""

_COMPONENT: Final = b'"type":"caraml:index:'
_BEGIN: Final = b'{"urn":"urn:pulumi:'
"""What a resource begins with in a document without spaces, which both engines write."""
_CACHED: Final = 8192
_ITEM: Final = (b"[", b",")
"""What stands before an item of a list; a pending operation has its resource after a colon."""


def components(text: bytes) -> dict[str, Resource]:
    """The components of models in a checkpoint, by their types and name: the part of a URN that no stack's name is in.

    Raises `CaramlError` for a document that is no checkpoint.
    """
    if b"caraml:index:" not in text:
        return {}
    found = _scanned(text) if _COMPONENT in text and text[-2:].rstrip().endswith(b"}") else None
    return components_of(json.loads(text)) if found is None else _by_key(found)


def components_of(document: Mapping[str, Any]) -> dict[str, Resource]:
    """`components`, of a checkpoint that is parsed already."""
    return _by_key(deployment_of(document).get("resources") or [])


def _by_key(resources: list[Resource]) -> dict[str, Resource]:
    return {
        one["urn"].split("::", 2)[2]: one for one in resources if one.get("type") in TYPES and not one.get("delete")
    }


def _scanned(text: bytes) -> list[Resource] | None:
    """The resources around each mention of a component's type; None where the text has to be parsed as a whole."""
    found: list[Resource] = []
    end = 0
    while (at := text.find(_COMPONENT, end)) >= 0:
        begin = text.rfind(_BEGIN, end, at)
        next_ = text.find(b"," + _BEGIN, at)
        end = next_ if next_ >= 0 else len(text)
        if begin < 0:
            return None
        if text[begin - 1 : begin] not in _ITEM:
            continue
        resource = _parsed(text[begin:end])
        if resource is None:
            return None
        found.append(resource)
    return found


@lru_cache(maxsize=_CACHED)
def _parsed(text: bytes) -> Resource | None:
    """The object that `text` begins with; most components stay as they are from one update to the next."""
    try:
        resource: Resource = json.JSONDecoder().raw_decode(text.decode())[0]
    except ValueError:
        return None
    return resource
