"""What several tests need: a stack to define in, and what it becomes."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cdktf import App, TerraformOutput, TerraformStack, Testing
from hypothesis import settings
from lifecycle_command import shop

from ecr_constructs import Check, Problem

# Machines are busy: how long an example takes says nothing.
settings.register_profile("without a deadline", settings(), deadline=None)
settings.load_profile("without a deadline")

Resources = Callable[[str], list[dict[str, Any]]]
# Test file -> the checks that something broke while its tests ran.
BROKEN: dict[str, set[Check]] = {}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run what is marked so after everything else."""
    items.sort(key=lambda item: item.get_closest_marker("last") is not None)


@pytest.fixture(scope="module", autouse=True)
def _broken(request: pytest.FixtureRequest) -> Iterator[None]:
    """Record which checks the tests of a file break."""
    broken = BROKEN.setdefault(request.module.__name__, set())
    problem = Check.problem

    def recorded(check: Check, *given: Any, **words: Any) -> Problem:
        broken.add(check)
        return problem(check, *given, **words)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Check, "problem", recorded)
        yield


def new_app() -> App:
    """An app that is for tests."""
    return Testing.app()


def new_stack() -> TerraformStack:
    """An empty stack of an app of its own."""
    return TerraformStack(new_app(), "stack")


def synthesized(stack: TerraformStack) -> dict[str, Any]:
    """What a stack becomes."""
    found: dict[str, Any] = json.loads(Testing.synth(stack))
    return found


def resolved(stack: TerraformStack, value: str) -> str:
    """A token as Terraform sees it."""
    output = TerraformOutput(stack, f"Output{len(stack.node.children)}", value=value)
    output.override_logical_id("resolved")
    found: str = synthesized(stack)["output"]["resolved"]["value"]
    stack.node.try_remove_child(output.node.id)
    return found


@pytest.fixture
def stack() -> TerraformStack:
    """An empty stack of an app of its own."""
    return new_stack()


@pytest.fixture
def resources(stack: TerraformStack) -> Resources:
    """The resources of a type that the stack synthesizes to, by the order of their ids."""

    def find(kind: str) -> list[dict[str, Any]]:
        found = synthesized(stack).get("resource", {}).get(kind, {})
        return [found[id_] for id_ in sorted(found)]

    return find


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the lifecycle command runs, with what it reads."""
    return shop(tmp_path, monkeypatch)


def readable(part: Any) -> Any:
    """Synthesized JSON for people: without CDKTF's notes, with embedded documents parsed."""
    if isinstance(part, dict):
        return {
            key: json.loads(value)
            if key.endswith("policy") and isinstance(value, str) and value.startswith("{")
            else readable(value)
            for key, value in part.items()
            if key != "//"
        }
    return [readable(item) for item in part] if isinstance(part, list) else part
