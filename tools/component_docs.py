"""Writes the tables of docs/components from the docstrings of the components: ``python -m tools.component_docs``.

A page says where a table belongs, and the rest of it is written by hand:

    <!-- arguments:ModelProjectArgs -->
    <!-- end -->

`arguments` are the keys of a TypedDict, `outputs` the Outputs of a component, `settings` the properties of a spec,
`abilities` what each routing backend can do. What a docstring has to say, and in which order, is in CONTRIBUTING.md.
"""

import ast
import inspect
import re
import sys
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib import import_module
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Final, NotRequired, Union, get_args, get_origin

import pulumi
from pydantic import BaseModel
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo

from caraml_pulumi.model.backends import LACKS

REPOSITORY: Final = Path(__file__).parents[1]
PAGES: Final = REPOSITORY / "docs" / "components"
SOURCES: Final = ("caraml_pulumi", "caraml_pulumi/model")
ORIGINS: Final = ("seed", "Merlin", "PrimeHub", "KServe", "Knative", "Kubernetes", "Istio", "Seldon", "Kaniko", "S3")
"""What the source of a rule, in brackets in a docstring, begins with."""

_TABLE = re.compile(r"<!-- (arguments|outputs|settings|abilities):(\w+) -->\n.*?<!-- end -->", re.DOTALL)
_SOURCE = re.compile(rf"\s*\(((?:{'|'.join(ORIGINS)})\b[^()]*)\)")
_LABEL = re.compile(r"(?:^|\s)(Unit|Default|Refused): ")
_PULUMI: Final = {"Output": pulumi.Output, "T": Any}
"""What the forward references in `pulumi.Input` are."""
_NAMES: Final = {str: "text", int: "whole number", float: "number", bool: "true or false", Any: "any value"}


@dataclass(frozen=True, slots=True)
class Described:
    """What a docstring says, part by part; a part that it does not have is empty."""

    meaning: str
    unit: str = ""
    default: str = ""
    refused: str = ""
    source: str = ""


def described(docstring: str) -> Described:
    """The parts of `docstring`: the meaning, then Unit, Default and Refused; sources in brackets are anywhere."""
    text = " ".join(docstring.split())
    sources = dict.fromkeys(match[1] for match in _SOURCE.finditer(text))
    meaning, *labelled = _LABEL.split(_SOURCE.sub("", text))
    parts = {label: part.strip().removesuffix(".") for label, part in zip(labelled[::2], labelled[1::2], strict=True)}
    return Described(
        meaning.strip(),
        parts.get("Unit", ""),
        parts.get("Default", ""),
        parts.get("Refused", ""),
        "; ".join(sources),
    )


@cache
def _classes() -> dict[str, tuple[str, ast.ClassDef]]:
    """Every class of the library by its name, with its module."""
    found = {}
    for directory in SOURCES:
        for path in sorted((REPOSITORY / directory).glob("*.py")):
            module = ".".join((*Path(directory).parts, path.stem))
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.ClassDef):
                    found[node.name] = (module, node)
    return found


def docstrings(class_name: str) -> dict[str, str]:
    """The docstring under each annotated name of a class, inherited ones first; empty where there is none."""
    _, node = _classes()[class_name]
    found: dict[str, str] = {}
    for base in node.bases:
        if isinstance(base, ast.Name) and base.id in _classes():
            found |= docstrings(base.id)
    for statement, after in zip(node.body, [*node.body[1:], None], strict=True):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            text = after.value.value if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) else ""
            found[statement.target.id] = inspect.cleandoc(str(text))
    return found


def _class(class_name: str) -> Any:  # noqa: ANN401 - any class
    return getattr(import_module(_classes()[class_name][0]), class_name)


@cache
def _pages_of() -> dict[str, list[str]]:
    """The pages that have the table of a class."""
    found: dict[str, list[str]] = {}
    for page in sorted(PAGES.glob("*.md")):
        for _, name in _TABLE.findall(page.read_text()):
            found.setdefault(name, []).append(page.name)
    return found


def type_text(annotation: Any, page: str) -> str:  # noqa: ANN401 - any annotation
    """`annotation` in words, as users of any language understand it; a class that has a table links to its page."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (NotRequired, Annotated):
        return type_text(arguments[0], page)
    if origin in (Union, UnionType):
        return _union_text(arguments, page)
    if origin is list:
        return f"list of {type_text(arguments[0], page)}"
    if origin is dict:
        return "map" if arguments[1] is Any else f"map to {type_text(arguments[1], page)}"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ", ".join(f"`{member.value}`" for member in annotation)
    if annotation in _NAMES:
        return _NAMES[annotation]
    name = annotation.__name__
    homes = _pages_of().get(name, [])
    if not homes:
        return f"`{name}`"
    return f"[{name}]({'' if page in homes else homes[0]}#{_anchor(name)})"


def _anchor(class_name: str) -> str:
    return class_name.lower()


def _union_text(choices: tuple[Any, ...], page: str) -> str:
    plain = [item for item in choices if item is not type(None) and get_origin(item) is not pulumi.Output]
    waiting = [item for item in plain if getattr(get_origin(item), "__name__", "") == "Awaitable"]
    texts = [type_text(item, page) for item in plain if item not in waiting]
    return " or ".join([*texts, "Output"] if len(plain) < len(choices) and waiting else texts)


def table(kind: str, class_name: str, page: str) -> str:
    """The table of a class on `page`. Raises `ValueError` naming the docstring that lacks something."""
    if class_name not in _classes():
        raise ValueError(f"{page}: there is no class {class_name}")
    rows_of = {"arguments": _arguments, "outputs": _outputs, "settings": _settings, "abilities": _abilities}
    rows = rows_of[kind](class_name, page)
    lines = ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return "\n".join([lines[0], "|---" * len(rows[0]) + "|", *lines[1:]])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _parts(class_name: str, name: str) -> Described:
    text = docstrings(class_name).get(name, "")
    if not text:
        raise ValueError(f"{class_name}.{name} has no docstring")
    return described(text)


def _meaning(parts: Described) -> str:
    return f"{parts.meaning} Refused: {parts.refused}.".strip() if parts.refused else parts.meaning


def _type(annotation: object, parts: Described, page: str) -> str:
    return type_text(annotation, page) + (f" ({parts.unit})" if parts.unit else "")


def _arguments(class_name: str, page: str) -> list[list[str]]:
    cls = _class(class_name)
    rows = [["argument", "type", "default", "meaning", "source"]]
    for name, annotation in typing.get_type_hints(cls, localns=_PULUMI, include_extras=True).items():
        parts = _parts(class_name, name)
        required = name in cls.__required_keys__
        if required == bool(parts.default):
            raise ValueError(
                f"{class_name}.{name} is {'required and has a' if required else 'optional and has no'} Default:"
            )
        default = "required" if required else parts.default
        rows.append([f"`{name}`", _type(annotation, parts, page), default, _meaning(parts), parts.source])
    return _without_empty_column(rows)


def _outputs(class_name: str, page: str) -> list[list[str]]:
    rows = [["output", "type", "value"]]
    annotations: dict[str, Any] = inspect.get_annotations(_class(class_name))
    for name, annotation in annotations.items():
        if get_origin(annotation) is pulumi.Output:
            parts = _parts(class_name, name)
            rows.append([f"`{name}`", _type(get_args(annotation)[0], parts, page), _meaning(parts)])
    return rows


def _settings(class_name: str, page: str) -> list[list[str]]:
    cls: type[BaseModel] = _class(class_name)
    hints = typing.get_type_hints(cls)
    rows = [["setting", "type", "default", "meaning", "source"]]
    for name, field in cls.model_fields.items():
        parts = _parts(class_name, name)
        default = parts.default or ("required" if field.is_required() else _default_text(_default(field)))
        rows.append([f"`{to_camel(name)}`", _type(hints[name], parts, page), default, _meaning(parts), parts.source])
    return _without_empty_column(rows)


def _abilities(class_name: str, page: str) -> list[list[str]]:
    rows = [["an endpoint may", *(f"`{backend}`" for backend in LACKS)]]
    for feature in _class(class_name):
        reasons = [lacks.get(feature) for lacks in LACKS.values()]
        rows.append([feature.value, *(f"no: {reason}" if reason else "yes" for reason in reasons)])
    return rows


def _default(field: FieldInfo) -> object:
    return field.get_default(call_default_factory=True, validated_data={})


def _default_text(value: object) -> str:
    if value is None or value in ({}, [], ()):
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, BaseModel):
        return "its own defaults"
    return f"`{value}`" if isinstance(value, str) else str(value)


def _without_empty_column(rows: list[list[str]]) -> list[list[str]]:
    return rows if any(row[-1] for row in rows[1:]) else [row[:-1] for row in rows]


def rendered(page: Path) -> str:
    """The text of `page` with its tables as the docstrings have them. Raises `ValueError`."""

    def fill(match: re.Match[str]) -> str:
        kind, name = match.groups()
        anchor = f'<a id="{_anchor(name)}"></a>'
        return f"<!-- {kind}:{name} -->\n{anchor}\n\n{table(kind, name, page.name)}\n<!-- end -->"

    return _TABLE.sub(fill, page.read_text())


def stale() -> Iterator[tuple[Path, str]]:
    """The pages whose tables are not those of the docstrings, each with the text that it should have."""
    for page in sorted(PAGES.glob("*.md")):
        text = rendered(page)
        if text != page.read_text():
            yield page, text


def main(arguments: list[str]) -> int:
    """Write the pages anew; with ``--check``, name those that are stale and fail if there are any."""
    check = arguments == ["--check"]
    pages = list(stale())
    for page, text in pages:
        if check:
            print(f"{page.relative_to(REPOSITORY)} is not what the docstrings say: run `make docs`")
        else:
            page.write_text(text)
            print(f"wrote {page.relative_to(REPOSITORY)}")
    return 1 if check and pages else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
