"""How the rules of a policy pack are shown."""

import json
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from caraml_pulumi import policy_pack
from caraml_pulumi.cli.terminal import colors
from caraml_pulumi.engine.policies import Rule

EXEMPTIONS: Final = "exemptions"
"""The setting of the CaraML pack's rules that `explain` shows by itself."""
_COLORS: Final = {"mandatory": "31", "advisory": "33", "remediate": "36", "disabled": "2"}
_KINDS: Final = {"resource": "each resource", "stack": "the whole stack"}
_WIDEST: Final = 100
_DOCUMENTATION: Final = ("<!-- documentation -->", "<!-- end -->")
"""What a page encloses the part in that is shown here."""


def rule_document(rule: Rule) -> dict[str, Any]:
    """A rule as JSON."""
    return {
        "name": rule.name,
        "kind": rule.kind,
        "level": rule.level,
        "severity": rule.severity,
        "tags": list(rule.tags),
        "description": rule.description,
        "steps": rule.steps,
        "url": rule.url,
        "settings": {
            name: {**schema, **({"value": rule.values[name]} if name in rule.values else {})}
            for name, schema in sorted(rule.schema.items())
        },
    }


def print_rules(rules: Sequence[Rule]) -> None:
    """Print rules by their first tag, two lines each: name, level, severity and kind; what it says."""
    by_tag: dict[str, list[Rule]] = {}
    for rule in rules:
        by_tag.setdefault(rule.tags[0] if rule.tags else "", []).append(rule)
    width = max(len(rule.name) for rule in rules)
    for tag, group in sorted(by_tag.items()):
        print(styled(tag or "other", "1"))
        for rule in group:
            level = styled(rule.level.ljust(9), _COLORS[rule.level])
            others = ", ".join(rule.tags[1:])
            facts = [level, rule.severity.ljust(8), rule.kind.ljust(8), others]
            print(f"  {rule.name.ljust(width)}  {'  '.join(facts)}".rstrip())
            print(filled(rule.description, 6))
        print()
    counts = ", ".join(f"{sum(rule.level == level for rule in rules)} {level}" for level in _levels(rules))
    print(f"{len(rules)} rules: {counts}")


def _levels(rules: Sequence[Rule]) -> list[str]:
    return [level for level in _COLORS if any(rule.level == level for rule in rules)]


def print_explanation(rule: Rule, pack: Path) -> None:
    """Print all there is to say of a rule; `pack` is the directory of its pack."""
    print(styled(rule.name, "1"))
    facts = {
        "level": styled(rule.level, _COLORS[rule.level]),
        "severity": rule.severity,
        "judges": _KINDS[rule.kind],
        "tags": ", ".join(rule.tags),
        "page": rule.url,
    }
    for name, fact in facts.items():
        if fact:
            print(f"{name.ljust(10)}{fact}")
    print(f"\n{_documentation(rule, pack) or filled(rule.description, 0)}")
    if rule.steps:
        _print_part("How to mend a violation", [filled(rule.steps, 2)])
    _print_part("Settings", _settings(rule))
    _print_part("Exemptions", _exemptions(rule))


def _print_part(title: str, lines: Sequence[str]) -> None:
    if lines:
        print(f"\n{styled(title, '1')}")
        print("\n".join(lines))


def _documentation(rule: Rule, pack: Path) -> str:
    """The documentation of a rule: its page beside the pack, above it, or of our pack; between its marks, if any."""
    if not rule.url.endswith(".md") or "://" in rule.url:
        return ""
    places = (folder / rule.url for folder in (pack.absolute(), *pack.absolute().parents, policy_pack.home()))
    page = next((place for place in places if place.is_file()), None)
    if page is None:
        return ""
    text = page.read_text("utf-8", errors="replace")
    begin, end = _DOCUMENTATION
    return (text.split(begin, 1)[1].split(end, 1)[0] if begin in text else text).strip()


def _settings(rule: Rule) -> list[str]:
    lines = []
    for name, schema in sorted(rule.schema.items()):  # a pack sends them in no order
        if name == EXEMPTIONS:
            continue
        value, default = rule.values.get(name), schema.get("default")
        required = "required" if name in rule.required else f"default {_shown(default)}"
        configured = f"; configured: {_shown(value)}" if name in rule.values and value != default else ""
        lines.append(f"  {styled(name, '1')}  {_type(schema)}; {required}{configured}")
        if schema.get("description"):
            lines.append(filled(str(schema["description"]), 6))
    return lines


def _type(schema: Mapping[str, Any]) -> str:
    kinds = schema.get("type", "any value")
    text = kinds if isinstance(kinds, str) else " or ".join(kinds)
    items = schema.get("items")
    inner = f" of {items['type']}" if isinstance(items, Mapping) and isinstance(items.get("type"), str) else ""
    limits = [
        f"{word} {_shown(schema[key])}"
        for key, word in (("enum", "one of"), ("minimum", "at least"), ("maximum", "at most"))
        if key in schema
    ]
    return ", ".join([text + inner, *limits])


def _shown(value: object) -> str:
    if value in ("", [], {}, None):
        return "none"
    return json.dumps(_whole(value), ensure_ascii=False)


def _whole(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """`value` with whole numbers as such: a pack tells numbers as floats."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return [_whole(item) for item in value] if isinstance(value, list) else value


def _exemptions(rule: Rule) -> list[str]:
    """The exemptions of a rule that the pack was given, as the CaraML pack has them."""
    given = rule.values.get(EXEMPTIONS)
    lines = []
    for item in given if isinstance(given, list) else []:
        if isinstance(item, Mapping):
            lines.append(
                f"  {item.get('resource', '')}  until {item.get('expires', '')}, owner: {item.get('owner', '')}"
            )
            lines.append(filled(str(item.get("reason", "")), 6))
    return lines


def filled(text: str, indent: int) -> str:
    """`text` in lines that fit the terminal, indented."""
    width = min(shutil.get_terminal_size().columns, _WIDEST)
    margin = " " * indent
    return textwrap.fill(" ".join(text.split()), width, initial_indent=margin, subsequent_indent=margin)


def styled(text: str, code: str) -> str:
    """`text` in a colour or weight of ANSI terminals, where colours are shown."""
    return f"\033[{code}m{text}\033[0m" if colors(sys.stdout) else text


def level_style(level: str) -> str:
    """The colour of an enforcement level."""
    return _COLORS[level]
