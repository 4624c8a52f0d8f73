"""Writes the schema of the component package, ``components/schema.json``: ``python -m tools.component_schema``.

It is what ``pulumi package get-schema ./components`` gives, and what SDKs of other languages are generated from. The
file is for review: a change of what users of other languages write shows in it.
"""

import json
import sys
from pathlib import Path
from typing import Any, Final

from components.caraml_components.__main__ import host

SCHEMA: Final = Path(__file__).parents[1] / "components" / "schema.json"


def schema() -> dict[str, Any]:
    """The schema as the host answers it."""
    found: dict[str, Any] = json.loads(host().schema or "{}")
    return found


def main(arguments: list[str]) -> int:
    """Write the file anew; with ``--check``, fail if it is stale."""
    text = json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
    if SCHEMA.is_file() and SCHEMA.read_text("utf-8") == text:
        return 0
    if arguments == ["--check"]:
        print(f"components/{SCHEMA.name} is not what the components say: run `make docs`")
        return 1
    SCHEMA.write_text(text, encoding="utf-8")
    print(f"wrote components/{SCHEMA.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
