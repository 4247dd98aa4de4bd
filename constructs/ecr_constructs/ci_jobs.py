"""CI jobs: which jobs of GitHub Actions and GitLab are trusted, by what their tokens say."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from ecr_constructs.checks import (
    Check,
    Problem,
    TextForm,
    refuse,
    shown,
    truth,
    unique,
    within,
    wrong_type,
)
from ecr_constructs.oidc_provider import (
    GITHUB_AUDIENCE,
    GITHUB_ISSUER,
    HOST,
    audience_of,
    literal_problems,
)

_GITHUB = "GitHub Actions, OpenID Connect reference"
# What a policy document may hold is U+0020 to U+00FF; without spaces and control characters.
_VISIBLE = r"\x21-\x7e\xa1-\xff"


def _repository_pattern() -> re.Pattern[str]:
    # Who is managed by an enterprise has its short code at the end, after a '_'.
    owner = r"(?=[^/@]{1,39}[/@])[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*(?:_[A-Za-z0-9]+)?"
    name = r"(?!\.\.?(?:@|\Z))[A-Za-z0-9._-]{1,100}"
    number = r"@[0-9]{1,19}"
    return re.compile(f"{owner}/{name}|{owner}{number}/{name}{number}")


def _ref_form(what: str, directory: str, other: str, others: str) -> TextForm:
    return TextForm(
        what=what,
        source="git, check-ref-format; GitHub blocks names that begin with refs/; IAM API,"
        " `policyDocumentType`",
        maximum=255,
        pattern=re.compile(rf"(?!/|refs/)(?:(?![~^:?\[\\])[{_VISIBLE}])+"),
        form=f"the name of a {what} without spaces, any of ~ ^ : ? [ \\ and a '/' or 'refs/' at its"
        " start, in characters that IAM takes (up to U+00FF); '*' stands for any of them",
        meant={
            rf"refs/{directory}/([!-~]{{1,255}})": r"write '\1'",
            rf"refs/{other}/([!-~]{{1,255}})": rf"write '\1' below '{others}'",
        },
    )


REPOSITORY = TextForm(
    what="repository",
    source=f"{_GITHUB}, immutable subject claims; GitHub, names of accounts and repositories",
    minimum=0,
    pattern=_repository_pattern(),
    form="'<owner>/<repository>', or '<owner>@<id>/<repository>@<id>' where GitHub puts ids into"
    " the subject, without wildcards",
    meant={
        r"repo:([\w.@-]{1,60}/[\w.@-]{1,120}):.*": r"write '\1', and what comes after it as"
        " 'branches', 'tags', 'environments' or 'pull_requests'",
        r"(?:https://|git@)?github\.com[/:]([\w.-]{1,40}/[\w.-]{1,100}?)(?:\.git)?/?": (
            r"write '\1'"
        ),
        r"[\w.-]{1,40}/[\w.-]{0,100}\*": "name each repository",
        r"[\w.-]{1,100}": "write its owner before it",
    },
)
PROJECT = TextForm(
    what="project",
    source="GitLab, limitations on project and group names",
    minimum=0,
    pattern=re.compile(r"[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)+"),
    form="'<group>/<project>', with subgroups between them, without wildcards",
    meant={
        r"project_path:([\w./-]{1,255}):.*": r"write '\1', and what comes after it as 'branches' or"
        " 'tags'",
        r"(?:https://|git@)[^/:]+[/:]([\w./-]{1,255}?)(?:\.git)?/?": r"write '\1'",
        r"[\w.-]{1,255}": "write its group before it",
    },
)
BRANCH = _ref_form("branch", "heads", "tags", "tags")
TAG = _ref_form("tag", "tags", "heads", "branches")
ENVIRONMENT = TextForm(
    what="environment",
    source="GitHub, managing environments: at most 255 characters; IAM API, `policyDocumentType`",
    maximum=255,
    pattern=re.compile(r"[\x20-\x29\x2b-\x7e\xa1-\xff]+"),
    form="the name of an environment without '*' and control characters, in characters that IAM"
    " takes (up to U+00FF)",
)
_REFS: Mapping[str, TextForm] = {"branches": BRANCH, "tags": TAG}
EVERY = Check(
    "{what} must not be '*' alone, which restricts nothing",
    "this library: whoever can open a branch could push",
)
UNRESTRICTED = Check(
    "who is trusted must be restricted to {restrictions}",
    "this library: whoever can open a branch could push",
)
BROAD = Check(
    "a pattern of a {what} should not begin with '*'",
    "this library: whoever can open a branch chooses how its name ends",
    "begin it with what only some may write, such as 'release/*'",
    warning=True,
)
TWICE = Check("{what} must not repeat a value", "this library: a repeated one has no effect")
GITLAB_HOST = Check(
    "the host of GitLab must not be that of GitHub Actions",
    "this library: they have audiences of their own",
    "write a GitHubActions",
)


class _Jobs(ABC):
    """Jobs of a CI system, restricted by names of branches and of what else there is."""

    _names: ClassVar[Mapping[str, TextForm]]
    """Keyword -> the form of its names."""

    def __post_init__(self) -> None:
        refuse(self._problems())
        for keyword in self._names:
            object.__setattr__(self, keyword, tuple(getattr(self, keyword)))

    @abstractmethod
    def _problems(self) -> Iterator[Problem]: ...

    def _names_problems(self) -> Iterator[Problem]:
        for keyword, form in self._names.items():
            names = getattr(self, keyword)
            if not isinstance(names, list | tuple):
                yield wrong_type(keyword, "a list of text", names)._replace(path=(keyword,))
                continue
            yield from within((keyword,), unique(TWICE, names, keyword))
            for index, name in enumerate(names):
                if isinstance(name, str) and set(name) == {"*"}:
                    yield EVERY.problem(shown(name), (keyword, index), what=form.what)
                else:
                    yield from within((keyword, index), literal_problems(form, name))

    @property
    def warnings(self) -> Iterator[Problem]:
        """What is legal, but certainly a mistake."""
        for keyword, form in self._names.items():
            for index, name in enumerate(getattr(self, keyword)):
                if name.startswith("*"):
                    yield BROAD.problem(shown(name), (keyword, index), what=form.what)


@dataclass(frozen=True, kw_only=True)
class GitHubActions(_Jobs):
    """Jobs of GitHub Actions in one repository, restricted to some of them.

    A job with an environment is trusted by `environments` alone, whatever its branch, and one of a
    pull request by `pull_requests`. Letters count as GitHub writes them, large or small. A
    repository with a subject claim of its own is not matched.

    :param repository: `org/repo`; or `org@<id>/repo@<id>` for one that was created, renamed or
        transferred after July 15, 2026, or has opted in, as GitHub then puts the ids of both into
        the subject. No wildcards.
    :param branches: the branches whose jobs are trusted, at most 255 characters each; `*` stands
        for any characters, as in `release/*`, but not alone. None by default.
    :param tags: the same for tags, as in `v*`. None by default.
    :param environments: the environments whose jobs are trusted, at most 255 characters each,
        without `*`; what may deploy to them is a setting of GitHub. None by default.
    :param pull_requests: whether jobs of pull requests are trusted, from any branch of the
        repository. Not by default.
    :raises ValueError: for another form, and where nothing restricts it.
    """

    repository: str
    """org/repo, or org@<id>/repo@<id> for one with immutable subject claims."""
    branches: tuple[str, ...] = ()
    """The branches whose jobs are trusted; '*' is any characters."""
    tags: tuple[str, ...] = ()
    """The tags whose jobs are trusted; '*' is any characters."""
    environments: tuple[str, ...] = ()
    """The environments whose jobs are trusted."""
    pull_requests: bool = False
    """Whether jobs of pull requests are trusted."""

    issuer: ClassVar[str] = GITHUB_ISSUER
    """The host of who signs the tokens."""
    audience: ClassVar[str] = GITHUB_AUDIENCE
    """Whom the tokens are for, as AWS's action for credentials asks for it."""

    _names: ClassVar[Mapping[str, TextForm]] = {**_REFS, "environments": ENVIRONMENT}

    def _problems(self) -> Iterator[Problem]:
        yield from within(("repository",), literal_problems(REPOSITORY, self.repository))
        yield from self._names_problems()
        yield from within(("pull_requests",), truth("pull_requests", self.pull_requests))
        if not (self.branches or self.tags or self.environments or self.pull_requests):
            choice = "branches, tags, environments or pull requests"
            yield UNRESTRICTED.problem("none", restrictions=choice)

    @property
    def subjects(self) -> tuple[str, ...]:
        """The `sub` claims that are trusted; `*` stands for any characters."""
        start = f"repo:{self.repository}"
        return (
            *(f"{start}:ref:refs/heads/{branch}" for branch in self.branches),
            *(f"{start}:ref:refs/tags/{tag}" for tag in self.tags),
            # GitHub writes a colon of a name so, and nothing else.
            *(f"{start}:environment:{name.replace(':', '%3A')}" for name in self.environments),
            *((f"{start}:pull_request",) if self.pull_requests else ()),
        )


@dataclass(frozen=True, kw_only=True)
class GitLab(_Jobs):
    """Jobs of GitLab CI in one project, restricted to some of them.

    A pipeline of a merge request has the branch that is to be merged. Letters count as GitLab
    writes them, large or small. A project with a subject claim of its own is not matched. GitLab's
    subject claim names no environment, so that none can restrict it.

    :param project: `group/project`, with subgroups between them. No wildcards.
    :param branches: the branches whose jobs are trusted, at most 255 characters each; `*` stands
        for any characters, as in `release/*`, but not alone. None by default.
    :param tags: the same for tags, as in `v*`. None by default.
    :param host: the host of GitLab, without port and path; `gitlab.com` by default.
    :raises ValueError: for another form, and where nothing restricts it.
    """

    project: str
    """group/project, with subgroups between them."""
    branches: tuple[str, ...] = ()
    """The branches whose jobs are trusted; '*' is any characters."""
    tags: tuple[str, ...] = ()
    """The tags whose jobs are trusted; '*' is any characters."""
    host: str = "gitlab.com"
    """The host of GitLab."""

    _names: ClassVar[Mapping[str, TextForm]] = _REFS

    def _problems(self) -> Iterator[Problem]:
        yield from within(("project",), literal_problems(PROJECT, self.project))
        yield from self._names_problems()
        yield from within(("host",), literal_problems(HOST, self.host))
        if self.host == GITHUB_ISSUER:
            yield GITLAB_HOST.problem(shown(self.host), ("host",))
        if not (self.branches or self.tags):
            yield UNRESTRICTED.problem("none", restrictions="branches or tags")

    @property
    def issuer(self) -> str:
        """The host of who signs the tokens."""
        return self.host

    @property
    def audience(self) -> str:
        """Whom the tokens are for, as a job names it in `id_tokens`."""
        return audience_of(self.host)

    @property
    def subjects(self) -> tuple[str, ...]:
        """The `sub` claims that are trusted; `*` stands for any characters."""
        start = f"project_path:{self.project}:ref_type"
        return (
            *(f"{start}:branch:ref:{branch}" for branch in self.branches),
            *(f"{start}:tag:ref:{tag}" for tag in self.tags),
        )
