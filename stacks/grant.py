"""Grant: who may pull, push and read the repositories of some namespaces."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ecr_constructs import Principal, Problem
from ecr_constructs.checks import Check, refuse, within, wrong_type
from ecr_constructs.replication import FILTER

PREFIX = replace(
    FILTER,
    what="repository prefix",
    meant={
        **FILTER.meant,
        r"\*?": "what is for every repository goes below 'repository_defaults'",
    },
)
GRANT_EMPTY = Check(
    "a grant must be to somebody, of the repositories of some prefix",
    "this app: it has no effect",
    "write 'pull', 'push', 'pull_push' or 'read'",
)


@dataclass(frozen=True, kw_only=True)
class Grant:
    """Who may pull, push and read the repositories of some namespaces."""

    repository_prefixes: tuple[str, ...]
    """Beginnings of repository names, such as payments/; each has to match a repository."""
    pull: tuple[Principal, ...] = ()
    """Who may pull images."""
    push: tuple[Principal, ...] = ()
    """Who may push images."""
    pull_push: tuple[Principal, ...] = ()
    """Who may do both."""
    read: tuple[Principal, ...] = ()
    """Who may see what is known of the images: metadata and scan findings."""

    def __post_init__(self) -> None:
        refuse(self._problems())
        object.__setattr__(self, "repository_prefixes", tuple(self.repository_prefixes))

    def _problems(self) -> Iterator[Problem]:
        prefixes = self.repository_prefixes
        if not isinstance(prefixes, list | tuple):
            found = wrong_type("repository_prefixes", "a list", prefixes)
            yield found._replace(path=("repository_prefixes",))
            return
        for index, prefix in enumerate(prefixes):
            yield from within(("repository_prefixes", index), PREFIX.problems(prefix))
        if not prefixes or not any((self.pull, self.push, self.pull_push, self.read)):
            yield GRANT_EMPTY.problem()
