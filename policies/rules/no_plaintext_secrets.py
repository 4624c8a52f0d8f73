"""No credential is in plain text in an environment variable, a build argument or a command.

What is written there is read by everybody who may read the stack, its state or its pods, for as long as the history is
kept. A value is taken for a credential by the form that its issuer gives it (tokens of GitHub, GitLab, AWS, Google,
Slack, Stripe, OpenAI, Hugging Face and others, private keys, JSON Web Tokens), by a name that says so (PASSWORD, TOKEN,
SECRET, KEY … at its end; all but passwords must look random as well), and as the password in a URL, a connection
string or a flag. Values are never repeated: a violation names the variable and the kind.

References pass: `$(VAR)`, templates, paths, ARNs, addresses in a secret store; and so do UUIDs, hashes, digests and any
text under a name that does not say it is a secret.

Judged are a version and its transformer, a build, everything that makes pods (init containers too), and what pods can
take variables from of ConfigMaps: entries that are no files.

    # refused
    env: {DB_PASSWORD: hunter2}
    env: {DATABASE_URL: "postgres://iris:hunter2@db/iris"}
    # passes
    env: {DATABASE_URL: "postgres://iris:$(DB_PASSWORD)@db/iris"}
    secretRefs: {DB_PASSWORD: {name: db, key: password}}
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from pulumi_policy import Severity

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.plaintext_secrets import no_plaintext_secret, no_plaintext_secrets_in_command
from caraml_pulumi.model.spec import within
from policies.pods import PATCH_TYPES, POD_TYPES, Path, containers, pods
from policies.reading import MODEL_VERSION, Properties, at, broken
from policies.resource import Resource
from policies.rule import resource_rule
from policies.workloads import IMAGE_BUILD, workloads

CONFIG_MAP: Final = "kubernetes:core/v1:ConfigMap"
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _of_version(version: Resource) -> Iterator[CaramlError]:
    for path, props in workloads(version):
        yield from _of_map(at(props, "env"), (*path, "env"))
        yield from _of_commands(props, path, "command", "args")


def _of_build(build: Resource) -> Iterator[CaramlError]:
    for name in ("env", "buildArgs"):
        yield from _of_map(at(build.props, name), (name,))
    yield from _of_commands(build.props, (), "executorArgs")


def _of_pods(workload: Resource) -> Iterator[CaramlError]:
    for container in containers(pods(workload), init=True):
        for index, variable in enumerate(at(container.props, "env")):
            yield from _of_value(str(variable.get("name")), variable.get("value"), (*container.path, "env", index))
        yield from _of_commands(container.props, container.path, "command", "args")


def _of_config_map(config_map: Resource) -> Iterator[CaramlError]:
    data = at(config_map.props, "data")
    yield from _of_map(data, ("data",), [name for name in data if _VARIABLE.fullmatch(name)])


def _of_map(variables: Properties, path: Path, names: Iterable[str] | None = None) -> Iterator[CaramlError]:
    for name in variables if names is None else names:
        yield from _of_value(name, variables[name], (*path, name))


def _of_value(name: str, value: object, path: Path) -> Iterator[CaramlError]:
    if isinstance(value, str) and value:
        yield from broken(within(*path)(no_plaintext_secret), name, value)


def _of_commands(props: Properties, path: Path, *names: str) -> Iterator[CaramlError]:
    for name in names:
        words = [str(word) for word in at(props, name)]
        yield from broken(within(*path, name)(no_plaintext_secrets_in_command), words)


policy = resource_rule(
    "no-plaintext-secrets",
    "No credential is in plain text in an environment variable, a build argument or a command.",
    doc=__doc__,
    severity=Severity.CRITICAL,
    tags=("secrets", "security"),
    steps="Keep the value in a Secret (secrets, secretRefs or secretKeyRef), and have it renewed if it was real.",
    judges={
        MODEL_VERSION: _of_version,
        IMAGE_BUILD: _of_build,
        **dict.fromkeys((CONFIG_MAP, f"{CONFIG_MAP}Patch"), _of_config_map),
        **dict.fromkeys((*POD_TYPES, *PATCH_TYPES), _of_pods),
    },
)
