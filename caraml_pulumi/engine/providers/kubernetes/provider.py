"""Kubernetes objects as resources, kept in the cluster and in state as pulumi-kubernetes keeps them."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from caraml_pulumi.engine.property_path import parse_path
from caraml_pulumi.engine.providers.base import Context, Diff, Live, PartialFailure, Provider
from caraml_pulumi.engine.providers.kubernetes import delete as deletion
from caraml_pulumi.engine.providers.kubernetes.adopt import adopted_inputs
from caraml_pulumi.engine.providers.kubernetes.apply import Applier
from caraml_pulumi.engine.providers.kubernetes.await_.wait import NotReady, wait_until_ready
from caraml_pulumi.engine.providers.kubernetes.check import check
from caraml_pulumi.engine.providers.kubernetes.connection import Connection
from caraml_pulumi.engine.providers.kubernetes.diff import diff, is_exact, replaced_unready
from caraml_pulumi.engine.providers.kubernetes.failures import guarded, refused, unreachable
from caraml_pulumi.engine.providers.kubernetes.managed_fields import fields_of, is_fresh, is_ours, stacks_manager
from caraml_pulumi.engine.providers.kubernetes.normalise import normalise
from caraml_pulumi.engine.providers.kubernetes.objects import (
    Object,
    api_version_and_kind,
    is_built_in,
    is_cluster_scoped,
    namespace_of,
    object_id,
    split_id,
    title,
    to_object,
    to_properties,
)
from caraml_pulumi.engine.providers.kubernetes.prune import prune, with_empties
from caraml_pulumi.engine.providers.kubernetes.render import Renderer, renderer
from caraml_pulumi.engine.providers.kubernetes.replace import fixed_properties
from caraml_pulumi.engine.providers.kubernetes.secrets import hide_secrets, with_secrets
from caraml_pulumi.engine.providers.kubernetes.settings import another_cluster, parse_settings
from caraml_pulumi.engine.providers.kubernetes.state import (
    INPUTS,
    MANAGER,
    field_manager,
    imported_inputs,
    initial_api_version,
    outputs_of,
)
from caraml_pulumi.engine.resource import ResourceState
from caraml_pulumi.engine.values import Properties, contains_unknown
from caraml_pulumi.kube import ClusterUnreachable, KubeError, NoSuchKind

_NO_CHECKS: Final = "the preview goes on without the cluster's checks"


class KubernetesProvider(Provider):
    """One configured Kubernetes provider.

    `inputs` are the provider resource's (see `Settings`). With `render`, objects are written as YAML into that
    directory, and no cluster is asked for anything. Raises `CaramlError` for settings it does not have.
    """

    recovers = True

    def __init__(self, inputs: Properties, render: Path | None = None) -> None:
        self._inputs = inputs
        self._settings = parse_settings(inputs)
        self._connection = Connection(self._settings)
        self._renderer: Renderer | None = None if render is None else renderer(render)

    def check(self, urn: str, old_inputs: Properties | None, new_inputs: Properties) -> Properties:
        """See `check.check`."""
        return check(urn, old_inputs, new_inputs, self._namespace)

    def _namespace(self, obj: Object) -> str:
        """The namespace for an object that names none; of custom kinds nobody knows yet, one is assumed."""
        if is_built_in(obj):
            return "" if is_cluster_scoped(obj) else self._connection.default_namespace()
        if self._renderer is not None:
            return self._settings.namespace
        try:
            kind = self._connection.client().discovery.resource(str(obj["apiVersion"]), str(obj["kind"]))
        except (NoSuchKind, ClusterUnreachable):
            return self._connection.default_namespace()
        return self._connection.default_namespace() if kind.namespaced else ""

    def diff(self, old: ResourceState, new_inputs: Properties, ignore_changes: list[str]) -> Diff:
        """See `diff.diff`."""
        fixed = fixed_properties(
            to_object(new_inputs),
            mutable_config_maps=self._settings.mutable_config_maps,
            mutable_secrets=self._settings.mutable_secrets,
        )
        unasked = self._renderer is not None or contains_unknown(new_inputs)
        dry_run = None if unasked else lambda obj: self._dry_run(obj, field_manager(obj, old.outputs))
        found = diff(old.outputs, new_inputs, ignore_changes, fixed, dry_run)
        return replaced_unready(found, new_inputs) if old.init_errors and not found.replace else found

    def _dry_run(self, obj: Object, manager: str) -> Object | None:
        context = Context()
        try:
            return self._applier(manager, context).dry_run(obj)
        except (ClusterUnreachable, KubeError, NoSuchKind):
            return None

    def _applier(self, manager: str, context: Context) -> Applier:
        return Applier(
            client=self._connection.client(),
            manager=manager,
            cancelled=context.cancelled,
            warn=context.warn,
            force=self._settings.patch_force,
            upsert=self._settings.upsert,
            ignored=tuple(parse_path(path) for path in context.ignore_changes),
        )

    def create(self, urn: str, inputs: Properties, context: Context) -> Live:
        """Create the object and wait until it is ready; at preview, ask the cluster by a dry run what it would be."""
        obj = to_object(inputs)
        manager = field_manager(obj)
        if self._renderer is not None:
            return _rendered(self._renderer, inputs, manager)
        if context.preview:
            return Live("", self._previewed(inputs, context, lambda: self._previewed_create(obj, manager, context)))
        return guarded(inputs, lambda: self._created(obj, inputs, manager, context))

    def _previewed(self, inputs: Properties, context: Context, ask: Callable[[], Object | None]) -> Properties:
        """What a dry run gives; the inputs themselves where the cluster cannot tell yet."""
        if contains_unknown(inputs):
            return inputs
        try:
            live = guarded(inputs, ask)
        except ClusterUnreachable as error:
            self._connection.warn(context, error, _NO_CHECKS)
            return inputs
        except NoSuchKind:
            return inputs
        if live is None:
            return inputs
        return with_secrets(to_properties({key: value for key, value in live.items() if key != "status"}), inputs)

    def _previewed_create(self, obj: Object, manager: str, context: Context) -> Object | None:
        applier = self._applier(manager, context)
        if self._connection.lacks_namespace(namespace_of(obj)):
            return None
        try:
            return applier.create(obj, dry_run=True)
        except KubeError as error:
            if error.being_deleted or error.missing_namespace:
                return None
            if error.already_exists and is_ours(applier.read(obj) or {}):
                return None  # it is replaced: what is there now goes first
            raise refused(error, obj) from error

    def _created(self, obj: Object, inputs: Properties, manager: str, context: Context) -> Live:
        applier = self._applier(manager, context)
        try:
            live = applier.create(obj)
        except KubeError as error:
            raise refused(error, obj) from error
        return self._ready(live, obj, inputs, manager, str(obj["apiVersion"]), context)

    def update(self, old: ResourceState, new_inputs: Properties, context: Context) -> Live:
        """Apply the new inputs server-side and wait until the object is ready; at preview, by a dry run."""
        obj = to_object(new_inputs)
        manager = field_manager(obj, old.outputs)
        if self._renderer is not None:
            return _rendered(self._renderer, new_inputs, manager)
        if context.preview:
            last_seen = to_object(old.outputs)
            ask = lambda: self._applier(manager, context).try_update(obj, last_seen)  # noqa: E731
            return Live(old.id, self._previewed(new_inputs, context, ask))
        return guarded(new_inputs, lambda: self._updated(obj, old, new_inputs, manager, context))

    def _updated(self, obj: Object, old: ResourceState, inputs: Properties, manager: str, context: Context) -> Live:
        applier = self._applier(manager, context)
        live = applier.read(obj)
        if live is None:
            context.warn(f"{title(obj)} was deleted outside of this stack and is created again")
            live = applier.create(obj)
        else:
            live = applier.update(obj, live)
        return self._ready(live, obj, inputs, manager, initial_api_version(old.outputs, obj), context)

    def _ready(
        self, live: Object, obj: Object, inputs: Properties, manager: str, api_version: str, context: Context
    ) -> Live:
        def result(seen: Object) -> Live:
            return Live(object_id(seen), outputs_of(seen, inputs, manager, api_version))

        try:
            return result(wait_until_ready(self._connection.client(), live, obj, context))
        except NotReady as error:
            failure = PartialFailure(result(error.live), error.what, fix=error.fix)
            hide_secrets(failure, inputs)
            raise failure from error

    def delete(self, old: ResourceState, context: Context) -> None:
        """Delete the object and wait until it is gone; with `deleteUnreachable`, also when its cluster is."""
        if self._renderer is not None:
            return
        inputs = to_object(old.outputs.get(INPUTS) or old.inputs)
        live = inputs | to_object(old.outputs)
        try:
            deletion.delete(self._connection.client(), live, inputs, context)
        except ClusterUnreachable as error:
            if not self._settings.delete_unreachable:
                raise unreachable(error) from error
            self._connection.warn(context, error, "its resources are dropped from the state (deleteUnreachable)")

    def read(self, urn: str, id_: str, old: ResourceState | None, context: Context) -> Live | None:
        """The object as it is now, with its drift: the live values of the fields that the inputs set."""
        if self._renderer is not None:
            return None if old is None else Live(id_, old.outputs, old.inputs)
        try:
            return self._read(urn, id_, old)
        except ClusterUnreachable as error:
            if old is not None and self._settings.delete_unreachable:
                self._connection.warn(context, error, "its resources are dropped from the state (deleteUnreachable)")
                return None
            if old is not None and self._settings.skip_update_unreachable:
                self._connection.warn(context, error, "its resources are left as they were (skipUpdateUnreachable)")
                return Live(id_, old.outputs, old.inputs)
            raise unreachable(error) from error

    def _read(self, urn: str, id_: str, old: ResourceState | None) -> Live | None:
        known = to_object(old.inputs) if old is not None else {}
        api_version, kind = known.get("apiVersion"), known.get("kind")
        if not api_version or not kind:
            api_version, kind = api_version_and_kind(urn)
        live = self._find(api_version, kind, id_)
        if live is None:
            return None
        old_outputs, old_inputs = (old.outputs, old.inputs) if old is not None else ({}, {})
        current = _declared(live, known) if old_inputs else imported_inputs(live)
        manager = field_manager(known or live, old_outputs)
        inputs = with_secrets(current, old_inputs)
        return Live(id_, outputs_of(live, inputs, manager, initial_api_version(old_outputs, current)), inputs)

    def _find(self, api_version: str, kind: str, id_: str) -> Object | None:
        """The live object of that id; None when there is none."""
        namespace, name = split_id(id_)
        client = self._connection.client()
        try:
            live: Object = client.request("GET", client.path(api_version, kind, namespace or "default", name))
        except NoSuchKind:
            return None
        except KubeError as error:
            if error.not_found:
                return None
            raise
        return live

    def adopt(self, urn: str, id_: str, inputs: Properties, context: Context) -> Live | None:
        """The object as it is now, with those inputs that managing it by the program's `inputs` could change."""
        wanted = self.check(urn, None, inputs)
        obj = to_object(wanted)
        manager = field_manager(obj)
        if self._renderer is not None:
            return _rendered(self._renderer, wanted, manager)
        live = self._find(obj["apiVersion"], obj["kind"], id_)
        if live is None:
            return None
        manager = field_manager(obj, {MANAGER: stacks_manager(live)})
        unasked = contains_unknown(wanted) or is_exact(obj)
        replaced = None if unasked else self._applier(manager, context).replaced(obj, live)
        own = adopted_inputs(live, normalise(obj), fields_of(live, manager), replaced)
        declared = with_secrets(own, wanted)
        return Live(object_id(live), outputs_of(live, declared, manager, str(obj["apiVersion"])), declared)

    def recover(self, urn: str, inputs: Properties, context: Context) -> Live | None:
        """The object that an interrupted create of `inputs` made: one by Pulumi that nothing has updated since."""
        obj = to_object(inputs)
        manager = field_manager(obj)
        live = self._applier(manager, context).read(obj)
        if live is None or not is_fresh(live):
            return None
        return Live(object_id(live), outputs_of(live, inputs, manager, str(obj["apiVersion"])))

    def moved(self, old_inputs: Properties) -> bool:
        """See `settings.another_cluster`."""
        return self._renderer is None and another_cluster(old_inputs, self._inputs)

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()


def _declared(live: Object, inputs: Object) -> Object:
    """The live values of the fields that `inputs` have."""
    found = prune(live, inputs)
    return with_empties(found, inputs) if is_built_in(inputs) else found


def _rendered(target: Renderer, inputs: Properties, manager: str) -> Live:
    target.write(inputs)
    obj = to_object(inputs)
    return Live(object_id(obj), outputs_of(obj, inputs, manager, str(obj["apiVersion"])))
