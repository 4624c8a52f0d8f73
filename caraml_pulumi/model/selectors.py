"""Kubernetes' label selectors: which labels they select."""

from collections.abc import Mapping
from typing import Any


def selects(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether a label selector of Kubernetes selects what carries `labels`.

    All of matchLabels and all of matchExpressions must hold; an empty selector selects everything, and None nothing.
    """
    if selector is None:
        return False
    wanted, expressions = selector.get("matchLabels") or {}, selector.get("matchExpressions") or ()
    return all(labels.get(key) == wanted[key] for key in wanted) and all(
        _holds(expression, labels) for expression in expressions
    )


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a requirement holds; NotIn holds for what has no such label, as in Kubernetes."""
    value, operator = labels.get(expression["key"]), expression["operator"]
    found = value is not None if operator in ("Exists", "DoesNotExist") else value in tuple(expression["values"])
    return found is (operator in ("In", "Exists"))
