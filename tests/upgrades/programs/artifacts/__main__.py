"""A bucket, a model that is uploaded to it, the version that serves it, and images that are built."""

import pulumi

from caraml_pulumi import ArtifactBucket, CustomModelVersion, ImageBuild, ModelArtifact, ModelProject


def without_waiting(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult:
    """Objects are recorded as they are admitted; no pod has to run."""
    if args.type_.startswith("kubernetes:") and "metadata" in args.props:
        args.props["metadata"].setdefault("annotations", {})["pulumi.com/skipAwait"] = "true"
    return pulumi.ResourceTransformationResult(args.props, args.opts)


pulumi.runtime.register_stack_transformation(without_waiting)
project = ModelProject("upgrade-artifacts", team="data-science", stream="samples")
bucket = ArtifactBucket(
    "upgrade-artifacts-models",
    tags={"team": "data-science"},
    force_destroy=True,
    unsupported=["encryption", "public_access_block", "lifecycle"],
)
artifact = ModelArtifact("iris", model_dir="model", bucket=bucket, prefix="team", model="iris")
CustomModelVersion(
    "iris-1",
    model="iris",
    version=1,
    project=project,
    image="registry.local/team/iris:1",
    deployment_mode="RAW_DEPLOYMENT",
    storage_uri=artifact.uri,
)
plain = ImageBuild(
    "plain-image",
    model="plain",
    version=1,
    project=project,
    registry="registry.local/caraml",
    context="git://registry.local/team/iris.git#refs/heads/main",
)
CustomModelVersion("plain-1", model="plain", version=1, project=project, image=plain.image)
ImageBuild(
    "full-image",
    model="full",
    version=1,
    project=project,
    registry="registry.local/caraml",
    context="s3://contexts/full.tar.gz",
    context_sub_path="model",
    dockerfile="Dockerfile.gpu",
    target="serving",
    build_args={"BASE_IMAGE": "python:3.11"},
    docker_config=pulumi.Output.secret('{"auths": {"registry.local": {"auth": "aHVudGVyMg=="}}}'),
    env={"LEVEL": "info"},
    secrets={"TOKEN": pulumi.Output.secret("hidden-word")},
    cache_repository="registry.local/cache",
    timeout_seconds=900,
    retries=2,
    cpu_request="500m",
    memory_request="1Gi",
    node_selector={"pool": "builds"},
    tolerations=[{"key": "builds", "operator": "Exists"}],
)
