"""The provider's connection to its cluster: made when first needed, and known to be missing only once."""

from threading import Lock

from caraml_pulumi.engine.providers.base import Context
from caraml_pulumi.engine.providers.kubernetes.settings import Settings
from caraml_pulumi.kube import ClusterUnreachable, KubeClient, KubeError
from caraml_pulumi.kube.kubeconfig import ClusterConfig, load_cluster_config


class Connection:
    """Gives the client; after a first failure to reach the cluster, says so again without trying."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = Lock()
        self._client: KubeClient | None = None
        self._unreachable: ClusterUnreachable | None = None
        self._warned = False
        self._lacking: dict[str, bool] = {}
        self._config_lock = Lock()
        self._loaded: ClusterConfig | None = None

    def client(self) -> KubeClient:
        """The client of a cluster that answers. Raises `ClusterUnreachable`; `CaramlError` for a bad kubeconfig."""
        if self._client is not None:
            return self._client
        with self._lock:
            if (known := self._unreachable) is not None:
                raise ClusterUnreachable(known.what, where=known.where, fix=known.fix)
            if self._client is None:
                self._client = self._connect()
            return self._client

    def _connect(self) -> KubeClient:
        try:
            client = KubeClient(self._config())
            client.request("GET", "/version")
        except ClusterUnreachable as error:
            self._unreachable = error
            raise
        except KubeError as error:
            if error.status == 401:
                raise
        return client

    def _config(self) -> ClusterConfig:
        with self._config_lock:
            if self._loaded is None:
                settings = self._settings
                self._loaded = load_cluster_config(settings.kubeconfig, settings.context, settings.cluster)
            return self._loaded

    def default_namespace(self) -> str:
        """The provider's namespace, else that of the kubeconfig's context, else ``default``."""
        if self._settings.namespace:
            return self._settings.namespace
        try:
            return self._config().namespace
        except ClusterUnreachable:
            return "default"

    def lacks_namespace(self, namespace: str) -> bool:
        """Whether `namespace` did not exist when this was first asked: at preview, what it will hold cannot be tried.

        Asked once for all objects in it, since the API server takes 50 ms over each create it refuses for that reason.
        """
        if not namespace:
            return False
        client = self.client()
        with self._lock:
            if namespace not in self._lacking:
                try:
                    client.request("GET", client.path("v1", "Namespace", None, namespace))
                    self._lacking[namespace] = False
                except KubeError as error:
                    self._lacking[namespace] = error.not_found
            return self._lacking[namespace]

    def warn(self, context: Context, error: ClusterUnreachable, consequence: str) -> None:
        """Warn once for all resources that the cluster is unreachable."""
        with self._lock:
            warned, self._warned = self._warned, True
        if not warned:
            context.warn(f"{error.what}; {consequence}")

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()
