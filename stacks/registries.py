"""Registries: what the environments of an app owe each other's registries.

An environment replicates to registries. Where a registry's account belongs to an environment of the
app, one stack, its host, defines there what the replication needs: the policy that accepts it, and
templates by which replicas are like their sources.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ecr_constructs import (
    Check,
    Problem,
    Registry,
    RegistryPolicyStatement,
    ReplicationRule,
    RepositorySettings,
    accept_replication,
)
from ecr_constructs.checks import shown
from ecr_constructs.creation_template import ROOT
from ecr_constructs.registry_policy import registry_policy_problems
from stacks.environment import Environment
from stacks.replicas import Arrival, Source, Templates, templates_for, uncovered

CHAIN = Check(
    "what is replicated here is not replicated on",
    "ECR user guide, image replication: only what is pushed to a registry is copied",
    "name the destination in the first environment, too",
    warning=True,
)

Uncovered = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class Owed:
    """What a stack defines in a registry for what is replicated to it."""

    accepted: tuple[RegistryPolicyStatement, ...] = ()
    """Statements by which the registry takes what other accounts replicate to it."""
    templates: Templates = field(default_factory=dict)
    """The creation templates of replicas, by prefix."""
    uncovered: Uncovered = field(default_factory=dict)
    """The repositories whose replicas differ from them, with the settings that do."""


@dataclass(frozen=True, kw_only=True)
class Neighbours:
    """What an environment owes others, and others it."""

    owed: Mapping[Registry, Owed] = field(default_factory=dict)
    """What its stack defines in its own registry, and in others of its account."""
    missing: Mapping[Registry, RegistryPolicyStatement] = field(default_factory=dict)
    """Statements that the registries of accounts outside of the app have to have."""


@dataclass(frozen=True, kw_only=True)
class _Sent:
    """What one rule replicates to one registry."""

    name: str
    environment: Environment
    rule: ReplicationRule
    registry: Registry


def neighbours_of(environments: Mapping[str, Environment], name: str) -> Neighbours:
    """What one of the environments owes the others, and they it."""
    sent = [item for other, found in environments.items() for item in _sent(other, found)]
    owed: dict[Registry, Owed] = {}
    missing: dict[Registry, RegistryPolicyStatement] = {}
    for registry in dict.fromkeys(item.registry for item in sent):
        arriving = [item for item in sent if item.registry == registry]
        host = _host(environments, registry, [item.name for item in arriving])
        if host == name:
            owed[registry] = _owed(environments, registry, arriving)
        mine = [item for item in arriving if item.name == name]
        if host is None and mine:
            missing[registry] = _accepting(environments[name].account, mine)
    return Neighbours(owed=owed, missing=missing)


def _sent(name: str, environment: Environment) -> Iterator[_Sent]:
    for rule in environment.replication_rules:
        for destination in rule.destinations:
            account = destination.registry_id or environment.account
            registry = Registry(account_id=account, region=destination.region)
            yield _Sent(name=name, environment=environment, rule=rule, registry=registry)


def _host(
    environments: Mapping[str, Environment], registry: Registry, sources: Iterable[str]
) -> str | None:
    """The environment whose stack defines what a registry needs; nothing outside of the app.

    An environment of the registry, first one that writes its policy; else one of the account, first
    one that replicates; each time the first by name.
    """
    at_home = sorted(n for n, e in environments.items() if e.home == registry)
    writing = [n for n in at_home if environments[n].registry.policy_statements]
    account = sorted(n for n, e in environments.items() if e.account == registry.account_id)
    replicating = [n for n in account if n in sources]
    return next(iter((*writing, *at_home, *replicating, *account)), None)


def _owed(
    environments: Mapping[str, Environment], registry: Registry, arriving: list[_Sent]
) -> Owed:
    accounts = dict.fromkeys(item.environment.account for item in arriving)
    accepted = tuple(
        _accepting(account, [item for item in arriving if item.environment.account == account])
        for account in accounts
        if account != registry.account_id
    )
    at_home = [other for other in environments.values() if other.home == registry]
    # What is there already stays as it is.
    own = {name for other in at_home for name in other.repositories}
    existing = {p: t for o in at_home for p, t in o.registry.creation_templates.items()}
    arrivals = [a for item in arriving for a in _arrivals(environments, item, own)]
    templates = templates_for(arrivals, existing)
    return Owed(
        accepted=accepted,
        templates=templates,
        uncovered=dict(uncovered(arrivals, {**existing, **templates})),
    )


def _arrivals(
    environments: Mapping[str, Environment], sent: _Sent, own: set[str]
) -> Iterator[Arrival]:
    """What a rule copies, prefix by prefix; the source's registry may be that of several files."""
    sources = [
        _source(name, other, repository_name, settings)
        for name, other in environments.items()
        if other.home == sent.environment.home
        for repository_name, settings in other.repositories.items()
        if repository_name not in own
    ]
    defaults = sent.environment.repository_defaults
    for prefix in sent.rule.repository_filters or ("",):
        yield Arrival(
            prefix=prefix,
            sources=tuple(s for s in sources if s.repository_name.startswith(prefix)),
            defaults=_source(sent.name, sent.environment, prefix, defaults),
        )


def _source(
    name: str, environment: Environment, repository_name: str, settings: RepositorySettings
) -> Source:
    tags = environment.all_tags(name, settings.tags)
    return Source(repository_name=repository_name, settings=settings, tags=tags)


def _accepting(account: str, sent: list[_Sent]) -> RegistryPolicyStatement:
    """The statement that accepts what an account sends: its prefixes, or everything."""
    filters = [item.rule.repository_filters for item in sent]
    prefixes = (prefix for found in filters for prefix in found) if all(filters) else ()
    return accept_replication(account, tuple(dict.fromkeys(prefixes)))


def required_provider_versions(environment: Environment, neighbours: Neighbours) -> frozenset[str]:
    """The oldest AWS provider of each setting of a stack that not every one can express."""
    templates = (t for owed in neighbours.owed.values() for t in owed.templates.values())
    found = (template.required_provider_versions for template in templates)
    return environment.required_provider_versions.union(*found)


def repositories_of(
    environments: Mapping[str, Environment], registry: Registry
) -> tuple[list[str], list[str]]:
    """The repositories of a registry, replicas among them, and the namespaces of further ones."""
    at_home = [other for other in environments.values() if other.home == registry]
    sent = [item for name, found in environments.items() for item in _sent(name, found)]
    arriving = [
        source.repository_name
        for item in sent
        if item.registry == registry
        for arrival in _arrivals(environments, item, set())
        for source in arrival.sources
    ]
    own = [name for other in at_home for name in other.repositories]
    made = [prefix for other in at_home for prefix in other.namespaces]
    namespaces = ["" if prefix == ROOT else f"{prefix}/" for prefix in made]
    return list(dict.fromkeys((*own, *arriving))), namespaces


def policy_problems(environments: Mapping[str, Environment], name: str) -> Iterator[Problem]:
    """Check the registry policies of an environment with what they accept from others."""
    environment = environments[name]
    for registry, owed in neighbours_of(environments, name).owed.items():
        own = environment.registry.policy_statements if registry == environment.home else ()
        if owed.accepted:
            for problem in registry_policy_problems(registry, (*own, *owed.accepted)):
                yield problem._replace(path=("policy_statements",))


def chain_warnings(environments: Mapping[str, Environment], name: str) -> Iterator[Problem]:
    """Tell of replication rules that a reader may expect to copy replicas on."""
    environment = environments[name]
    arriving = [
        item
        for other, found in environments.items()
        for item in _sent(other, found)
        if item.registry == environment.home
    ]
    for index, rule in enumerate(environment.replication_rules):
        for item in arriving:
            common = _shared(item.rule.repository_filters, rule.repository_filters)
            if common is not None:
                got = f"{shown(common)} of {item.name}" if common else f"everything of {item.name}"
                yield CHAIN.problem(got, ("replication", "rules", index))


def _shared(one: tuple[str, ...], other: tuple[str, ...]) -> str | None:
    """A prefix of repositories that both lists of prefixes select; an empty list selects all."""
    for first in one or ("",):
        for second in other or ("",):
            if first.startswith(second) or second.startswith(first):
                return max(first, second, key=len)
    return None
