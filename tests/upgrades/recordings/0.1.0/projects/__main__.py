"""Projects with every option of `ModelProject`: with a quota and its people, switched off, and made elsewhere."""

import pulumi
from pulumi_kubernetes.core.v1 import Namespace

from caraml_pulumi import CustomModelVersion, ModelProject

project = ModelProject(
    "upgrade-projects",
    team="data-science",
    stream="samples",
    group="risk",
    labels={"tier": "gold"},
    annotations={"example.com/owner": "ana"},
    quota={"cpu": "40", "memory": "64Gi", "gpu": 2, "max_deployments": 4},
    container_defaults={"cpu": "100m", "memory": "128Mi"},
    instance_types={"small": {"limits": {"cpu": "1", "memory": "1Gi"}}},
    deployers={"users": ["ana@example.com"], "groups": ["deployers"], "service_accounts": ["ci/deployer"]},
    viewers={"groups": ["viewers"]},
    secrets={"vault": {"token": pulumi.Output.secret("hidden-word")}},
    image_pull_secrets=["registry"],
)
CustomModelVersion(
    "iris-1",
    model="iris",
    version=1,
    project=project,
    image="registry.local/team/iris:1",
    instance_type="small",
    replicas=1,
    deployment_mode="RAW_DEPLOYMENT",
)
ModelProject("upgrade-projects-off", team="data-science", stream="samples", enabled=False)
elsewhere = Namespace("elsewhere", metadata={"name": "upgrade-projects-elsewhere"})
existing = ModelProject(
    "existing",
    project="upgrade-projects-elsewhere",
    team="data-science",
    stream="samples",
    existing=True,
    opts=pulumi.ResourceOptions(depends_on=[elsewhere]),
)
kept = Namespace("kept", metadata={"name": "upgrade-projects-kept"})
ModelProject(
    "kept",
    project="upgrade-projects-kept",
    team="data-science",
    stream="samples",
    create_namespace=False,
    opts=pulumi.ResourceOptions(depends_on=[kept]),
)
