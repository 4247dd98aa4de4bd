"""Meant keys: what the keys of a file are that its sections do not know."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import lru_cache
from typing import Any

from ecr_constructs import LifecycleRule, Problem, RepositorySettings
from ecr_constructs.checks import closest
from stacks.building import unknown_key
from stacks.environment import Environment
from stacks.other_names import other_name
from stacks.registry_section import RegistrySection
from stacks.section import Section
from stacks.yaml_file import Loc, Node

# Where in a file there are which keys.
_KEYS = {
    "to the top of the file": Environment.model_fields,
    "below 'registry'": RegistrySection.model_fields,
    "below 'repository_defaults'": {field.name for field in fields(RepositorySettings)},
    "into a rule of 'lifecycle_rules', a list": {field.name for field in fields(LifecycleRule)},
}


# The sections that the library does not know, and so does not build.
_SECTIONS = {Environment.__name__, *(kind.__name__ for kind in Section.__subclasses__())}


def with_meant_keys(root: Node) -> tuple[Node, list[tuple[Node, Problem]]]:
    """The file with the keys of its sections for those that are nearly so, and where these are.

    What is below such a key is then checked, too.
    """
    found: list[tuple[Node, Problem]] = []
    return _with_meant_keys(root, (), found), found


def _with_meant_keys(node: Node, loc: Loc, found: list[tuple[Node, Problem]]) -> Node:
    section = _schema_at(loc)
    if not isinstance(node.value, dict) or not _holds_sections(section):
        return node
    known = section.get("properties", {})
    value: dict[str, Node] = {}
    taken = {*node.value}
    for key, child in node.value.items():
        meant = _meant(key, section)
        name = key if meant in taken else meant
        taken.add(name)
        if name != key:
            found.append((child, unknown_key(key, known, section["title"])))
        value[name] = _with_meant_keys(child, (*loc, name), found)
    return node.holding(value)


def _holds_sections(section: Mapping[str, Any]) -> bool:
    """Whether a part of the schema is a section, or has some by name."""
    named = section.get("additionalProperties") or {}
    return not _SECTIONS.isdisjoint((section.get("title"), named.get("$ref", "").split("/")[-1]))


def _meant(key: str, section: Mapping[str, Any]) -> str:
    """The key that one most likely is, or itself."""
    known = section.get("properties", {})
    is_told = key in known or other_name(section.get("title", ""), key) or _elsewhere(key)
    return key if is_told else closest(key, known) or key


def unknown_at(loc: Loc, key: str) -> Problem:
    """The problem of a key that the section at a place does not know."""
    section = _schema_at(loc)
    known, title = section.get("properties", ()), section.get("title", "")
    return unknown_key(key, known, title, _elsewhere(key))


def _elsewhere(key: str) -> str:
    """Where a key goes that its section does not know."""
    if "/" in key:
        return "; a repository goes below 'repositories'"
    for place, known in _KEYS.items():
        if key in known:
            return f"; {key!r} goes {place}"
    return ""


@lru_cache
def _schema() -> dict[str, Any]:
    return Environment.model_json_schema()


def _schema_at(loc: Sequence[str | int]) -> Mapping[str, Any]:
    """The part of the JSON Schema that describes the values at a place."""
    schema = _schema()
    part: Any = schema
    for step in (*loc, None):
        while "$ref" in part or "anyOf" in part or "allOf" in part:
            if "$ref" in part:
                part = schema["$defs"][part["$ref"].rsplit("/", 1)[-1]]
            else:
                part = next(
                    p for p in part.get("anyOf", part.get("allOf")) if p.get("type") != "null"
                )
        if step is None:
            return dict(part)
        known = part.get("properties", {})
        part = known.get(step, part.get("additionalProperties") or part.get("items") or {})
        if not isinstance(part, dict):
            return {}
    return {}
