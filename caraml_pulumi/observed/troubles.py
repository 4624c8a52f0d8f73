"""What keeps a workload from running, in one line, and which kind of trouble it is."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

LONGEST: Final = 300
"""Characters of one text; errors of image pulls repeat themselves at length."""


class Cause(StrEnum):
    """Kinds of trouble, the one that must be mended first at the top."""

    QUOTA = "quota"
    """A ResourceQuota, or an admission webhook for quotas, refuses the pods."""
    ADMISSION = "admission"
    """The API server refuses the pods for another reason."""
    IMAGE = "image"
    """The image is invalid or cannot be pulled."""
    CONFIGURATION = "configuration"
    """A container cannot be created: a Secret is missing, its command does not exist."""
    INITIALIZER = "initializer"
    """An init container fails; for a model, its files cannot be copied."""
    CRASH = "crash"
    """A container ends again and again, or was killed."""
    UNSCHEDULABLE = "unschedulable"
    """No node can take the pods."""
    DEADLINE = "deadline"
    """A controller has given up waiting."""
    NODE = "node"
    """No node can take the pods, and one that can is being made."""
    VOLUME = "volume"
    """A volume cannot be mounted yet."""
    EVICTED = "evicted"
    """A node has ended the pod."""
    RESTARTED = "restarted"
    """A container has ended once and was started again."""
    UNREADY = "unready"
    """A container runs and is not ready."""


_ORDER: Final = list(Cause)


@dataclass(frozen=True, slots=True)
class Trouble:
    """A kind of trouble, and the text that tells a person what it is about."""

    cause: Cause
    text: str

    @property
    def rank(self) -> int:
        """Sorts what must be mended first to the front."""
        return _ORDER.index(self.cause)


def one_line(text: str) -> str:
    """`text` on one line of at most `LONGEST` characters."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


_DENIED: Final = re.compile(r"^.* denied the request: ", re.DOTALL)


def refused(message: str) -> Trouble:
    """Why the API server refuses pods, by what it answered; a webhook's own words alone."""
    quota = "exceeded" in message and "quota" in message
    return Trouble(Cause.QUOTA if quota else Cause.ADMISSION, one_line(_DENIED.sub("", message)))
