"""Replication configuration: to which registries a registry copies what is pushed to it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cdktf_cdktf_provider_aws.ecr_replication_configuration import (
    EcrReplicationConfiguration,
    EcrReplicationConfigurationReplicationConfiguration,
    EcrReplicationConfigurationReplicationConfigurationRule,
    EcrReplicationConfigurationReplicationConfigurationRuleDestination,
    EcrReplicationConfigurationReplicationConfigurationRuleRepositoryFilter,
)
from constructs import Construct

from ecr_constructs.checks import (
    Problem,
    is_token,
    refuse,
    sequence,
    shown,
    text,
    texts,
    unique,
    within,
)
from ecr_constructs.registry import Registry, account_id_problems, region_problems

MAX_RULES = 10
MAX_DESTINATIONS = 25
MAX_FILTERS = 100
# The form that the provider asks of a destination's Region has no place for their names.
_REFUSED_REGIONS = ("eusc-de-east-1",)
_FILTER = re.compile(r"(?:[a-z0-9][a-z0-9._-]*/)*[a-z0-9._-]*")


@dataclass(frozen=True, kw_only=True)
class ReplicationDestination:
    """A registry that images are copied to.

    :param region: the code of its Region.
    :param registry_id: its account. By default the account of the source; another account has to
        accept the replication in its registry policy.
    :raises ValueError: for an account id or a Region of another form.
    """

    region: str
    """The code of its Region."""
    registry_id: str | None = None
    """Its account, 12 digits; by default the source's own."""

    def __post_init__(self) -> None:
        problems = [*within(("region",), region_problems("region", self.region))]
        if self.region in _REFUSED_REGIONS:
            sentence = "the AWS provider does not take the Region as a destination"
            problems.append(Problem(f"{sentence}, got {shown(self.region)}", ("region",)))
        if self.registry_id is not None:
            problems += within(
                ("registry_id",), account_id_problems("registry_id", self.registry_id)
            )
        refuse(problems)


@dataclass(frozen=True, kw_only=True)
class ReplicationRule:
    """Which repositories are copied to which registries.

    Images pushed from now on are copied, not those that are there. Replicas are not copied on.

    :param destinations: at least one registry.
    :param repository_filters: beginnings of repository names, such as `payments/`; 2 to 256
        characters, at most 100 of them. None copies every repository.
    :raises ValueError: for a filter that ECR would refuse.
    """

    destinations: tuple[ReplicationDestination, ...]
    """The registries that images are copied to."""
    repository_filters: tuple[str, ...] = ()
    """Beginnings of repository names, such as payments/; none copies every repository."""

    def __post_init__(self) -> None:
        refuse(self._problems())
        object.__setattr__(self, "destinations", tuple(self.destinations))
        object.__setattr__(self, "repository_filters", tuple(self.repository_filters))

    def _problems(self) -> Iterator[Problem]:
        path = ("destinations",)
        yield from within(path, sequence("destinations", self.destinations, ReplicationDestination))
        if self.destinations in ((), []):
            yield Problem("a replication rule needs at least one destination, got none", path)
        path = ("repository_filters",)
        if not isinstance(self.repository_filters, list | tuple):
            yield from within(path, texts("repository_filters", self.repository_filters))
            return
        if len(self.repository_filters) > MAX_FILTERS:
            yield Problem(
                f"a replication rule takes at most {MAX_FILTERS} filters,"
                f" got {len(self.repository_filters)}",
                path,
            )
        yield from within(path, unique("repository_filters", self.repository_filters))
        for index, value in enumerate(self.repository_filters):
            form = "the beginning of a repository name; it takes no '*'"
            problems = text(
                "repository filter", value, pattern=_FILTER, form=form, minimum=2, maximum=256
            )
            yield from within((*path, index), problems)


def replication_problems(registry: Registry, rules: Sequence[ReplicationRule]) -> Iterator[Problem]:
    """Check the rules of one registry together: counts, and where the destinations are."""
    wrong = list(sequence("rules", rules, ReplicationRule))
    yield from wrong
    if wrong:
        return
    if not 1 <= len(rules) <= MAX_RULES:
        yield Problem(f"replication takes 1 to {MAX_RULES} rules, got {len(rules)}")
    destinations: set[tuple[str, str]] = set()
    for index, rule in enumerate(rules):
        in_rule: set[tuple[str, str]] = set()
        for position, destination in enumerate(rule.destinations):
            path = (index, "destinations", position)
            account = destination.registry_id or registry.account_id
            key = (account, destination.region)
            if key in in_rule:
                yield Problem(
                    f"a replication rule names Region {destination.region} of account {account}"
                    " twice",
                    path,
                )
            in_rule.add(key)
            yield from within(path, _destination_problems(registry, account, destination.region))
        destinations |= in_rule
    if len(destinations) > MAX_DESTINATIONS:
        yield Problem(
            f"replication takes at most {MAX_DESTINATIONS} destinations over all rules,"
            f" got {len(destinations)}"
        )


def _destination_problems(registry: Registry, account: str, region: str) -> Iterator[Problem]:
    if is_token(region) or is_token(registry.region):
        return
    if (account, region) == (registry.account_id, registry.region):
        yield Problem(
            "a registry cannot replicate to itself,"
            f" got Region {shown(region)} of account {account}"
        )
    destination = Registry(account_id=account, region=region)
    if destination.partition != registry.partition:
        yield Problem(
            f"replication stays in one AWS partition, got {registry.partition} to"
            f" {destination.partition} ({region})"
        )


class ReplicationConfiguration(Construct):
    """The replication of a registry. A registry has one: define it once per account and Region.

    :param registry: the registry that replicates.
    :param rules: one to ten; at most 25 different destinations over all of them.
    :raises ValueError: for rules that ECR would refuse together, for a registry as its own
        destination, and for a destination in another AWS partition.
    """

    def __init__(
        self, scope: Construct, id_: str, *, registry: Registry, rules: Sequence[ReplicationRule]
    ) -> None:
        refuse(replication_problems(registry, rules))
        super().__init__(scope, id_)
        EcrReplicationConfiguration(
            self,
            "Resource",
            replication_configuration=EcrReplicationConfigurationReplicationConfiguration(
                rule=[_render(registry, rule) for rule in rules]
            ),
        )


def _render(
    registry: Registry, rule: ReplicationRule
) -> EcrReplicationConfigurationReplicationConfigurationRule:
    return EcrReplicationConfigurationReplicationConfigurationRule(
        destination=[
            EcrReplicationConfigurationReplicationConfigurationRuleDestination(
                region=destination.region,
                registry_id=destination.registry_id or registry.account_id,
            )
            for destination in rule.destinations
        ],
        repository_filter=[
            EcrReplicationConfigurationReplicationConfigurationRuleRepositoryFilter(
                filter=prefix, filter_type="PREFIX_MATCH"
            )
            for prefix in rule.repository_filters
        ]
        or None,
    )
