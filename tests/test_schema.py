import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from scripts.environment_page import PAGE, page
from stacks.schema import SCHEMA_FILE, environment_schema, schema_text

ENVIRONMENTS = sorted(SCHEMA_FILE.parent.glob("*.yaml"))
HEAD = {"account": "111111111111", "region": "ap-northeast-2"}


def test_committed_schema_is_current() -> None:
    assert SCHEMA_FILE.read_text() == schema_text(), "run 'make schema'"


def test_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(environment_schema())


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: path.stem)
def test_every_file_names_it_and_satisfies_it(path: Path) -> None:
    text = path.read_text()
    assert text.startswith(f"# yaml-language-server: $schema={SCHEMA_FILE.name}\n")
    jsonschema.validate(yaml.safe_load(text), environment_schema())


def test_a_section_may_be_empty() -> None:
    sections = dict.fromkeys(("tags", "repository_defaults", "repositories", "registry"))
    jsonschema.validate(HEAD | sections, environment_schema())


def test_a_repository_may_say_nothing() -> None:
    jsonschema.validate(HEAD | {"repositories": {"payments/api": None}}, environment_schema())


@pytest.mark.parametrize(
    "wrong",
    [
        {"account": 111111111111},
        {"account": "1"},
        {"region": "ap-notheast-2"},
        {"colour": "red"},
        {"repositories": {"BAD NAME": {}}},
        {"repositories": {"ab": {"scan_on_psh": True}}},
        {"repositories": {"ab": {"image_tag_mutability": "immutable"}}},
        {"repositories": {"ab": {"lifecycle_rules": [{"max_image_count": "10"}]}}},
    ],
)
def test_refuses_what_an_editor_can_see(wrong: dict[str, object]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(HEAD | wrong, environment_schema())


def test_describes_every_key() -> None:
    schema = json.loads(schema_text())
    for part in (schema, *schema["$defs"].values()):
        for key, value in part.get("properties", {}).items():
            assert "description" in value, key


def test_the_page_of_environment_files_is_current() -> None:
    assert PAGE.read_text() == page(), "run: make docs"


def test_the_page_links_to_headings_that_are_there() -> None:
    text = page()
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    anchors = {heading.lower().replace(" ", "-") for heading in headings}
    assert len(anchors) == len(headings)
    assert set(re.findall(r"\]\(#([^)]*)\)", text)) <= anchors
