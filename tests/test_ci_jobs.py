import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_constructs import GitHubActions, GitLab, InvalidValueError
from ecr_constructs.ci_jobs import BRANCH, ENVIRONMENT

GITHUB = "token.actions.githubusercontent.com"
MAIN = GitHubActions(repository="acme/api", branches=("main",))


def test_lists_are_kept_as_tuples() -> None:
    jobs = GitHubActions(repository="acme/api", branches=["main"])  # type: ignore[arg-type]
    assert jobs == MAIN
    assert hash(jobs) == hash(MAIN)


def github(**wrong: Any) -> GitHubActions:
    """Jobs of GitHub of which the test says what is wrong."""
    return GitHubActions(**{"repository": "acme/api", "branches": ("main",), **wrong})


def gitlab(**wrong: Any) -> GitLab:
    """Jobs of GitLab of which the test says what is wrong."""
    return GitLab(**{"project": "acme/api", "branches": ("main",), **wrong})


@pytest.mark.parametrize(
    "repository",
    [
        "a/b",
        f"{'a' * 39}/{'b' * 100}",
        "acme-inc/.github",
        "acme@1/api@2",
        "A-1/_x.y-Z",
        "anna_acme/api",
        "anna-k_acme@1/api@2",
    ],
)
def test_takes_a_repository_of_github(repository: str) -> None:
    assert github(repository=repository).subjects == (f"repo:{repository}:ref:refs/heads/main",)


@pytest.mark.parametrize(
    "repository",
    [
        "",
        "acme",
        "acme/",
        "/api",
        "acme/api/x",
        "acme/*",
        "*/api",
        "ac*me/api",
        "-acme/api",
        "acme-/api",
        "ac--me/api",
        "acme_inc_x/api",
        "_acme/api",
        "acme_/api",
        "acme_in-c/api",
        f"{'a' * 40}/api",
        f"acme/{'b' * 101}",
        "acme/.",
        "acme/..",
        "acme/api:ref",
        "acme/api\n",
        "acmé/api",
        "acme@1/api",
        "acme/api@2",
        "acme@*/api@*",
        "acme@x/api@2",
        "https://github.com/acme/api",
    ],
)
def test_fails_with_another_repository(repository: str) -> None:
    with pytest.raises(InvalidValueError, match=r"^repository must be '<owner>/<repository>'") as e:
        github(repository=repository)
    assert [problem.path for problem in e.value.problems] == [("repository",)]


@pytest.mark.parametrize("project", ["a/b", "a/b/c/d", "Acme_1/x.y-z"])
def test_takes_a_project_of_gitlab(project: str) -> None:
    assert gitlab(project=project).subjects == (f"project_path:{project}:ref_type:branch:ref:main",)


@pytest.mark.parametrize(
    "project", ["", "acme", "acme/", "/acme", "a//b", "acme/*", "a*/b", "a/b:ref", "a/b?", "a/b\n"]
)
def test_fails_with_another_project(project: str) -> None:
    with pytest.raises(InvalidValueError, match=r"^project must be '<group>/<project>'"):
        gitlab(project=project)


@pytest.mark.parametrize(
    "ref", ["main", "release/*", "v*", "*-rc", "a" * 255, "feature/#1@x", "é", "$x", "a{b}"]
)
def test_takes_a_branch_or_tag(ref: str) -> None:
    assert github(branches=(), tags=(ref,)).subjects == (f"repo:acme/api:ref:refs/tags/{ref}",)
    assert gitlab(branches=(ref,)).subjects[0].endswith(f":branch:ref:{ref}")


@pytest.mark.parametrize("make", [github, gitlab])
@pytest.mark.parametrize("keyword", ["branches", "tags"])
@pytest.mark.parametrize(
    "ref",
    [
        "a b",
        " main",
        "main\n",
        "a\x7fb",
        "a\x9fb",
        "a\xa0b",
        "a~b",
        "a^b",
        "a:b",
        "a?b",
        "a[b",
        "a\\b",
        "/main",
        "refs/heads/main",
        "가",
    ],
)
def test_fails_with_another_branch_or_tag(
    make: Callable[..., object], keyword: str, ref: str
) -> None:
    with pytest.raises(InvalidValueError, match=r"must be the name of a (branch|tag) without") as e:
        make(**{keyword: (ref,)})
    assert [problem.path for problem in e.value.problems] == [(keyword, 0)]


@pytest.mark.parametrize("make", [github, gitlab])
@pytest.mark.parametrize(("keyword", "what"), [("branches", "branch"), ("tags", "tag")])
def test_fails_with_a_length_that_no_branch_or_tag_has(
    make: Callable[..., object], keyword: str, what: str
) -> None:
    for ref in ("", "a" * 256):
        with pytest.raises(InvalidValueError, match=f"^{what} must be 1 to 255 characters, got"):
            make(**{keyword: (ref,)})


@pytest.mark.parametrize("lone", ["*", "**", "***"])
def test_fails_with_a_lone_wildcard(lone: str) -> None:
    for wrong, what in (
        ({"branches": ("main", lone)}, "branch"),
        ({"tags": ("v1", lone)}, "tag"),
        ({"environments": ("dev", lone)}, "environment"),
    ):
        with pytest.raises(InvalidValueError, match=rf"^{what} must not be '\*' alone, which") as e:
            github(**wrong)
        assert [problem.path[1] for problem in e.value.problems] == [1]


@pytest.mark.parametrize("name", ["prod*", "a\nb", "가"])
def test_fails_with_another_environment(name: str) -> None:
    with pytest.raises(InvalidValueError, match=r"^environment must be the name of an environment"):
        github(environments=(name,))


@pytest.mark.parametrize("name", ["", "a" * 256])
def test_fails_with_a_length_that_no_environment_has(name: str) -> None:
    with pytest.raises(InvalidValueError, match=r"^environment must be 1 to 255 characters, got"):
        github(environments=(name,))


def test_fails_with_gitlab_at_the_host_of_github() -> None:
    with pytest.raises(InvalidValueError, match="must not be that of GitHub Actions, got 'token"):
        gitlab(host=GITHUB)


def test_fails_where_nothing_restricts_it() -> None:
    with pytest.raises(InvalidValueError) as caught:
        GitHubActions(repository="acme/api")
    assert str(caught.value) == (
        "who is trusted must be restricted to branches, tags, environments or pull requests,"
        " got none"
    )
    with pytest.raises(InvalidValueError, match=r"restricted to branches or tags, got none$"):
        GitLab(project="acme/api")


@pytest.mark.parametrize("keyword", ["branches", "tags", "environments"])
def test_fails_with_a_name_that_is_listed_twice(keyword: str) -> None:
    with pytest.raises(InvalidValueError, match=f"^{keyword} must not repeat a value, got 'x'$"):
        github(**{keyword: ("x", "y", "x")})


@pytest.mark.parametrize(
    ("make", "wrong", "sentence"),
    [
        (github, {"repository": None}, "repository must be text, got null"),
        (github, {"branches": "main"}, "branches must be a list of text, got 'main'"),
        (github, {"tags": (1,)}, "tag must be text, got 1"),
        (github, {"environments": None}, "environments must be a list of text, got null"),
        (github, {"pull_requests": "yes"}, "pull_requests must be true or false, got 'yes'"),
        (gitlab, {"project": 1}, "project must be text, got 1"),
        (gitlab, {"tags": [["v1"]]}, "tag must be text, got a list of 1"),
        (gitlab, {"host": None}, "host must be text, got null"),
    ],
)
def test_fails_with_another_type(
    make: Callable[..., object], wrong: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InvalidValueError) as caught:
        make(**wrong)
    assert str(caught.value) == sentence


@given(st.text())
def test_no_form_takes_what_a_policy_cannot_hold(text: str) -> None:
    # From IAM's model: what a policy document may hold.
    for form in (BRANCH, ENVIRONMENT):
        if "${" not in text and not list(form.problems(text)):
            assert re.fullmatch(r"[\u0009\u000A\u000D\u0020-\u00FF]+", text)


@pytest.mark.parametrize("make", [github, gitlab])
@pytest.mark.parametrize("keyword", ["branches", "tags"])
def test_warns_of_a_pattern_that_begins_with_anything(
    make: Callable[..., GitHubActions | GitLab], keyword: str
) -> None:
    jobs = make(**{"branches": (), keyword: ("v*", "main", "*-rc", "*/*")})
    what = {"branches": "branch", "tags": "tag"}[keyword]
    found = [(p.path, p.sentence) for p in jobs.warnings]
    assert [path for path, _ in found] == [(keyword, 2), (keyword, 3)]
    assert found[0][1].startswith(f"a pattern of a {what} should not begin with '*', got '*-rc'")
