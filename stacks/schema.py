"""Schema: the JSON Schema of environment files, for editors."""

import json
from pathlib import Path
from typing import Any

from ecr_constructs.registry import ACCOUNT_ID, REGIONS, REPOSITORY_NAME
from stacks.environment import SECTIONS, Environment

SCHEMA_FILE = Path(__file__).parent.parent / "environments" / "environment.schema.json"


def environment_schema() -> dict[str, Any]:
    """The schema of an environment file as it is written, before defaults are merged."""
    schema: dict[str, Any] = Environment.model_json_schema()
    properties = schema["properties"]
    properties["account"]["pattern"] = f"^{ACCOUNT_ID.pattern}$"
    properties["region"]["enum"] = list(REGIONS)
    # What a repository says may make sense only together with the defaults, and it may say nothing.
    settings = properties["repositories"]["additionalProperties"]
    properties["repositories"]["additionalProperties"] = {"anyOf": [settings, {"type": "null"}]}
    properties["repositories"]["propertyNames"] = {
        "pattern": f"^{REPOSITORY_NAME.pattern}$",
        "minLength": 2,
        "maxLength": 256,
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
