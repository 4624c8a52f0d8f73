"""The pages name every argument, output and setting there is."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic.alias_generators import to_camel

from caraml_pulumi import (
    ArtifactBucket,
    ArtifactBucketArgs,
    AutoscalingPolicyArgs,
    CustomModelVersion,
    CustomModelVersionArgs,
    ModelArtifact,
    ModelArtifactArgs,
    ModelEndpoint,
    ModelEndpointArgs,
    ModelMonitoring,
    ModelMonitoringArgs,
    ModelProject,
    ModelProjectArgs,
    ResourceRequestArgs,
    WatchedVersionArgs,
)
from caraml_pulumi.instance_type import InstanceTypeArgs
from caraml_pulumi.model.alerts import AlertSpec
from caraml_pulumi.model.gpu import GpuType
from caraml_pulumi.model.monitoring import MonitoringSpec
from caraml_pulumi.model.objective import ObjectiveSpec
from caraml_pulumi.model.platform import ComputeLimits, GatewayApiSpec, IngressSpec, IstioSpec, PlatformSpec
from caraml_pulumi.model.resources import ResourceRequest
from caraml_pulumi.model.routing import RoutingSpec, Tls
from caraml_pulumi.model.serverless import KnativeSpec, QueueProxySpec
from caraml_pulumi.model.spec import Spec
from caraml_pulumi.model.storage import StorageInitializerSpec
from caraml_pulumi.model_project import ContainerDefaultsArgs, GroupQuotaArgs, SubjectsArgs

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize(
    ("page", "documented"),
    [
        ("custom-model-version", CustomModelVersionArgs),
        ("custom-model-version", ResourceRequestArgs),
        ("custom-model-version", CustomModelVersion),
        ("artifact-bucket", ArtifactBucketArgs),
        ("artifact-bucket", ArtifactBucket),
        ("model-artifact", ModelArtifactArgs),
        ("model-artifact", ModelArtifact),
        ("model-endpoint", ModelEndpointArgs),
        ("model-endpoint", ModelEndpoint),
        ("model-monitoring", ModelMonitoringArgs),
        ("model-monitoring", ModelMonitoring),
        ("model-monitoring", WatchedVersionArgs),
        ("autoscaling-policy", AutoscalingPolicyArgs),
        ("model-project", ModelProjectArgs),
        ("model-project", ModelProject),
        ("model-project", GroupQuotaArgs),
        ("model-project", ContainerDefaultsArgs),
        ("model-project", InstanceTypeArgs),
        ("model-project", SubjectsArgs),
    ],
)
def test_a_components_page_names_its_arguments_and_outputs(page: str, documented: Any) -> None:
    text = (DOCS / "components" / f"{page}.md").read_text()
    assert [name for name in documented.__annotations__ if f"`{name}`" not in text] == []


@pytest.mark.parametrize(
    "spec",
    [
        PlatformSpec,
        MonitoringSpec,
        AlertSpec,
        ObjectiveSpec,
        ResourceRequest,
        ComputeLimits,
        GpuType,
        KnativeSpec,
        QueueProxySpec,
        StorageInitializerSpec,
        RoutingSpec,
        Tls,
        IstioSpec,
        GatewayApiSpec,
        IngressSpec,
    ],
)
def test_the_platforms_page_names_every_setting(spec: type[Spec]) -> None:
    text = (DOCS / "components" / "platform.md").read_text()
    assert [name for name in spec.model_fields if f"`{to_camel(name)}`" not in text] == []


def test_every_link_between_pages_leads_somewhere() -> None:
    for page in [*DOCS.glob("components/*.md"), DOCS / "policies.md"]:
        for link in re.findall(r"\]\(([^):]+)\)", page.read_text()):
            path, _, anchor = link.partition("#")
            text = (page.parent / path).read_text() if path else page.read_text()
            ids = re.findall(r'<a id="([\w-]+)">', text)
            headings = [re.sub(r"[^\w -]", "", line).strip().lower().replace(" ", "-") for line in text.splitlines()]
            assert not anchor or anchor in [*ids, *headings], f"{page.name}: {link}"
