import re

import pytest
from conftest import new_stack, synthesized
from hypothesis import given
from hypothesis import strategies as st
from strategies import names

from ecr_constructs import Repository
from ecr_constructs.registry import REPOSITORY_NAME
from stacks.names import construct_id, environment_name_problems

NEIGHBOURS = [
    "a/b",
    "a--b",
    "a-b",
    "a_b",
    "a.b",
    "a__b",
    "a---b",
    "ab",
    "a/b/c",
    "a--b/c",
    "backend",
    "constructor",
    "0a",
    "1password/connect",
]


def logical_ids(names: list[str]) -> dict[str, str]:
    stack = new_stack()
    for name in names:
        Repository(stack, construct_id(name), repository_name=name)
    found = synthesized(stack)["resource"]["aws_ecr_repository"]
    return {resource["name"]: id_ for id_, resource in found.items()}


def test_distinct_names_give_distinct_logical_ids() -> None:
    assert len(set(logical_ids(NEIGHBOURS).values())) == len(NEIGHBOURS)


def test_a_logical_id_depends_on_the_name_alone() -> None:
    together = logical_ids(["payments/api", "payments/worker", "web"])
    assert logical_ids(["payments/worker"])["payments/worker"] == together["payments/worker"]
    # A new id makes Terraform replace the repository, with its images.
    assert together == {
        "payments/api": "payments--api_2825C1CC",
        "payments/worker": "payments--worker_375491C3",
        "web": "web_08B6E5F3",
    }


@given(names, names)
def test_construct_ids_are_as_distinct_as_names(one: str, other: str) -> None:
    assert (construct_id(one) == construct_id(other)) == (one == other)
    assert "/" not in construct_id(one)


@given(names)
def test_logical_ids_are_names_for_terraform(name: str) -> None:
    assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", logical_ids([name])[name])


@given(st.text(alphabet="a-/", min_size=1, max_size=8), st.text(alphabet="a-/", max_size=8))
def test_construct_ids_of_names_with_dashes_and_slashes_are_distinct(a: str, b: str) -> None:
    if REPOSITORY_NAME.pattern.fullmatch(a) and REPOSITORY_NAME.pattern.fullmatch(b):
        assert (construct_id(a) == construct_id(b)) == (a == b)


@pytest.mark.parametrize("name", ["dev", "prod-eu", "prod2"])
def test_environment_name_is_accepted(name: str) -> None:
    assert not list(environment_name_problems(name))


@pytest.mark.parametrize("name", ["", "Prod", "prod.eu", "prod_eu", "-prod", "a" * 65])
def test_environment_name_is_refused(name: str) -> None:
    assert list(environment_name_problems(name))
