import importlib
import inspect
import pickle
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import pytest
from cdktf import TerraformStack
from conftest import BROKEN
from constructs import Construct
from test_cases import CASES, read

import ecr_constructs
import stacks
from ecr_constructs import Check, GitHubActions, InvalidValueError, Principal, Registry
from ecr_constructs.checks import TextForm, shown, with_strangers
from scripts.checks_page import PAGE, ROOMS, all_checks, checks_of, page
from stacks.names import environment_name_problems

# The test files of what no row of the table can hold: documents and images that are read back,
# references, names of files, and what is wrong between files.
ELSEWHERE = (
    "test_access",
    "test_ci_role",
    "test_image",
    "test_lifecycle_document",
    "test_lifecycle_policy",
    "test_lifecycle_preview",
    "test_loading",
    "test_names",
    "test_pull_through_cache",
    "test_registry_policy",
    "test_registry_warnings",
    "test_repository",
    "test_repository_policy_document",
    "test_yaml_file",
)


def test_the_page_of_checks_is_current() -> None:
    assert PAGE.read_text() == page(), "run: make docs"


def test_the_page_knows_every_room_that_checks_something() -> None:
    for package in (ecr_constructs, stacks):
        for room in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            if room.name not in ROOMS:
                known = {pair for checks in all_checks().values() for pair in checks}
                assert set(checks_of(importlib.import_module(room.name))) <= known, room.name


@pytest.mark.last
def test_every_check_is_broken_by_a_case(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if request.config.option.keyword or not BROKEN.keys() >= set(ELSEWHERE):
        pytest.skip("needs the whole of the test files in the same run")
    folder = tmp_path_factory.mktemp("cases")
    in_the_table = {problem.check for case in CASES for problem in read(case, folder)[0]}
    every = {check for checks in all_checks().values() for _, check in checks}
    left = every - in_the_table
    assert left - set().union(*(BROKEN[file] for file in ELSEWHERE)) == set()
    # And each of the files is needed.
    assert [file for file in ELSEWHERE if not left & BROKEN[file]] == []


def test_every_check_has_a_source_and_is_a_sentence_without_an_end() -> None:
    for room, checks in all_checks().items():
        assert checks, room
        for _, check in checks:
            assert check.source, check.rule
            assert not check.rule.endswith("."), check.rule
            assert not check.remedy.endswith("."), check.remedy


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "null"),
        (True, "true"),
        (1.5, "1.5"),
        ({}, "an empty mapping"),
        ({"a": 1}, "a mapping with 'a'"),
        ([1, 2], "a list of 2"),
        ("x" * 200, f"'{'x' * 79}...{'x' * 14}'"),
    ],
)
def test_a_value_is_shown_on_one_line(value: object, written: str) -> None:
    assert shown(value) == written


def test_a_letter_that_looks_like_another_is_named() -> None:
    assert with_strangers("abc") == "'abc'"
    assert with_strangers("\u0430") == "'\u0430' (with U+0430 CYRILLIC SMALL LETTER A)"
    assert with_strangers("\ue000") == "'\\ue000' (with U+E000 without a name)"


def test_an_error_can_be_pickled() -> None:
    error = InvalidValueError([Check("a rule", "a source").problem("x", ("key",))])
    again = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (str(again), again.problems) == (str(error), error.problems)


ADMITTED = Principal(account="111111111111")
_HOME = Registry(account_id="111111111111", region="ap-northeast-2")
# Construct -> what it cannot be without, but for lists.
_NEEDED: dict[str, dict[str, Any]] = {
    "AccessPolicy": {"registry": _HOME},
    "CiRole": {
        "registry": _HOME,
        "role_name": "ci",
        "trusted": [GitHubActions(repository="acme/api", branches=("main",))],
    },
    "LifecyclePolicy": {"repository_name": "ab"},
    "PublicRepository": {"repository_name": "ab"},
    "RegistryPolicy": {"registry": _HOME},
    "RegistryScanningConfiguration": {},
    "ReplicationConfiguration": {"registry": _HOME},
    "Repository": {"repository_name": "ab"},
    "RepositoryCreationRole": {"registry": _HOME, "prefixes": ["ab"]},
    "RepositoryCreationTemplate": {
        "registry": _HOME,
        "prefix": "ab",
        "applied_for": ["REPLICATION"],
    },
    "RepositoryKey": {"registry": _HOME},
    "RepositoryPolicy": {"repository_name": "ab"},
}


def _lists() -> Iterator[tuple[str, str]]:
    """Every argument of a construct that takes a list."""
    for name in ecr_constructs.__all__:
        made = getattr(ecr_constructs, name)
        if inspect.isclass(made) and issubclass(made, Construct):
            for keyword, parameter in inspect.signature(made.__init__).parameters.items():
                if str(parameter.annotation).startswith("collections.abc.Sequence"):
                    yield name, keyword


def test_the_constructs_take_lists() -> None:
    assert {name for name, _ in _lists()} == set(_NEEDED)


@pytest.mark.parametrize("wrong", ["REPLICATION", "ab", None, 5, {"ab": 1}, ADMITTED])
@pytest.mark.parametrize(("name", "keyword"), [*_lists()])
def test_what_is_no_list_is_told_in_one_sentence(
    name: str, keyword: str, wrong: Any, stack: TerraformStack
) -> None:
    given = {**_NEEDED[name], keyword: wrong}
    with pytest.raises(InvalidValueError) as caught:
        getattr(ecr_constructs, name)(stack, "It", **given)
    [problem] = caught.value.problems
    assert re.fullmatch(rf"\w*{keyword} must be a list\b.*", problem.sentence)
    assert stack.node.try_find_child("It") is None


def forms() -> Iterator[TextForm]:
    for name in ROOMS:
        for value in vars(importlib.import_module(name)).values():
            held = value.values() if isinstance(value, dict) else [value]
            yield from (item for item in held if isinstance(item, TextForm))


def test_whatever_a_form_takes_for_meant_is_meant_by_a_case(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("cases")
    sentences = [problem.sentence for case in CASES for problem in read(case, folder)[0]]
    sentences += [problem.sentence for problem in environment_name_problems("prod_eu")]
    said = {text for form in forms() for text in form.meant.values()}
    assert len(said) > 20
    for text in said:
        ending = re.sub(r"\\\\(?:\d|g<0>)", ".+", re.escape(f"; {text}"))
        assert any(re.search(f"{ending}$", sentence) for sentence in sentences), text
