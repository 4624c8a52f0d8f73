"""StackReference: the outputs of another stack of the same backend."""

from typing import Final

from caraml_pulumi.engine.providers.base import Context, Diff, Live, Provider
from caraml_pulumi.engine.resource import STACK_TYPE, ResourceState, urn_type
from caraml_pulumi.engine.state.backend import Backend
from caraml_pulumi.engine.state.names import StackName
from caraml_pulumi.engine.state.properties import unsealed_with
from caraml_pulumi.engine.state.resources import resource_state
from caraml_pulumi.engine.state.secrets import PassphraseCrypter, recorded_provider, salt_of_provider
from caraml_pulumi.engine.state.snapshot import deployment_of
from caraml_pulumi.engine.values import UNKNOWN, UNKNOWN_TEXT, Properties, PropertyValue, contains_secret
from caraml_pulumi.errors import CaramlError

TYPE: Final = "pulumi:pulumi:StackReference"
_SHAPE: Final = "organization/project/stack"


class StackReferenceProvider(Provider):
    """The package ``pulumi``: its one resource is `TYPE`, whose id is the name of the other stack.

    The other stack's secrets are read with its own salt and the passphrase of this run.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def check(self, urn: str, old_inputs: Properties | None, new_inputs: Properties) -> Properties:
        """The inputs as they are. Raises `CaramlError` for another type than `TYPE`, or without a name."""
        if urn_type(urn) != TYPE:
            raise CaramlError(
                f"the embedded engine does not know the resource type {urn_type(urn)!r}", where=urn, allowed=TYPE
            )
        name = new_inputs.get("name")
        if name is not UNKNOWN and not isinstance(name, str):
            raise CaramlError("a StackReference needs the name of a stack", where=urn, allowed=_SHAPE)
        return new_inputs

    def diff(self, old: ResourceState, new_inputs: Properties, ignore_changes: list[str]) -> Diff:
        """A reference to another stack is another resource."""
        changed = old.inputs.get("name") != new_inputs.get("name")
        return Diff(changed=changed, replace_keys=["name"] if changed else [])

    def create(self, urn: str, inputs: Properties, context: Context) -> Live:
        """The other stack's outputs, as `read` gives them."""
        return self._live(inputs["name"])

    def update(self, old: ResourceState, new_inputs: Properties, context: Context) -> Live:
        """The other stack's outputs, as `read` gives them."""
        return self._live(new_inputs["name"])

    def delete(self, old: ResourceState, context: Context) -> None:
        """Nothing: the other stack is not ours."""

    def read(self, urn: str, id_: str, old: ResourceState | None, context: Context) -> Live:
        """The outputs of the stack `id_` now: ``name``, ``outputs`` and ``secretOutputNames``.

        Raises:
            CaramlError: there is no such stack, or its secrets cannot be read.
        """
        return self._live(UNKNOWN if id_ == UNKNOWN_TEXT else id_)

    def _live(self, name: PropertyValue) -> Live:
        if name is UNKNOWN:
            return Live("", {"name": UNKNOWN, "outputs": UNKNOWN, "secretOutputNames": UNKNOWN})
        outputs = self._outputs(StackName.parse(name), name)
        secret = sorted(key for key, value in outputs.items() if contains_secret(value))
        return Live(name, {"name": name, "outputs": outputs, "secretOutputNames": secret})

    def _outputs(self, stack: StackName, given: str) -> Properties:
        document = self._backend.load(stack.project, stack.stack)
        if document is None:
            raise CaramlError(
                f"there is no stack {given!r} to refer to",
                where=self._backend.shown_url,
                allowed=", ".join(map(str, self._backend.list_stacks())) or "none: the backend has no stacks",
                fix="deploy that stack first, or correct the name",
            )
        provider = recorded_provider(document)
        crypter = PassphraseCrypter(salt_of_provider(provider) if provider else None)
        unseal = unsealed_with(crypter, keep_ciphertext=False)
        for resource in deployment_of(document).get("resources") or []:
            if resource.get("type") == STACK_TYPE and not resource.get("delete"):
                try:
                    return resource_state(resource, unseal).outputs
                except CaramlError as error:
                    raise CaramlError(
                        error.what, where=f"the outputs of stack {stack}", allowed=error.allowed, fix=error.fix
                    ) from error
        return {}
