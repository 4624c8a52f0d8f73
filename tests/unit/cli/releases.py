"""A project with release files whose program registers releases and versions, and no objects of a cluster."""

from pathlib import Path
from typing import Any

import yaml

from tests.unit.cli.program import Program

PROGRAM = """
from pathlib import Path

import pulumi
from pulumi.dynamic import CreateResult, Resource, ResourceProvider

from caraml_pulumi import ModelRelease
from caraml_pulumi.component import readable
from caraml_pulumi.model.release import plan_release
from caraml_pulumi.stack_files import read_stack

here = Path(__file__).parent
config = pulumi.Config("caraml")


class Part(pulumi.ComponentResource):
    def __init__(self, type_, name, props, options=None):
        super().__init__(f"caraml:index:{type_}", name, props, options)
        self.register_outputs({})


class Gate(ResourceProvider):
    def create(self, props):
        if (here / "closed").exists():
            raise Exception("the gate is closed")
        return CreateResult(props["text"], props)


class Passage(Resource):
    def __init__(self, name, text, options):
        super().__init__(Gate(), name, {"text": text}, options)


with readable():
    stack = read_stack(
        here, "dev", {f"caraml:{key}": config.get_object(key) for key in ("platform", "projects")}
    )
for release in stack.releases:
    name = f"{release.project}-{release.model}"
    if not (here / "unrecorded").exists():
        ModelRelease(name, release, environment="dev")
    versions, endpoint = plan_release(release, stack.platform)
    parts = [Part("CustomModelVersion", f"{name}-{one.version}", one.props()) for one in versions]
    passage = Passage(f"{name}-{versions[-1].workloads[0].image}", "x", pulumi.ResourceOptions(depends_on=parts))
    if endpoint:
        Part("ModelEndpoint", name, endpoint.props(), pulumi.ResourceOptions(depends_on=[passage]))
if (here / "broken").exists():
    raise Exception("the program is broken")
"""
CONFIG = """
config:
  caraml:platform:
    domain: example.test
  caraml:projects:
    iris-team:
      team: iris
      stream: flowers
"""
COMMENT = "# Kept by hand.\n"


class Releases(Program):
    """The project, with the model iris of iris-team in its stack `dev`."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, PROGRAM)
        (root / "Pulumi.dev.yaml").write_text(CONFIG)
        self.release = root / "releases/dev/iris.yaml"
        self.release.parent.mkdir(parents=True)

    def declare(self, images: dict[int, str], weights: dict[int, int], **settings: Any) -> None:
        """Write the release file."""
        versions = [{"version": number, "image": image, **settings} for number, image in images.items()]
        traffic = [{"version": number, "weight": weight} for number, weight in weights.items()]
        release = {"model": "iris", "project": "iris-team", "versions": versions, "endpoint": {"traffic": traffic}}
        self.release.write_text(COMMENT + yaml.safe_dump(release, sort_keys=False))

    def up(self, images: dict[int, str], weights: dict[int, int], **settings: Any) -> None:
        """Write the release file, and deploy it."""
        self.declare(images, weights, **settings)
        done = self.run("up", "--yes")
        assert done.returncode == 0, done.stdout + done.stderr

    def close(self, name: str) -> None:
        """Make the next runs fail: ``closed`` in the middle, ``broken`` at the end of the program."""
        (self.root / name).touch()

    def open(self, name: str) -> None:
        """Let runs succeed again."""
        (self.root / name).unlink()
