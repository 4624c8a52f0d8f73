"""Strategies for arguments that hold every rule: as wide as the rules allow, and no wider."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from caraml_pulumi.model import env
from caraml_pulumi.model.numbers import LARGEST
from caraml_pulumi.model.serverless import KnativeFeature

Args = dict[str, Any]

PLATFORM: Args = {
    "domain": "models.example.com",
    "limits": {"cpuFactor": 2},
    "knative": {"features": [feature.value for feature in KnativeFeature]},
    "gpus": [{"name": "NVIDIA T4", "values": ["None", "1", "2"], "nodeSelector": {"gpu": "t4"}}],
    "instanceTypes": {"small": {"limits": {"cpu": "1", "memory": "1Gi"}, "nodeSelector": {"pool": "small"}}},
    "standardTransformer": {"image": "registry.local/caraml/standard-transformer:1"},
}

texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)
words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
env_names = st.from_regex(r"[-._a-zA-Z][-._a-zA-Z0-9]{0,10}", fullmatch=True).filter(
    lambda name: (
        name not in {*env.CONTRACT_NAMES, *env.LEGACY_NAMES, *env.KNATIVE_NAMES, *env.DISABLE_LIVENESS_NAMES}
        and not name.startswith("..")
        and name != "."
    )
)
label_names = st.from_regex(r"([A-Za-z0-9][-A-Za-z0-9_.]{0,60})?[A-Za-z0-9]", fullmatch=True)
label_keys = st.one_of(
    label_names.filter(lambda name: name != "component"), label_names.map(lambda name: f"example.com/{name}")
)
label_values = st.one_of(st.just(""), label_names)
dns_names = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)
models = st.from_regex(r"[a-z][-a-z0-9]{1,23}[a-z0-9]", fullmatch=True)
numbers = st.one_of(st.integers(1, 9), st.integers(1, LARGEST))
digests = st.text("0123456789abcdef", min_size=64, max_size=64)
images = st.builds(
    lambda registry, repository, suffix: f"{registry}/{repository}{suffix}",
    st.sampled_from(["registry.local", "registry.local:5000", "localhost:5000"]),
    st.from_regex(r"[a-z0-9]{2,8}([._-][a-z0-9]{1,8})?(/[a-z0-9]{1,8})?", fullmatch=True),
    st.one_of(st.just(""), st.just(":1.0"), digests.map(lambda digest: f"@sha256:{digest}")),
)
cpus = st.sampled_from(["50m", "0.5", "1", 2, "1e-1", "1500m", 0.25])
memories = st.sampled_from(["128Mi", "1G", "0.5Gi", "1e9", "333333333", "64Mi"])
variables = st.dictionaries(env_names, texts, max_size=3)
labels = st.dictionaries(label_keys, label_values, max_size=3)
annotations = st.dictionaries(label_names.map(lambda name: f"example.com/{name}"), texts, max_size=2)
tolerations = st.one_of(
    st.just({"operator": "Exists"}),
    st.fixed_dictionaries({"key": label_keys, "value": label_values}, optional={"effect": st.just("NoSchedule")}),
    st.fixed_dictionaries(
        {"key": label_keys, "operator": st.just("Exists"), "effect": st.just("NoExecute")},
        optional={"tolerationSeconds": st.integers(0, LARGEST)},
    ),
)
_seconds = st.integers(1, LARGEST)
_probe = {
    "initialDelaySeconds": st.integers(0, LARGEST),
    "timeoutSeconds": _seconds,
    "periodSeconds": _seconds,
    "failureThreshold": _seconds,
}
_placement = {
    "nodeSelector": st.dictionaries(label_keys.map(lambda key: key + "1"), label_values, max_size=2),
    "tolerations": st.lists(tolerations, max_size=2),
    "priorityClassName": st.just("system-cluster-critical"),
    "topologySpreadConstraints": st.lists(
        st.fixed_dictionaries({"topologyKey": label_keys}, optional={"maxSkew": st.integers(1, LARGEST)}),
        max_size=2,
        unique_by=lambda constraint: constraint["topologyKey"],
    ),
}


def _optional(**properties: SearchStrategy[Any]) -> SearchStrategy[Args]:
    return st.fixed_dictionaries({}, optional=properties)


platforms = _optional(
    labelPrefix=st.sampled_from(["gojek.com/", "models.team-a.example.com/"]),
    legacyEnv=st.booleans(),
    limits=st.sampled_from(
        [{"cpuFactor": 1.25}, {"memoryFactor": 0}, {"envWithoutCpuFactor": {"OMP_NUM_THREADS": "4"}}]
    ),
    defaultDeploymentConfig=st.sampled_from([{"cpuRequest": "250m"}, {"minReplica": 2, "maxReplica": 5}]),
    deploymentTimeoutSeconds=st.integers(1, LARGEST),
    topologySpreadConstraints=st.just([{"topologyKey": "topology.kubernetes.io/zone"}]),
    podDisruptionBudget=st.sampled_from([{"minAvailablePercentage": 20}, {"maxUnavailablePercentage": 100}]),
    queueProxy=st.sampled_from([{"cpuRequest": "50m", "cpuLimit": "1"}, {"resourcePercentage": 20}]),
    storageInitializer=st.sampled_from([{"credentialsSecret": "s3"}, {"memoryRequest": "1Gi", "env": {"A": "b"}}]),
).map(lambda settings: PLATFORM | settings)


@st.composite
def scaled(draw: st.DrawFn, mode: str) -> Args:
    """Replicas, the policy that moves them, and what each asks for."""
    amounts = draw(_optional(cpuRequest=cpus, memoryRequest=memories))
    sized: Args = {"resourceRequest": amounts}
    kind = draw(st.sampled_from(["amounts", "gpu", "instance type"]))
    if kind == "gpu":
        sized = {"resourceRequest": {**amounts, "gpuName": "NVIDIA T4", "gpuRequest": draw(st.integers(1, 2))}}
    if kind == "instance type":
        sized = {"instanceType": "small", "resourceRequest": {}}
    if draw(st.integers(0, 3)) == 0:
        return {**sized, "replicas": draw(st.integers(1, 5))}
    policy, least = draw(policies(mode))
    low = draw(st.integers(least, 3))
    high = draw(st.integers(max(low, 2), 9))
    sized["resourceRequest"] = {**sized["resourceRequest"], "minReplica": low, "maxReplica": high}
    if mode == "SERVERLESS":
        sized |= draw(_optional(initialScale=st.integers(1, high), containerConcurrency=st.integers(0, 1000)))
    return {**sized, "autoscalingPolicy": policy}


@st.composite
def policies(draw: st.DrawFn, mode: str) -> tuple[Args, int]:
    """An autoscaling policy, and the fewest replicas that it can wake up from."""
    wakes = mode == "SERVERLESS" and draw(st.booleans())
    if wakes:
        metric = draw(st.sampled_from(["concurrency", "rps"]))
        lowest = 0.01 if metric == "concurrency" else 1
        followed = _optional(
            windowSeconds=st.integers(6, 3600),
            panicWindowPercentage=st.floats(1, 100),
            panicThresholdPercentage=st.floats(110, 1000),
            targetUtilizationPercentage=st.floats(1, 100),
            scaleDownDelaySeconds=st.integers(0, 3600),
            scaleToZeroRetentionSeconds=st.integers(0, 3600),
        )
        return {"metric": metric, "target": draw(st.floats(lowest, 1e300)), **draw(followed)}, 0
    allowed = ["cpu_utilization", "memory_utilization"] if mode == "SERVERLESS" else ["cpu_utilization"]
    settings = {"windowSeconds": st.integers(6, 3600)}
    if mode == "RAW_DEPLOYMENT":
        settings["scaleDownDelaySeconds"] = st.integers(0, 3600)
    target = {"metric": draw(st.sampled_from(allowed)), "target": draw(st.floats(2, 100))}
    return {**target, **draw(_optional(**settings))}, 1


@st.composite
def containers(draw: st.DrawFn, mode: str, protocol: str) -> Args:
    """A workload but for its image: command, variables, probes, metrics, size and placement."""
    own, secret = draw(variables), draw(variables)
    probe = _optional(**_probe, **({} if protocol == "UPI_V1" else {"path": st.just("/health")}))
    rest = _optional(
        command=st.one_of(st.lists(words, max_size=2), st.just("serve --name 'iris model'")),
        args=st.lists(words, max_size=2),
        secretRefs=st.just({"REFERRED_": {"name": "vault", "key": "token"}}),
        livenessProbe=probe,
        readinessProbe=probe,
        startupProbe=probe,
        disableLivenessProbe=st.booleans(),
        podDisruptionBudget=st.sampled_from([{"minAvailablePercentage": 50}, {"maxUnavailablePercentage": 20}]),
        metrics=st.sampled_from([{"pushgatewayUrl": "http://pushgateway:9091"}, {"path": "/stats"}]),
        **_placement,
    )
    secrets = {name: value for name, value in secret.items() if name not in own}
    return {"env": own, "secrets": secrets, **draw(rest), **draw(scaled(mode))}


@st.composite
def versions(draw: st.DrawFn) -> Args:
    """The arguments of a CustomModelVersion, but for its project."""
    mode = draw(st.sampled_from(["SERVERLESS", "RAW_DEPLOYMENT"]))
    protocol = draw(st.sampled_from(["HTTP_JSON", "UPI_V1", "SELDON"]))
    args = {
        "model": draw(models),
        "version": draw(numbers),
        "image": draw(images),
        "deploymentMode": mode,
        "protocol": protocol,
        **draw(containers(mode, protocol)),
    }
    args |= draw(
        _optional(
            team=label_names,
            stream=label_names,
            labels=labels,
            annotations=annotations,
            storageUri=st.sampled_from(["s3://models/iris", "gs://models/iris", "pvc://claim/iris"]),
            timeoutSeconds=st.integers(1, 600),
            revision=st.integers(1, 999),
            stopped=st.booleans(),
            serviceAccountName=dns_names,
            imagePullSecrets=st.lists(dns_names, max_size=2, unique=True),
            securityContext=_optional(
                runAsUser=st.integers(1, LARGEST),
                runAsNonRoot=st.booleans(),
                fsGroup=st.integers(0, LARGEST),
                capabilities=st.sampled_from([{"drop": ["ALL"]}, {"add": ["NET_BIND_SERVICE"]}]),
            ),
        )
    )
    if mode == "SERVERLESS":
        args |= draw(_optional(queueProxy=_optional(cpuRequest=cpus, memoryLimit=memories)))
    else:
        args |= draw(
            _optional(rollingUpdate=st.sampled_from([{"maxSurge": 0, "maxUnavailable": 1}, {"maxSurge": "50%"}]))
        )
    if protocol != "SELDON" and draw(st.integers(0, 3)) == 0:
        args["transformer"] = draw(transformers(mode, protocol))
    return args


@st.composite
def transformers(draw: st.DrawFn, mode: str, protocol: str) -> Args:
    """The arguments of a version's transformer."""
    kinds: list[Args] = [{"image": "registry.local/caraml/transformer:1"}, {"type": "standard", "config": {"a": [1]}}]
    return {**draw(st.sampled_from(kinds)), **draw(containers(mode, protocol))}


image_builds = st.fixed_dictionaries(
    {
        "model": models,
        "version": numbers,
        "registry": st.sampled_from(["registry.local", "registry.local:5000/team", "ghcr.io/team/models"]),
        "context": st.sampled_from(["git://registry.local/team/iris.git", "s3://bucket/context.tar.gz"]),
    },
    optional={
        "dockerfile": st.just("serving/Dockerfile"),
        "target": words,
        "buildArgs": st.dictionaries(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,9}", fullmatch=True), texts, max_size=2),
        "dockerConfig": st.just('{"auths": {}}'),
        "env": variables,
        "secretRefs": st.just({"REFERRED_": {"name": "vault", "key": "token"}}),
        "executorArgs": st.lists(words, max_size=2),
        "timeoutSeconds": st.integers(1, LARGEST),
        "retries": st.integers(0, LARGEST),
        "ttlSecondsAfterFinished": st.integers(0, LARGEST),
        "cpuRequest": cpus,
        "memoryRequest": memories,
        "tolerations": st.lists(tolerations, max_size=2),
        "nodeSelector": _placement["nodeSelector"],
        "team": label_names,
    },
)


@st.composite
def endpoints(draw: st.DrawFn) -> Args:
    """The arguments of a ModelEndpoint, but for its project."""
    numbered = draw(st.lists(numbers, min_size=1, max_size=2, unique=True))
    first = draw(st.integers(0, 100))
    weights = [100] if len(numbered) == 1 else [first, 100 - first]
    shares = [{"version": version, "weight": weight} for version, weight in zip(numbered, weights, strict=True)]
    rest = _optional(protocol=st.sampled_from(["HTTP_JSON", "UPI_V1"]), labels=labels, team=label_names)
    return {"model": draw(models), "traffic": shares, **draw(rest)}


_subjects = _optional(
    users=st.lists(words.filter(str.strip), max_size=2, unique=True),
    groups=st.lists(words.filter(str.strip), max_size=2, unique=True),
    serviceAccounts=st.lists(
        st.one_of(dns_names, st.tuples(dns_names, dns_names).map("/".join)), max_size=2, unique=True
    ),
)
_secret_keys = st.from_regex(r"[-_.a-zA-Z0-9]{1,20}", fullmatch=True).filter(
    lambda key: key != "." and not key.startswith("..")
)
projects = st.fixed_dictionaries(
    {"team": label_names, "stream": label_names},
    optional={
        "labels": labels,
        "annotations": annotations,
        "enabled": st.booleans(),
        "quota": _optional(cpu=cpus, memory=memories, gpu=st.integers(0, 9), maxDeployments=st.integers(0, 9)),
        "deployers": _subjects,
        "viewers": _subjects,
        "instanceTypes": st.just({"tiny": {"limits": {"cpu": "500m", "memory": "256Mi"}}}),
        "secrets": st.dictionaries(dns_names, st.dictionaries(_secret_keys, texts, min_size=1, max_size=2), max_size=2),
    },
)
