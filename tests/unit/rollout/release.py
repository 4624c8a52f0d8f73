"""A release file as users have it."""

from pathlib import Path

from caraml_pulumi.rollout.release_file import RolloutFile, find_release

RELEASE = """\
# The model iris.
model: iris
project: team
versions:
  - version: 1
    image: registry.local/iris:1.0
  - version: 2
    image: 'registry.local/iris:2.0' # newer
endpoint:
  traffic: # percent
    - version: 1   # the good old one
      weight: 100
  timeoutSeconds: 10
"""


def release_file(directory: Path, text: str = RELEASE) -> RolloutFile:
    path = directory / "iris.yaml"
    path.write_text(text)
    return find_release(directory, "iris")
