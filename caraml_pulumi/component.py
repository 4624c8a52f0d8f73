"""What all components share: reading their arguments, the platform they are on, and registering Kubernetes objects."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pulumi

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.manifests import Manifest
from caraml_pulumi.model.platform import PlatformSpec, parse_platform
from caraml_pulumi.model.spec import Locate, dotted, in_words, located
from caraml_pulumi.stack_files.configuration import EXTENDS_KEY, read_configuration
from caraml_pulumi.stack_files.configuration import PLATFORM_KEY as FULL_PLATFORM_KEY
from caraml_pulumi.stack_files.place import stack_files

CONFIG_NAMESPACE = "caraml"
PLATFORM_KEY = "platform"


class InputError(CaramlError, pulumi.RunError):
    """The `CaramlError` `broken`, which ends a Pulumi program with its message alone, without a traceback."""

    def __init__(self, broken: CaramlError) -> None:
        super().__init__(str(broken), exit_code=broken.exit_code)
        self.broken = broken


@contextmanager
def readable() -> Iterator[None]:
    """Let a broken rule end the program with its message alone."""
    try:
        yield
    except CaramlError as error:
        raise InputError(error) from None


class Later:
    """An Output among a component's arguments: rules run on it when it resolves, and end the program readably."""

    def __init__(self, output: pulumi.Output[Any], where: str) -> None:
        self._output = output
        self._where = where

    def apply(self, rule: Callable[[Any], Any]) -> pulumi.Output[Any]:
        """The Output, gated on `rule`."""

        def check(value: object) -> object:
            with readable(), located(lambda _: self._where):
                return rule(value)

        return self._output.apply(check)


def located_in(component: str, name: str) -> Locate:
    """Says where a property of a component's arguments is: ``CustomModelVersion "iris-1": resourceRequest``."""

    def locate(path: Sequence[str | int]) -> str:
        head = f'{component} "{name}"'
        return f"{head}: {dotted(tuple(path))}" if path else head

    return locate


def arguments(args: object, keywords: Mapping[str, Any], locate: Locate) -> dict[str, Any]:
    """A component's arguments, from its args or its keywords; unset ones are left out, Outputs become `Later`.

    Raises `CaramlError` for args that are no map, such as another argument that was given without its name.
    """
    if not isinstance(args, Mapping):
        raise CaramlError(
            f"the arguments must be a map, not {in_words(args)}",
            where=locate(()),
            fix="give each argument by its name: argument=value",
        )
    given = {key: value for key, value in {**args, **keywords}.items() if value is not None}
    return {key: _later(value, locate, (key,)) for key, value in given.items()}


def _later(value: object, locate: Locate, path: tuple[str | int, ...]) -> object:
    if isinstance(value, pulumi.Output):
        return Later(value, locate(path))
    if isinstance(value, dict):
        return {key: _later(item, locate, (*path, key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_later(item, locate, (*path, index)) for index, item in enumerate(value)]
    return value


def platform_from(given: PlatformSpec | Mapping[str, Any] | None) -> PlatformSpec:
    """The platform that a component was given, else that of the stack's configuration `caraml:platform`.

    That is laid over those of the environments that the configuration extends. The environment's name is the stack's
    unless the platform says otherwise.
    """
    if isinstance(given, PlatformSpec):
        return given
    settings = given if given is not None else _configured_platform()
    where = PLATFORM_KEY if given is not None else f"{CONFIG_NAMESPACE}:{PLATFORM_KEY}"
    if settings is None:
        raise CaramlError(
            "the platform is not configured",
            where=f"stack {pulumi.get_stack()}",
            fix=f"set {where} (at least its domain): pulumi config set --path {where}.domain models.example.com",
        )
    return parse_platform(
        settings, environment=pulumi.get_stack(), locate=lambda path: ".".join(filter(None, (where, dotted(path))))
    )


def _configured_platform() -> Any:  # noqa: ANN401 - whatever the configuration has
    config = pulumi.Config(CONFIG_NAMESPACE)
    extends = config.get("extends")
    if extends is None:
        return config.get_object(PLATFORM_KEY)
    return _extending_platform(pulumi.get_project(), pulumi.get_stack(), extends, config.get(PLATFORM_KEY))


@cache
def _extending_platform(project: str, stack: str, extends: str, text: str | None) -> Any:  # noqa: ANN401 - as above
    """The platform `text` of a stack, laid over those of the environments that it extends."""
    root = pulumi.get_root_directory() or "."  # a host of components is not told
    own = {EXTENDS_KEY: extends, FULL_PLATFORM_KEY: json.loads(text) if text else None}
    directory = stack_files(project, [Path(root).absolute(), Path.cwd()])
    return read_configuration(directory, stack, own).values.get(FULL_PLATFORM_KEY)


def kubernetes_object(
    name: str,
    manifest: Manifest,
    *,
    parent: pulumi.Resource,
    depends_on: Sequence[pulumi.Resource] = (),
    import_: bool = False,
    once: pulumi.Output[Any] | None = None,
) -> pulumi.CustomResource:
    """Register `manifest` as a Kubernetes resource under the logical name `name`.

    With `import_` the object of that kind, namespace and name exists already and is taken over as it is, then changed
    in place where the manifest differs; it is an error if it does not exist. With `once` it is made when that is there,
    and not at all if that fails.

    The object goes to the provider as it is. The typed classes of pulumi_kubernetes would register the same, at several
    times the cost.
    """
    group = manifest["apiVersion"] if "/" in manifest["apiVersion"] else f"core/{manifest['apiVersion']}"
    body = manifest if once is None else _gated(manifest, once)
    return pulumi.CustomResource(
        f"kubernetes:{group}:{manifest['kind']}",
        name,
        body,
        pulumi.ResourceOptions(
            parent=parent,
            depends_on=list(depends_on),
            version=provider_version(),
            import_=_id(manifest) if import_ else None,
        ),
    )


def with_secrets(manifest: Manifest) -> Manifest:
    """`manifest` with the values of a Secret kept secret by Pulumi; other kinds have none."""
    values = {key: pulumi.Output.secret(value) for key, value in manifest.get("stringData", {}).items()}
    return {**manifest, "stringData": values} if values else manifest


def _gated(manifest: Manifest, once: pulumi.Output[Any]) -> Manifest:
    plain = {key: manifest[key] for key in ("apiVersion", "kind", "metadata")}
    rest = {key: value for key, value in manifest.items() if key not in plain}
    return {**plain, **{key: pulumi.Output.all(once, value).apply(lambda both: both[1]) for key, value in rest.items()}}


def _id(manifest: Manifest) -> str:
    """The id of an object's resource: ``namespace/name``, or ``name`` of what has no namespace."""
    metadata = manifest["metadata"]
    return "/".join(filter(None, [metadata.get("namespace"), metadata["name"]]))


@cache
def provider_version() -> str:
    """The version of the Kubernetes provider that objects are made with."""
    return version("pulumi-kubernetes")
