"""Finds the provider of a resource: an explicit one, or the default one of its package and version."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from caraml_pulumi.engine.providers.base import Context, Diff, Live, Provider
from caraml_pulumi.engine.resource import PROVIDER_PREFIX, ResourceState, make_urn
from caraml_pulumi.engine.values import UNKNOWN, Properties, contains_unknown
from caraml_pulumi.errors import CaramlError

Factory = Callable[[Properties], Provider]
"""Makes a provider of a package from its provider resource's inputs."""


def package_of(type_: str) -> str:
    """The package that `type_` belongs to: ``kubernetes`` in ``kubernetes:apps/v1:Deployment``."""
    return type_.removeprefix(PROVIDER_PREFIX) if type_.startswith(PROVIDER_PREFIX) else type_.split(":", 1)[0]


def default_provider_name(version: str) -> str:
    """The logical name of the default provider of that version, as Pulumi forms it."""
    return f"default_{version.replace('.', '_').replace('-', '_').replace('+', '_')}" if version else "default"


def default_provider_inputs(package: str, version: str, config: Properties) -> Properties:
    """The inputs of a default provider, out of the stack's configuration (full keys).

    A Python dynamic provider gets the whole configuration, any other what is set in its package's namespace.
    """
    if package == "pulumi-python":
        return dict(config)
    own = {key.split(":", 1)[1]: value for key, value in config.items() if key.split(":", 1)[0] == package}
    if package == "pulumi":
        return own
    return {"__internal": {}, **own, **({"version": version} if version else {})}


def provider_outputs(inputs: Properties) -> Properties:
    """What state holds as the outputs of a provider resource."""
    return {key: value for key, value in inputs.items() if key != "__internal"}


class _Unconfigured(Provider):
    """Stands in at preview for a provider whose settings are known only later: nothing can be asked of it yet."""

    def check(self, urn: str, old_inputs: Properties | None, new_inputs: Properties) -> Properties:
        return new_inputs

    def diff(self, old: ResourceState, new_inputs: Properties, ignore_changes: list[str]) -> Diff:
        return Diff(changed=old.inputs != new_inputs)

    def create(self, urn: str, inputs: Properties, context: Context) -> Live:
        return Live("", dict(inputs))

    def update(self, old: ResourceState, new_inputs: Properties, context: Context) -> Live:
        return Live(old.id, {**old.outputs, **new_inputs})

    def delete(self, old: ResourceState, context: Context) -> None:
        return None

    def read(self, urn: str, id_: str, old: ResourceState | None, context: Context) -> Live | None:
        return Live(id_, {"value": UNKNOWN})

    def adopt(self, urn: str, id_: str, inputs: Properties, context: Context) -> Live | None:
        return Live(id_, inputs, inputs)

    def moved(self, old_inputs: Properties) -> bool:
        return True


@dataclass(slots=True)
class ProviderRegistry:
    """The providers of a run, made when first asked for; `close` ends them."""

    factories: dict[str, Factory]
    _made: dict[str, Provider] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def require(self, package: str) -> None:
        """Raise a `CaramlError` that names the missing plugin unless `package` is known."""
        if package not in self.factories:
            raise CaramlError(
                f"the embedded engine has no provider for the package {package!r}",
                allowed=", ".join(sorted(self.factories)),
                fix=f"name the directory of a component package under `packages: {package}:` in Pulumi.yaml; for any "
                f"other, install the Pulumi CLI with the {package} plugin, and use --engine pulumi",
            )

    def provider(self, resource: ResourceState) -> Provider:
        """The provider that the provider resource `resource` describes."""
        package = package_of(resource.type)
        self.require(package)
        key = f"{resource.urn}::{resource.id}"
        with self._lock:
            if key not in self._made:
                known = not contains_unknown(resource.inputs)
                self._made[key] = self.factories[package](resource.inputs) if known else _Unconfigured()
            return self._made[key]

    def close(self) -> None:
        """End all providers."""
        for provider in self._made.values():
            provider.close()


def new_default_provider(stack: str, project: str, package: str, version: str, inputs: Properties) -> ResourceState:
    """The provider resource that the engine registers when resources of `package` name no provider."""
    type_ = PROVIDER_PREFIX + package
    return ResourceState(
        urn=make_urn(stack, project, type_, default_provider_name(version)),
        type=type_,
        custom=True,
        id=str(uuid.uuid4()),
        inputs=inputs,
        outputs=provider_outputs(inputs),
    )
