"""Registry warnings: what is legal, but certainly a mistake, between the files of an app."""

from collections.abc import Iterator, Mapping, Sequence

from ecr_constructs import Check, EncryptionType, Problem, Registry, RepositoryKeySettings
from ecr_constructs.account_setting import OLDER_SCOPE, POLICY_SCOPE
from ecr_constructs.action import REPOSITORY_ACTIONS, matching
from ecr_constructs.checks import shown, within
from ecr_constructs.ci_role import ci_role_arn
from ecr_constructs.registry_policy import OLDER_SCOPE_ACTIONS
from ecr_constructs.replication import prefixes_overlap
from stacks.arrivals import arriving_at
from stacks.environment import Environment
from stacks.registries import Neighbours, granted, templates_of

FILTER_MATCHES_NONE = Check(
    "a repository filter should match a repository of the environment files",
    "ECR user guide, image replication: a filter is the beginning of a name",
    "mend the filter, or take it away",
    warning=True,
)
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

KEY_WITHOUT_USE = Check(
    "repository_key should be the key of something: a repository, a template or replicas",
    "this app: the key is made where something with encryption_type KMS names none",
    "write encryption_type KMS, and no kms_key, in what it is for, or take it away",
    warning=True,
)

ROLE_WITHOUT_ACCESS = Check(
    "a role of a CI system should have access to something, or be granted it",
    "this app: its jobs can do nothing",
    "write 'access', or grant its ARN 'push' or 'pull'",
    warning=True,
)


def filter_warnings(
    environment: Environment, repository_names: Sequence[str], namespaces: Sequence[str] = ()
) -> Iterator[Problem]:
    """What is legal, but certainly a mistake, in a registry of these repositories.

    :param namespaces: beginnings of further repositories, which ECR makes itself.
    """
    for index, rule in enumerate(environment.replication_rules):
        for position, prefix in enumerate(rule.repository_filters):
            known = any(name.startswith(prefix) for name in repository_names)
            if not known and not any(prefixes_overlap(prefix, n) for n in namespaces):
                path = ("replication", "rules", index, "repository_filters", position)
                yield FILTER_MATCHES_NONE.problem(shown(prefix), path)
    if environment.registry.scanning is not None:
        found = environment.registry.scanning.warnings(repository_names, namespaces)
        yield from within(("scanning",), found)


def key_warnings(name: str, environment: Environment, neighbours: Neighbours) -> Iterator[Problem]:
    """Tell of a key that is described and not made."""
    templates = templates_of(name, environment, neighbours).values()
    kept = (
        environment.repository_defaults,
        *environment.repositories.values(),
        *(template for found in templates for template in found.values()),
    )
    wanted = any(s.encryption_type != EncryptionType.AES256 and s.kms_key is None for s in kept)
    if environment.repository_key != RepositoryKeySettings() and not wanted:
        yield KEY_WITHOUT_USE.problem(path=("repository_key",))


def ci_role_warnings(environment: Environment, neighbours: Neighbours) -> Iterator[Problem]:
    """Tell of roles of CI systems that no environment lets do anything."""
    found = granted(environment, neighbours) if environment.ci_roles else {}
    for role_name in environment.ci_roles:
        if ci_role_arn(environment.home, role_name) not in found:
            yield ROLE_WITHOUT_ACCESS.problem("none", ("ci_roles", role_name))


def chain_warnings(environments: Mapping[str, Environment]) -> Iterator[tuple[str, Problem]]:
    """Tell of replication rules that a reader may expect to copy replicas on, by environment."""
    arriving = arriving_at(environments)
    for name, environment in environments.items():
        for index, rule in enumerate(environment.replication_rules):
            targets = {d.registry_of(environment.home) for d in rule.destinations}
            for item in arriving.get(environment.home, ()):
                ends = targets - {item.environment.home}
                broken = [
                    shown(common) if common else "everything"
                    for common in _shared(item.rule.repository_filters, rule.repository_filters)
                    if ends - _reached(item.environment, common)
                ]
                if broken:
                    got = f"{', '.join(broken)} of {item.name}"
                    yield name, CHAIN.problem(got, ("replication", "rules", index))


def _shared(one: Sequence[str], other: Sequence[str]) -> Iterator[str]:
    """The prefixes of what both lists of prefixes select; an empty list selects all."""
    for first in one or ("",):
        for second in other or ("",):
            if prefixes_overlap(first, second):
                yield max(first, second, key=len)


def _reached(environment: Environment, prefix: str) -> set[Registry]:
    """The registries that an environment itself copies everything of a prefix to."""
    return {
        destination.registry_of(environment.home)
        for rule in environment.replication_rules
        if rule.copies(prefix)
        for destination in rule.destinations
    }


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
