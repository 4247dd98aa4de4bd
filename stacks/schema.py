"""Schema: the JSON Schema of environment files, for editors."""

import ast
import inspect
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import ecr_constructs
from ecr_constructs.registry import ACCOUNT_ID, REGIONS, REPOSITORY_NAME
from stacks import environment
from stacks.environment import SECTIONS, Environment

SCHEMA_FILE = Path(__file__).parent.parent / "environments" / "environment.schema.json"


def environment_schema() -> dict[str, Any]:
    """The schema of an environment file as it is written, before defaults are merged."""
    schema: dict[str, Any] = Environment.model_json_schema()
    classes = {**vars(ecr_constructs), **vars(environment)}
    for name, part in {**schema["$defs"], "Environment": schema}.items():
        for key, description in _attribute_docstrings(classes[name]).items():
            if key in part.get("properties", {}):
                part["properties"][key]["description"] = description
    properties = schema["properties"]
    properties["account"]["pattern"] = f"^{ACCOUNT_ID.pattern.pattern}$"
    properties["region"]["enum"] = list(REGIONS)
    # What a repository says may make sense only together with the defaults, and it may say nothing.
    settings = properties["repositories"]["additionalProperties"]
    properties["repositories"]["additionalProperties"] = {"anyOf": [settings, {"type": "null"}]}
    properties["repositories"]["propertyNames"] = {
        "pattern": f"^{REPOSITORY_NAME.pattern.pattern}$",
        "minLength": REPOSITORY_NAME.minimum,
        "maxLength": REPOSITORY_NAME.maximum,
    }
    for name in SECTIONS:
        section = properties[name]
        description = section.pop("description")
        section.pop("default", None)
        properties[name] = {
            "description": description,
            "anyOf": [section, {"type": "null"}],
        }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_without_titles(schema),
        "title": "Environment",
    }


def schema_text() -> str:
    """The schema as it is committed."""
    return json.dumps(environment_schema(), indent=2) + "\n"


def _attribute_docstrings(cls: type) -> dict[str, str]:
    """What is written below each field of a class.

    Pydantic can read it, too, but does so at import, where it takes as long as all the rest.
    """
    [definition] = ast.parse(inspect.getsource(cls)).body
    body = definition.body if isinstance(definition, ast.ClassDef) else []
    return {
        field.target.id: " ".join(docstring.value.value.split())
        for field, docstring in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(docstring, ast.Expr)
        and isinstance(docstring.value, ast.Constant)
        and isinstance(docstring.value.value, str)
    }


def _without_titles(part: Any) -> Any:
    """The schema without the titles that only repeat each key in other letters."""
    if isinstance(part, list):
        return [_without_titles(item) for item in part]
    if not isinstance(part, dict):
        return part
    return {
        key: _without_titles(value)
        for key, value in part.items()
        if not (key == "title" and isinstance(value, str))
    }


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text())
