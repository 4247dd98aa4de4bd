"""Registry section: what a file says of the whole registry, which one environment alone holds."""

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import Field, ValidatorFunctionWrapHandler, WrapValidator

from ecr_constructs import (
    Problem,
    PublicRepositorySettings,
    PullThroughCacheSettings,
    Registry,
    RegistryPolicyStatement,
    ReplicationRule,
    RepositoryCreationTemplateSettings,
    Scanning,
)
from ecr_constructs.account_setting import account_setting_problems
from ecr_constructs.checks import refuse, within, wrong_type
from ecr_constructs.creation_template_settings import PREFIX as TEMPLATE_PREFIX
from ecr_constructs.public_repository import REPOSITORY_NAME as PUBLIC_NAME
from ecr_constructs.pull_through_cache import COUNT as CACHE_COUNT
from ecr_constructs.pull_through_cache import MAX_RULES as MAX_CACHE_RULES
from ecr_constructs.pull_through_cache import PREFIX as CACHE_PREFIX
from ecr_constructs.pull_time_update_exclusion import (
    PRINCIPAL_ARN,
    pull_time_update_exclusion_problems,
)
from ecr_constructs.registry_policy import registry_policy_problems
from ecr_constructs.replication import replication_problems
from stacks.own_tags import tagged, tags_together
from stacks.section import (
    Section,
    built,
    built_list,
    of_form,
    texts,
)

CachePrefix = Annotated[str, of_form(CACHE_PREFIX), Field(examples=["docker-hub"])]
TemplatePrefix = Annotated[str, of_form(TEMPLATE_PREFIX), Field(examples=["payments"])]
PublicName = Annotated[str, of_form(PUBLIC_NAME), Field(examples=["acme/agent"])]


def _account_settings(data: object, _handler: ValidatorFunctionWrapHandler) -> dict[str, str]:
    if not isinstance(data, Mapping):
        refuse([wrong_type("account_settings", "a mapping", data)])
    settings: dict[str, str] = dict(data)  # type: ignore[call-overload]
    refuse(
        problem
        for name, value in settings.items()
        for problem in within((name,), account_setting_problems(name, value))
    )
    return settings


class Replication(Section):
    """What is pushed to this registry and copied to others. One per account and Region."""

    rules: Annotated[tuple[ReplicationRule, ...], built_list(ReplicationRule, "rules")]
    """One to ten rules, at most 25 different destinations over all of them."""


class RegistrySection(Section):
    """Settings of the whole registry, which one environment alone may hold."""

    replication: Replication | None = None
    """What is copied to other registries."""
    scanning: Annotated[Scanning, built(Scanning, "scanning")] | None = None
    """How images are scanned for vulnerabilities."""
    policy_statements: Annotated[
        tuple[RegistryPolicyStatement, ...],
        built_list(RegistryPolicyStatement, "policy_statements"),
    ] = ()
    """The registry's policy. What other environments replicate here is accepted without it."""
    pull_through_cache_rules: dict[
        CachePrefix, Annotated[PullThroughCacheSettings, built(PullThroughCacheSettings, "a rule")]
    ] = {}
    """What is kept of other registries when it is first pulled, by the beginning of the
    repositories that are made for it."""
    creation_templates: dict[
        TemplatePrefix,
        Annotated[
            RepositoryCreationTemplateSettings,
            tagged(RepositoryCreationTemplateSettings, "a template", "resource_tags"),
        ],
    ] = {}
    """What the repositories are like that ECR makes itself, by their namespace; 'ROOT' is for
    those without a template. Replicas of the environments' repositories need none."""
    account_settings: Annotated[dict[str, str], WrapValidator(_account_settings)] = {}
    """What ECR does in the account and Region: BASIC_SCAN_TYPE_VERSION (AWS_NATIVE),
    REGISTRY_POLICY_SCOPE (V2), BLOB_MOUNTING (ENABLED, DISABLED)."""
    pull_time_update_exclusions: Annotated[
        tuple[str, ...], texts("pull_time_update_exclusions", PRINCIPAL_ARN.problems)
    ] = ()
    """The ARNs of roles and users whose pulls do not count as a use of an image."""
    public_repositories: dict[
        PublicName,
        Annotated[
            PublicRepositorySettings, tagged(PublicRepositorySettings, "a repository", "tags")
        ],
    ] = {}
    """Repositories of ECR Public by name: everybody can pull them. They are the account's, in
    us-east-1, whatever the environment's Region is."""

    def problems_in(
        self, registry: Registry, tags: Mapping[str, str], deployer: str | None
    ) -> Iterator[Problem]:
        """Check it together with where it is, the tags of everything, and the role that deploys."""
        if self.replication is not None:
            path = ("replication", "rules")
            yield from within(path, replication_problems(registry, self.replication.rules))
        found = registry_policy_problems(registry, self.policy_statements, deployer)
        yield from within(("policy_statements",), found)
        rules = self.pull_through_cache_rules
        if len(rules) > MAX_CACHE_RULES:
            yield CACHE_COUNT.problem(str(len(rules)), ("pull_through_cache_rules",))
        for prefix, rule in rules.items():
            found = rule.problems_in(registry, prefix)
            yield from within(("pull_through_cache_rules", prefix), found)
        for prefix, template in self.creation_templates.items():
            path = ("creation_templates", prefix)
            yield from within(path, template.problems_in(registry, deployer))
            found = tags_together(tags, template.resource_tags)
            yield from within((*path, "resource_tags"), found)
        exclusions = self.pull_time_update_exclusions
        found = pull_time_update_exclusion_problems(registry, exclusions)
        yield from within(("pull_time_update_exclusions",), found)
        for name, repository in self.public_repositories.items():
            path = ("public_repositories", name)
            yield from within(path, repository.problems_in(registry, deployer))
            yield from within((*path, "tags"), tags_together(tags, repository.tags))
