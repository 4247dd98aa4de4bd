"""Grantees: what the roles and users may do that policies name, by their ARNs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ecr_constructs import Access, Registry
from ecr_constructs.access import access_together, other_side, statements_together
from ecr_constructs.image_settings import ImageSettings
from ecr_constructs.policy_document import read_policy
from ecr_constructs.repository_policy import repository_policy_document

Statements = list[dict[str, Any]]
NONE: Mapping[str, Access] = {}


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A repository that has a policy, or all repositories of a namespace that have the same."""

    name: str
    """The name of the repository, or of the namespace, with a `/` at its end."""
    settings: ImageSettings
    through: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What whoever pulls may do besides."""

    @property
    def accesses(self) -> Iterator[tuple[str, Access]]:
        """What grants give, by the ARN of each role and user."""
        settings = self.settings
        pull, push = ((*one, *settings.pull_push) for one in (settings.pull, settings.push))
        for principals, given in (
            (pull, {"pull": (self.name,), **self.through}),
            (push, {"push": (self.name,)}),
            (settings.read, {"read": (self.name,)}),
        ):
            for arn in dict.fromkeys(p.arn for p in principals if p.arn is not None):
                yield arn, Access(**given)

    @property
    def written_policy(self) -> Mapping[str, Any]:
        """What its policy says beside grants."""
        if self.settings.policy_document is not None:
            return read_policy(self.settings.policy_document)
        return repository_policy_document(self.settings.repository_policy_statements)

    def arn_in(self, registry: Registry) -> str:
        """Its ARN in a registry."""
        return registry.repository_arn(f"{self.name}*" if self.name.endswith("/") else self.name)


def statements_in(
    registry: Registry, kept: Sequence[Kept], own: Mapping[str, Access] = NONE
) -> dict[str, Statements]:
    """The statements of a policy of whoever may do something in a registry.

    :param own: what somebody may do besides.
    """
    accesses = {arn: [access] for arn, access in own.items()}
    for one in kept:
        for arn, access in one.accesses:
            accesses.setdefault(arn, []).append(access)
    granted = {arn: access_together(found).render(registry) for arn, found in accesses.items()}
    return together(granted, *(other_side(k.written_policy, k.arn_in(registry)) for k in kept))


def together(*several: Mapping[str, Statements]) -> dict[str, Statements]:
    """The fewest statements that allow each what all of several do."""
    found: dict[str, Statements] = {}
    for statements in several:
        for arn, some in statements.items():
            found.setdefault(arn, []).extend(some)
    return {arn: statements_together(some) for arn, some in sorted(found.items())}
