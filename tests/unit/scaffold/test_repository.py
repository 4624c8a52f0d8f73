"""What `caraml init` writes: files that hold every rule, for any names that it takes."""

import json
import subprocess
import sys
from pathlib import Path, PurePosixPath
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from caraml_pulumi.engine.policies.config import read_config
from caraml_pulumi.engine.state.project import load_project
from caraml_pulumi.errors import USAGE, CaramlError
from caraml_pulumi.scaffold.plan import ENVIRONMENTS, Ci, Plan, default_image, plan, project_name
from caraml_pulumi.scaffold.repository import contents, write
from caraml_pulumi.scaffold.staging import read_files


def asked(**other: Any) -> Plan:
    given: dict[str, Any] = {
        "name": "shop",
        "environments": ENVIRONMENTS,
        "domain": "models.example.com",
        "project": "ranking",
        "model": "ranker",
        "image": "ghcr.io/shop/ranker:1.0",
        "ci": Ci.GITHUB,
    }
    return plan(**(given | other))


@pytest.mark.parametrize("environments", [("prod",), ("dev", "prod"), ENVIRONMENTS, ("dev", "qa", "staging", "prod")])
@pytest.mark.parametrize("ci", list(Ci))
def test_every_file_holds_the_rules_that_are_asked_of_it(tmp_path: Path, environments: tuple[str, ...], ci: Ci) -> None:
    write(tmp_path, contents(asked(environments=environments, ci=ci)))
    project = load_project(tmp_path)
    assert (project.name, project.main) == ("shop", tmp_path / "stacks/__main__.py")
    for environment in environments:
        files = read_files(project.stack_config_dir, environment)
        assert files.platform.environment == environment
        assert list(files.projects) == ["ranking"]
        assert len(files.releases) == (environment == environments[0])
        assert read_config(tmp_path / f"policies/profiles/{environment}.json")
    assert "@@" not in "".join(contents(asked(environments=environments, ci=ci)).values())


def test_editors_find_the_schema_of_each_file_and_it_holds(tmp_path: Path) -> None:
    write(tmp_path, contents(asked()))
    paths = [*tmp_path.glob("stacks/Pulumi.*.yaml"), *tmp_path.glob("stacks/releases/*/*.yaml")]
    assert len(paths) == len(ENVIRONMENTS) + 1
    for path in paths:
        first, _, _ = path.read_text().partition("\n")
        schema = json.loads((path.parent / first.partition("$schema=")[2]).read_text())
        jsonschema.validate(yaml.safe_load(path.read_text()), schema)


def test_environments_get_stricter_on_the_way_and_their_domains_differ(tmp_path: Path) -> None:
    write(tmp_path, contents(asked()))
    dev, staging, prod = (read_files(tmp_path / "stacks", name).platform for name in ENVIRONMENTS)
    assert [one.domain for one in (dev, staging, prod)] == [
        "dev.models.example.com",
        "staging.models.example.com",
        "models.example.com",
    ]
    assert (dev.routing.tls, dev.pod_disruption_budget) == (None, None)
    assert staging.routing.tls == prod.routing.tls is not None
    assert staging.pod_disruption_budget == prod.pod_disruption_budget is not None
    assert prod.default_deployment_config.min_replica == 2
    levels = [json.loads(contents(asked())[PurePosixPath(f"policies/profiles/{name}.json")]) for name in ENVIRONMENTS]
    assert [one["image-tag-not-latest"] for one in levels] == ["disabled", "mandatory", "mandatory"]


NAMES = st.from_regex(r"[a-z][a-z0-9]{2,10}", fullmatch=True) | st.sampled_from(["yes", "null", "off", "true"])


@settings(deadline=None)  # the first example makes the schemas
@given(name=NAMES, model=NAMES, project=NAMES, first=NAMES, last=NAMES)
def test_names_that_yaml_would_take_for_something_else_stay_names(
    name: str, model: str, project: str, first: str, last: str
) -> None:
    if first == last or project in ("default",):
        return
    files = contents(asked(name=name, model=model, project=project, environments=(first, last)))
    documents = {path: yaml.safe_load(text) for path, text in files.items() if path.suffix == ".yaml"}
    workflow = yaml.safe_load(files[PurePosixPath(".github/workflows/platform.yml")])
    assert workflow["jobs"]["review"]["strategy"]["matrix"]["environment"] == [first, last]
    assert documents[PurePosixPath("Pulumi.yaml")]["name"] == name
    release = documents[PurePosixPath(f"stacks/releases/{first}/{model}.yaml")]
    assert (release["model"], release["project"]) == (model, project)
    config = documents[PurePosixPath(f"stacks/Pulumi.{last}.yaml")]["config"]
    assert config["caraml:extends"] == first
    assert list(config["caraml:projects"]) == [project]


def test_files_that_are_there_are_all_named_and_none_is_touched(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks/__main__.py").write_text("mine too")
    with pytest.raises(CaramlError) as error:
        write(tmp_path, contents(asked()))
    assert "README.md, stacks/__main__.py are there already" in error.value.what
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["README.md", "__main__.py"]
    assert (tmp_path / "README.md").read_text() == "mine"


def test_other_files_of_the_directory_stay(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "NOTES.md").write_text("mine")
    write(tmp_path, contents(asked()))
    assert (tmp_path / "NOTES.md").read_text() == "mine"


def test_the_python_of_a_new_repository_is_formatted_and_clean(tmp_path: Path) -> None:
    write(tmp_path, contents(asked()))
    ruff = Path(sys.executable).with_name("ruff")
    for check in (["check", "--isolated", "--select", "E,F,I,D,UP"], ["format", "--isolated", "--check"]):
        done = subprocess.run([ruff, *check, "."], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("name", "a shop"),
        ("model", "R"),
        ("model", "ranker: 2"),
        ("project", "kube-system"),
        ("image", "ghcr.io/shop/ranker:1.0 # x"),
        ("domain", "not a domain"),
        ("environments", ("dev", "Prod")),
        ("environments", ("dev", "dev")),
        ("environments", ()),
    ],
)
def test_a_value_that_is_none_is_refused_with_its_option(option: str, value: Any) -> None:
    with pytest.raises(CaramlError) as error:
        asked(**{option: value})
    assert (error.value.where, error.value.exit_code) == (f"--{option}", USAGE)


@pytest.mark.parametrize(("directory", "name"), [("shop", "shop"), ("My Shop!", "my-shop"), ("...", "platform")])
def test_a_directory_gives_the_project_its_name(directory: str, name: str) -> None:
    assert project_name(directory) == name
    asked(name=name, image=default_image("ranker"))


def test_workflows_are_as_their_ci_reads_them_and_pin_what_they_use() -> None:
    workflow = contents(asked())[PurePosixPath(".github/workflows/platform.yml")]
    jobs = yaml.safe_load(workflow)["jobs"]
    assert list(jobs) == ["validate", "review", "deploy", "promote"]
    assert jobs["review"]["strategy"]["matrix"]["environment"] == list(ENVIRONMENTS)
    used = [step["uses"] for job in jobs.values() for step in job["steps"] if "uses" in step]
    assert used
    assert all(len(one.rpartition("@")[2]) == 40 for one in used)
    scripts = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    assert not [
        run for run in scripts if "${{ github.event" in run or "${{ inputs" in run
    ]  # text of others is no script
    lab = yaml.safe_load(contents(asked(ci=Ci.GITLAB))[PurePosixPath(".gitlab-ci.yml")])
    assert {"validate", "review", "deploy", "promote"} <= set(lab)
    single = yaml.safe_load(contents(asked(environments=("prod",)))[PurePosixPath(".github/workflows/platform.yml")])
    assert "promote" not in single["jobs"]
