"""Kubernetes objects as plain camelCase dicts, made from plans by pure functions."""

from typing import Any

Manifest = dict[str, Any]
"""A Kubernetes object as the API has it; values may be deferred."""
