"""Test suites of policy packs: YAML files that say which resources a rule lets pass, and which it refuses."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

from caraml_pulumi.engine.policies.config import Setting, settings_of
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.spec import Locate, Spec, as_validation_error, in_words, parse, rule
from caraml_pulumi.policy_tests.case import Case, Expected, Setup, below, subject

_LEVELS: Final = ("mandatory", "advisory")
_NOTHING: Final = "pass"
"""What a case expects that is to be found without a violation."""


def type_token(text: str) -> str:
    """`text` if it is a Pulumi type token. Raises `CaramlError`."""
    if text.count(":") != 2 or not all(text.split(":")):
        raise CaramlError(
            f'"{text}" is not the type of a resource',
            allowed="a Pulumi type, such as kubernetes:apps/v1:Deployment or caraml:index:CustomModelVersion",
        )
    return text


def level_of_violation(text: str) -> str:
    """`text` if violations are of that level. Raises `CaramlError`."""
    if text not in _LEVELS:
        raise CaramlError(f'"{text}" is no level of a violation', allowed=" or ".join(_LEVELS))
    return text


def _expectation(value: object) -> object:
    """``pass`` in short for no violations."""
    with as_validation_error():
        if value == _NOTHING:
            return {"violations": []}
        if not isinstance(value, Mapping):
            raise CaramlError(
                f"`expect` cannot be {in_words(value)}", allowed=f"{_NOTHING}, or violations with a list of them"
            )
    return value


class _Resource(Spec):
    type: Annotated[str, rule(type_token)]
    name: Annotated[str, Field(min_length=1)] = "resource"
    properties: dict[str, Any] = Field(default_factory=dict)


class _Violation(Spec):
    rule: str
    message: str = ""
    resource: str = ""
    level: Annotated[str, rule(level_of_violation)] = ""


class _Expectation(Spec):
    violations: list[_Violation]


class _Case(Spec):
    name: Annotated[str, Field(min_length=1)]
    rules: list[str] = Field(default_factory=list)
    config: dict[str, Any] = Field(default_factory=dict)
    environment: str = ""
    resources: Annotated[list[_Resource], Field(min_length=1)]
    expect: Annotated[_Expectation, BeforeValidator(_expectation)]


class _Suite(Spec):
    """A test suite; `environment`, `config` and `stack_config` hold for cases that do not say otherwise."""

    environment: str = ""
    config: dict[str, Any] = Field(default_factory=dict)
    stack_config: dict[str, Any] = Field(default_factory=dict)
    cases: Annotated[list[_Case], Field(min_length=1)]


def is_suite(data: object) -> bool:
    """Whether `data` is meant to be a test suite."""
    return isinstance(data, Mapping) and "cases" in data


def cases_of(data: object, at: Locate, base: Setup) -> Iterator[Case]:
    """The cases of the suite `data`; its environment and configurations are laid over those of `base`.

    Raises:
        CaramlError: it is not a right test suite; with file and line.
    """
    suite = parse(_Suite, data, locate=at)
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in suite.stack_config.items()}
    general = settings_of(suite.config, at(("config",)))
    for index, case in enumerate(suite.cases):
        locate = below(at, "cases", index)
        setup = replace(
            base,
            environment=case.environment or suite.environment or base.environment,
            stack_config=texts,
            settings=_laid_over(base.settings, general, settings_of(case.config, locate(("config",)))),
        )
        _named_once([(one.type, one.name) for one in case.resources], locate(("resources",)))
        yield Case(
            name=case.name,
            where=locate(("name",)).split(" (")[0],
            setup=setup,
            subjects=[
                subject(
                    setup,
                    one.type,
                    one.name,
                    one.properties,
                    f"{one.type} {one.name}",
                    below(locate, "resources", place, "properties"),
                )
                for place, one in enumerate(case.resources)
            ],
            rules=case.rules,
            expected=[Expected(**one.model_dump()) for one in case.expect.violations],
            locate=locate,
        )


def _laid_over(*configurations: Mapping[str, Setting]) -> dict[str, Setting]:
    """Configurations of a pack laid over each other, setting by setting."""
    together: dict[str, Setting] = {}
    for configuration in configurations:
        for name, setting in configuration.items():
            before = together.get(name, Setting())
            together[name] = Setting(setting.level or before.level, {**before.properties, **setting.properties})
    return together


def _named_once(names: list[tuple[str, str]], where: str) -> None:
    twice = next((name for index, name in enumerate(names) if name in names[:index]), None)
    if twice:
        raise CaramlError(
            f"there are two resources {' '.join(twice)}", where=where, fix="give each a `name` of its own"
        )
