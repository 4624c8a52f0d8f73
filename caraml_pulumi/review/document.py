"""What a review says, as its JSON has it. `SCHEMA_VERSION` grows when a property changes its meaning or goes."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

SCHEMA_VERSION: Final = 1

Verdict = Literal["ready", "blocked", "failed"]
VersionChange = Literal["added", "removed", "replaced", "stopped", "started", "changed", "unchanged"]
EndpointChange = Literal["added", "removed", "replaced", "changed", "unchanged"]
Level = Literal["mandatory", "advisory"]


class Part(BaseModel):
    """A part of a review: immutable, written in camelCase."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=to_camel, validate_by_name=True, serialize_by_alias=True
    )


class PropertyChange(Part):
    """A property in words, before and after; None where it has no value."""

    name: str
    before: str | None
    after: str | None


class NamesChange(Part):
    """A property of which only names are told, such as environment variables: their values may be secrets."""

    name: str
    added: list[str]
    removed: list[str]
    changed: list[str]


class ResourceChange(Part):
    """A resource that is created, updated, replaced or deleted."""

    op: str
    type: str
    name: str
    urn: str


class Loss(ResourceChange):
    """A resource that is deleted or replaced."""

    subject: str
    """It in models' terms."""
    weight: int | None
    """Percent of the requests to its model's endpoint, of a version that takes some now."""


class Weight(Part):
    """Percent of the requests to a model's endpoint; None where the endpoint does not send any there."""

    before: int | None
    after: int | None


class VersionReview(Part):
    """A version and what becomes of it."""

    version: int
    full_name: str
    change: VersionChange
    weight: Weight
    properties: list[PropertyChange]
    """Those that change; of an added version all that tell what it is, of a removed one what it was."""
    names: list[NamesChange]
    objects: list[ResourceChange]
    """Its Kubernetes objects that change."""
    urn: str


class EndpointReview(Part):
    """The endpoint of a model, and what becomes of it and of its monitoring."""

    change: EndpointChange
    properties: list[PropertyChange]
    names: list[NamesChange]
    objects: list[ResourceChange]
    urn: str


class ModelReview(Part):
    """A model of which something changes."""

    project: str
    model: str
    environment: str
    versions: list[VersionReview]
    endpoint: EndpointReview | None
    promoted_from: str | None = None
    """Where the change promotes it from: ``dev (update 12)``; None if it does not."""


class Amount(Part):
    """A sum over the versions of a project, as Kubernetes quantities; None: without a limit."""

    before: str | None
    after: str | None
    quota_before: str | None
    quota_after: str | None
    """None: no quota."""
    percent_before: int | None
    percent_after: int | None
    """Of the quota, rounded up."""


class Cost(Part):
    """What a project's versions cost a month, by their requests, at their fewest and their most replicas."""

    min_before: str
    min_after: str
    max_before: str
    max_after: str


class ProjectReview(Part):
    """What the deployed versions of a project may use together, at full load."""

    project: str
    deployments: Amount
    cpu: Amount
    memory: Amount
    gpu: Amount
    cost: Cost | None
    """None without prices, or where a version's price is not known."""
    not_counted: list[str]
    """Versions whose resources are not known before the update."""
    changed: bool


class Place(Part):
    """A line of a file of the project, relative to the repository."""

    file: str
    line: int


class Finding(Part):
    """A violation of a rule."""

    level: Level
    policy: str
    pack: str
    subject: str
    """The resource in models' terms."""
    urn: str
    """Empty where the stack as a whole is meant."""
    message: str
    where: str
    allowed: str
    fix: str
    place: Place | None


class Remediation(Part):
    """What a rule has changed by itself."""

    policy: str
    pack: str
    subject: str
    urn: str
    message: str


class Unjudged(Part):
    """A rule that did not judge, mostly for a value which only the update knows."""

    policy: str
    pack: str
    subject: str
    urn: str
    reason: str


class ExemptionReview(Part):
    """A violation that is agreed on, from the configuration of a pack."""

    policy: str
    resource: str
    owner: str
    reason: str
    expires: str
    ends_soon: bool
    """Whether it ends within 30 days."""


class RuleReview(Part):
    """A rule that has something to say."""

    name: str
    pack: str
    description: str
    severity: str
    tags: list[str]
    steps: str
    url: str


class OtherChange(Part):
    """Resources that are no part of a model, of one type and operation."""

    op: str
    type: str
    count: int


class Message(Part):
    """An error or a warning of the program or of the cluster."""

    severity: Literal["error", "warning"]
    subject: str
    urn: str
    message: str


class Pack(Part):
    """A policy pack that judged."""

    name: str
    version: str


class Review(Part):
    """A review of what an update of a stack would do."""

    schema_version: int = SCHEMA_VERSION
    project: str
    stack: str
    verdict: Verdict
    headline: str
    """The verdict in one line."""
    mandatory: int
    advisory: int
    resources: dict[str, int]
    """Resources by operation."""
    models: list[ModelReview]
    unchanged_models: int
    lost: list[Loss]
    """What is deleted or replaced, the objects of removed versions and endpoints left out."""
    others: list[OtherChange]
    projects: list[ProjectReview]
    currency: str | None
    findings: list[Finding]
    remediations: list[Remediation]
    unjudged: list[Unjudged]
    exemptions: list[ExemptionReview]
    rules: list[RuleReview]
    packs: list[Pack]
    messages: list[Message]

    @property
    def name(self) -> str:
        """The stack as people name it, ``project/stack``."""
        return f"{self.project}/{self.stack}"

    @property
    def changes_anything(self) -> bool:
        """Whether any resource changes."""
        return any(count for op, count in self.resources.items() if op not in ("same", "read"))

    def rule(self, finding: Finding) -> RuleReview | None:
        """The rule that `finding` is about, if its pack has told of it."""
        return next((one for one in self.rules if (one.name, one.pack) == (finding.policy, finding.pack)), None)

    def document(self) -> dict[str, Any]:
        """The review as its JSON has it."""
        return self.model_dump(mode="json")


def schema() -> Mapping[str, Any]:
    """The JSON Schema of a review."""
    return Review.model_json_schema(mode="serialization")
