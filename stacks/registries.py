"""Registries: what the environments of an app owe each other's registries."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ecr_constructs import (
    Check,
    Problem,
    Registry,
    RegistryPolicyStatement,
    accept_replication,
)
from ecr_constructs.checks import shown
from ecr_constructs.registry_policy import registry_policy_problems
from stacks.environment import Environment

CHAIN = Check(
    "what is replicated here is not replicated on",
    "ECR user guide, image replication: only what is pushed to a registry is copied",
    "name the destination in the first environment, too",
    warning=True,
)


@dataclass(frozen=True, kw_only=True)
class Neighbours:
    """What an environment owes others, and others it."""

    accepted: tuple[RegistryPolicyStatement, ...] = ()
    """Statements by which its registry takes what other environments replicate to it."""
    missing: Mapping[Registry, RegistryPolicyStatement] = field(default_factory=dict)
    """Statements that the registries of accounts outside of the app have to have."""


def neighbours_of(environments: Mapping[str, Environment], name: str) -> Neighbours:
    """What one of the environments owes the others, and they it.

    A registry of which several environments hold repositories gets its policy from the one that
    writes `policy_statements`, or else from the first by name.
    """
    environment = environments[name]
    home = environment.home
    sharing = [other for other in sorted(environments) if environments[other].home == home]
    writing = [other for other in sharing if environments[other].registry.policy_statements]
    sources: dict[str, list[tuple[str, ...]]] = {}
    if name == [*writing, *sharing][0]:
        for other in environments.values():
            for registry, prefixes in _sent(other):
                if registry == home:
                    sources.setdefault(other.account, []).append(prefixes)
    known = {other.home for other in environments.values()}
    outside: dict[Registry, list[tuple[str, ...]]] = {}
    for registry, prefixes in _sent(environment):
        if registry not in known:
            outside.setdefault(registry, []).append(prefixes)
    return Neighbours(
        accepted=tuple(accept_replication(a, _all(found)) for a, found in sources.items()),
        missing={
            registry: accept_replication(environment.account, _all(found))
            for registry, found in outside.items()
        },
    )


def _sent(environment: Environment) -> Iterator[tuple[Registry, tuple[str, ...]]]:
    """The registries of other accounts that an environment replicates to, with the prefixes."""
    for rule in environment.replication_rules:
        for destination in rule.destinations:
            account = destination.registry_id or environment.account
            if account != environment.account:
                registry = Registry(account_id=account, region=destination.region)
                yield registry, rule.repository_filters


def _all(found: list[tuple[str, ...]]) -> tuple[str, ...]:
    """The prefixes of several rules; none where one of them has none, which is all."""
    if not all(found):
        return ()
    return tuple(dict.fromkeys(prefix for prefixes in found for prefix in prefixes))


def policy_problems(environments: Mapping[str, Environment], name: str) -> Iterator[Problem]:
    """Check the registry policy of an environment with what it accepts from others."""
    environment = environments[name]
    accepted = neighbours_of(environments, name).accepted
    if accepted:
        statements = (*environment.registry.policy_statements, *accepted)
        for problem in registry_policy_problems(environment.home, statements):
            yield problem._replace(path=("policy_statements",))


def chain_warnings(environments: Mapping[str, Environment], name: str) -> Iterator[Problem]:
    """Tell of replication rules that a reader may expect to copy replicas on."""
    environment = environments[name]
    arriving = [
        (other_name, rule.repository_filters)
        for other_name, other in environments.items()
        for rule in other.replication_rules
        for destination in rule.destinations
        if Registry(account_id=destination.registry_id or other.account, region=destination.region)
        == environment.home
    ]
    for index, rule in enumerate(environment.replication_rules):
        for source, prefixes in arriving:
            shared = _shared(prefixes, rule.repository_filters)
            if shared is not None:
                got = f"{shown(shared)} of {source}" if shared else f"everything of {source}"
                yield CHAIN.problem(got, ("replication", "rules", index))


def _shared(one: tuple[str, ...], other: tuple[str, ...]) -> str | None:
    """A prefix of repositories that both lists of prefixes select; an empty list selects all."""
    for first in one or ("",):
        for second in other or ("",):
            if first.startswith(second) or second.startswith(first):
                return max(first, second, key=len)
    return None
