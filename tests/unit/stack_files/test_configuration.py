from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.stack_files import StackFiles, read_stack
from caraml_pulumi.stack_files.configuration import (
    PLATFORM_KEY,
    PROJECTS_KEY,
    Configuration,
    Layer,
    merged,
    read_configuration,
)

STAGING = """\
config:
  caraml:platform:
    domain: staging.example.com
    maxCpu: "4"
    limits:
      cpuFactor: 2
      memoryFactor: 2
    gpus:
      - {name: t4, resourceType: nvidia.com/gpu}
  caraml:projects:
    iris-team:
      team: data-science
      stream: samples
"""
PROD = """\
config:
  caraml:extends: staging
  caraml:platform:
    domain: models.example.com
    limits:
      cpuFactor: 0
"""
NAMES = st.sampled_from(["domain", "maxCpu", "limits", "a", "b"])
TREES = st.dictionaries(
    NAMES,
    st.recursive(st.integers() | st.text(max_size=3), lambda inner: st.dictionaries(NAMES, inner, max_size=3)),
    max_size=4,
)


def write(directory: Path, **files: str) -> None:
    for environment, text in files.items():
        (directory / f"Pulumi.{environment}.yaml").write_text(text)


def configuration(directory: Path, environment: str = "prod", **files: str) -> Configuration:
    write(directory, **files)
    return read_configuration(directory, environment)


def stack(directory: Path, environment: str = "prod") -> StackFiles:
    text = (directory / f"Pulumi.{environment}.yaml").read_text()
    return read_stack(directory, environment, yaml.safe_load(text)["config"])


def problem(directory: Path, environment: str = "prod", **files: str) -> CaramlError:
    write(directory, **files)
    with pytest.raises(CaramlError) as caught:
        stack(directory, environment)
    return caught.value


def test_an_environment_takes_over_what_it_does_not_say_itself(tmp_path: Path) -> None:
    write(tmp_path, staging=STAGING, prod=PROD)
    files = stack(tmp_path)
    assert (files.platform.environment, files.platform.domain) == ("prod", "models.example.com")
    assert (files.platform.max_cpu, files.platform.limits.cpu_factor, files.platform.limits.memory_factor) == (
        "4",
        0,
        2,
    )
    assert files.projects["iris-team"].team == "data-science"


def test_lists_replace_and_null_removes(tmp_path: Path) -> None:
    own = (
        PROD
        + "    gpus: []\n    max_cpu: null\n  caraml:projects:\n    iris-team: null\n    other: {team: a, stream: b}\n"
    )
    write(tmp_path, staging=STAGING, prod=own)
    files = stack(tmp_path)
    assert (files.platform.gpus, files.platform.max_cpu, list(files.projects)) == ([], None, ["other"])


def test_the_environments_own_name_is_never_taken_over(tmp_path: Path) -> None:
    write(tmp_path, staging=STAGING.replace("domain:", "environment: id-staging\n    domain:"), prod=PROD)
    assert stack(tmp_path, "staging").platform.environment == "id-staging"
    assert stack(tmp_path).platform.environment == "prod"


def test_environments_extend_each_other_in_chains(tmp_path: Path) -> None:
    canary = "config:\n  caraml:extends: prod\n  caraml:platform: {domain: canary.example.com}\n"
    found = configuration(tmp_path, "canary", staging=STAGING, prod=PROD, canary=canary)
    assert [layer.environment for layer in found.layers] == ["canary", "prod", "staging"]
    assert found.values[PLATFORM_KEY]["limits"] == {"cpuFactor": 0, "memoryFactor": 2}


def test_a_circle_is_refused_with_the_files_in_it(tmp_path: Path) -> None:
    error = problem(tmp_path, staging=STAGING.replace("config:", "config:\n  caraml:extends: prod"), prod=PROD)
    assert "Pulumi.prod.yaml extends Pulumi.staging.yaml extends Pulumi.prod.yaml" in error.what
    assert error.where == f"{tmp_path}/Pulumi.staging.yaml:2 (config.caraml:extends)"


def test_an_environment_that_is_not_there_cannot_be_extended(tmp_path: Path) -> None:
    error = problem(tmp_path, staging=STAGING, prod=PROD.replace("staging", "stagging"))
    assert error.what == 'there is no environment "stagging" to extend'
    assert error.where == f"{tmp_path}/Pulumi.prod.yaml:2 (config.caraml:extends)"
    assert (error.allowed, error.fix) == ("staging", "did you mean `staging`?")


def test_the_name_of_the_extended_environment_must_be_a_text(tmp_path: Path) -> None:
    error = problem(tmp_path, staging=STAGING, prod=PROD.replace("extends: staging", "extends: [staging]"))
    assert error.what == "caraml:extends must be the name of an environment, not a list"


def test_an_error_names_the_file_that_the_wrong_value_is_from(tmp_path: Path) -> None:
    error = problem(tmp_path, staging=STAGING.replace('maxCpu: "4"', 'maxCpu: "four"'), prod=PROD)
    assert error.where == f"{tmp_path}/Pulumi.staging.yaml:4 (config.caraml:platform.maxCpu)"
    own = PROD.replace("cpuFactor: 0", "cpuFactor: -1")
    error = problem(tmp_path, staging=STAGING, prod=own)
    assert error.where == f"{tmp_path}/Pulumi.prod.yaml:6 (config.caraml:platform.limits.cpuFactor)"


def test_an_error_in_an_item_of_a_list_names_the_file_of_that_list(tmp_path: Path) -> None:
    error = problem(tmp_path, staging=STAGING, prod=PROD + "    gpus:\n      - {name: t4, nam: t4}\n")
    assert error.where.startswith(f"{tmp_path}/Pulumi.prod.yaml:8 (config.caraml:platform.gpus[0]")


def test_what_is_missing_in_all_files_is_missing_in_the_environments_own(tmp_path: Path) -> None:
    error = problem(tmp_path, staging=STAGING, prod=PROD.replace("domain: models.example.com", "domain: null"))
    assert (error.what, error.where) == (
        "`domain` is missing",
        f"{tmp_path}/Pulumi.prod.yaml:4 (config.caraml:platform.domain)",
    )


def test_secrets_are_never_taken_over(tmp_path: Path) -> None:
    secret = "      secrets:\n        registry:\n          token: {secure: v1:abc}\n"
    found = configuration(tmp_path, staging=STAGING + secret, prod=PROD)
    assert "secrets" not in found.values[PROJECTS_KEY]["iris-team"]
    path = (PROJECTS_KEY, "iris-team", "secrets", "registry", "token")
    assert [(layer.environment, left) for layer, left in found.secrets_left_out()] == [("staging", path)]


def test_a_secret_that_is_set_in_the_environment_itself_is_not_missed(tmp_path: Path) -> None:
    secret = "      secrets: {registry: {token: {secure: v1:abc}}}\n"
    own = PROD + "  caraml:projects:\n    iris-team:\n" + secret
    found = configuration(tmp_path, staging=STAGING + secret, prod=own)
    assert list(found.secrets_left_out()) == []
    assert found.values[PROJECTS_KEY]["iris-team"]["secrets"] == {"registry": {"token": "[secret]"}}


def test_a_secret_in_plain_text_is_refused_where_it_is_also_in_an_extended_file(tmp_path: Path) -> None:
    error = problem(tmp_path, staging=STAGING + "      secrets: {registry: {token: s3cr3t}}\n", prod=PROD)
    assert error.where.startswith(f"{tmp_path}/Pulumi.staging.yaml:")
    assert "s3cr3t" not in str(error)


def test_values_of_an_encrypted_file_are_read_without_a_passphrase(tmp_path: Path) -> None:
    secret = "      secrets: {registry: {token: {secure: v1:abc}}}\n"
    found = configuration(tmp_path, "staging", staging=STAGING + secret)
    assert found.values[PROJECTS_KEY]["iris-team"]["secrets"] == {"registry": {"token": "[secret]"}}


def test_a_map_that_was_set_as_a_text_is_read_as_pulumi_reads_it(tmp_path: Path) -> None:
    staging = 'config:\n  caraml:platform: \'{"domain": "staging.example.com", "maxCpu": "4"}\'\n'
    found = configuration(tmp_path, staging=staging, prod=PROD)
    assert (found.values[PLATFORM_KEY]["domain"], found.values[PLATFORM_KEY]["maxCpu"]) == ("models.example.com", "4")


@given(below=TREES, above=TREES)
def test_what_is_laid_over_is_in_the_result_and_the_rest_stays(below: dict[str, Any], above: dict[str, Any]) -> None:
    result = merged(below, above)
    assert result.keys() == below.keys() | above.keys()
    assert merged(result, above) == result
    for name, value in above.items():
        if not isinstance(value, dict) or not isinstance(below.get(name), dict):
            assert result[name] == value
    assert all(result[name] == value for name, value in below.items() if name not in above)


@given(below=TREES, above=TREES)
def test_every_value_is_from_the_uppermost_file_that_has_it(below: dict[str, Any], above: dict[str, Any]) -> None:
    found = Configuration([Layer("prod", None, above), Layer("staging", None, below)])

    def leaves(value: Any, path: tuple[str, ...] = ()) -> None:
        if isinstance(value, dict) and value:
            for key, item in value.items():
                leaves(item, (*path, key))
            return
        owner: Any = found.owner(path).values
        for part in path:
            owner = owner[part]
        assert owner == value

    leaves(found.values)
