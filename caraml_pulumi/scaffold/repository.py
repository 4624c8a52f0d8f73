"""The files of a new repository, and writing them beside what is there."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path, PurePosixPath

from caraml_pulumi import policy_pack, schemas
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.modes import DeploymentMode
from caraml_pulumi.scaffold.plan import Ci, Plan
from caraml_pulumi.scaffold.releases import first_release
from caraml_pulumi.scaffold.texts import modeline, scalar, text


@dataclass(frozen=True, slots=True)
class _Size:
    """What a version gets in an environment that does not ask itself, and what it may ask for."""

    min_replica: str
    max_replica: str
    cpu: str
    memory: str
    max_cpu: str
    max_memory: str
    max_allowed_replica: str
    quota_cpu: str
    quota_memory: str

    def values(self) -> dict[str, str]:
        """For the placeholders of a template."""
        return {name: getattr(self, name) for name in self.__slots__}


_BETWEEN = _Size("0", "4", "500m", "512Mi", "4", "8Gi", "10", "40", "80Gi")
_LAST = _Size("2", "10", '"1"', "1Gi", "8", "16Gi", "20", "200", "400Gi")


def contents(plan: Plan) -> dict[PurePosixPath, str]:
    """The texts of the repository's files by path. Raises `CaramlError` if the library is not complete."""
    first = plan.environments[0]
    release = first_release(plan.project, plan.model, plan.image, first, DeploymentMode.SERVERLESS)
    files = {
        "Pulumi.yaml": text("Pulumi.yaml", name=scalar(plan.name)),
        "README.md": _readme(plan),
        "requirements.txt": text("requirements.txt", version=version("caraml-pulumi")),
        ".gitignore": text("gitignore"),
        "stacks/__main__.py": text("stacks/__main__.py"),
        f"stacks/releases/{first}/{plan.model}.yaml": modeline("../../../schemas/release.schema.json") + release,
        "policies/PulumiPolicy.yaml": text("policies/PulumiPolicy.yaml"),
        "policies/__main__.py": text("policies/__main__.py"),
    }
    for name in ("environment", "release"):
        files[f"schemas/{name}.schema.json"] = _schema(name)
    for index, environment in enumerate(plan.environments):
        settings = modeline("../schemas/environment.schema.json") + _environment(plan, index)
        files[f"stacks/Pulumi.{environment}.yaml"] = settings
        files[f"policies/profiles/{environment}.json"] = profile(_stage(plan, index))
    files |= _workflow(plan)
    return {PurePosixPath(path): content for path, content in files.items()}


def profile(stage: str) -> str:
    """The configuration of the policy pack for an environment like ``dev``, ``staging`` or ``prod``."""
    return (policy_pack.home() / policy_pack.PACK / "profiles" / f"{stage}.json").read_text("utf-8")


def write(directory: Path, files: Mapping[PurePosixPath, str]) -> None:
    """Write files that are not there yet.

    Raises:
        CaramlError: some are there already, of which none is touched, or the directory cannot be written.
    """
    present = [str(path) for path in files if (directory / path).exists()]
    if present:
        raise CaramlError(
            f"nothing was written: {', '.join(present)} {'is' if len(present) == 1 else 'are'} there already",
            where=str(directory),
            fix="choose an empty directory, or move these files away",
        )
    try:
        for path, content in files.items():
            (directory / path).parent.mkdir(parents=True, exist_ok=True)
            (directory / path).write_text(content, encoding="utf-8")
    except OSError as error:
        raise CaramlError(
            f"the file cannot be written: {error.strerror}", where=str(error.filename or directory)
        ) from error


@cache
def _schema(name: str) -> str:
    return schemas.text(schemas.SCHEMAS[name]())


def _stage(plan: Plan, index: int) -> str:
    if index == 0:
        return "dev"
    return "prod" if index == len(plan.environments) - 1 else "staging"


def _environment(plan: Plan, index: int) -> str:
    environment = plan.environments[index]
    values = {"environment": environment, "domain": plan.domain_of(environment), "project": scalar(plan.project)}
    if index == 0:
        return text("stacks/first.yaml", **values)
    size = _LAST if index == len(plan.environments) - 1 else _BETWEEN
    hardening = text("stacks/hardening.yaml") if index == 1 else ""
    base = scalar(plan.environments[index - 1])
    return text("stacks/next.yaml", base=base, hardening=hardening, **values, **size.values())


def _readme(plan: Plan) -> str:
    first = plan.environments[0]
    promote = "# what is deployed and healthy, to the next environment\ncaraml promote {} --from {} --to {}\n"
    further = [promote.format(plan.model, first, second) for second in plan.environments[1:2]]
    return text(
        "README.md",
        name=plan.name,
        model=plan.model,
        first=first,
        chain=_chain(plan),
        promote="".join(further),
    )


def _workflow(plan: Plan) -> dict[str, str]:
    values = {
        "first": scalar(plan.environments[0]),
        "chain": _chain(plan),
        "environments": ", ".join(map(scalar, plan.environments)),
        "sources": ", ".join(map(scalar, plan.environments[:-1])),
        "targets": ", ".join(map(scalar, plan.environments[1:])),
    }
    several = len(plan.environments) > 1
    if plan.ci is Ci.GITHUB:
        steps = {"setup": text("github/setup.yml"), "secrets": text("github/secrets.yml")}
        dispatch = text("github/dispatch.yml", **values) if several else ""
        promote = text("github/promote.yml", **steps) if several else ""
        workflow = text("github/platform.yml", dispatch=dispatch, promote=promote, **steps, **values)
        return {".github/workflows/platform.yml": workflow}
    if plan.ci is Ci.GITLAB:
        told = " A pipeline started by hand promotes a model." if several else ""
        jobs = text("gitlab/gitlab-ci.yml", promotes=told, **values)
        return {".gitlab-ci.yml": jobs + (text("gitlab/promote.yml") if several else "")}
    return {}


def _chain(plan: Plan) -> str:
    return ", ".join(plan.environments)
