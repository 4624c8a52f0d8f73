"""Values that are known only when a change is applied, such as an image that another resource builds.

A deferred value is anything whose type has an `apply(function)` method, as a Pulumi Output does. The rules of this
package run at once on a plain value and, through `apply`, when a deferred one resolves.
"""

from collections.abc import Callable, Mapping
from typing import Any

Value = Any
"""A plain value or a deferred one."""


def is_deferred(value: Value) -> bool:
    """Whether `value` is known only later. Looks at the type, since attributes of an Output are Outputs."""
    return callable(getattr(type(value), "apply", None))


def checked(value: Value, rule: Callable[[Any], Any]) -> Value:
    """`rule(value)`, now for a plain value and on resolution for a deferred one."""
    return value.apply(rule) if is_deferred(value) else rule(value)


def when_known(values: Mapping[str, Value], function: Callable[[dict[str, Any]], Any]) -> Value:
    """`function(values)`, now if all values are plain and else when the last deferred one resolves."""
    for name, value in values.items():
        if is_deferred(value):
            return value.apply(lambda known, name=name: when_known({**values, name: known}, function))
    return function(dict(values))
