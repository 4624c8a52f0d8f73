"""A record of what a release declares, in the state of the stack: what history tells, and what a rollback restores.

    ModelRelease("iris-team-iris", release, environment="dev")

The versions and the endpoint are components of their own, and no children of it: the URNs of what runs already stay.
"""

from typing import Final

import pulumi

from caraml_pulumi.model.release import ReleaseSpec

TYPE: Final = "caraml:index:ModelRelease"


class ModelRelease(pulumi.ComponentResource):
    """The release of a model in an environment, as its file declares it, without any default.

    Its inputs change whenever the declaration does, so that a preview shows the change in the file's own words.
    """

    def __init__(
        self, name: str, release: ReleaseSpec, *, environment: str, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """`environment` is the one that the release is deployed in."""
        super().__init__(TYPE, name, {"environment": environment, **release.declared()}, opts)
        self.register_outputs({})
