"""The parts of the local control plane: what each builds from its pinned Go module, and what it takes from modules."""

import hashlib
import platform
import re
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from caraml_pulumi.cluster.paths import tools_home, tools_source


@dataclass(frozen=True)
class Edit:
    """A literal replacement in one vendored source file; the old text must be there exactly once."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Manifests:
    """YAML files taken out of a Go module as JSON: every match of `patterns` in `module`."""

    module: str
    patterns: tuple[str, ...]


@dataclass(frozen=True)
class Part:
    """One `tools/<name>/go.mod`: the programs built from it and the manifests taken from its modules.

    `programs` maps the name `go build` gives a program to the name it gets here. `stamped` lists the variables-holding
    packages that get the version of the main module, as the upstream release builds do. `minutes` is the time and `gib`
    the disk space of a cold build on two cores.
    """

    name: str
    title: str
    main_module: str
    programs: tuple[tuple[str, str], ...] = ()
    stamped: tuple[str, ...] = ()
    edits: tuple[Edit, ...] = ()
    manifests: tuple[Manifests, ...] = ()
    minutes: int = 0
    gib: int = 1

    @property
    def source(self) -> Path:
        """The directory of this part's `go.mod` and `go.sum`."""
        return tools_source() / self.name

    @property
    def version(self) -> str:
        """Version of the main module, without the leading "v"."""
        return self.module_version(self.main_module)

    def module_version(self, module: str) -> str:
        """Version of a module in this part's `go.mod`, without the leading "v"."""
        pattern = rf"^\s*(?:require\s+)?{re.escape(module)} v(\S+)"
        found = re.search(pattern, (self.source / "go.mod").read_text(), re.MULTILINE)
        if found is None:
            raise LookupError(f"{module} is not required by {self.source / 'go.mod'}")
        return found[1]

    @property
    def ldflags(self) -> str:
        """Linker flags: no debug information, and the version where upstream stamps it."""
        major, minor, _ = self.version.split(".", 2)
        stamps = {"gitVersion": f"v{self.version}", "gitMajor": major, "gitMinor": minor}
        flags = [f"-X {package}.{name}={value}" for package in self.stamped for name, value in stamps.items()]
        return " ".join(["-s", "-w", *flags])

    @cached_property
    def hash(self) -> str:
        """Twelve hex digits of all that decides the outcome: `go.mod`, `go.sum`, this recipe and the platform."""
        digest = hashlib.sha256((self.source / "go.mod").read_bytes())
        digest.update((self.source / "go.sum").read_bytes())
        digest.update(repr((self.programs, self.stamped, self.edits, self.manifests)).encode())
        digest.update(f"{sys.platform}/{platform.machine()}".encode())
        return digest.hexdigest()[:12]

    @property
    def home(self) -> Path:
        """Where the finished part is: `bin/` and `manifests/`. It appears in one piece, so existing means complete."""
        return tools_home() / f"{self.name}-{self.hash}"


KUBERNETES = Part(
    name="kubernetes",
    title="Kubernetes and etcd",
    main_module="k8s.io/kubernetes",
    programs=(
        ("server", "etcd"),
        ("kube-apiserver", "kube-apiserver"),
        ("kube-controller-manager", "kube-controller-manager"),
        ("kube-scheduler", "kube-scheduler"),
    ),
    stamped=("k8s.io/component-base/version", "k8s.io/client-go/pkg/version"),
    minutes=6,
    gib=5,
)

KWOK = Part(
    name="kwok",
    title="kwok",
    main_module="sigs.k8s.io/kwok",
    programs=(("kwok", "kwok"),),
    manifests=(
        Manifests(
            "sigs.k8s.io/kwok",
            (
                "kustomize/stage/node/fast/node-*.yaml",
                "kustomize/stage/node/heartbeat-with-lease/node-*.yaml",
                "kustomize/stage/pod/fast/pod-*.yaml",
            ),
        ),
    ),
    minutes=2,
    gib=2,
)

LOOPBACK_EDITS = (
    Edit(
        "knative.dev/serving/cmd/autoscaler/main.go",
        "statserver.New(statsServerAddr,",
        'statserver.New("127.0.0.1:"+os.Getenv("STATS_PORT"),',
    ),
    Edit("knative.dev/serving/cmd/autoscaler/main.go", '\t"net/http"\n', '\t"net/http"\n\t"os"\n'),
    Edit("knative.dev/pkg/webhook/webhook.go", 'fmt.Sprint(":",', 'fmt.Sprint("127.0.0.1:",'),
    Edit("knative.dev/pkg/profiling/server.go", '":" + port', '"127.0.0.1:" + port'),
    Edit(
        "knative.dev/pkg/injection/health_check.go",
        '":" + strconv.Itoa(port)',
        '"127.0.0.1:" + cmp.Or(os.Getenv("PROBES_PORT"), strconv.Itoa(port))',
    ),
    Edit("knative.dev/pkg/injection/health_check.go", '\t"context"\n', '\t"cmp"\n\t"context"\n'),
    Edit("knative.dev/pkg/injection/health_check.go", '\t"net/http"\n', '\t"net/http"\n\t"os"\n'),
)
"""Stock Knative listens on every address, and on the fixed port 8080 twice. That is right in a pod of its own; on a
developer's machine the servers belong on loopback, and two clusters must be able to run side by side."""

KNATIVE = Part(
    name="knative",
    title="Knative Serving",
    main_module="knative.dev/serving",
    programs=(
        ("autoscaler", "knative-autoscaler"),
        ("autoscaler-hpa", "knative-autoscaler-hpa"),
        ("controller", "knative-controller"),
        ("webhook", "knative-webhook"),
    ),
    edits=LOOPBACK_EDITS,
    manifests=(
        Manifests(
            "knative.dev/serving",
            (
                "config/core/100-namespace.yaml",
                "config/core/200-serviceaccount.yaml",
                "config/core/200-roles/*.yaml",
                "config/core/300-resources/*.yaml",
                "config/core/configmaps/*.yaml",
                "config/core/webhooks/configmap-validation.yaml",
                "config/core/webhooks/defaulting.yaml",
                "config/core/webhooks/resource-validation.yaml",
            ),
        ),
        Manifests(
            "knative.dev/networking",
            (
                "config/ingress.yaml",
                "config/certificate.yaml",
                "config/serverlessservice.yaml",
                "config/domain-claim.yaml",
                "config/config-network.yaml",
            ),
        ),
        Manifests("knative.dev/caching", ("config/image.yaml",)),
    ),
    minutes=3,
    gib=2,
)

CRDS = Part(
    name="crds",
    title="the CRDs of Istio, prometheus-operator and Gateway API",
    main_module="istio.io/api",
    manifests=(
        Manifests("istio.io/api", ("kubernetes/customresourcedefinitions.gen.yaml",)),
        Manifests("github.com/prometheus-operator/prometheus-operator", ("example/prometheus-operator-crd/*.yaml",)),
        Manifests("sigs.k8s.io/gateway-api", ("config/crd/standard/*.yaml",)),
    ),
)

S3 = Part(
    name="versitygw",
    title="versitygw",
    main_module="github.com/versity/versitygw",
    programs=(("versitygw", "versitygw"),),
    minutes=1,
    gib=1,
)

ISTIO = Part(
    name="istio",
    title="istiod",
    main_module="istio.io/istio",
    programs=(("pilot-discovery", "istiod"),),
    minutes=5,
    gib=3,
)

PLAIN = (KUBERNETES, KWOK)
"""What `caraml cluster up --only kubernetes` needs."""
WITH_KNATIVE = (*PLAIN, KNATIVE, CRDS)
"""What `caraml cluster up` needs."""
ALL = (*WITH_KNATIVE, S3, ISTIO)
"""Everything there is, in the order in which it is built."""
