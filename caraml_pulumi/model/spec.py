"""The base of every spec, and the one place where a failed validation becomes an explained error."""

import difflib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from functools import wraps
from typing import Any, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError, WrapValidator
from pydantic.alias_generators import to_camel, to_snake
from pydantic_core import ErrorDetails, PydanticCustomError

from caraml_pulumi.errors import CaramlError, CaramlErrors
from caraml_pulumi.model.deferred import Value, checked, is_deferred

Path = tuple[str | int, ...]
"""Where a property is: names and list indices, from the root."""
Locate = Callable[[Path], str]
"""Says where a path is, for people: a property path, or a file and line."""

NEVER_SHOWN = frozenset({"env", "secrets", "password", "token", "clients"})
"""Properties under which a value may be a secret: their values are never put into a message."""

_EXPECTED = {
    "string_type": "a text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "float_type": "a number",
    "float_parsing": "a number",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a map",
    "mapping_type": "a map",
    "model_type": "a map",
    "model_attributes_type": "a map",
    "finite_number": "a finite number",
}
_BOUNDS = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "more than"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "less than"),
}


class Spec(BaseModel):
    """A validated, immutable value. Properties are written in camelCase or snake_case; unknown ones are refused."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        validate_by_alias=True,
        validate_by_name=True,
        arbitrary_types_allowed=True,
    )

    def given(self) -> dict[str, Any]:
        """The properties that were given, by their names, to make another spec of them."""
        return {name: getattr(self, name) for name in self.model_fields_set}

    def props(self) -> dict[str, Any]:
        """The properties in camelCase as plain values, deferred ones as they are and unset ones left out."""
        return {
            to_camel(name): plain(value)
            for name in type(self).model_fields
            if (value := getattr(self, name)) is not None
        }

    def declared(self) -> dict[str, Any]:
        """The properties that were given, in camelCase as plain values: what a file says, without any default.

        What a class says itself comes before what it inherits, the particular before the general.
        """
        own_first = dict.fromkeys(name for one in type(self).__mro__ for name in vars(one).get("__annotations__", ()))
        return {to_camel(name): _declared(getattr(self, name)) for name in own_first if name in self.model_fields_set}


S = TypeVar("S", bound=Spec)


def _declared(value: Value) -> Value:
    """`plain`, for what was given."""
    if isinstance(value, Spec):
        return value.declared()
    if isinstance(value, Mapping):
        return {key: _declared(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_declared(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return plain(value)


def plain(value: Value) -> Value:
    """`value` as JSON would have it, with deferred values as they are."""
    if isinstance(value, Spec):
        return value.props()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def rule(function: Callable[[Any], Any]) -> AfterValidator:
    """Hold a property to a rule: a function that returns the value to keep or raises a `CaramlError`.

    Raises `TypeError` for what is no function: in a class body, the default of a property of the same name hides it.
    """
    if not callable(function):
        raise TypeError(f"{function!r} is not a rule")

    @wraps(function)
    def validate(value: Value) -> Value:
        with as_validation_error():
            return function(value)

    return AfterValidator(validate)


def prepared(function: Callable[[Any], Any]) -> BeforeValidator:
    """Turn what a property is given into what it holds, by a function that may raise `CaramlError`."""

    @wraps(function)
    def prepare(value: Value) -> Value:
        with as_validation_error():
            return function(value)

    return BeforeValidator(prepare)


def deferrable(function: Callable[[Any], Any]) -> WrapValidator:
    """Allow a property to be deferred; the rule then runs when the value resolves."""

    def validate(value: Value, handler: Callable[[Any], Any]) -> Value:
        return checked(value, function) if is_deferred(value) else handler(value)

    return WrapValidator(validate)


def each_once(values: list[Any]) -> list[Any]:
    """`values` if each is in it once, as Kubernetes wants lists that it merges. Raises `CaramlError`."""
    twice = [value for index, value in enumerate(values) if value in values[:index]]
    if twice:
        raise CaramlError(f'"{twice[0]}" is given twice', fix="remove one of them")
    return values


class PropertyError(CaramlError):
    """A broken rule that knows which property broke it, relative to the spec that was being planned."""

    def __init__(self, error: CaramlError, path: Path) -> None:
        super().__init__(
            error.what, where=dotted(path), allowed=error.allowed, fix=error.fix, exit_code=error.exit_code
        )
        self.path = path


@contextmanager
def within(*path: str | int) -> Iterator[None]:
    """Say which property, relative to the spec, a rule's error is about."""
    try:
        yield
    except CaramlErrors as errors:
        raise CaramlErrors([_about(error, path) for error in errors.errors]) from None
    except CaramlError as error:
        raise _about(error, path) from None


def _about(error: CaramlError, path: Path) -> PropertyError:
    return PropertyError(error, (*path, *getattr(error, "path", ())))


@contextmanager
def located(locate: Locate, data: Value = None) -> Iterator[None]:
    """Say where the property that broke a rule is, in the spelling that `data` has; an error that says it is kept."""
    try:
        yield
    except CaramlErrors as errors:
        raise CaramlErrors([_at(error, locate, data) for error in errors.errors]) from None
    except CaramlError as error:
        raise _at(error, locate, data) from None


def _at(error: CaramlError, locate: Locate, data: Value) -> CaramlError:
    if error.where and not isinstance(error, PropertyError):
        return error
    where = locate(as_written(data, getattr(error, "path", ())))
    return CaramlError(error.what, where=where, allowed=error.allowed, fix=error.fix, exit_code=error.exit_code)


@contextmanager
def as_validation_error(*path: str | int) -> Iterator[None]:
    """Let pydantic collect a rule's error with the others; `path` is the property, relative to where it is raised."""
    try:
        yield
    except CaramlError as error:
        path = (*path, *getattr(error, "path", ()))
        raise PydanticCustomError("rule", "{what}", {"what": error.what, "error": error, "path": path}) from None


def dotted(path: Path) -> str:
    """A property path as people write it: ``versions[1].image``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def parse(spec: type[S], data: Value, *, locate: Locate = dotted) -> S:
    """`data` as a `spec`.

    Raises `CaramlError` for one problem and `CaramlErrors` for several, each located by `locate`.
    """
    try:
        return spec.model_validate(data)
    except ValidationError as error:
        problems = [_explain(details, spec, data, locate) for details in error.errors(include_url=False)]
        raise problems[0] if len(problems) == 1 else CaramlErrors(problems) from None


def _explain(details: ErrorDetails, spec: type[Spec], data: Value, locate: Locate) -> CaramlError:
    context = details.get("ctx", {})
    of_property = (part for part in details["loc"] if part != "[key]")
    path = as_written(data, (*of_property, *context.get("path", ())))
    where = locate(path)
    name = f"`{_name(path)}`" if path else "the document"
    if is_deferred(details["input"]):
        return CaramlError(
            f"{name} must be known at preview, and an Output is not",
            where=where,
            fix="give a plain value: previews and policies read it",
        )
    if isinstance(error := context.get("error"), CaramlError):
        return CaramlError(error.what, where=where, allowed=error.allowed, fix=error.fix, exit_code=error.exit_code)
    kind = details["type"]
    if kind == "missing":
        return CaramlError(f"{name} is missing", where=where, fix=f"add {name}")
    if kind == "extra_forbidden":
        known = _fields_at(spec, path[:-1])
        return CaramlError(
            f"unknown field {name}",
            where=where,
            allowed=", ".join(sorted(known)),
            fix=did_you_mean(str(path[-1]), known),
        )
    if details["loc"][-1:] == ("[key]",) and kind == "string_type":
        return CaramlError(
            f"the key {in_words(details['input'])} must be a text", where=where, fix='put it in quotes: "..."'
        )
    got = _shown(details["input"], path)
    if kind == "enum":
        values = [value.strip("' ") for value in str(context["expected"]).replace(" or ", ", ").split(",")]
        return CaramlError(
            f"{name} cannot be {got}",
            where=where,
            allowed=", ".join(values),
            fix=did_you_mean(str(details["input"]), values),
        )
    if kind in _BOUNDS:
        bound, words = _BOUNDS[kind]
        return CaramlError(f"{name} cannot be {got}", where=where, allowed=f"{words} {context[bound]:.12g}")
    if kind in ("string_too_short", "too_short") and not details["input"]:
        return CaramlError(f"{name} is empty", where=where, fix=f"fill in {name}, or leave it out")
    expected = _EXPECTED.get(kind, details["msg"])
    fix = 'put it in quotes: "..."' if kind == "string_type" and isinstance(details["input"], int | float) else ""
    return CaramlError(f"{name} must be {expected}, not {got}", where=where, fix=fix)


def _name(path: Path) -> str:
    """The property at the end of `path`, with its place in the list if it is an item of one."""
    start = next((index for index in reversed(range(len(path))) if isinstance(path[index], str)), 0)
    return dotted(path[start:])


def _shown(value: Value, path: Path) -> str:
    hidden = NEVER_SHOWN.intersection(to_snake(part) for part in path if isinstance(part, str))
    if hidden and isinstance(value, str | int | float):
        return "what was given (not shown: it may be a secret)"
    return in_words(value)


def in_words(value: object) -> str:
    """A wrong value as a message shows it: as YAML has it, and of a list or a map only that it is one."""
    if isinstance(value, Mapping):
        return "a map"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None:
        return "empty"
    if isinstance(value, str):
        return f'"{value}"'[:100]
    if isinstance(value, bool | int | float):
        return str(value).lower()[:100]
    return f"a {type(value).__name__}"


def did_you_mean(word: str, known: list[str]) -> str:
    """``did you mean `x`?`` for the known word nearest to `word`, or nothing."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    near = difflib.get_close_matches(word.lower().replace("_", ""), [*by_lower], n=1)
    near = near or difflib.get_close_matches(word.lower(), [*by_lower], n=1)
    return f"did you mean `{by_lower[near[0]]}`?" if near else ""


def as_written(data: Value, path: Path) -> Path:
    """`path` in the spelling, camelCase or snake_case, that `data` uses; camelCase where `data` ends."""
    written: list[str | int] = []
    for part in path:
        if isinstance(part, str):
            keys = data if isinstance(data, Mapping) else {}
            spelled = next((name for name in (part, to_camel(part), to_snake(part)) if name in keys), to_camel(part))
            written.append(spelled)
            data = keys.get(spelled)
        else:
            written.append(part)
            data = data[part] if isinstance(data, list | tuple) and part < len(data) else None
    return tuple(written)


def _fields_at(spec: type[Spec], path: Path) -> list[str]:
    """The properties that the spec at `path` has, as they are written."""
    for part in path:
        if isinstance(part, str):
            field = spec.model_fields.get(to_snake(part))
            spec = next(_specs_in(field.annotation), spec) if field else spec
    return [field.alias or to_camel(name) for name, field in spec.model_fields.items()]


def _specs_in(annotation: object) -> Iterator[type[Spec]]:
    if isinstance(annotation, type) and issubclass(annotation, Spec):
        yield annotation
    for argument in get_args(annotation):
        yield from _specs_in(argument)
