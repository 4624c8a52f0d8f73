"""Creates and changes one object the way pulumi-kubernetes does, so that either can carry on from the other."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import Final

from caraml_pulumi.engine.property_path import PathKey
from caraml_pulumi.engine.providers.kubernetes.failures import conflicts_of, explained
from caraml_pulumi.engine.providers.kubernetes.managed_fields import (
    CREATOR,
    entries,
    handed_over,
    without_ignored,
    yields,
)
from caraml_pulumi.engine.providers.kubernetes.objects import (
    PATCH_FORCE,
    Object,
    annotation,
    group_kind,
    metadata,
    name_of,
    namespace_of,
)
from caraml_pulumi.kube import APPLY_PATCH, JSON_PATCH, KubeClient, KubeError, NoSuchKind

CREATE_PAUSES: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.5, 1.0, 1.0, 2.0)
"""Seconds between attempts to create what has no namespace or kind yet: both take a moment to be known everywhere."""
DELETED_SECONDS: Final = 60.0
"""How long to wait for an object of the same name that is being deleted."""
DELETED_PAUSE: Final = 0.25
CONFLICT_ATTEMPTS: Final = 8
"""How often a change is tried again when a controller changed the object in between."""
_REPLACED_WHOLE: Final = "apiextensions.k8s.io/CustomResourceDefinition"


@dataclass(frozen=True, slots=True)
class Applier:
    """Applies objects under the field manager `manager`.

    `force` takes fields from any other manager; `ignored` are paths that are left as they are live. `upsert` lets a
    create change what exists already. `warn` gets the API server's warnings.
    """

    client: KubeClient
    manager: str
    cancelled: Event
    warn: Callable[[str], None]
    force: bool = False
    upsert: bool = False
    ignored: tuple[list[PathKey], ...] = ()

    def create(self, obj: Object, *, dry_run: bool = False) -> Object:
        """Create `obj`. Raises `KubeError`, or `NoSuchKind`.

        Waits a little for a namespace or kind that was just made, and for an object of that name to be gone that is
        being deleted already.
        """
        waited, pauses = 0.0, iter(() if dry_run else CREATE_PAUSES)
        while True:
            try:
                return self._patch(obj, dry_run=dry_run) if self.upsert else self._post(obj, dry_run=dry_run)
            except (NoSuchKind, KubeError) as error:
                if isinstance(error, KubeError) and error.being_deleted and not dry_run:
                    pause: float | None = DELETED_PAUSE if waited < DELETED_SECONDS else None
                elif isinstance(error, NoSuchKind) or error.not_found:
                    pause = next(pauses, None)
                else:
                    raise
                if pause is None or self.cancelled.wait(pause):
                    raise
                waited += pause

    def _post(self, obj: Object, *, dry_run: bool) -> Object:
        path, params = self._path(obj, ""), {"fieldManager": CREATOR, **_dry(dry_run)}
        created: Object = self.client.request("POST", path, obj, params, on_warning=self.warn)
        return created

    def read(self, obj: Object) -> Object | None:
        """The live object of that kind and name; None when there is none."""
        try:
            live: Object = self.client.request("GET", self._path(obj, name_of(obj)))
        except (KubeError, NoSuchKind) as error:
            if isinstance(error, KubeError) and not error.not_found:
                raise
            return None
        return live

    def update(self, obj: Object, live: Object) -> Object:
        """Bring `live` to `obj`. Raises `CaramlError` that names the other manager when a field is not ours."""
        attempt = 0
        while True:
            attempt += 1
            try:
                if group_kind(obj) == _REPLACED_WHOLE:
                    return self._put(obj, live)
                self._take_over(live)
                wanted = without_ignored(obj, live, self.manager, list(self.ignored))
                return self._patch(wanted, force=not entries(live))
            except KubeError as error:
                if error.status != 409 or conflicts_of(error) or attempt == CONFLICT_ATTEMPTS:
                    raise explained(error, obj) from error
            again = self.read(obj)
            if again is None:
                return self.create(obj)
            live = again

    def try_update(self, obj: Object, live: Object) -> Object:
        """What `update` would give, from the last known `live`; nothing is changed."""
        whole = group_kind(obj) == _REPLACED_WHOLE
        if self.ignored or whole:
            live = self.read(obj) or live  # whose the ignored fields are now, and the version to replace
        try:
            if whole:
                return self._put(obj, live, dry_run=True)
            wanted = without_ignored(obj, live, self.manager, list(self.ignored))
            try:
                return self._patch(wanted, force=not entries(live), dry_run=True)
            except KubeError as error:
                conflicts = conflicts_of(error)
                if not conflicts or not all(yields(manager, "Update") for manager, _ in conflicts):
                    raise
                return self._patch(wanted, force=True, dry_run=True)
        except KubeError as error:
            raise explained(error, obj) from error

    def dry_run(self, obj: Object) -> Object:
        """What applying `obj` over all other managers would give."""
        return self._patch(obj, force=True, dry_run=True)

    def replaced(self, obj: Object, live: Object) -> Object | None:
        """What replacing all of `live` but its metadata with `obj` would give; None where that cannot be told."""
        for _ in range(CONFLICT_ATTEMPTS):
            kept = {key: value for key, value in metadata(live).items() if key != "managedFields"}
            try:
                return self._put({**obj, "metadata": kept}, live, dry_run=True)
            except KubeError as error:
                if error.status != 409:
                    return None
            live = self.read(obj) or live
        return None

    def _take_over(self, live: Object) -> None:
        fields = handed_over(live, self.manager)
        if fields is None:
            return
        version = metadata(live).get("resourceVersion")
        patch = [
            {"op": "replace", "path": "/metadata/managedFields", "value": fields},
            {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
        ]
        self.client.request("PATCH", self._path(live, name_of(live)), patch, content_type=JSON_PATCH)

    def _patch(self, obj: Object, *, force: bool = False, dry_run: bool = False) -> Object:
        force = force or self.force or annotation(obj, PATCH_FORCE) == "true"
        params = {"fieldManager": self.manager, "force": str(force).lower(), **_dry(dry_run)}
        path = self._path(obj, name_of(obj))
        changed: Object = self.client.request("PATCH", path, obj, params, APPLY_PATCH, on_warning=self.warn)
        return changed

    def _put(self, obj: Object, live: Object, *, dry_run: bool = False) -> Object:
        """Definitions are replaced whole: applying would merge their versions."""
        body = {**obj, "metadata": {**metadata(obj), "resourceVersion": metadata(live).get("resourceVersion")}}
        params = {"fieldManager": self.manager, **_dry(dry_run)}
        changed: Object = self.client.request("PUT", self._path(obj, name_of(obj)), body, params)
        return changed

    def _path(self, obj: Object, name: str) -> str:
        return self.client.path(str(obj["apiVersion"]), str(obj["kind"]), namespace_of(obj) or "default", name)


def _dry(dry_run: bool) -> dict[str, str]:
    return {"dryRun": "All"} if dry_run else {}
