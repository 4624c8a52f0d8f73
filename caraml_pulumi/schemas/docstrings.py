"""The docstrings under the properties of a spec, which Python does not keep."""

import ast
import inspect
import textwrap
from functools import cache
from itertools import pairwise

from caraml_pulumi.model.spec import Spec


@cache
def property_docstrings(spec: type[Spec]) -> dict[str, str]:
    """The docstring of each property, inherited ones included, as one line."""
    found: dict[str, str] = {}
    for base in reversed(spec.__mro__):
        if issubclass(base, Spec):
            found |= _own(base)
    return found


def _own(spec: type[Spec]) -> dict[str, str]:
    [definition] = ast.parse(textwrap.dedent(inspect.getsource(spec))).body
    body = definition.body if isinstance(definition, ast.ClassDef) else []
    return {
        statement.target.id: " ".join(str(after.value.value).split())
        for statement, after in pairwise(body)
        if isinstance(statement, ast.AnnAssign)
        and isinstance(statement.target, ast.Name)
        and isinstance(after, ast.Expr)
        and isinstance(after.value, ast.Constant)
    }
