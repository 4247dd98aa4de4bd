"""Schema: the JSON Schema of environment files, for editors."""

import ast
import inspect
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import ecr_constructs
from ecr_constructs.registry import ACCOUNT_ID, REGIONS, REPOSITORY_NAME
from stacks.environment import SECTIONS, Environment
from stacks.grant import Grant
from stacks.section import Section

SCHEMA_FILE = Path(__file__).parent.parent / "environments" / "environment.schema.json"


def environment_schema() -> dict[str, Any]:
    """The schema of an environment file as it is written, before defaults are merged."""
    schema: dict[str, Any] = Environment.model_json_schema()
    sections = (*Section.__subclasses__(), Grant)
    classes = {**vars(ecr_constructs), **{cls.__name__: cls for cls in sections}}
    for name, part in {**schema["$defs"], "Environment": schema}.items():
        for cls in classes[name].__mro__:
            for key, description in _attribute_docstrings(cls).items():
                part.get("properties", {}).get(key, {}).setdefault("description", description)
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
    _admit_environments(schema["$defs"]["ReplicationDestination"])
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


def _admit_environments(destination: dict[str, Any]) -> None:
    """A file may name a destination by its environment."""
    del destination["required"]
    destination["properties"]["environment"] = {
        "type": "string",
        "description": "The environment whose account and Region it is, by the name of its file,"
        " in place of 'region' and 'registry_id'.",
    }
    destination["oneOf"] = [
        {"required": ["region"]},
        {
            "required": ["environment"],
            "not": {"anyOf": [{"required": ["region"]}, {"required": ["registry_id"]}]},
        },
    ]


def schema_text() -> str:
    """The schema as it is committed."""
    return json.dumps(environment_schema(), indent=2) + "\n"


def _attribute_docstrings(cls: type) -> dict[str, str]:
    """What is written below each field of a class; nothing of one that is not the project's.

    Pydantic can read it, too, but does so at import, where it takes as long as all the rest.
    """
    if cls.__module__.partition(".")[0] not in ("ecr_constructs", "stacks"):
        return {}
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
