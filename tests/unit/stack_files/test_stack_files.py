from pathlib import Path
from typing import Any

import pytest
import yaml

from caraml_pulumi.errors import CaramlError, CaramlErrors
from caraml_pulumi.stack_files import StackFiles, read_stack

CONFIG = """\
config:
  caraml:platform:
    domain: dev.example.test
    maxCpu: "2"
  caraml:projects:
    iris-team:
      team: data-science
      stream: samples
"""
RELEASE = """\
model: iris
project: iris-team
versions:
  - version: 1
    image: ghcr.io/team/iris:1
  - version: 2
    image: ghcr.io/team/iris:2
    deploymentMode: RAW_DEPLOYMENT
endpoint:
  traffic:
    - {version: 1, weight: 90}
    - {version: 2, weight: 10}
"""


def read(directory: Path, config: str = CONFIG, **releases: str) -> StackFiles:
    (directory / "Pulumi.dev.yaml").write_text(config)
    (directory / "releases" / "dev").mkdir(parents=True)
    for name, text in releases.items():
        (directory / "releases" / "dev" / f"{name}.yaml").write_text(text)
    return read_stack(directory, "dev", yaml.safe_load(config)["config"])


def problem(directory: Path, config: str = CONFIG, **releases: str) -> CaramlError:
    with pytest.raises(CaramlError) as caught:
        read(directory, config, **releases)
    return caught.value


def test_a_stack_is_its_platform_its_projects_and_its_releases(tmp_path: Path) -> None:
    stack = read(tmp_path, iris=RELEASE)
    assert (stack.platform.environment, stack.platform.domain) == ("dev", "dev.example.test")
    assert stack.projects["iris-team"].team == "data-science"
    (release,) = stack.releases
    assert [version.version for version in release.versions] == [1, 2]
    assert release.routed == {1, 2}


def test_an_environment_without_releases_deploys_none(tmp_path: Path) -> None:
    assert read(tmp_path).releases == []


def test_a_secret_in_plain_text_is_refused_and_not_shown(tmp_path: Path) -> None:
    error = problem(tmp_path, CONFIG + "      secrets:\n        registry:\n          token: s3cr3t\n")
    assert error.where == f"{tmp_path}/Pulumi.dev.yaml:11 (config.caraml:projects.iris-team.secrets.registry.token)"
    assert "config set --secret --path 'caraml:projects.iris-team.secrets.registry.token'" in error.fix
    assert "s3cr3t" not in str(error)


def test_an_encrypted_secret_is_taken(tmp_path: Path) -> None:
    text = CONFIG + "      secrets: {registry: {token: {secure: v1:abc}}}\n"
    (tmp_path / "Pulumi.dev.yaml").write_text(text)
    config = yaml.safe_load(text)["config"]
    config["caraml:projects"]["iris-team"]["secrets"] = {"registry": {"token": "s3cr3t"}}
    project = read_stack(tmp_path, "dev", config).projects["iris-team"]
    assert project.secrets == {"registry": {"token": "s3cr3t"}}


def test_the_platform_may_name_an_environment_other_than_the_stack(tmp_path: Path) -> None:
    stack = read(tmp_path, CONFIG.replace("domain:", "environment: id-dev\n    domain:"), iris=RELEASE)
    assert stack.platform.environment == "id-dev"
    assert stack.releases == []


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("model: iris", "model: Iris", 1, 'model name "Iris"'),
        ("model: iris\n", "", 1, "`model` is missing"),
        ("project: iris-team", "project: iris-temas", 2, "Group not found: iris-temas"),
        ("version: 2", "version: 2\n    instanceType: small", 7, "InstanceType not found: small"),
        ("image: ghcr.io/team/iris:1", "image: ghcr.io/team/iris:-1", 5, "malformed tag"),
        ("image: ghcr.io/team/iris:1", "imge: ghcr.io/team/iris:1", 5, "unknown field `imge`"),
        ("version: 2", "version: two", 6, '"two" is not a whole number'),
        ("version: 2\n", "version: 1\n", 3, "version 1 is listed twice"),
        ("RAW_DEPLOYMENT", "RAW", 8, '`deploymentMode` cannot be "RAW"'),
        ("RAW_DEPLOYMENT", "RAW_DEPLOYMENT\n    resourceRequest: {minReplica: 0}", 9, "would never wake up"),
        ("RAW_DEPLOYMENT", "SERVERLESS\n    resourceRequest:\n      cpuRequest: 3", 9, "cpuRequest 3 is more"),
        ("RAW_DEPLOYMENT", "SERVERLESS\n    resourceRequest:\n      cpuRequest: 3x", 10, '"3x" is not a quantity'),
        ("{version: 2, weight: 10}", "{version: 3, weight: 10}", 10, "traffic goes to version 3"),
        ("{version: 2, weight: 10}", "{version: 2, weight: 11}", 10, "the weights sum to 101"),
        (
            "{version: 2, weight: 10}",
            "{version: 2, weight: 10}\n  mirror: {version: 3}",
            13,
            "traffic goes to version 3",
        ),
        ("{version: 2, weight: 10}", "{version: 2, weight: ten}", 12, '"ten" is not a whole number'),
        ("endpoint:", "  - {version: 3, image: a/b}\nendpoint:", 3, "3 versions of model"),
        ("endpoint:", "endpoint: [", 11, "malformed YAML"),
        ("endpoint:", "---\nendpoint:", 9, "expected a single document in the stream, but found another"),
        ("versions:", "model: wine\nversions:", 3, 'key "model" is there twice'),
        ("versions:", "more: 0x_\nversions:", 3, "a value looks like a number, and is none"),
        ("versions:", "more: &all {traffic: *all}\nversions:", 3, "a value contains itself"),
        ("versions:", "more: !!set {all}\nversions:", 3, "could not determine a constructor"),
        (RELEASE, "just a text", 1, "the document must be a map"),
        (RELEASE, "", 1, "the document must be a map, not empty"),
    ],
)
def test_a_wrong_release_is_answered_with_file_and_line(
    tmp_path: Path, old: str, new: str, line: int, what: str
) -> None:
    assert old in RELEASE
    found = problem(tmp_path, iris=RELEASE.replace(old, new, 1))
    errors = found.errors if isinstance(found, CaramlErrors) else [found]
    (error,) = [each for each in errors if what in each.what]
    assert error.where.startswith(f"{tmp_path}/releases/dev/iris.yaml:{line}")


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ('maxCpu: "2"', "maxCpu: lots", 4, '"lots" is not a quantity'),
        ('maxCpu: "2"', "maxCpus: 2", 4, "unknown field `maxCpus`"),
        ("domain: dev.example.test", "domain: dev_example", 3, 'domain "dev_example" is not a DNS name'),
        ("    domain: dev.example.test\n", "", 2, "`domain` is missing"),
        ("team: data-science", "team: data science", 7, '"data science" is not a label value'),
        ("    iris-team:", "    Iris:", 6, 'project name "Iris"'),
        (
            "maxCpu",
            "monitoring: {prometheusUrl: 'u:hunter2@p:90'}\n    maxCpu",
            4,
            "an address has no name and password",
        ),
        ("stream: samples", "stream: samples\n      quota: {cpus: 4}", 9, "unknown field `cpus`"),
    ],
)
def test_a_wrong_configuration_is_answered_with_file_and_line(
    tmp_path: Path, old: str, new: str, line: int, what: str
) -> None:
    assert old in CONFIG
    error = problem(tmp_path, CONFIG.replace(old, new))
    assert what in error.what
    assert error.where.startswith(f"{tmp_path}/Pulumi.dev.yaml:{line}")


@pytest.mark.parametrize("key", ["caraml:platform", "caraml:projects"])
def test_a_stack_that_is_not_configured_says_what_to_add(tmp_path: Path, key: str) -> None:
    config: dict[str, Any] = yaml.safe_load(CONFIG)["config"]
    del config[key]
    with pytest.raises(CaramlError, match=f"{key} is not configured") as caught:
        read_stack(tmp_path, "dev", config)
    assert caught.value.fix == f"add {key} to Pulumi.dev.yaml"


def test_the_problems_of_all_releases_are_told_together(tmp_path: Path) -> None:
    wine = RELEASE.replace("model: iris", "model: wine").replace("iris:2", "iris:-2")
    error = problem(tmp_path, iris=RELEASE.replace("weight: 10", "weight: 1"), wine=wine)
    assert isinstance(error, CaramlErrors)
    assert ["the weights sum" in str(error), "malformed tag" in str(error)] == [True, True]


def test_a_model_cannot_be_released_by_two_files(tmp_path: Path) -> None:
    error = problem(tmp_path, iris=RELEASE, other=RELEASE)
    assert 'iris" of project "iris-team" is released by two files' in error.what
    assert "iris.yaml and" in error.where


def test_a_model_cannot_be_named_after_another_models_version(tmp_path: Path) -> None:
    error = problem(tmp_path, iris=RELEASE, other=RELEASE.replace("model: iris", "model: iris-1"))
    assert '"iris-1" of project "iris-team" is released by two files' in error.what


def test_a_release_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "releases" / "dev").mkdir(parents=True)
    (tmp_path / "releases" / "dev" / "iris.yaml").write_bytes(b"model: \xff")
    with pytest.raises(CaramlError, match="is not a text in UTF-8"):
        read_stack(tmp_path, "dev", yaml.safe_load(CONFIG)["config"])


def test_a_release_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "releases" / "dev" / "iris.yaml").mkdir(parents=True)
    with pytest.raises(CaramlError, match=r"cannot read .*: Is a directory"):
        read_stack(tmp_path, "dev", yaml.safe_load(CONFIG)["config"])


def test_a_text_that_looks_like_a_date_stays_a_text(tmp_path: Path) -> None:
    stack = read(tmp_path, iris=RELEASE.replace("RAW_DEPLOYMENT", "SERVERLESS\n    env: {DAY: 2026-11-22}"))
    assert stack.releases[0].versions[1].env == {"DAY": "2026-11-22"}


def with_settings(text: str) -> str:
    return CONFIG + "".join(f"      {line}\n" for line in text.splitlines())


def test_a_release_may_name_an_instance_type_of_its_project(tmp_path: Path) -> None:
    config = with_settings("instanceTypes:\n  small: {limits: {cpu: 500m, memory: 1Gi}}\nquota: {cpu: 9}")
    release = RELEASE.replace("RAW_DEPLOYMENT", "RAW_DEPLOYMENT\n    instanceType: small")
    assert read(tmp_path, config, iris=release).releases[0].versions[1].instance_type == "small"


@pytest.mark.parametrize(
    ("settings", "line", "what"),
    [
        ("quota:\n  cpu: 15", 10, "Group iris-team exceeded cpu quota: 15, requesting 16"),
        ("quota:\n  memory: 1999Mi", 10, "Group iris-team exceeded memory quota: 1999Mi, requesting 2000Mi"),
        ("quota:\n  max_deployments: 1", 10, "Group Maximum Deployments exceeded: iris-team"),
        ("enabled: false", 9, "The model deployment is not enabled for the selected group: iris-team"),
    ],
)
def test_what_a_project_does_not_allow_is_answered_with_the_line_of_its_setting(
    tmp_path: Path, settings: str, line: int, what: str
) -> None:
    error = problem(tmp_path, with_settings(settings), iris=RELEASE)
    assert error.what == what
    assert error.where.startswith(f"{tmp_path}/Pulumi.dev.yaml:{line} (")
    assert ["iris-1" in error.allowed, "iris-2" in error.allowed] == [True, True]


def test_all_releases_of_a_project_count_together(tmp_path: Path) -> None:
    config = with_settings("quota: {cpu: 31}")
    wine = RELEASE.replace("iris", "wine").replace("wine-team", "iris-team")
    error = problem(tmp_path, config, iris=RELEASE, wine=wine)
    assert error.what == "Group iris-team exceeded cpu quota: 31, requesting 32"


def test_projects_are_counted_by_themselves(tmp_path: Path) -> None:
    config = with_settings("quota: {cpu: 16}") + "    wine-team: {team: a, stream: b, quota: {cpu: 16}}\n"
    assert len(read(tmp_path, config, iris=RELEASE, wine=RELEASE.replace("iris", "wine")).releases) == 2


def test_a_project_that_is_switched_off_may_have_stopped_versions(tmp_path: Path) -> None:
    release = RELEASE.replace("image:", "stopped: true\n    image:").split("endpoint:")[0]
    assert read(tmp_path, with_settings("enabled: false"), iris=release).releases[0].versions[0].stopped


def test_a_model_with_an_endpoint_is_watched_as_that_says(tmp_path: Path) -> None:
    error = problem(tmp_path, iris=RELEASE + "monitoring: {}\n")
    assert error.what == "the endpoint says how the model is watched"
    assert error.where == f"{tmp_path}/releases/dev/iris.yaml:13 (monitoring)"


def test_monitoring_without_an_endpoint_is_held_to_its_rules(tmp_path: Path) -> None:
    alone = RELEASE.split("endpoint:", maxsplit=1)[0]
    (tmp_path / "on").mkdir()
    assert read(tmp_path / "on", iris=alone + "monitoring: true\n").releases[0].watched
    (tmp_path / "off").mkdir()
    error = problem(tmp_path / "off", iris=alone + "monitoring: {alerts: [{metric: throughput, severity: warning}]}\n")
    assert error.where.startswith(f"{tmp_path}/off/releases/dev/iris.yaml:9 (monitoring.alerts)")
