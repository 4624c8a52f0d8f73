"""The clusters that a stack's Kubernetes providers point to, as their settings in the state say."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from caraml_pulumi.engine.providers.kubernetes.settings import parse_settings
from caraml_pulumi.engine.state.outputs import unsealing
from caraml_pulumi.engine.state.properties import Unseal
from caraml_pulumi.engine.state.snapshot import Snapshot
from caraml_pulumi.engine.values import Properties, PropertyValue, Secret, transform
from caraml_pulumi.kube import KubeClient
from caraml_pulumi.kube.kubeconfig import load_cluster_config
from caraml_pulumi.status.deployed import ObjectRef

Clients = Mapping[str, KubeClient]
"""A client for each provider, by its URN."""


@contextmanager
def connected(document: Mapping[str, Any], state: Snapshot, objects: Iterable[ObjectRef]) -> Iterator[Clients]:
    """Clients of the clusters that `objects` are in, by the settings of their providers in `state`.

    Settings that a provider does not have come from the environment and the kubeconfig, as in an update. The passphrase
    is needed only where a setting is secret; `document` is the checkpoint, which says how it was encrypted. Raises
    `CaramlError` where no cluster is configured.
    """
    wanted = {ref.provider for ref in objects}
    unseal = unsealing(document)
    clients: dict[str, KubeClient] = {}
    try:
        for provider in (one for one in state.resources if one.urn in wanted and not one.delete):
            clients[provider.urn] = _client(transform(provider.inputs, lambda leaf: _opened(leaf, unseal)))
        yield clients
    finally:
        for client in clients.values():
            client.close()


def _opened(leaf: PropertyValue, unseal: Unseal) -> PropertyValue:
    return unseal({"ciphertext": leaf.ciphertext}) if isinstance(leaf, Secret) else leaf


def _client(properties: Properties) -> KubeClient:
    settings = parse_settings(properties)
    return KubeClient(load_cluster_config(settings.kubeconfig, settings.context, settings.cluster))
