"""Writes the JSON Schemas of docs/schemas from the specs: ``python -m tools.schema_docs``."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from caraml_pulumi.schemas import SCHEMAS, text

REPOSITORY: Final = Path(__file__).parents[1]
PAGES: Final = REPOSITORY / "docs" / "schemas"


def stale() -> Iterator[tuple[Path, str]]:
    """The files that are not what the specs say, each with the text that it should have."""
    for name, schema in SCHEMAS.items():
        path, wanted = PAGES / f"{name}.schema.json", text(schema())
        if not path.is_file() or path.read_text("utf-8") != wanted:
            yield path, wanted


def main(arguments: list[str]) -> int:
    """Write the files anew; with ``--check``, name those that are stale and fail if there are any."""
    check = arguments == ["--check"]
    found = list(stale())
    for path, wanted in found:
        if check:
            print(f"{path.relative_to(REPOSITORY)} is not what the specs say: run `make docs`")
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(wanted, "utf-8")
            print(f"wrote {path.relative_to(REPOSITORY)}")
    return 1 if check and found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
