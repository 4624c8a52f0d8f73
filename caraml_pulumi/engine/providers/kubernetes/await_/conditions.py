"""The annotation ``pulumi.com/waitFor``.

It is ``condition=TYPE[=STATUS]``, ``jsonpath={.path}[=VALUE]``, or a JSON list of these (pulumi-kubernetes' syntax).

A condition counts only once its controller has observed the current generation.
"""

import json
import re
from collections.abc import Callable
from typing import Final

from caraml_pulumi.engine.providers.kubernetes.await_.jsonpath import as_text, parse_json_path
from caraml_pulumi.engine.providers.kubernetes.await_.progress import READY, Progress, waiting
from caraml_pulumi.engine.providers.kubernetes.objects import Object
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.observed.objects import condition, observed, reason_and_message

Check = Callable[[Object], Progress]

_JSON_PATH: Final = re.compile(r"\{\s*(?P<path>.*?)\s*\}(?:=(?P<value>.+))?", re.DOTALL)
_ALLOWED: Final = "condition=Ready, condition=Ready=False, jsonpath={.status.phase}=Active, or a JSON list of these"


def parse_wait_for(text: str, where: str) -> list[Check]:
    """The checks in the annotation's value. Raises `CaramlError` naming `where` when it cannot be read."""
    try:
        listed = json.loads(text)
    except ValueError:
        listed = [text]
    expressions = listed if isinstance(listed, list) else [text]
    if not expressions:
        raise CaramlError(f"{where} is an empty list", allowed=_ALLOWED)
    return [_parse(str(expression), where) for expression in expressions]


def _parse(expression: str, where: str) -> Check:
    kind, _, rest = expression.partition("=")
    if kind == "condition" and rest:
        type_, _, status = rest.partition("=")
        return lambda obj: _condition_met(obj, type_, status or "True")
    match = _JSON_PATH.fullmatch(rest) if kind == "jsonpath" else None
    if match is None:
        raise CaramlError(f"{where} is {expression!r}", allowed=_ALLOWED)
    path, wanted = match["path"], match["value"]
    try:
        select = parse_json_path(path)
    except ValueError as error:
        raise CaramlError(f"{where} holds a JSONPath that is not understood: {error}", allowed=_ALLOWED) from error
    return lambda obj: _path_met(select(obj), path, wanted)


def _condition_met(obj: Object, type_: str, status: str) -> Progress:
    found = condition(obj, type_)
    if found is None:
        return waiting(f"no condition {type_} yet")
    if not observed(obj, found):
        return waiting("the controller has not seen the change yet")
    if str(found.get("status", "")).lower() == status.lower():
        return READY
    detail = reason_and_message(found)
    return waiting(f"{type_} is {found.get('status')}" + (f": {detail}" if detail else ""))


def _path_met(selected: list[object], path: str, wanted: str | None) -> Progress:
    if not selected:
        return waiting(f"{path} is not there yet")
    if wanted is None or as_text(selected[0]) == wanted:
        return READY
    return waiting(f"{path} is {as_text(selected[0])}, not {wanted}")
