"""Write docs/environment.md: every key of an environment file, from its JSON Schema."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from stacks.schema import environment_schema

PAGE = Path(__file__).parent.parent / "docs" / "environment.md"
_HEAD = """\
# Environment files

Every key that a file `environments/<name>.yaml` may hold. `make docs` writes this page from the
JSON Schema of the files, and a test holds it current. The [README](../README.md) shows a file, and
tells which value wins where several say something; [checks](checks.md) are what is refused.
"""
_PLAIN = {"integer": "whole number", "boolean": "`true` or `false`"}
# What does not split into words at its capital letters.
_NAMES = {"CiRole": "CI role", "GitHubActions": "GitHub Actions", "GitLab": "GitLab"}

_Schema = Mapping[str, Any]


def page() -> str:
    """The page as it is committed."""
    schema = environment_schema()
    definitions: Mapping[str, _Schema] = schema["$defs"]
    parts = [_HEAD, "## Environment\n", _table(schema, definitions)]
    for name in _reached(schema, definitions):
        part = definitions[name]
        if "properties" in part:
            said = part.get("description", "").split("\n\n")[0].replace("\n", " ")
            parts += [f"## {_heading(name)}\n", f"{_words(said)}\n", _table(part, definitions)]
    return "\n".join(parts)


def _reached(schema: _Schema, definitions: Mapping[str, _Schema]) -> list[str]:
    """The definitions in the order in which somebody comes upon them."""
    found: list[str] = []
    pending = [*_references(schema["properties"])]
    while pending:
        name = pending.pop(0)
        if name not in found:
            found.append(name)
            pending += _references(definitions[name].get("properties", {}))
    return found


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, list):
        for item in part:
            yield from _references(item)
    elif isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"].rsplit("/", 1)[-1]
        for item in part.values():
            yield from _references(item)


def _table(part: _Schema, definitions: Mapping[str, _Schema]) -> str:
    needed = part.get("required", ())
    rows = [
        f"| `{key}` | {_type(value, definitions)} | {_default(value, needed=key in needed)}"
        f" | {_words(' '.join(value.get('description', '').split()))} |"
        for key, value in part["properties"].items()
    ]
    return "\n".join(["| key | type | default | |", "|---|---|---|---|", *rows]) + "\n"


def _type(part: _Schema, definitions: Mapping[str, _Schema]) -> str:
    """What a value is, in words, with a link to what it may hold."""
    if "$ref" in part:
        return _named(part["$ref"].rsplit("/", 1)[-1], definitions)
    if "anyOf" in part:
        kinds = [_type(item, definitions) for item in part["anyOf"] if item.get("type") != "null"]
        return " or ".join(kinds)
    if part.get("type") == "array":
        return f"list of {_type(part['items'], definitions)}"
    if isinstance(part.get("additionalProperties"), dict):
        return f"{_type(part['additionalProperties'], definitions)} by name"
    return _PLAIN.get(part.get("type", ""), "text")


def _named(name: str, definitions: Mapping[str, _Schema]) -> str:
    options = definitions[name].get("enum", ())
    heading = _heading(name)
    anchor = heading.lower().replace(" ", "-")
    return ", ".join(f"`{option}`" for option in options) or f"[{heading}](#{anchor})"


def _default(part: _Schema, *, needed: bool) -> str:
    if needed:
        return "*needed*"
    default = part.get("default")
    if default is None or default in ([], {}) or isinstance(default, dict):
        return ""
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _heading(name: str) -> str:
    """The name of a class in words: `RepositorySettings` -> Repository."""
    bare = name.removesuffix("Settings").removesuffix("Section")
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", bare)
    return _NAMES.get(name, words[:1] + words[1:].lower())


def _words(text: str) -> str:
    """A sentence as Markdown shows it in a table."""
    return re.sub(r"([*<>|]|(?<!\w)_|_(?!\w))", r"\\\1", text)


if __name__ == "__main__":
    PAGE.write_text(page())
