import pytest

from caraml_pulumi.cli.environment import app
from caraml_pulumi.errors import USAGE
from tests.unit.cli.stacks import Place
from tests.unit.cli.test_validate import DEV, PROD, RELEASE, write


@pytest.fixture
def files(place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE")
    write(place, "Pulumi.dev.yaml", DEV)
    write(place, "Pulumi.prod.yaml", PROD + "    cluster: {context: gke-prod}\n")
    write(place, "releases/dev/iris.yaml", RELEASE)
    return place


def test_environments_are_listed_with_what_they_extend(files: Place) -> None:
    assert files.run(app, "list").stdout.splitlines() == [
        "NAME  EXTENDS  DOMAIN              CLUSTER   PROJECTS   RELEASES",
        "dev   -        dev.example.com     -         iris-team  1",
        "prod  dev      models.example.com  gke-prod  iris-team  0",
    ]
    assert files.run(app, "list", "--json").json[1] == {
        "name": "prod",
        "extends": "dev",
        "domain": "models.example.com",
        "cluster": "gke-prod",
        "projects": ["iris-team"],
        "releases": 0,
    }


def test_each_value_is_shown_with_the_place_that_it_is_from(files: Place) -> None:
    ran = files.run(app, "show", "prod")
    rows = [line.split() for line in ran.stdout.splitlines()]
    assert ["caraml:platform.domain", "models.example.com", "Pulumi.prod.yaml:4"] in rows
    assert ["caraml:platform.maxCpu", "2", "Pulumi.dev.yaml:4"] in rows
    assert "the secret caraml:projects.iris-team.secrets.registry.token of dev is not taken over" in ran.stderr


def test_encrypted_texts_are_never_shown(files: Place) -> None:
    ran = files.run(app, "show", "dev")
    assert "v1:abc" not in ran.stdout
    assert ["caraml:projects.iris-team.secrets.registry.token", "[secret]"] in [
        line.split()[:2] for line in ran.stdout.splitlines()
    ]


def test_defaults_are_shown_on_demand_and_each_value_once(files: Place) -> None:
    ran = files.run(app, "show", "prod", "--defaults", "--json")
    found = {row["path"]: (row["value"], row["from"]) for row in ran.json["values"]}
    assert found["caraml:platform.labelPrefix"] == ("caraml.dev/", "default")
    assert found["caraml:platform.maxCpu"] == ("2", "Pulumi.dev.yaml:4")
    assert len(found) == len(ran.json["values"])
    assert ran.json["extends"] == ["dev"]


def test_two_environments_are_compared_with_their_defaults(files: Place) -> None:
    rows = [line.split() for line in files.run(app, "diff", "dev", "prod").stdout.splitlines()]
    assert ["caraml:platform.domain", "dev.example.com", "models.example.com"] in rows
    assert ["caraml:platform.cluster.context", "-", "gke-prod"] in rows
    assert not any("maxCpu" in row[0] for row in rows)
    assert {"path": "caraml:platform.cluster.context", "prod": "gke-prod"} in files.run(
        app, "diff", "dev", "prod", "--json"
    ).json


def test_an_environment_does_not_differ_from_itself(files: Place) -> None:
    ran = files.run(app, "diff", "dev", "dev")
    assert (ran.stdout, ran.stderr) == ("", "dev and dev do not differ\n")


def test_an_environment_that_is_not_there_is_named_with_those_that_are(files: Place) -> None:
    ran = files.run(app, "show", "prd")
    assert ran.error
    assert (ran.error.exit_code, ran.error.allowed) == (USAGE, "dev, prod")
    assert ran.error.fix == "did you mean `prod`?"


def test_a_wrong_setting_is_told_with_its_place(files: Place) -> None:
    write(files, "Pulumi.prod.yaml", PROD.replace("domain: models.example.com", "domain: 'a b'"))
    ran = files.run(app, "show", "prod")
    assert ran.error
    assert ran.error.where.endswith("Pulumi.prod.yaml:4 (config.caraml:platform.domain)")


def test_a_broken_environment_does_not_hide_the_others(files: Place) -> None:
    write(files, "Pulumi.qa.yaml", "config: [")
    ran = files.run(app, "list")
    assert "prod  dev" in ran.stdout
    assert ran.error
    assert ran.error.where.endswith("Pulumi.qa.yaml:1")
