"""What versions and their transformers have in common, as arguments."""

from typing import NotRequired, TypedDict

from caraml_pulumi.model.placement import NodePolicy, WhenUnsatisfiable


class ResourceRequestArgs(TypedDict, total=False):
    """What each replica asks for, and how many there may be; the names are Merlin's."""

    min_replica: int
    """Replicas at least; 0 only in SERVERLESS on concurrency or rps. Default: the platform's."""
    max_replica: int
    """Replicas at most; at least 1. Default: the platform's."""
    cpu_request: str
    """CPU cores as a Kubernetes quantity, such as 500m. Default: the platform's."""
    memory_request: str
    """Memory in bytes as a Kubernetes quantity, such as 500Mi. Default: the platform's."""
    cpu_limit: str
    """CPU cores that a replica may use (seed: Deploying a Model Version). Default: by the platform's factor or
    constant."""
    gpu_name: str
    """The type of GPU, by the name that the platform's gpus give it. Default: none."""
    gpu_request: int
    """GPUs of that type for each replica, one of the type's values. Default: none."""


class SecretKeyRefArgs(TypedDict):
    """A key of a Secret that is in the project's namespace already."""

    name: str
    """The Secret's name."""
    key: str
    """The key in it."""


class ProbeArgs(TypedDict, total=False):
    """What differs from the protocol's probe."""

    path: str
    """The path to GET, for HTTP_JSON; a SELDON probe with a path asks by HTTP too. Default: the protocol's."""
    initial_delay_seconds: int
    """Seconds before the first probe. Default: 30 for liveness, 0 for readiness; SELDON: 30."""
    timeout_seconds: int
    """Seconds a probe may take. Default: 5; SELDON: 60."""
    period_seconds: int
    """Seconds between probes. Default: 10."""
    success_threshold: int
    """Successes in a row until a replica is ready again; liveness and startup: only 1. Default: 1."""
    failure_threshold: int
    """Failures in a row until the replica is restarted, or gets no more traffic. Default: 3; SELDON: 90."""


class MetricsArgs(TypedDict, total=False):
    """Where Prometheus finds the metrics, or where the server pushes them."""

    enabled: bool
    """Whether Prometheus is told to scrape. Default: yes, but not for UPI_V1, whose one port speaks gRPC unless the
    server answers HTTP there as well, nor for SELDON in SERVERLESS."""
    path: str
    """The path. Default: /metrics; SELDON: /prometheus."""
    port: int
    """The port; another than that of the predictions needs RAW_DEPLOYMENT. Default: that of the predictions; SELDON:
    6000."""
    pushgateway_url: str
    """Push instead: given to the server as PUSHGATEWAY_URL (seed: Custom Model, UPI_V1). Default: scrape."""


class TopologySpreadConstraintArgs(TypedDict):
    """How replicas are spread over zones or nodes, as Kubernetes has it."""

    topology_key: str
    """The node label whose values are the domains, such as topology.kubernetes.io/zone."""
    max_skew: NotRequired[int]
    """By how many replicas domains may differ. Default: 1."""
    when_unsatisfiable: NotRequired[WhenUnsatisfiable]
    """DoNotSchedule or ScheduleAnyway. Default: ScheduleAnyway."""
    min_domains: NotRequired[int]
    """Domains at least, for DoNotSchedule. Default: any."""
    node_affinity_policy: NotRequired[NodePolicy]
    """Whether nodes that the node selector leaves out count. Default: Kubernetes' (Honor)."""
    node_taints_policy: NotRequired[NodePolicy]
    """Whether nodes with taints that are not tolerated count. Default: Kubernetes' (Ignore)."""


class DisruptionBudgetArgs(TypedDict, total=False):
    """How many replicas stay while nodes are drained; exactly one percentage."""

    enabled: bool
    """Whether there is a budget. Default: true."""
    min_available_percentage: int
    """Replicas that stay, in percent; no budget where all of the least replicas would have to stay (Merlin).
    Default: none."""
    max_unavailable_percentage: int
    """Replicas that may be missing, in percent (Merlin). Default: none."""


class CapabilitiesArgs(TypedDict, total=False):
    """Linux capabilities, without CAP_."""

    add: list[str]
    """Added to the container runtime's. Default: none."""
    drop: list[str]
    """Taken from the container runtime's, such as ALL. Default: none."""


class SecurityContextArgs(TypedDict, total=False):
    """What the container may do, as Kubernetes has it."""

    run_as_user: int
    """The user's number. Default: the image's."""
    run_as_group: int
    """The group's number. Default: the image's."""
    run_as_non_root: bool
    """Refuse to start as root. Default: the cluster's."""
    read_only_root_filesystem: bool
    """Whether the image's files cannot be written. Default: the cluster's."""
    allow_privilege_escalation: bool
    """Whether a process may gain more privileges than its parent. Default: the cluster's."""
    capabilities: CapabilitiesArgs
    """Linux capabilities. Default: the container runtime's."""
    fs_group: int
    """The group that owns mounted volumes, for the whole pod. Default: none."""


class QueueProxyArgs(TypedDict, total=False):
    """Resources of Knative's container beside the model's."""

    cpu_request: str
    """CPU cores as a Kubernetes quantity. Default: Knative's, 25m."""
    cpu_limit: str
    """CPU cores as a Kubernetes quantity. Default: Knative's, none."""
    memory_request: str
    """Memory in bytes as a Kubernetes quantity. Default: Knative's, none."""
    memory_limit: str
    """Memory in bytes as a Kubernetes quantity. Default: Knative's, none."""
    resource_percentage: float
    """Percent of the model's resources instead, 0.1 to 100; Knative deprecates it. Default: none."""


class RollingUpdateArgs(TypedDict, total=False):
    """How a Deployment replaces its replicas."""

    max_surge: str
    """Replicas above the number during an update, rounded up: a percentage, or in Python also a number. Default: 25%
    (KServe)."""
    max_unavailable: str
    """Replicas below the number during an update, rounded down, likewise. Default: 25% (KServe)."""
