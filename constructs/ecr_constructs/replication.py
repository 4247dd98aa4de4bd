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

from ecr_constructs.annotations import annotate
from ecr_constructs.checks import (
    Check,
    Problem,
    TextForm,
    is_token,
    refuse,
    sequence,
    shown,
    unique,
    within,
    wrong_type,
)
from ecr_constructs.registry import (
    ACCOUNT_ID,
    IN_LOWERCASE,
    Registry,
    partition_of,
    region_problems,
)

MAX_RULES = 10
MAX_DESTINATIONS = 25
MAX_FILTERS = 100
# The form that the provider asks of a destination's Region has no place for their names.
_REFUSED_REGIONS = ("eusc-de-east-1",)

PROVIDER_REGION = Check(
    "the AWS provider takes no Region of this form as a destination",
    "AWS provider 5.100.0, validation of `region`",
)
FILTER = TextForm(
    what="repository filter",
    source="ECR API, `RepositoryFilterValue`",
    minimum=2,
    maximum=256,
    pattern=re.compile(r"(?:[a-z0-9][a-z0-9._-]*/)*[a-z0-9._-]*"),
    form="the beginning of a repository name; it takes no '*'",
    meant={
        r"\*?": "leave 'repository_filters' out for every repository",
        r"([a-z0-9._/-]{2,256})\*": r"write '\1'",
        **IN_LOWERCASE,
    },
)
NO_DESTINATION = Check(
    "a replication rule needs at least one destination",
    "AWS provider 5.100.0, validation; ECR API, `ReplicationDestinationList`",
)
FILTER_COUNT = Check(
    f"a replication rule takes at most {MAX_FILTERS} filters", "ECR API, `RepositoryFilterList`"
)
DUPLICATE_FILTER = Check(
    "repository_filters must not repeat a filter",
    "unknown whether ECR refuses it; a repeated filter has no effect",
)
NO_RULE = Check(
    "replication must have a rule",
    "ECR API, `ReplicationRuleList`; this app: it would undo what is there",
    "leave 'replication' out",
)
RULE_COUNT = Check(f"replication takes at most {MAX_RULES} rules", "ECR quotas; ECR API")
DESTINATION_TWICE = Check(
    "a replication rule must not repeat a destination", "unknown whether ECR refuses it"
)
DESTINATION_COUNT = Check(
    f"replication takes at most {MAX_DESTINATIONS} destinations over all rules", "ECR quotas"
)
ITSELF = Check(
    "a registry cannot replicate to itself",
    "ECR API error, 'Replication destination cannot be the same as the source registry'",
)
PARTITION = Check("replication stays in one AWS partition", "ECR user guide, image replication")
EVERYTHING = Check(
    "a replication rule without 'repository_filters' copies every repository, now and later, and"
    " each copy is stored and paid for",
    "ECR user guide, image replication; ECR pricing",
    "name the beginnings of those that are needed there, such as 'payments/'",
    warning=True,
)

MANY_REGIONS = Check(
    "each Region that a replication rule copies to stores every image once more",
    "ECR pricing; more than two Regions are seldom needed",
    "copy to where the images are pulled",
    warning=True,
)


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
            problems.append(PROVIDER_REGION.problem(shown(self.region), ("region",)))
        if self.registry_id is not None:
            found = ACCOUNT_ID.problems(self.registry_id, "registry_id")
            problems += within(("registry_id",), found)
        refuse(problems)

    def registry_of(self, source: Registry) -> Registry:
        """The registry that it is, for what a registry replicates."""
        return Registry(account_id=self.registry_id or source.account_id, region=self.region)


@dataclass(frozen=True, kw_only=True)
class ReplicationRule:
    """Which repositories are copied to which registries.

    Images pushed from now on are copied, not those that are there. Replicas are not copied on.

    :param destinations: at least one registry. None is there twice: whether ECR refuses that is
        unknown.
    :param repository_filters: beginnings of repository names, such as `payments/`; 2 to 256
        characters, at most 100 of them, and none twice, likewise. None copies every repository.
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
            yield NO_DESTINATION.problem("none", path)
        path = ("repository_filters",)
        if not isinstance(self.repository_filters, list | tuple):
            problem = wrong_type("repository_filters", "a list", self.repository_filters)
            yield problem._replace(path=path)
            return
        if len(self.repository_filters) > MAX_FILTERS:
            yield FILTER_COUNT.problem(str(len(self.repository_filters)), path)
        yield from within(path, unique(DUPLICATE_FILTER, self.repository_filters))
        for index, value in enumerate(self.repository_filters):
            yield from within((*path, index), FILTER.problems(value))

    def copies(self, repository_name: str) -> bool:
        """Whether the rule copies what is pushed to a repository of this name."""
        return not self.repository_filters or repository_name.startswith(self.repository_filters)


def replication_problems(registry: Registry, rules: Sequence[ReplicationRule]) -> Iterator[Problem]:
    """Check the rules of one registry together: counts, and where the destinations are."""
    wrong = list(sequence("rules", rules, ReplicationRule))
    yield from wrong
    if wrong:
        return
    if not rules:
        yield NO_RULE.problem("none")
    if len(rules) > MAX_RULES:
        yield RULE_COUNT.problem(str(len(rules)))
    destinations: set[tuple[str, str]] = set()
    for index, rule in enumerate(rules):
        in_rule: set[tuple[str, str]] = set()
        for position, destination in enumerate(rule.destinations):
            path = (index, "destinations", position)
            account = destination.registry_id or registry.account_id
            key = (account, destination.region)
            if key in in_rule:
                got = f"Region {destination.region} of account {account} twice"
                yield DESTINATION_TWICE.problem(got, path)
            in_rule.add(key)
            yield from within(path, _destination_problems(registry, account, destination.region))
        destinations |= in_rule
    if len(destinations) > MAX_DESTINATIONS:
        yield DESTINATION_COUNT.problem(str(len(destinations)))


def replication_warnings(rules: Sequence[ReplicationRule]) -> Iterator[Problem]:
    """What is legal, but certainly a mistake, in the rules of one registry."""
    for index, rule in enumerate(rules):
        if not rule.repository_filters:
            got = ", ".join(destination.region for destination in rule.destinations)
            yield EVERYTHING.problem(f"all to {got}", (index,))
        # Rules of the same repositories add up.
        others = [other for other in rules[:index] if _overlap(rule, other)]
        before, after = (
            dict.fromkeys(d.region for other in found for d in other.destinations)
            for found in (others, [*others, rule])
        )
        if len(after) > 2 >= len(before) or len(after) > len(before) > 2:
            yield MANY_REGIONS.problem(f"{len(after)} Regions: {', '.join(after)}", (index,))


def prefixes_overlap(one: str, other: str) -> bool:
    """Whether a name can start with both."""
    return one.startswith(other) or other.startswith(one)


def _overlap(one: ReplicationRule, other: ReplicationRule) -> bool:
    return any(
        prefixes_overlap(first, second)
        for first in one.repository_filters or ("",)
        for second in other.repository_filters or ("",)
    )


def _destination_problems(registry: Registry, account: str, region: str) -> Iterator[Problem]:
    if is_token(region) or is_token(registry.region):
        return
    if (account, region) == (registry.account_id, registry.region):
        yield ITSELF.problem(f"Region {shown(region)} of account {account}")
    partition = partition_of(region)
    if partition != registry.partition:
        yield PARTITION.problem(f"{registry.partition} to {partition} ({region})")


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
        if not isinstance(registry, Registry):
            refuse([wrong_type("registry", "a Registry", registry)])
        refuse(replication_problems(registry, rules))
        super().__init__(scope, id_)
        EcrReplicationConfiguration(
            self,
            "Resource",
            replication_configuration=EcrReplicationConfigurationReplicationConfiguration(
                rule=[_render(registry, rule) for rule in rules]
            ),
        )
        annotate(self, replication_warnings(rules))


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
