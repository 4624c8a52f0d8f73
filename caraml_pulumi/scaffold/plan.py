"""What `caraml init` is asked for: the names of a new repository, held to the rules that hold for them later."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from caraml_pulumi.engine.state.names import check_name
from caraml_pulumi.errors import USAGE, CaramlError
from caraml_pulumi.model import images, names

ENVIRONMENTS = ("dev", "staging", "prod")
DOMAIN = "models.example.com"
MODEL = "iris"


class Ci(StrEnum):
    """For which CI a workflow is written."""

    GITHUB = "github"
    GITLAB = "gitlab"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Plan:
    """A new repository.

    Attributes:
        name: the Pulumi project's name.
        environments: in the order in which a release travels.
        domain: the models' domain in the last environment; in the others, after the environment's name.
        project: the project (namespace) of the model, and its team.
        model: the first model.
        image: the image of its version 1.
        ci: for which CI a workflow is written.
    """

    name: str
    environments: Sequence[str]
    domain: str
    project: str
    model: str
    image: str
    ci: Ci

    def domain_of(self, environment: str) -> str:
        """The models' domain in an environment."""
        return self.domain if environment == self.environments[-1] else f"{environment}.{self.domain}"


def default_image(model: str) -> str:
    """An image for a model that has none yet.

    It need not exist on the local control plane, which runs no containers, and asks no ``registry.local`` for digests.
    """
    return f"registry.local/models/{model}:1.0"


def project_name(directory: str) -> str:
    """A name for the Pulumi project in a directory of this name."""
    return re.sub(r"[^a-z0-9]+", "-", directory.lower()).strip("-") or "platform"


def plan(*, name: str, environments: Sequence[str], domain: str, project: str, model: str, image: str, ci: Ci) -> Plan:
    """Hold what was asked for to the rules of each value.

    Raises:
        CaramlError: a value is not one, with the option it came from; exit code 2.
    """
    _check("name", name, lambda value: check_name("project", value))
    if not environments:
        raise CaramlError("no environment is named", where="--environments", exit_code=USAGE)
    for environment in environments:
        _check("environments", environment, names.environment_name)
        if list(environments).count(environment) > 1:
            raise CaramlError(f'"{environment}" is named twice', where="--environments", exit_code=USAGE)
    _check("domain", domain, names.domain_name)
    _check("model", model, names.model_name)
    _check("project", project, names.project_name)
    _check("image", image, images.image_reference)
    return Plan(name, tuple(environments), domain, project, model, image, ci)


def _check(option: str, value: str, rule: Callable[[str], object]) -> None:
    try:
        rule(value)
    except CaramlError as error:
        error.where, error.exit_code = f"--{option}", USAGE
        raise
