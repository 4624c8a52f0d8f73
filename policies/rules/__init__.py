"""The rules of the pack, one a module."""

from importlib import import_module
from pkgutil import iter_modules

from policies.rule import ResourceRule, StackRule


def all_rules() -> list[ResourceRule | StackRule]:
    """Every rule of the pack, by name."""
    modules = [import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__)]
    found = {
        value.name: value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, ResourceRule | StackRule)
    }
    return [found[name] for name in sorted(found)]
