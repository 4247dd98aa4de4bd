import importlib
import pickle
import pkgutil
import re
from collections.abc import Iterator

import pytest
from test_cases import CASES, read

import ecr_constructs
import stacks
from ecr_constructs import (
    Check,
    InvalidValueError,
    access,
    ci_jobs,
    ci_role,
    image,
    lifecycle_document,
    lifecycle_preview,
    oidc_provider,
    pull_through_cache,
    repository_key,
)
from ecr_constructs.checks import TextForm, shown, with_strangers
from scripts.checks_page import PAGE, ROOMS, all_checks, checks_of, page

# Checks that no row of the table breaks, with the file that tests them.
ELSEWHERE = {
    "test_access": {check.rule for _, check in checks_of(access)},
    "test_ci_jobs": {check.rule for _, check in checks_of(ci_jobs)},
    "test_ci_role": {check.rule for _, check in checks_of(ci_role)},
    "test_oidc_provider": {check.rule for _, check in checks_of(oidc_provider)},
    "test_repository_key": {check.rule for _, check in checks_of(repository_key)},
    "test_lifecycle_policy": {"a lifecycle policy takes at least one rule"},
    "test_repository_policy": {"a repository policy takes at least one statement"},
    "test_repository": {
        "{what} must be 1 to 128 characters",
        "{what} must be letters, digits, '_', '.' and '-', and must not start with '.' or '-'",
        "{what} must be 'sha256:' and 64 hexadecimal digits in lowercase",
        "repository ARN must be arn:<partition>:ecr:<region>:<account>:repository/<name>",
        "a repository ARN must be of the AWS partition of its Region",
        "a repository that is defined elsewhere can be granted to roles and users",
        "a grant of other actions to the same principal needs a sid of its own",
        "{what} must be 1 to 30 characters",
        "{what} must be letters and digits",
    },
    "test_pull_through_cache": {
        pull_through_cache.IMAGE.length.rule,
        pull_through_cache.IMAGE.whole.rule,
        pull_through_cache.IMAGE_OUTSIDE.rule,
    },
    "test_registry_policy": {"a registry policy takes at least one statement"},
    "test_registry_warnings": {"what is replicated here is not replicated on"},
    "test_image": {check.rule for _, check in checks_of(image)},
    "test_lifecycle_preview": {check.rule for _, check in checks_of(lifecycle_preview)},
    "test_lifecycle_document": {
        "a policy must be JSON",
        "a policy must not repeat a key",
        "a policy takes no key {key} here",
        "a policy needs the key {key} here",
        "{key} must not be an empty list",
        "countUnit must be {expected} with countType {count_type}",
        "storageClass must be {expected} with countType {count_type}",
        "targetStorageClass must be {expected} with action {action}",
        lifecycle_document.COUNT_TYPE.check.rule,
    },
    "test_repository_policy_document": {
        "{key} must be text or a list of text",
        "a service must act for one source here",
        "a principal must be by 'AWS' or by 'Service' here",
        "everybody as a principal must be narrowed by an organization or an organizational unit",
        "{what} must be one of 2012-10-17",
    },
    "test_yaml_file": {
        "a file must be at most 4 MiB",
        "a file must be one that can be read",
        "a file must be UTF-8 text",
    },
    "test_loading": {
        "environment files must be in a directory that is there",
        "a directory of environment files must hold one (*.yaml)",
        "an environment file must end in .yaml, or it would be left out",
        "what an account and Region have once must be defined in one environment file",
        "an environment must have a state of its own, or each apply undoes the other's",
    },
    "test_names": {
        "{what} must be 1 to 64 characters",
        "{what} must be lowercase letters and digits with single '-' between them, then '.yaml'",
    },
}


def test_the_page_of_checks_is_current() -> None:
    assert PAGE.read_text() == page(), "run: make docs"


def test_the_page_knows_every_room_that_checks_something() -> None:
    for package in (ecr_constructs, stacks):
        for room in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            if room.name not in ROOMS:
                known = {pair for checks in all_checks().values() for pair in checks}
                assert set(checks_of(importlib.import_module(room.name))) <= known, room.name


def test_every_check_is_broken_by_a_case(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("cases")
    broken: set[Check] = {problem.check for case in CASES for problem in read(case, folder)[0]}
    elsewhere = set().union(*ELSEWHERE.values())
    missing = {
        check.rule
        for checks in all_checks().values()
        for _, check in checks
        if check not in broken and check.rule not in elsewhere
    }
    assert missing == set()


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
    said = {text for form in forms() for text in form.meant.values()}
    assert len(said) > 20
    for text in said:
        ending = re.sub(r"\\\\(?:\d|g<0>)", ".+", re.escape(f"; {text}"))
        assert any(re.search(f"{ending}$", sentence) for sentence in sentences), text
