"""CI role: what a file says of a role that the jobs of a CI system assume."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Annotated

from ecr_constructs import Access, GitHubActions, GitLab, Problem, Registry
from ecr_constructs.checks import Check, Path, shown, unique, within
from ecr_constructs.ci_role import ci_role_problems
from ecr_constructs.oidc_provider import HOST
from stacks.section import Section, built, built_list, texts

ISSUER_TWICE = Check(
    "oidc_providers must not repeat an issuer", "IAM API: an account has one for each URL"
)


ROLE_TWICE = Check(
    "the names of two roles must not differ only in case",
    "IAM user guide, names: they are unique without regard to case",
)


class CiRole(Section):
    """A role that the jobs of a CI system assume by OpenID Connect, without a long-lived key."""

    github_actions: Annotated[
        tuple[GitHubActions, ...], built_list(GitHubActions, "github_actions")
    ] = ()
    """The jobs of GitHub Actions that assume it, by repository, and by branch, tag, environment
    or pull request."""
    gitlab: Annotated[tuple[GitLab, ...], built_list(GitLab, "gitlab")] = ()
    """The jobs of GitLab that assume it, by project, and by branch or tag."""
    access: Annotated[Access | None, built(Access, "access")] = None
    """What it may do, beside what grants give it: which repositories it pulls, pushes and reads."""
    max_session_duration: int = 3600
    """For how long a job may have it, 3600 to 43200 seconds."""
    permissions_boundary: str | None = None
    """The ARN of a policy that bounds what it may do."""

    @property
    def warnings(self) -> Iterator[Problem]:
        """What is legal, but certainly a mistake."""
        for key in ("github_actions", "gitlab"):
            for index, jobs in enumerate(getattr(self, key)):
                yield from within((key, index), jobs.warnings)

    @property
    def trusted(self) -> tuple[GitHubActions | GitLab, ...]:
        """Whose jobs assume it."""
        return (*self.github_actions, *self.gitlab)

    def problems_in(
        self, registry: Registry, name: str, statements: Sequence[Mapping[str, object]]
    ) -> Iterator[Problem]:
        """Check it together with where it is, and with what it may do.

        :param statements: of its own access, and of what grants and policies give it.
        """
        found = ci_role_problems(
            registry,
            role_name=name,
            trusted=self.trusted,
            max_session_duration=self.max_session_duration,
            permissions_boundary=self.permissions_boundary,
            statements=statements,
        )
        for problem in found:
            yield problem._replace(path=self._written(problem.path))

    def _written(self, path: Path) -> Path:
        """Where the file has what an argument of a role says: its jobs by kind, what it may do."""
        match path:
            case ("trusted", int(index)):
                before = len(self.github_actions)
                of_github = index < before
                return ("github_actions", index) if of_github else ("gitlab", index - before)
            case ("max_session_duration" | "permissions_boundary", *_):
                return path
            case ("statements", *_):
                return ("access",)
        return ()


def role_name_problems(names: Iterable[str]) -> Iterator[Problem]:
    """Check that no two roles of a file have the same name for IAM."""
    lowered = Counter(map(str.lower, names))
    for name in names:
        if lowered[name.lower()] > 1:
            yield ROLE_TWICE.problem(shown(name), (name,))


Issuers = Annotated[
    tuple[str, ...],
    texts("oidc_providers", partial(HOST.problems, what="issuer"), partial(unique, ISSUER_TWICE)),
]
