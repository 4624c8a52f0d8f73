"""Why an image is not there: what a registry answered, without what the kubelet and its runtime wrap around it."""

import re
from typing import Final

from caraml_pulumi.observed.troubles import Cause, Trouble, one_line

_WRAPPINGS: Final = tuple(
    re.compile(pattern, re.DOTALL)
    for pattern in (
        r'^Back-off pulling image "[^"]*"(: |$)',
        r"^(ErrImagePull|ImagePullBackOff): ",
        r'^Failed to pull image "[^"]*": ',
        r"^Failed to apply default image tag ",
        r'^Unable to fetch image "[^"]*": (failed to resolve image to digest: )?',
        r"^rpc error: code = \w+ desc = ",
        r'^failed to pull and unpack image "[^"]*": ',
        r'^failed to resolve (reference|image) "[^"]*": ',
        r"^failed to (copy|resolve|authorize|do request|fetch [a-z ]*token): ",
        r"^(HEAD|GET|Head|Get) \"?https?://\S+?\"?: ",
    )
)
_QUOTED: Final = re.compile(r'"([^"]+)"')


def pull_trouble(image: str, reason: str, message: str, event: str = "") -> Trouble:
    """The trouble of a container whose image is invalid or cannot be pulled: the image, and the registry's answer.

    `message` is the container's, which says only at times what the registry answered; `event` is what the kubelet said
    when it last tried.
    """
    if not image:
        image = next(iter(_QUOTED.findall(message or event)), "")
    answer = _answer(message, image) or _answer(event, image)
    what = "is invalid" if reason == "InvalidImageName" else "cannot be pulled"
    return Trouble(Cause.IMAGE, one_line(f"image {image} {what}" + (f": {answer}" if answer else "")))


def _answer(message: str, image: str) -> str:
    """`message` without its wrappings, and without the image's name before it."""
    text, before = message.strip(), None
    while text != before:
        before = text
        for wrapping in _WRAPPINGS:
            text = wrapping.sub("", text, count=1)
        for name in (f'"{image}": ', f"{image}: "):
            at = text.rfind(name) if image else -1
            text = text[at + len(name) :] if at >= 0 else text
    return text
