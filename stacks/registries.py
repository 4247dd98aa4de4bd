"""Registries: what the environments of an app owe each other's registries.

An environment replicates to registries. Where a registry's account belongs to an environment of the
app, one stack, its host, defines there what the replication needs: the policy that accepts it, and
templates by which replicas are like their sources.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from ecr_constructs import (
    Check,
    Problem,
    Registry,
    RegistryPolicyStatement,
    ReplicationRule,
    accept_replication,
    template_prefix_of,
)
from ecr_constructs.account_setting import OLDER_SCOPE, POLICY_SCOPE
from ecr_constructs.action import REPOSITORY_ACTIONS, matching
from ecr_constructs.checks import shown
from ecr_constructs.creation_template import ROOT, offers_templates
from ecr_constructs.image_settings import ImageSettings
from ecr_constructs.registry_policy import OLDER_SCOPE_ACTIONS, registry_policy_problems
from stacks.environment import Environment
from stacks.replicas import Arrival, Source, Templates, templates_for, uncovered

CHAIN = Check(
    "what is replicated here is not replicated on",
    "ECR user guide, image replication: only what is pushed to a registry is copied",
    "name the destination in the first environment, too",
    warning=True,
)

UNHEEDED = Check(
    "with REGISTRY_POLICY_SCOPE V1 a registry does not heed other actions than"
    f" {', '.join(OLDER_SCOPE_ACTIONS)} in its policy",
    "ECR user guide, private registry permissions",
    "write V2, or take the statement away",
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


def neighbours_of(environments: Mapping[str, Environment]) -> dict[str, Neighbours]:
    """What each of the environments owes the others, and they it."""
    owed: dict[str, dict[Registry, Owed]] = {name: {} for name in environments}
    missing: dict[str, dict[Registry, RegistryPolicyStatement]] = {n: {} for n in environments}
    for registry, arriving in _arriving(environments).items():
        host = _host(environments, registry, [item.name for item in arriving])
        if host is not None:
            owed[host][registry] = _owed(environments, registry, arriving)
            continue
        for name in dict.fromkeys(item.name for item in arriving):
            mine = [item for item in arriving if item.name == name]
            missing[name][registry] = _accepting(environments[name].account, mine)
    return {name: Neighbours(owed=owed[name], missing=missing[name]) for name in environments}


def _arriving(environments: Mapping[str, Environment]) -> dict[Registry, list[_Sent]]:
    """What is replicated to each registry."""
    found: dict[Registry, list[_Sent]] = {}
    for name, environment in environments.items():
        for item in _sent(name, environment):
            found.setdefault(item.registry, []).append(item)
    return found


def _sent(name: str, environment: Environment) -> Iterator[_Sent]:
    for rule in environment.replication_rules:
        for destination in rule.destinations:
            registry = destination.registry_of(environment.home)
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
    own = {name: s for other in at_home for name, s in other.repositories.items()}
    existing = {p: t for o in at_home for p, t in o.registry.creation_templates.items()}
    arrivals = [a for item in arriving for a in _arrivals(environments, item)]
    made: Templates = {}
    if offers_templates(registry):
        # What is there already stays as it is.
        made = templates_for([_without(arrival, own) for arrival in arrivals], existing)
    return Owed(
        accepted=accepted,
        templates=made,
        uncovered=dict(uncovered(arrivals, {**existing, **made}, own)),
    )


def _without(arrival: Arrival, names: Collection[str]) -> Arrival:
    kept = tuple(source for source in arrival.sources if source.name not in names)
    return replace(arrival, sources=kept)


def _arrivals(environments: Mapping[str, Environment], sent: _Sent) -> Iterator[Arrival]:
    """What a rule copies, prefix by prefix; the source's registry may be that of several files."""
    at_home = {n: e for n, e in environments.items() if e.home == sent.environment.home}
    sources = [
        _source(name, other, repository_name, settings, settings.tags)
        for name, other in at_home.items()
        for repository_name, settings in other.repositories.items()
    ]
    templates = {
        prefix: _source(name, other, f"{prefix}/", template, template.resource_tags)
        for name, other in at_home.items()
        for prefix, template in other.registry.creation_templates.items()
        if template.is_for_new_images
    }
    sources += (source for prefix, source in templates.items() if prefix != ROOT)
    settings = sent.environment.repository_defaults
    for prefix in sent.rule.repository_filters or ("",):
        like = template_prefix_of(prefix, templates)
        defaults = _source(sent.name, sent.environment, prefix, settings, settings.tags)
        yield Arrival(
            prefix=prefix,
            sources=tuple(s for s in sources if s.name.startswith(prefix)),
            defaults=defaults if like is None else templates[like],
        )


def _source(
    name: str,
    environment: Environment,
    source_name: str,
    settings: ImageSettings,
    tags: Mapping[str, str],
) -> Source:
    tags = environment.all_tags(name, tags)
    return Source(name=source_name, environment=name, settings=settings, tags=tags)


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
    environments: Mapping[str, Environment],
) -> dict[Registry, tuple[list[str], list[str]]]:
    """The repositories of each environment's registry, and the namespaces of further ones.

    Replicas are among them; ECR makes the further ones by a cache rule or on push.
    """
    names: dict[Registry, dict[str, None]] = {e.home: {} for e in environments.values()}
    namespaces: dict[Registry, list[str]] = {registry: [] for registry in names}
    for environment in environments.values():
        names[environment.home] |= dict.fromkeys(environment.repositories)
        namespaces[environment.home] += (
            "" if prefix == ROOT else f"{prefix}/" for prefix in environment.namespaces
        )
    own = {registry: list(found) for registry, found in names.items()}
    for registry, arriving in _arriving(environments).items():
        for item in arriving if registry in names else ():
            sent = filter(item.rule.copies, own[item.environment.home])
            names[registry] |= dict.fromkeys(sent)
    return {registry: (list(names[registry]), namespaces[registry]) for registry in names}


def policy_problems(environment: Environment, neighbours: Neighbours) -> Iterator[Problem]:
    """Check the registry policies of an environment with what they accept from others."""
    for registry, owed in neighbours.owed.items():
        own = environment.registry.policy_statements if registry == environment.home else ()
        if owed.accepted:
            for problem in registry_policy_problems(registry, (*own, *owed.accepted)):
                yield problem._replace(path=("policy_statements",))


def chain_warnings(
    environments: Mapping[str, Environment],
) -> Iterator[tuple[str, Problem]]:
    """Tell of replication rules that a reader may expect to copy replicas on, by environment."""
    arriving = _arriving(environments)
    for name, environment in environments.items():
        for index, rule in enumerate(environment.replication_rules):
            targets = {d.registry_of(environment.home) for d in rule.destinations}
            for item in arriving.get(environment.home, ()):
                common = _shared(item.rule.repository_filters, rule.repository_filters)
                origin = item.environment
                reached = {
                    d.registry_of(origin.home)
                    for other in origin.replication_rules
                    if _shared(other.repository_filters, rule.repository_filters) is not None
                    for d in other.destinations
                }
                if common is not None and targets - reached - {origin.home}:
                    of = shown(common) if common else "everything"
                    path = ("replication", "rules", index)
                    yield name, CHAIN.problem(f"{of} of {item.name}", path)


def scope_warnings(environments: Mapping[str, Environment]) -> Iterator[tuple[str, Problem]]:
    """Tell of statements that a registry of the older policy scope does not heed."""
    older = {
        environment.home
        for environment in environments.values()
        if environment.registry.account_settings.get(POLICY_SCOPE) == OLDER_SCOPE
    }
    for name, environment in environments.items():
        own = environment.registry.policy_statements if environment.home in older else ()
        for index, statement in enumerate(own):
            others = [
                action
                for action in statement.actions
                if not set(matching(action, REPOSITORY_ACTIONS)) <= {*OLDER_SCOPE_ACTIONS}
            ]
            if others:
                path = ("policy_statements", index, "actions")
                yield name, UNHEEDED.problem(", ".join(others), path)


def _shared(one: tuple[str, ...], other: tuple[str, ...]) -> str | None:
    """A prefix of repositories that both lists of prefixes select; an empty list selects all."""
    for first in one or ("",):
        for second in other or ("",):
            if first.startswith(second) or second.startswith(first):
                return max(first, second, key=len)
    return None
