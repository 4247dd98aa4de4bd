"""Write docs/checks.md: every check of the library and of the app, with its sentence and source."""

import importlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

from ecr_constructs.checks import Check, Choice, TextForm, WholeNumber

PAGE = Path(__file__).parent.parent / "docs" / "checks.md"

# The rooms that check something; one that takes a check from another comes after it.
ROOMS = (
    *(
        f"ecr_constructs.{name}"
        for name in (
            "checks",
            "registry",
            "tag_mutability",
            "encryption",
            "tags",
            "lifecycle_rule",
            "lifecycle_policy",
            "policy_json",
            "lifecycle_document",
            "image",
            "lifecycle_preview",
            "principal",
            "condition",
            "action",
            "lockout",
            "policy_risk",
            "repository_policy",
            "repository_policy_document",
            "policy_document",
            "image_settings",
            "repository_settings",
            "access",
            "repository_key",
            "oidc_provider",
            "ci_jobs",
            "ci_role",
            "replication",
            "registry_policy",
            "scanning",
            "service_role",
            "upstream",
            "pull_through_cache",
            "creation_template_settings",
            "creation_role",
            "account_setting",
            "pull_time_update_exclusion",
            "public_repository",
            "repository_reference",
        )
    ),
    *(
        f"stacks.{name}"
        for name in (
            "building",
            "names",
            "provider_version",
            "own_tags",
            "assume_role",
            "backend",
            "grant",
            "ci_role",
            "environment",
            "environment_warnings",
            "destinations",
            "ownership",
            "registry_warnings",
            "yaml_syntax",
            "yaml_file",
            "expression",
            "loading",
        )
    ),
)
_HEAD = """\
# Checks

Everything that is checked at synth, and who says so. `make docs` writes this page from the code,
and a test holds it current.

A problem's sentence is the rule, then the value (`, got ...`), then what to write instead, where
that is not plain. Words in angle brackets are filled in. Problems fail the synth and nothing is
written; **warnings** are about what is legal, but certainly a mistake, and do not fail it. A value
that is known only at deploy time (a token) passes.
"""


def checks_of(module: ModuleType) -> Iterator[tuple[str, Check]]:
    """The checks that a module names, each with what its sentence is about."""
    for value in vars(module).values():
        held = value.values() if isinstance(value, Mapping) else value
        for item in held if isinstance(value, dict | tuple) else [value]:
            if isinstance(item, Check):
                yield "", item
            elif isinstance(item, TextForm | Choice | WholeNumber):
                yield from ((item.what, check) for check in item.checks)


def all_checks() -> dict[str, list[tuple[str, Check]]]:
    """Every check by the room that it belongs to, with what it is about."""
    found: dict[str, list[tuple[str, Check]]] = {}
    known: set[tuple[str, Check]] = set()
    for name in ROOMS:
        room = dict.fromkeys(checks_of(importlib.import_module(name)))
        found[name] = [pair for pair in room if pair not in known]
        known |= room.keys()
    return found


def page() -> str:
    """The page as it is committed."""
    parts = [_HEAD]
    for name, checks in all_checks().items():
        docstring = importlib.import_module(name).__doc__ or ""
        heading, _, said = docstring.split("\n", 1)[0].partition(": ")
        parts += [f"## {heading}\n", f"{said[:1].upper()}{said[1:]} (`{name}`)\n"]
        rows = [_row(check, what) for what, check in checks]
        parts.append("\n".join(["| rule | instead | source |", "|---|---|---|", *rows]) + "\n")
    return "\n".join(parts)


def _row(check: Check, what: str) -> str:
    rule = check.rule.replace("{what}", what) if what else check.rule
    mark = "**warning:** " if check.warning else ""
    cells = (mark + _words(rule), _words(check.remedy), check.source)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _words(text: str) -> str:
    """A sentence as Markdown shows it: `*` is no emphasis, and words to fill in are in brackets."""
    text = re.sub(r"\{(\w+)\}", r"<\1>", text)
    return re.sub(r"([*<>]|(?<!\w)_|_(?!\w))", r"\\\1", text)


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page())
