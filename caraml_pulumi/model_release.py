"""A record of what a release declares, in the state of the stack: what history tells, and what a rollback restores.

    ModelRelease("iris-team-iris", release, environment="dev")

The versions and the endpoint are components of their own, and no children of it: the URNs of what runs already stay.
"""

from collections.abc import Sequence
from typing import Final

import pulumi

from caraml_pulumi.model.release import ReleaseSpec

TYPE: Final = "caraml:index:ModelRelease"


class ModelRelease(pulumi.ComponentResource):
    """The release of a model in an environment, as its file declares it, without any default.

    Its inputs change whenever the declaration does, so that a preview shows the change in the file's own words.
    """

    def __init__(
        self,
        name: str,
        release: ReleaseSpec,
        *,
        environment: str,
        once: Sequence[pulumi.Resource] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`environment` is the one that the release is deployed in.

        With `once`, the components of the release, it is recorded when these are accepted: a change that a rule or a
        policy refuses for one of them leaves the record as it was.
        """
        declared = {"environment": environment, **release.declared()}
        given = {key: _after(once, value) for key, value in declared.items()} if once else declared
        super().__init__(TYPE, name, given, opts)
        self.register_outputs({})


def _after(components: Sequence[pulumi.Resource], value: object) -> pulumi.Output[object]:
    """`value`, once the components are accepted."""
    return pulumi.Output.all(*[component.urn for component in components]).apply(lambda _: value)
