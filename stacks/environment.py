"""Environment: what an environment file holds, typed."""

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo

from ecr_constructs import (
    InvalidValueError,
    Problem,
    Registry,
    ReplicationRule,
    RepositorySettings,
)
from ecr_constructs.checks import refuse, shown, within
from ecr_constructs.principal import role_arn_problems
from ecr_constructs.registry import (
    account_id_problems,
    region_problems,
    repository_name_problems,
)
from ecr_constructs.replication import replication_problems
from ecr_constructs.tags import MAX_TAGS, tag_problems
from stacks.provider_version import constraint_problems

ENVIRONMENT_TAG = "environment"
MANAGED_BY_TAG = "managed-by"
# What may be there without holding anything.
SECTIONS = ("tags", "repository_defaults", "repositories", "registry")


class _Section(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


def _account_id(value: str) -> str:
    refuse(account_id_problems("account", value))
    return value


def _region(value: str) -> str:
    refuse(region_problems("region", value))
    return value


def _repository_name(value: str) -> str:
    refuse(repository_name_problems(value))
    return value


def _role_arn(value: str) -> str:
    refuse(role_arn_problems("role_arn", value))
    return value


def _tags(tags: dict[str, str]) -> dict[str, str]:
    ours = [
        Problem(f"tag {shown(key)} is set by the app, leave it out", (key,))
        for key in (ENVIRONMENT_TAG, MANAGED_BY_TAG)
        if key in tags
    ]
    refuse([*tag_problems(tags), *ours])
    return tags


def _constraint(value: str) -> str:
    refuse(constraint_problems(value))
    return value


AccountId = Annotated[str, AfterValidator(_account_id), Field(examples=["111111111111"])]
Region = Annotated[str, AfterValidator(_region), Field(examples=["ap-northeast-2"])]
RepositoryName = Annotated[str, AfterValidator(_repository_name), Field(examples=["payments/api"])]


class AssumeRole(_Section):
    """The role that deploys the environment."""

    role_arn: Annotated[str, AfterValidator(_role_arn)]
    """Its ARN."""
    session_name: str | None = None
    """How the session is called in CloudTrail."""
    external_id: str | None = None
    """What the role's trust policy may ask for."""


class LocalBackend(_Section):
    """State in a file on this machine."""

    path: str | None = None
    """Where, seen from the stack's folder below cdktf.out; by default
    terraform.ecr-<environment>.tfstate in the project's root."""


class S3Backend(_Section):
    """State in an S3 bucket, encrypted, and locked by a file beside it (Terraform 1.10)."""

    bucket: str
    """The bucket's name."""
    region: Region
    """The bucket's Region."""
    key: str | None = None
    """The object's key; by default ecr/<environment>.tfstate."""
    kms_key_id: str | None = None
    """The ARN of the KMS key that encrypts the state; by default the bucket's."""
    assume_role: AssumeRole | None = None
    """The role that reads and writes the state; by default the caller's credentials do."""


def _one_backend(backend: "Backend") -> "Backend":
    if backend.local is not None and backend.s3 is not None:
        raise ValueError("a backend is 'local' or 's3', got both")
    return backend


class Backend(_Section):
    """Where Terraform keeps the state: local by default."""

    local: LocalBackend | None = None
    """State in a file on this machine."""
    s3: S3Backend | None = None
    """State in an S3 bucket."""


class RequiredProviders(_Section):
    """Terraform's version constraints."""

    aws: Annotated[str, AfterValidator(_constraint)]
    """A constraint on the AWS provider, such as '~> 6.8', that narrows the app's own."""


class Replication(_Section):
    """What is pushed to this registry and copied to others. One per account and Region."""

    rules: tuple[ReplicationRule, ...]
    """One to ten rules, at most 25 different destinations over all of them."""


class RegistrySection(_Section):
    """Settings of the whole registry, which one environment alone may hold."""

    replication: Replication | None = None
    """What is copied to other registries."""


def _registry_of(info: ValidationInfo) -> Registry | None:
    """The environment's registry, where its account and Region are good."""
    if "account" not in info.data or "region" not in info.data:
        return None
    return Registry(account_id=info.data["account"], region=info.data["region"])


def _deployed_here(role: AssumeRole | None, info: ValidationInfo) -> AssumeRole | None:
    account = info.data.get("account")
    if role is not None and account is not None and role.role_arn.split(":")[4] != account:
        raise InvalidValueError(
            [
                Problem(
                    f"the role must be of the environment's account {account},"
                    f" got {shown(role.role_arn)}",
                    ("role_arn",),
                )
            ]
        )
    return role


def _repository_here(settings: RepositorySettings, info: ValidationInfo) -> RepositorySettings:
    registry = _registry_of(info)
    refuse(
        [
            *(settings.problems_in(registry) if registry else ()),
            *_tag_count_problems(settings, info.data.get("tags", {})),
        ]
    )
    return settings


def _tag_count_problems(
    settings: RepositorySettings, default_tags: Mapping[str, str]
) -> Iterator[Problem]:
    count = len({ENVIRONMENT_TAG, MANAGED_BY_TAG, *default_tags, *settings.tags})
    if count > MAX_TAGS >= len(settings.tags):
        yield Problem(
            f"a resource takes at most {MAX_TAGS} tags, got {count} with those of the environment",
            ("tags",),
        )


def _registry_here(section: RegistrySection, info: ValidationInfo) -> RegistrySection:
    registry = _registry_of(info)
    if section.replication is not None and registry is not None:
        path = ("replication", "rules")
        refuse(within(path, replication_problems(registry, section.replication.rules)))
    return section


class Environment(_Section):
    """An environment: the repositories of one account in one Region, and how they are deployed."""

    account: AccountId
    """The account that the environment deploys to: 12 digits, in quotes."""
    region: Region
    """The Region that it deploys to."""
    backend: Annotated[Backend, AfterValidator(_one_backend)] = Backend()
    """Where Terraform keeps the state."""
    assume_role: Annotated[AssumeRole | None, AfterValidator(_deployed_here)] = None
    """The role that deploys; by default the caller's credentials do."""
    required_providers: RequiredProviders | None = None
    """Version constraints that narrow the app's own."""
    tags: Annotated[dict[str, str], AfterValidator(_tags)] = {}
    """Tags of everything in the environment, beside 'environment' and 'managed-by'."""
    repository_defaults: RepositorySettings = RepositorySettings()
    """What every repository is like unless it says otherwise. What a repository writes replaces
    the default whole, lists too; only tags are merged, key by key."""
    repositories: dict[
        RepositoryName, Annotated[RepositorySettings, AfterValidator(_repository_here)]
    ] = {}
    """The repositories by name."""
    registry: Annotated[RegistrySection, AfterValidator(_registry_here)] = RegistrySection()
    """Settings of the whole registry; only one environment of an account and Region holds them."""

    @property
    def home(self) -> Registry:
        """The registry that the environment deploys to."""
        return Registry(account_id=self.account, region=self.region)

    @property
    def required_provider_versions(self) -> tuple[str, ...]:
        """Versions of the AWS provider that its settings need."""
        found = {v for s in self.repositories.values() for v in s.required_provider_versions}
        return tuple(sorted(found))
