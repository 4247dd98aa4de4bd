"""Registries: what the environments of an app owe each other's registries.

An environment replicates to registries. Where a registry's account belongs to an environment of the
app, one stack, its host, defines there what the replication needs: the policy that accepts it, and
templates by which replicas are like their sources.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ecr_constructs import (
    EncryptionType,
    Problem,
    Registry,
    RegistryPolicyStatement,
    RepositoryCreationTemplateSettings,
    accept_replication,
)
from ecr_constructs.access import part_problems
from ecr_constructs.checks import shown, within
from ecr_constructs.ci_role import ci_role_arn, statements_problems
from ecr_constructs.creation_role import creation_role_problems
from ecr_constructs.image_settings import ImageSettings
from ecr_constructs.registry_policy import policy_length_problems
from stacks.arrivals import Origin, Sent, arrivals_of, arriving_at, namespace_of, origins_of
from stacks.environment import Environment
from stacks.grantees import Kept, Statements, statements_in, together
from stacks.replicas import Templates, replicas_of, templates_for, uncovered

Uncovered = Mapping[str, tuple[str, ...]]
Replicas = Mapping[str, ImageSettings]


@dataclass(frozen=True, kw_only=True)
class Owed:
    """What a stack defines in a registry for what is replicated to it."""

    accepted: tuple[RegistryPolicyStatement, ...] = ()
    """Statements by which the registry takes what other accounts replicate to it."""
    templates: Templates = field(default_factory=dict)
    """The creation templates of replicas, by prefix."""
    uncovered: Uncovered = field(default_factory=dict)
    """The repositories whose replicas differ from them, with the settings that do."""
    senders: tuple[str, ...] = ()
    """The environments that replicate to it."""
    replicas: Mapping[str, Replicas] = field(default_factory=dict)
    """The replicas that its templates give a policy, by name, for each environment of sources."""


@dataclass(frozen=True, kw_only=True)
class Neighbours:
    """What an environment owes others, and others it."""

    owed: Mapping[Registry, Owed] = field(default_factory=dict)
    """What its stack defines in its own registry, and in others of its account."""
    missing: Mapping[Registry, RegistryPolicyStatement] = field(default_factory=dict)
    """Statements that the registries of accounts outside of the app have to have."""
    replicas: Mapping[Registry, Replicas] = field(default_factory=dict)
    """The replicas of its repositories to which a template of the app gives a policy, by name."""
    given: Mapping[str, Mapping[str, Statements]] = field(default_factory=dict)
    """What policies of other environments let its CI roles do, by their ARNs and environment."""
    ci_roles: Mapping[str, str] = field(default_factory=dict)
    """The CI roles of other environments that its policies name: the environment of each ARN."""


def neighbours_of(environments: Mapping[str, Environment]) -> dict[str, Neighbours]:
    """What each of the environments owes the others, and they it."""
    owed: dict[str, dict[Registry, Owed]] = {name: {} for name in environments}
    missing: dict[str, dict[Registry, RegistryPolicyStatement]] = {n: {} for n in environments}
    replicas: dict[str, dict[Registry, Replicas]] = {name: {} for name in environments}
    origins = origins_of(environments)
    for registry, arriving in arriving_at(environments).items():
        senders = tuple(dict.fromkeys(item.name for item in arriving))
        host = _host(environments, registry, senders)
        if host is not None:
            deployer = environments[host].deployer
            found = _owed(environments, origins, registry, arriving, deployer)
            owed[host][registry] = replace(found, senders=senders)
            for name, admitting in found.replicas.items():
                replicas[name][registry] = admitting
            continue
        for name in senders:
            # Of the whole account, whose environments then all print the same.
            missing[name][registry] = _accepting(environments[name].account, arriving)
    return _with_ci_roles(
        environments,
        {
            name: Neighbours(owed=owed[name], missing=missing[name], replicas=replicas[name])
            for name in environments
        },
    )


def _with_ci_roles(
    environments: Mapping[str, Environment], neighbours: Mapping[str, Neighbours]
) -> dict[str, Neighbours]:
    """The same with what the policies of each let the CI roles of others do."""
    makers = {
        ci_role_arn(environment.home, role_name): name
        for name, environment in environments.items()
        for role_name in environment.ci_roles
    }
    given: dict[str, dict[str, dict[str, Statements]]] = {name: {} for name in environments}
    ci_roles: dict[str, dict[str, str]] = {name: {} for name in environments}
    for name, environment in environments.items() if makers else ():
        for arn, statements in granted(environment, neighbours[name]).items():
            maker = makers.get(arn, name)
            if maker != name:
                ci_roles[name][arn] = maker
                given[maker].setdefault(arn, {})[name] = statements
    return {
        name: replace(own, given=given[name], ci_roles=ci_roles[name])
        for name, own in neighbours.items()
    }


def _host(
    environments: Mapping[str, Environment], registry: Registry, senders: Collection[str]
) -> str | None:
    """The environment whose stack defines what a registry needs; nothing outside of the app.

    An environment of the registry, first one that writes its policy; else one of the account, first
    one that replicates; each time the first by name.
    """
    at_home = sorted(n for n, e in environments.items() if e.home == registry)
    writing = [n for n in at_home if environments[n].registry.policy_statements]
    account = sorted(n for n, e in environments.items() if _reaches(e.home, registry))
    replicating = [n for n in account if n in senders]
    return next(iter((*writing, *at_home, *replicating, *account)), None)


def _reaches(home: Registry, registry: Registry) -> bool:
    """Whether who deploys to one registry can deploy to another."""
    return (home.account_id, home.partition) == (registry.account_id, registry.partition)


def _owed(
    environments: Mapping[str, Environment],
    origins: Mapping[Registry, Origin],
    registry: Registry,
    arriving: Sequence[Sent],
    deployer: str | None,
) -> Owed:
    accounts = dict.fromkeys(item.environment.account for item in arriving)
    accepted = tuple(
        _accepting(account, arriving) for account in accounts if account != registry.account_id
    )
    at_home = {name: e for name, e in environments.items() if e.home == registry}
    own = {name: s for other in at_home.values() for name, s in other.repositories.items()}
    existing = {p: t for name, o in at_home.items() for p, t in _own_templates(name, o).items()}
    arrivals = arrivals_of(arriving, origins)
    made: Templates = {}
    replicas: dict[str, dict[str, ImageSettings]] = {}
    if registry.makes_repositories:
        # What is there already stays as it is.
        new = {home: origin.without(own) for home, origin in origins.items()}
        to_make = arrivals_of(arriving, new)
        made = templates_for(to_make, existing, registry=registry, deployer=deployer)
        for source, template in replicas_of(to_make, made, existing):
            replicas.setdefault(source.environment, {})[source.name] = template
    return Owed(
        accepted=accepted,
        templates=made,
        uncovered=dict(uncovered(arrivals, {**existing, **made}, own)),
        replicas=replicas,
    )


def _accepting(account: str, arriving: Iterable[Sent]) -> RegistryPolicyStatement:
    """The statement that accepts what an account sends: its prefixes, or everything.

    A prefix is left out where a shorter one accepts it as well.
    """
    sent = [item.rule for item in arriving if item.environment.account == account]
    filters = [rule.repository_filters or ("",) for rule in sent]
    prefixes = dict.fromkeys(prefix for found in filters for prefix in found)
    kept = [p for p in prefixes if not any(p != o and p.startswith(o) for o in prefixes)]
    return accept_replication(account, [prefix for prefix in kept if prefix])


def _own_templates(name: str, environment: Environment) -> Templates:
    """The creation templates that an environment writes, with the tags of everything in it."""
    return {
        prefix: replace(template, resource_tags=environment.all_tags(name, template.resource_tags))
        for prefix, template in environment.registry.creation_templates.items()
    }


def templates_of(
    name: str, environment: Environment, neighbours: Neighbours
) -> dict[Registry, Templates]:
    """The creation templates of a stack by registry: what its file says, and what it owes."""
    found = {environment.home: _own_templates(name, environment)}
    for registry, owed in neighbours.owed.items():
        found[registry] = {**found.get(registry, {}), **owed.templates}
    return found


def statements_of(
    environment: Environment, neighbours: Neighbours
) -> dict[Registry, tuple[RegistryPolicyStatement, ...]]:
    """The registry policies of a stack by registry: what its file says, and what it owes."""
    found = {environment.home: environment.registry.policy_statements}
    for registry, owed in neighbours.owed.items():
        found[registry] = (*found.get(registry, ()), *owed.accepted)
    return found


def granted(environment: Environment, neighbours: Neighbours) -> dict[str, Statements]:
    """The statements of a policy of each role and user that may do something, by their ARNs.

    By the policies of the environment, and of its replicas; and by those of other environments,
    what its CI roles may do.
    """
    replicas = (_in_other_accounts(*found) for found in neighbours.replicas.items())
    given = ({arn: s} for arn, found in neighbours.given.items() for s in found.values())
    return together(environment.statements, *replicas, *given)


def printed(
    statements: Mapping[str, Statements], environment: Environment, neighbours: Neighbours
) -> dict[str, Statements]:
    """Those of whom no stack defines the policy: of all but the app's own roles of CI."""
    own = {ci_role_arn(environment.home, name) for name in environment.ci_roles}
    return {arn: s for arn, s in statements.items() if arn not in own | neighbours.ci_roles.keys()}


def _in_other_accounts(registry: Registry, replicas: Replicas) -> dict[str, Statements]:
    """What replicas let roles and users of other accounts do.

    Those of the registry's own account need no more than what each replica says: their policies,
    of limited length, would name every repository once more.
    """
    found = statements_in(registry, [Kept(name=n, settings=s) for n, s in replicas.items()])
    return {arn: s for arn, s in found.items() if not arn.startswith(registry.iam_arn(""))}


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
        namespaces[environment.home] += (namespace_of(prefix) for prefix in environment.namespaces)
    own = {registry: list(found) for registry, found in names.items()}
    for registry, arriving in arriving_at(environments).items():
        for item in arriving if registry in names else ():
            sent = filter(item.rule.copies, own[item.environment.home])
            names[registry] |= dict.fromkeys(sent)
    return {registry: (list(names[registry]), namespaces[registry]) for registry in names}


def makes_roles(name: str, environment: Environment, neighbours: Neighbours) -> bool:
    """Whether a stack makes roles or providers of IAM."""
    rules = environment.registry.pull_through_cache_rules.values()
    templates = templates_of(name, environment, neighbours).values()
    return bool(
        environment.ci_roles
        or environment.oidc_providers
        or any(r.wants_role(environment.home) and r.custom_role_arn is None for r in rules)
        or any(
            t.wants_role and t.custom_role_arn is None for own in templates for t in own.values()
        )
    )


def policy_problems(
    name: str, environment: Environment, neighbours: Neighbours
) -> Iterator[Problem]:
    """Check the lengths of what a stack defines, or asks for, for the replication of others."""
    for registry, statements in statements_of(environment, neighbours).items():
        of = _of(registry, neighbours)
        found = policy_length_problems(registry, statements, of)
        yield from within(("policy_statements",), found)
    for registry, templates in templates_of(name, environment, neighbours).items():
        of = _of(registry, neighbours)
        with_keys = {p: _with_own_key(registry, t) for p, t in templates.items()}
        found = creation_role_problems(registry, with_keys, of)
        yield from within(("creation_templates",), found)
    for registry, statement in neighbours.missing.items():
        of = f" for what account {registry.account_id} has to accept in {registry.region}"
        found = policy_length_problems(registry, [statement], of)
        yield from within(("replication",), found)


def access_problems(environment: Environment, neighbours: Neighbours) -> Iterator[Problem]:
    """Check the lengths of the policies that whoever may do something needs.

    Those of CI roles are checked together with replicas, and with what others let them do.
    """
    found = granted(environment, neighbours)
    for arn, statements in printed(found, environment, neighbours).items():
        yield from part_problems(arn, statements)
    for role_name in environment.ci_roles:
        arn = ci_role_arn(environment.home, role_name)
        givers = ", ".join(map(shown, neighbours.given.get(arn, ())))
        of = f" with the repositories of {givers}" if givers else ""
        if givers or neighbours.replicas:
            wrong = statements_problems(found.get(arn, []), role_name, of)
            yield from within(("ci_roles", role_name), wrong)


def _of(registry: Registry, neighbours: Neighbours) -> str:
    """Whose replication makes what a registry has to have longer."""
    senders = neighbours.owed.get(registry, Owed()).senders
    named = ", ".join(map(shown, senders))
    return f" in {registry.region} with the replication of {named}" if senders else ""


def _with_own_key(
    registry: Registry, template: RepositoryCreationTemplateSettings
) -> RepositoryCreationTemplateSettings:
    """A template with an ARN as long as that of the environment's key, where it is to have that."""
    if template.encryption_type == EncryptionType.AES256 or template.kms_key is not None:
        return template
    key = f"arn:{registry.partition}:kms:{registry.region}:{registry.account_id}:key/{'0' * 36}"
    return replace(template, kms_key=key)
