from typing import Any

from caraml_pulumi.manifests import Manifest
from caraml_pulumi.manifests.image_build import build_job, own_secrets
from tests.unit.model.builders import image_build


def job(**settings: Any) -> Manifest:
    return build_job(image_build(**settings))


def pod(**settings: Any) -> Any:
    return job(**settings)["spec"]["template"]["spec"]


def test_the_job_has_merlins_constants() -> None:
    made = job()
    assert made["metadata"]["namespace"] == "iris-team"
    assert (made["spec"]["backoffLimit"], made["spec"]["activeDeadlineSeconds"]) == (3, 600)
    template = made["spec"]["template"]
    assert template["metadata"]["annotations"] == {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"}
    assert template["spec"]["restartPolicy"] == "Never"
    (container,) = template["spec"]["containers"]
    assert container["name"] == "pyfunc-image-builder"
    assert container["terminationMessagePolicy"] == "FallbackToLogsOnError"


def test_kaniko_is_told_what_to_build_and_where_to_push() -> None:
    build = image_build(
        contextSubPath="serving",
        target="serve",
        buildArgs={"BASE_IMAGE": "python:3.12", "MODEL_ARTIFACTS_URL": "s3://models/iris"},
        cacheRepository="ghcr.io/team/cache",
        executorArgs=["--snapshot-mode=redo"],
    )
    (container,) = build_job(build)["spec"]["template"]["spec"]["containers"]
    assert container["args"] == [
        "--dockerfile=Dockerfile",
        "--context=git://github.com/team/iris.git",
        "--context-sub-path=serving",
        "--target=serve",
        "--build-arg=BASE_IMAGE=python:3.12",
        "--build-arg=MODEL_ARTIFACTS_URL=s3://models/iris",
        f"--destination={build.image}",
        "--destination=ghcr.io/team/iris-team-iris:1",
        "--cache=true",
        "--cache-repo=ghcr.io/team/cache",
        "--snapshot-mode=redo",
    ]


def test_what_was_not_asked_for_is_not_written() -> None:
    assert sorted(pod()) == ["containers", "restartPolicy"]
    assert sorted(pod()["containers"][0]) == ["args", "image", "name", "terminationMessagePolicy"]
    assert "ttlSecondsAfterFinished" not in job()["spec"]


def test_the_credentials_are_where_kaniko_looks_for_them() -> None:
    build = image_build(dockerConfig='{"auths": {}}')
    secret, made = own_secrets(build)["registry"], build_job(build)["spec"]["template"]["spec"]
    assert made["volumes"][0]["secret"] == {
        "secretName": secret["metadata"]["name"],
        "items": [{"key": next(iter(secret["stringData"])), "path": "config.json"}],
    }
    assert made["containers"][0]["volumeMounts"][0]["mountPath"] == "/kaniko/.docker"


def test_a_secret_of_the_users_and_a_claim_are_mounted() -> None:
    made = pod(dockerConfigSecret="registry", context="dir:///workspace", contextClaim="files")
    assert [volume["name"] for volume in made["volumes"]] == ["registry", "context"]
    assert made["volumes"][1]["persistentVolumeClaim"] == {"claimName": "files"}


def test_a_build_goes_where_it_is_told() -> None:
    made = pod(
        namespace="builds",
        serviceAccountName="builder",
        nodeSelector={"disk": "ssd"},
        tolerations=[{"key": "build", "operator": "Exists"}],
        priorityClassName="low",
        env={"AWS_REGION": "eu-west-1"},
        secrets={"GIT_TOKEN": "hunter2"},
        secretRefs={"GIT_USERNAME": {"name": "git", "key": "user"}},
        cpuRequest="1",
        memoryLimit="4Gi",
    )
    assert (made["serviceAccountName"], made["priorityClassName"]) == ("builder", "low")
    assert made["nodeSelector"] == {"disk": "ssd"}
    assert made["tolerations"] == [{"key": "build", "operator": "Exists"}]
    (container,) = made["containers"]
    assert container["env"] == [
        {"name": "AWS_REGION", "value": "eu-west-1"},
        {"name": "GIT_TOKEN", "valueFrom": {"secretKeyRef": {"name": "iris-team-iris-1-env", "key": "GIT_TOKEN"}}},
        {"name": "GIT_USERNAME", "valueFrom": {"secretKeyRef": {"name": "git", "key": "user"}}},
    ]
    assert container["resources"] == {"requests": {"cpu": "1"}, "limits": {"memory": "4Gi"}}
    assert job(namespace="builds")["metadata"]["namespace"] == "builds"


def test_secret_variables_are_in_a_secret_of_the_builds_own() -> None:
    secret = own_secrets(image_build(secrets={"GIT_TOKEN": "hunter2"}))["env"]
    assert (secret["metadata"]["name"], secret["stringData"]) == ("iris-team-iris-1-env", {"GIT_TOKEN": "hunter2"})
    assert "hunter2" not in str(job(secrets={"GIT_TOKEN": "hunter2"}))
