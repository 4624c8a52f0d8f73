"""The kind Stack of the Pulumi Kubernetes Operator, with the fields that `caraml operator` writes and no others.

Written after the operator's documentation of `pulumi.com/v1`; the operator's own CRD is not in any package that can be
installed.
"""

from typing import Any

Schema = dict[str, Any]
_TEXT: Schema = {"type": "string"}
_SWITCH: Schema = {"type": "boolean"}
_ANYTHING: Schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
"""What core/v1 defines."""


def _object(required: tuple[str, ...] = (), **properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, **({"required": [*required]} if required else {})}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


_ENV_REF = _object(
    ("type",),
    type={"type": "string", "enum": ["Env", "FS", "Secret", "Literal"]},
    secret=_object(("name", "key"), name=_TEXT, namespace=_TEXT, key=_TEXT),
)
_WORKSPACE = _object(
    spec=_object(
        image=_TEXT,
        securityProfile={"type": "string", "enum": ["baseline", "restricted"]},
        resources=_ANYTHING,
        env=_list(_ANYTHING),
        podTemplate=_object(spec=_object(containers=_list(_ANYTHING), volumes=_list(_ANYTHING))),
    )
)
_SPEC = _object(
    ("stack",),
    stack=_TEXT,
    projectRepo=_TEXT,
    repoDir=_TEXT,
    branch=_TEXT,
    shallow=_SWITCH,
    backend=_TEXT,
    serviceAccountName=_TEXT,
    envRefs={"type": "object", "additionalProperties": _ENV_REF},
    refresh=_SWITCH,
    continueResyncOnCommitMatch=_SWITCH,
    resyncFrequencySeconds={"type": "integer", "minimum": 60},
    destroyOnFinalize=_SWITCH,
    prerequisites=_list(_object(("name",), name=_TEXT)),
    workspaceTemplate=_WORKSPACE,
)
STACKS: Schema = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "stacks.pulumi.com"},
    "spec": {
        "group": "pulumi.com",
        "scope": "Namespaced",
        "names": {"kind": "Stack", "listKind": "StackList", "plural": "stacks", "singular": "stack"},
        "versions": [
            {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": _object(spec=_SPEC)}}
        ],
    },
}
"""Its CustomResourceDefinition."""
