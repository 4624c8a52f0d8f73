"""Which backend ``pulumi login`` chose: what `pulumi` would use, `caraml` uses as well."""

import json
import os
from pathlib import Path
from typing import Final

from caraml_pulumi.errors import CaramlError

CREDENTIALS_PATH: Final = "PULUMI_CREDENTIALS_PATH"
HOME: Final = "PULUMI_HOME"


def logged_in() -> str:
    """The URL of the backend in Pulumi's ``credentials.json``; empty if nobody is logged in.

    The file is in PULUMI_CREDENTIALS_PATH, else PULUMI_HOME, else ``~/.pulumi``, as the CLI has it. Nothing else of it
    is read.

    Raises:
        CaramlError: the file cannot be read.
    """
    directory = os.environ.get(CREDENTIALS_PATH) or os.environ.get(HOME) or Path.home() / ".pulumi"
    path = Path(directory) / "credentials.json"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except (OSError, ValueError):
        document = None
    if not isinstance(document, dict):
        raise CaramlError(
            "it cannot be read which backend the Pulumi CLI uses",
            where=str(path),
            fix="name it: PULUMI_BACKEND_URL, or backend.url in Pulumi.yaml; or log in again: pulumi login",
        )
    return str(document.get("current") or "")
