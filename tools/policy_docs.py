"""Writes the pages of the policy pack's rules from their declarations: ``python -m tools.policy_docs``.

That is docs/policies/<rule>.md, and the table between its marks in docs/policies.md.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from policies.exemptions import EXEMPTIONS
from policies.rule import ENVIRONMENTS, ResourceRule, StackRule
from policies.rules import all_rules

REPOSITORY: Final = Path(__file__).parents[1]
PAGES: Final = Path("docs/policies")
OVERVIEW: Final = Path("docs/policies.md")
PROFILES: Final = REPOSITORY / "policies" / "profiles"
STACKS: Final = ("dev", "staging", "prod")
_TABLE: Final = re.compile(r"<!-- rules -->\n.*?<!-- end -->", re.DOTALL)
Rule = ResourceRule | StackRule


def page(rule: Rule, profiles: Mapping[str, Mapping[str, Any]]) -> str:
    """The page of a rule. `profiles` are the pack's configurations by stack."""
    facts = [
        ["level", "severity", "judges", "tags", *(f"level in `{stack}`" for stack in profiles)],
        [
            _level(rule),
            rule.severity.value if rule.severity else "",
            _judges(rule),
            ", ".join(rule.tags or ()),
            *(level_in(rule, profile) for profile in profiles.values()),
        ],
    ]
    parts = [
        f"# {rule.name}",
        _table(facts),
        f"<!-- documentation -->\n\n{_markdown(rule.doc)}\n\n<!-- end -->",
        f"## How to mend a violation\n\n{rule.remediation_steps}",
    ]
    if isinstance(rule, ResourceRule) and rule.has_remedies:
        parts.append("At the level `remediate` the rule mends resources itself; a preview shows what it changes.")
    parts.append(f"## Settings\n\n{_settings(rule)}")
    parts.append(
        f"`{ENVIRONMENTS}` and `{EXEMPTIONS}` are settings of [every rule](../policies.md#settings-of-every-rule)."
    )
    return "\n\n".join(parts) + "\n"


def overview(rules: list[Rule], profiles: Mapping[str, Mapping[str, Any]]) -> str:
    """The table of all rules, by their first tag."""
    rows = [["rule", "judges", "holds", "severity", "level", *(f"`{stack}`" for stack in profiles)]]
    for rule in sorted(rules, key=lambda rule: (*(rule.tags or ())[:1], rule.name)):
        levels = [level_in(rule, profile) for profile in profiles.values()]
        severity = rule.severity.value if rule.severity else ""
        link = f"[{rule.name}](policies/{rule.name}.md)"
        rows.append([link, _judges(rule), rule.description, severity, _level(rule), *levels])
    return _table(rows)


def level_in(rule: Rule, profile: Mapping[str, Any]) -> str:
    """The level of a rule in a profile, its own where the profile leaves it."""
    given = profile.get(rule.name, {})
    level = given if isinstance(given, str) else given.get("enforcementLevel")
    whole = profile.get("all")
    return str(level or (whole if isinstance(whole, str) else None) or _level(rule))


def read_profiles() -> dict[str, Mapping[str, Any]]:
    """The configurations of the pack that come with it, by stack."""
    return {stack: json.loads((PROFILES / f"{stack}.json").read_text("utf-8")) for stack in STACKS}


def _level(rule: Rule) -> str:
    return str(rule.enforcement_level.value) if rule.enforcement_level else ""


def _judges(rule: Rule) -> str:
    return "each resource" if isinstance(rule, ResourceRule) else "the whole stack"


def _settings(rule: Rule) -> str:
    rows = [["setting", "type", "default", "meaning"]]
    for name, schema in (rule.config_schema.properties if rule.config_schema else {}).items():
        default = "none" if schema.get("default") in ("", [], {}, None) else f"`{json.dumps(schema['default'])}`"
        rows.append([f"`{name}`", _type(schema), default, str(schema.get("description", ""))])
    return _table(rows)


def _type(schema: Mapping[str, Any]) -> str:
    items = schema.get("items", {}).get("type")
    limits = [
        f"{word} {json.dumps(schema[key])}"
        for key, word in (("enum", "one of"), ("minimum", "at least"), ("maximum", "at most"))
        if key in schema
    ]
    return ", ".join([str(schema.get("type", "any")) + (f" of {items}s" if items else ""), *limits])


def _table(rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join([lines[0], "|---" * len(rows[0]) + "|", *lines[1:]])


def _markdown(doc: str) -> str:
    return re.sub(r"(?<!`)``([^`]+)``(?!`)", r"`\1`", doc.strip())


def files() -> Iterator[tuple[Path, str | None]]:
    """Every file that the declarations make, relative to the repository, with its text; None for one to remove."""
    rules, profiles = all_rules(), read_profiles()
    texts = {PAGES / f"{rule.name}.md": page(rule, profiles) for rule in rules}
    yield from texts.items()
    for found in sorted((REPOSITORY / PAGES).glob("*.md")):
        if found.relative_to(REPOSITORY) not in texts:
            yield found.relative_to(REPOSITORY), None
    text = (REPOSITORY / OVERVIEW).read_text("utf-8")
    table = f"<!-- rules -->\n\n{overview(rules, profiles)}\n<!-- end -->"
    yield OVERVIEW, _TABLE.sub(lambda _: table, text)


def stale() -> Iterator[tuple[Path, str | None]]:
    """Those of `files` that are not as they should be."""
    for path, text in files():
        place = REPOSITORY / path
        if (place.read_text("utf-8") if place.is_file() else None) != text:
            yield path, text


def main(arguments: list[str]) -> int:
    """Write the files anew; with ``--check``, name those that are stale and fail if there are any."""
    check = arguments == ["--check"]
    found = list(stale())
    for path, text in found:
        if check:
            print(f"{path} is not what the rules say: run `make docs`")
        elif text is None:
            (REPOSITORY / path).unlink()
            print(f"removed {path}")
        else:
            (REPOSITORY / path).parent.mkdir(parents=True, exist_ok=True)
            (REPOSITORY / path).write_text(text, encoding="utf-8")
            print(f"wrote {path}")
    return 1 if check and found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
