"""One running policy pack."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from caraml_pulumi.engine.policies import messages
from caraml_pulumi.engine.policies.config import Rule, Setting, read_config, reconcile
from caraml_pulumi.engine.policies.manifest import load_manifest
from caraml_pulumi.engine.policies.messages import AnalyzedResource
from caraml_pulumi.engine.policies.violation import NotApplicable, Violation
from caraml_pulumi.engine.process import Answer, Once, SideProcess
from caraml_pulumi.engine.values import Properties, Secret, plain

ANSWER_TIMEOUT: Final = 60.0
"""Seconds that a pack may take to answer one question."""
_NOT_DIALLED: Final = "127.0.0.1:1"
"""The engine address that a pack is given: the SDK asks for one and never calls it."""
_ORGANIZATION: Final = "organization"
"""What Pulumi's self-managed backends call the organization of every stack."""
_SDK_VERSION: Final = "0.0.1"
"""The version of a pack that gives none."""


class PolicyPack:
    """A policy pack in a process of its own: the constructor starts it, its first use waits until it is ready.

    `path` is the directory with PulumiPolicy.yaml, `config_path` a JSON file with enforcement levels and properties;
    with `settings` these are taken instead, and the file only names them in messages.
    `config` is the stack's configuration by full key (``project:key``). `on_line` gets what the pack prints, secrets of
    the configuration masked, `on_not_applicable` the policies that do not judge. `environment` are more environment
    variables of its process. Methods may be called from several threads. A violation's `version` is that of
    PulumiPolicy.yaml, as with the Pulumi CLI.

    Raises:
        CaramlError: there is no pack, it is in another language, or the configuration file is not right.
    """

    def __init__(
        self,
        path: Path,
        config_path: Path | None = None,
        *,
        project: str,
        stack: str,
        preview: bool,
        config: Mapping[str, str | Secret],
        on_line: Callable[[str], None] = lambda line: None,
        on_not_applicable: Callable[[NotApplicable], None] = lambda found: None,
        settings: Mapping[str, Setting] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        manifest = load_manifest(path)
        self.name = manifest.directory.name
        self.version = manifest.version or _SDK_VERSION
        self._given = settings if settings is not None else read_config(config_path) if config_path else {}
        self._config_file = str(config_path or manifest.directory)
        values = plain(dict(config))
        self._stack = analyzer_pb2.AnalyzerStackConfigureRequest(
            stack=stack,
            project=project,
            organization=_ORGANIZATION,
            dry_run=preview,
            config=values,
            config_secret_keys=[key for key, value in config.items() if isinstance(value, Secret)],
        )
        self._tell_not_applicable = on_not_applicable
        self._connect = Once(self._configured)
        self._asked: frozenset[str] = frozenset()
        self._rules: list[Rule] = []
        self._process = SideProcess(
            f'policy pack "{self.name}"',
            "pulumi.policy",
            [_NOT_DIALLED, str(manifest.program)],
            directory=manifest.directory,
            python=manifest.python,
            on_line=on_line,
            secrets=list(config.values()),
            environment={
                "PULUMI_PROJECT": project,
                "PULUMI_STACK": stack,
                "PULUMI_ORGANIZATION": _ORGANIZATION,
                "PULUMI_DRY_RUN": str(preview).lower(),
                "PULUMI_CONFIG": json.dumps(values),
                **(environment or {}),
            },
        )

    @property
    def pid(self) -> int:
        """The id of its process."""
        return self._process.pid

    def wait(self) -> None:
        """Wait until the pack is ready and configured; the other methods do so themselves.

        Raises:
            CaramlError: the pack does not start, or its configuration does not fit its policies.
        """
        self._connect()

    @property
    def rules(self) -> list[Rule]:
        """Its policies, each with the level and values that it is configured to. Waits until the pack is ready.

        Raises:
            CaramlError: as `wait` does.
        """
        self._connect()
        return self._rules

    def remediate(self, resource: AnalyzedResource) -> tuple[Properties, list[Violation]]:
        """The inputs as the pack's remediations change them, and a note on each change. To be called before `analyze`.

        Raises:
            CaramlError: the pack fails, ends, or does not answer.
        """
        stub = self._connect()
        properties, notes = resource.properties, list[Violation]()
        if "remediation" in self._asked:
            request = messages.resource_request(resource)
            response = self._ask(stub.Remediate, request, f"remediating {resource.state.name!r}", resource)
            for found in response.remediations:
                properties, note = messages.remediation(found, self.version, resource, properties)
                notes.append(note)
        return properties, notes

    def analyze(self, resource: AnalyzedResource) -> list[Violation]:
        """What the pack's resource policies find in `resource`.

        Raises:
            CaramlError: the pack fails, ends, or does not answer.
        """
        stub = self._connect()
        if "resource" not in self._asked:
            return []
        request = messages.resource_request(resource)
        response = self._ask(stub.Analyze, request, f"checking {resource.state.name!r}", resource)
        return self._found(response, [resource])

    def analyze_stack(self, resources: Sequence[AnalyzedResource]) -> list[Violation]:
        """What the pack's stack policies find in all `resources` together.

        Raises:
            CaramlError: the pack fails, ends, or does not answer.
        """
        stub = self._connect()
        if "stack" not in self._asked:
            return []
        request = messages.stack_request(resources)
        response = self._ask(stub.AnalyzeStack, request, "checking the whole stack", *resources)
        return self._found(response, resources)

    def close(self) -> None:
        """End the pack's process. May be called again."""
        self._process.close()

    def _configured(self) -> analyzer_pb2_grpc.AnalyzerStub:
        """The connection, after the pack has been told the stack, and its policies their settings."""
        stub = analyzer_pb2_grpc.AnalyzerStub(self._process.channel())
        self._ask(stub.ConfigureStack, self._stack, "taking the stack's configuration")
        info = self._ask(stub.GetAnalyzerInfo, Empty(), "listing its policies")
        self.name = info.name
        rules = [messages.rule(policy) for policy in info.policies]
        settings = reconcile(rules, messages.initial_settings(info), self._given, self._config_file)
        self._rules = [_configured(rule, settings[rule.name]) for rule in rules]
        self._ask(stub.Configure, messages.configure_request(settings), "taking its configuration")
        self._asked = frozenset(kind for rule in rules for kind in _questions(rule, settings[rule.name]))
        return stub

    def _found(self, response: analyzer_pb2.AnalyzeResponse, resources: Sequence[AnalyzedResource]) -> list[Violation]:
        for found in messages.not_applicable(response, self.name, self.version, resources):
            self._tell_not_applicable(found)
        return messages.violations(response, self.version, resources)

    def _ask(self, call: Callable[..., Answer], request: Message, doing: str, *resources: AnalyzedResource) -> Answer:
        secrets = [resource.properties for resource in resources]
        return self._process.ask(call, request, doing, timeout=ANSWER_TIMEOUT, secrets=secrets)


def _configured(rule: Rule, setting: Setting) -> Rule:
    return replace(rule, level=setting.level or rule.level, values=setting.properties)


def _questions(rule: Rule, setting: Setting) -> set[str]:
    """What a pack must be asked on account of one policy: most packs have nothing to say to some questions."""
    if setting.level == "disabled":
        return set()
    if rule.kind == "resource" and setting.level == "remediate":
        return {"remediation", "resource"}
    return {rule.kind}
