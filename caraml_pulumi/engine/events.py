"""Engine events, in Pulumi's own vocabulary: the JSON objects of ``pulumi up --event-log``.

Both engines yield them (the Pulumi CLI through the Automation API), one display shows them. Each event is a dict with
``sequence``, ``timestamp`` (seconds) and exactly one of:

- ``preludeEvent``: ``{config}``, secret values as ``[secret]``;
- ``resourcePreEvent``: ``{metadata, planning?}`` when a step starts;
- ``resOutputsEvent``: ``{metadata, planning?}`` when it is done;
- ``resOpFailedEvent``: ``{metadata, status, steps}`` when it failed;
- ``diagnosticEvent``: ``{urn?, prefix?, message, color, severity, ephemeral?}``; severity ``debug``, ``info``,
  ``info#err``, ``warning`` or ``error``; ephemeral ones are passing status lines;
- ``policyEvent``: ``{resourceUrn?, message, color, policyName, policyPackName, policyPackVersion, enforcementLevel}``;
- ``policyNotApplicableEvent``: ``{resourceUrn?, reason, policyName, policyPackName, policyPackVersion}``, of the
  embedded engine alone: the Pulumi CLI does not tell;
- ``summaryEvent``: ``{maybeCorrupt, durationSeconds, resourceChanges, PolicyPacks, isPreview, result}``;
- ``cancelEvent``: ``{}``, the last one.

Step ``metadata`` is ``{op, urn, type, old, new, keys?, diffs?, detailedDiff, logical, provider}``; ``old`` and ``new``
are ``{type, urn, custom?, id, parent, inputs, outputs, provider, ...}``. ``op`` is one of ``same``, ``create``,
``update``, ``delete``, ``replace``, ``create-replacement``, ``delete-replaced``, ``read``, ``refresh``,
``discard-replaced``, ``import``, ``import-replacement``.
Secrets are ``{"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "[secret]"}``,
unknowns the text ``04da6b54-80e4-46f7-96ec-b56ff0331ba9``. ``detailedDiff`` is ``{path: {diffKind, inputDiff}}`` or
None.
"""

from collections.abc import Callable
from typing import Any

EngineEvent = dict[str, Any]
"""One event; see the module's docstring."""
EventSink = Callable[[EngineEvent], None]
"""Where events go. It is called from one thread at a time, in order."""
