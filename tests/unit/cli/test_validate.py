from pathlib import Path

import pytest

from caraml_pulumi.cli.validate import app
from caraml_pulumi.errors import USAGE, CaramlErrors
from tests.unit.cli.stacks import Place, Ran

DEV = """\
config:
  caraml:platform:
    domain: dev.example.com
    maxCpu: "2"
  caraml:projects:
    iris-team:
      team: data-science
      stream: samples
      quota: {maxDeployments: 2}
      secrets:
        registry:
          token: {secure: v1:abc}
"""
PROD = """\
config:
  caraml:extends: dev
  caraml:platform:
    domain: models.example.com
"""
RELEASE = """\
model: iris
project: iris-team
versions:
  - version: 1
    image: ghcr.io/team/iris:1
    secretRefs:
      TOKEN: {name: registry, key: token}
endpoint:
  traffic:
    - {version: 1, weight: 100}
"""


@pytest.fixture
def files(place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Two environments and a release, in the current directory, and nothing that a server or a secret would need."""
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE")
    monkeypatch.setenv("KUBECONFIG", "/nowhere")
    monkeypatch.chdir(place.root)
    write(place, "Pulumi.dev.yaml", DEV)
    write(place, "Pulumi.prod.yaml", PROD)
    write(place, "releases/dev/iris.yaml", RELEASE)
    return place


def write(place: Place, name: str, text: str) -> Path:
    path = place.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def messages(ran: Ran) -> list[str]:
    assert ran.error is not None
    errors = ran.error.errors if isinstance(ran.error, CaramlErrors) else [ran.error]
    return [f"{error.where}: {error.what}" for error in errors]


def test_right_files_pass_and_are_counted(files: Place) -> None:
    ran = files.run(app)
    assert (ran.exit_code, ran.stdout, ran.stderr) == (0, "2 environments, 1 release: no problems\n", "")


def test_the_problems_of_all_files_are_found_at_once(files: Place) -> None:
    write(files, "Pulumi.prod.yaml", PROD + "    maxCpus: 4\n")
    write(files, "releases/dev/iris.yaml", RELEASE.replace("weight: 100", "weight: 90"))
    write(
        files,
        "releases/dev/other.yaml",
        RELEASE.replace("version: 1\n", "version: zero\n").replace("iris\n", "other\n"),
    )
    write(files, "releases/prod/iris.yaml", "model: iris\n")
    assert messages(files.run(app)) == [
        "releases/dev/iris.yaml:9 (endpoint.traffic): the weights sum to 90: 90",
        'releases/dev/other.yaml:4 (versions[0].version): "zero" is not a whole number',
        "Pulumi.prod.yaml:5 (config.caraml:platform.maxCpus): unknown field `maxCpus`",
        "releases/prod/iris.yaml:1 (project): `project` is missing",
        "releases/prod/iris.yaml:1 (versions): `versions` is missing",
    ]


def test_what_an_extended_file_breaks_is_told_once(files: Place) -> None:
    write(files, "Pulumi.dev.yaml", DEV.replace('"2"', "much"))
    assert messages(files.run(app)) == ['Pulumi.dev.yaml:4 (config.caraml:platform.maxCpu): "much" is not a quantity']


def test_all_versions_of_a_project_are_held_to_its_quota_across_files(files: Place) -> None:
    for name in ("rose", "lily"):
        write(files, f"releases/dev/{name}.yaml", RELEASE.replace("model: iris", f"model: {name}"))
    [message] = messages(files.run(app))
    assert message.startswith("Pulumi.dev.yaml:9 (config.caraml:projects.iris-team.quota.maxDeployments): ")


def test_two_models_at_one_address_are_refused(files: Place) -> None:
    text = DEV.replace("    maxCpu", '    routing: {hostTemplate: "{name}-{project}.{domain}"}\n    maxCpu')
    write(files, "Pulumi.dev.yaml", text + "    team: {team: a, stream: b}\n")
    twin = RELEASE.replace("model: iris\nproject: iris-team", "model: iris-iris\nproject: team")
    write(files, "releases/dev/twin.yaml", twin)
    assert messages(files.run(app)) == [
        'releases/dev/iris.yaml and releases/dev/twin.yaml: two models are reached at "iris-iris-team.dev.example.com"'
    ]


def test_a_key_that_a_secret_of_the_project_does_not_have_is_refused(files: Place) -> None:
    write(files, "releases/dev/iris.yaml", RELEASE.replace("key: token", "key: tokn"))
    ran = files.run(app)
    assert messages(ran) == [
        'releases/dev/iris.yaml:7 (versions[0].secretRefs.TOKEN): Secret "registry" of project "iris-team" has no key '
        '"tokn"'
    ]
    assert ran.error
    assert ran.error.fix == "did you mean `token`?"


def test_a_secret_that_may_be_made_elsewhere_is_a_warning(files: Place) -> None:
    write(files, "releases/prod/iris.yaml", RELEASE)
    ran = files.run(app)
    assert ran.exit_code == 0
    assert 'warning: Secret "registry" is none of the secrets of project "iris-team" in prod' in ran.stderr
    assert (
        "caraml config set --stack prod --secret --path 'caraml:projects.iris-team.secrets.registry.token'"
        in ran.stderr
    )


def test_a_key_of_configuration_that_nobody_reads_is_a_warning(files: Place) -> None:
    write(files, "Pulumi.prod.yaml", PROD + "  caraml:platfrom: {}\n  kubernetes:context: prod\n")
    ran = files.run(app)
    assert "warning: nothing reads caraml:platfrom\n  where:   Pulumi.prod.yaml:5" in ran.stderr
    assert "did you mean `caraml:platform`?" in ran.stderr
    assert "kubernetes:context" not in ran.stderr


def test_a_release_cannot_come_from_its_own_environment(files: Place) -> None:
    origin = "promotedFrom: {{environment: {}, time: 2026-11-22T10:00:00Z, author: ann}}\n"
    write(files, "releases/dev/iris.yaml", RELEASE + origin.format("dev"))
    assert messages(files.run(app)) == [
        "releases/dev/iris.yaml:11 (promotedFrom.environment): a release cannot be promoted from its own environment"
    ]
    write(files, "releases/dev/iris.yaml", RELEASE + origin.format("prd"))
    ran = files.run(app)
    assert 'warning: the release was promoted from "prd", which is no environment here' in ran.stderr


def test_releases_of_no_environment_are_refused(files: Place) -> None:
    write(files, "releases/prd/iris.yaml", RELEASE)
    ran = files.run(app)
    assert messages(ran) == ['releases/prd: releases of "prd", which is no environment']
    assert ran.error
    assert ran.error.fix == "did you mean `prod`?"


def test_malformed_yaml_and_a_broken_project_are_problems_and_no_tracebacks(files: Place) -> None:
    write(files, "releases/dev/iris.yaml", "model: [iris\n")
    assert messages(files.run(app))[0].startswith("releases/dev/iris.yaml:2: malformed YAML")
    write(files, "Pulumi.yaml", "name: shop\nruntime: go\n")
    assert "the project's runtime is 'go'" in messages(files.run(app))[0]


def test_file_names_choose_their_environments_as_a_commit_hook_gives_them(files: Place) -> None:
    release = write(files, "releases/prod/iris.yaml", "model: iris\n")
    assert files.run(app, "releases/dev/iris.yaml").stdout == "1 environment, 1 release: no problems\n"
    assert files.run(app, str(release)).exit_code == 1
    assert files.run(app, "Pulumi.dev.yaml").exit_code == 1, "prod extends dev"
    assert files.run(app, "Pulumi.yaml").exit_code == 1
    assert files.run(app, "--stack", "dev").exit_code == 0


def test_an_environment_or_file_that_is_not_there_is_a_usage_error(files: Place) -> None:
    ran = files.run(app, "--stack", "qa")
    assert ran.error
    assert (ran.error.exit_code, ran.error.allowed) == (USAGE, "dev, prod, all")
    ran = files.run(app, "releases/dev/rose.yaml")
    assert ran.error
    assert ran.error.exit_code == USAGE


def test_json_has_each_problem_with_file_line_and_property(files: Place) -> None:
    write(files, "releases/dev/iris.yaml", RELEASE.replace("weight: 100", "weight: 90"))
    ran = files.run(app, "--json")
    assert ran.exit_code == 1
    [problem] = ran.json["problems"]
    assert ran.json["environments"] == ["dev", "prod"]
    assert (problem["severity"], problem["environment"]) == ("error", "dev")
    assert (problem["file"], problem["line"], problem["property"]) == ("releases/dev/iris.yaml", 9, "endpoint.traffic")


def test_no_encrypted_text_is_shown(files: Place) -> None:
    write(files, "Pulumi.dev.yaml", DEV.replace("token: {secure: v1:abc}", "to ken: {secure: v1:abc}"))
    ran = files.run(app)
    assert ran.exit_code == 1
    assert "v1:abc" not in str(ran.error) + ran.stdout + ran.stderr
