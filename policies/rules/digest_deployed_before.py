"""An image that is deployed in production has been deployed, and healthy, in the environment before.

What ran is told by its digest, which is the same in every registry that the image is copied to. The evidence is what
`caraml status --json` printed of the environment before:

```
caraml status --stack staging --json > staging.json
CARAML_STATUS_BEFORE=$PWD/staging.json caraml up --stack prod --policy-pack policies
```

A version there counts if it answers (`running` or `serving`) and its phase is `Deployed`: while an update fails, or is
under way, the image before is what answers. Without evidence every image is refused that the stack does not have yet:
one that it deployed already, whichever of its versions it is of, came in by this rule, and may be kept, changed in its
settings, and given its requests back when the environment before has long gone on. An image without a digest is not
judged here but by `image-pinned-by-digest`. `caraml promote` hands over the evidence by itself, and `caraml rollback`
what the stack had deployed at the update that it goes back to, if that succeeded: it came in by this rule as well.

The images of CustomModelVersions and their transformers are judged, and of objects that no component made those that
carry the labels of a version. A stopped version runs no image.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from pulumi_policy import Severity

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.promotion import digest_deployed_before, digest_of, evidence_is_fresh
from caraml_pulumi.model.spec import Path, within
from policies.evidence import (
    STACK_BEFORE,
    STACK_BEFORE_SCHEMA,
    STATUS_BEFORE,
    STATUS_BEFORE_SCHEMA,
    STATUS_VARIABLE,
    NoEvidenceError,
    StatusBefore,
    stack_before,
    stack_restored,
    status_before,
)
from policies.platform_config import LABEL_PREFIX, LABEL_PREFIX_SCHEMA, label_prefix
from policies.pods import POD_TYPES, containers, pods
from policies.reading import MODEL_VERSION, at, broken, version_of_object
from policies.resource import Resource
from policies.rule import PRODUCTION, resource_rule
from policies.versions import made_by

PREVIOUS = "previousEnvironment"
MAX_AGE_HOURS = "maxAgeHours"
_USUAL = "staging"
"""What commands name as the environment before, where no setting does."""


def _of_version(version: Resource) -> Iterator[CaramlError]:
    if version.props.get("stopped"):
        return
    for path in (("image",), ("transformer", "image")):
        if isinstance(image := at(version.props, *path), str):
            yield from _hold(version, path, image)


def _of_workload(workload: Resource) -> Iterator[CaramlError]:
    of_component = made_by(workload, MODEL_VERSION)
    if of_component or version_of_object(workload.props, label_prefix(workload.settings)) is None:
        return
    for container in containers(pods(workload)):
        if isinstance(image := container.props.get("image"), str):
            yield from _hold(workload, (*container.path, "image"), image)


def _hold(resource: Resource, path: Path, image: str) -> Iterator[CaramlError]:
    if not digest_of(image):
        return
    environment, previous = resource.environment, resource.settings[PREVIOUS]
    before = previous or _USUAL
    how = (
        f"deploy it in {before} first, then: caraml status --stack {before} --json > {before}.json && "
        f"{STATUS_VARIABLE}=$PWD/{before}.json caraml up --stack {environment}"
    )

    def rule() -> None:
        if digest_of(image) in _deployed_already(resource):
            return
        evidence = status_before(resource.settings)
        if evidence is None:
            raise CaramlError(f'nothing says that image "{image}" was deployed before', fix=how)
        _hold_age(evidence, resource.settings[MAX_AGE_HOURS])
        found = [one for one in evidence.versions if one.environment == (previous or one.environment) != environment]
        if evidence.versions and not found:
            there = ", ".join(sorted({one.environment for one in evidence.versions}))
            raise CaramlError(f"the evidence is of environment {there}", allowed=previous or "the one before", fix=how)
        named = previous or ", ".join(sorted({one.environment for one in found})) or "the environment before"
        proven = {digest for one in found if one.healthy for digest in one.digests}
        digest_deployed_before(image, proven, environment=named, how=how)

    yield from broken(within(*path)(rule))


def _deployed_already(resource: Resource) -> frozenset[str]:
    """The digests that the stack had before the update, or had had when it was as it is to be again."""
    restored = stack_restored(resource.urn).digests
    try:
        return stack_before(resource.settings, resource.urn).digests | restored
    except NoEvidenceError:
        return restored


def _hold_age(evidence: StatusBefore, hours: float) -> None:
    if evidence.time is not None:
        evidence_is_fresh(evidence.time, datetime.now(UTC), hours)
    elif hours:
        raise CaramlError("the evidence does not say when it was taken", fix="write it with: caraml status --json")


policy = resource_rule(
    "digest-deployed-before",
    "An image was deployed and healthy in the environment before.",
    doc=__doc__,
    severity=Severity.HIGH,
    tags=("promotion",),
    steps="Deploy the image in the environment before, and hand over what caraml status --json says of it.",
    settings={
        STATUS_BEFORE: STATUS_BEFORE_SCHEMA,
        STACK_BEFORE: STACK_BEFORE_SCHEMA,
        PREVIOUS: {
            "type": "string",
            "default": "",
            "description": "The environment that images come from. Default: any but the one that they go to.",
        },
        MAX_AGE_HOURS: {
            "type": "number",
            "minimum": 0,
            "default": 0,
            "description": "How old the evidence may be, in hours; 0: of any age.",
        },
        LABEL_PREFIX: LABEL_PREFIX_SCHEMA,
    },
    environments=PRODUCTION,
    judges={MODEL_VERSION: _of_version, **dict.fromkeys(POD_TYPES, _of_workload)},
)
