"""Environment: what an environment file holds, typed."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo

from ecr_constructs import (
    InvalidValueError,
    Problem,
    Registry,
    ReplicationRule,
    RepositorySettings,
)
from ecr_constructs.checks import is_token, refuse, shown, text, within, wrong_type
from ecr_constructs.encryption import key_arn_problems
from ecr_constructs.principal import role_arn_problems
from ecr_constructs.registry import (
    account_id_problems,
    region_problems,
    repository_name_problems,
)
from ecr_constructs.replication import replication_problems
from ecr_constructs.tags import MAX_TAGS, tag_problems
from stacks.names import local_state_path, state_key
from stacks.provider_version import constraint_problems

T = TypeVar("T")

ENVIRONMENT_TAG = "environment"
MANAGED_BY_TAG = "managed-by"
# What may be there without holding anything.
SECTIONS = ("tags", "repository_defaults", "repositories", "registry")


class _Section(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


def _checked(check: Callable[[T], Iterable[Problem]]) -> AfterValidator:
    """A check of the library as a step of pydantic's validation."""

    def validate(value: T) -> T:
        refuse(check(value))
        return value

    return AfterValidator(validate)


def _reserved_tag_problems(tags: Mapping[str, str]) -> Iterator[Problem]:
    for key in (ENVIRONMENT_TAG, MANAGED_BY_TAG):
        if key in tags:
            yield Problem(f"tag {shown(key)} is set by the app, leave it out", (key,))


def _default_tag_problems(tags: Mapping[str, str]) -> Iterator[Problem]:
    yield from tag_problems(tags)
    yield from _reserved_tag_problems(tags)


def _setting_problems(settings: RepositorySettings) -> Iterator[Problem]:
    return within(("tags",), _reserved_tag_problems(settings.tags))


def _text(what: str, pattern: str, form: str, minimum: int, maximum: int) -> AfterValidator:
    compiled = re.compile(pattern, re.ASCII)
    return _checked(
        lambda value: text(
            what, value, pattern=compiled, form=form, minimum=minimum, maximum=maximum
        )
    )


AccountId = Annotated[
    str, _checked(partial(account_id_problems, "account")), Field(examples=["111111111111"])
]
Region = Annotated[
    str, _checked(partial(region_problems, "region")), Field(examples=["ap-northeast-2"])
]
RepositoryName = Annotated[
    str, _checked(repository_name_problems), Field(examples=["payments/api"])
]
# The forms that STS takes (API reference, AssumeRole).
SessionName = Annotated[
    str, _text("session_name", r"[\w+=,.@-]+", "letters, digits and any of _+=,.@-", 2, 64)
]
ExternalId = Annotated[
    str, _text("external_id", r"[\w+=,.@:/-]+", "letters, digits and any of _+=,.@:/-", 2, 1224)
]
# The forms that S3 takes (user guide, bucket naming rules and object key names).
BucketName = Annotated[
    str,
    _text(
        "bucket",
        r"[a-z0-9][a-z0-9.-]*[a-z0-9]",
        "lowercase letters, digits, '.' and '-', and must start and end with a letter or digit",
        3,
        63,
    ),
]
ObjectKey = Annotated[str, _text("key", r"[^\x00-\x1f]+", "text on one line", 1, 1024)]


class AssumeRole(_Section):
    """The role that deploys the environment."""

    role_arn: Annotated[str, _checked(partial(role_arn_problems, "role_arn"))]
    """Its ARN."""
    session_name: SessionName | None = None
    """The session's name in CloudTrail."""
    external_id: ExternalId | None = None
    """The external id that the role's trust policy requires."""


class LocalBackend(_Section):
    """State in a file on this machine."""

    path: Annotated[str, _text("path", r"[^\x00-\x1f]+", "text on one line", 1, 4096)] | None = None
    """Where, relative to the stack's folder, cdktf.out/stacks/<stack>; by default
    terraform.ecr-<environment>.tfstate in the project's root."""


class S3Backend(_Section):
    """State in an S3 bucket, encrypted, and locked by a file beside it (Terraform 1.10)."""

    bucket: BucketName
    """The bucket's name."""
    region: Region
    """The bucket's Region."""
    key: ObjectKey | None = None
    """The object's key; by default ecr/<environment>.tfstate."""
    kms_key_id: Annotated[str, _checked(partial(key_arn_problems, "kms_key_id"))] | None = None
    """The ARN of the KMS key that encrypts the state; by default the bucket's."""
    assume_role: AssumeRole | None = None
    """The role that reads and writes the state; by default the caller's credentials do."""


def _backend_problems(backend: "Backend") -> Iterator[Problem]:
    given = sorted(backend.model_fields_set)
    if len(given) > 1:
        yield Problem("a backend is 'local' or 's3', got both")
    for name in given:
        if getattr(backend, name) is None:
            yield wrong_type(name, "a mapping", None)


class Backend(_Section):
    """Where Terraform keeps the state: local by default."""

    local: LocalBackend | None = None
    """State in a file on this machine."""
    s3: S3Backend | None = None
    """State in an S3 bucket."""


class RequiredProviders(_Section):
    """Terraform's version constraints."""

    aws: Annotated[str, _checked(constraint_problems)]
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
    if role is None or account is None or is_token(role.role_arn):
        return role
    if role.role_arn.split(":")[4] != account:
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
            *_setting_problems(settings),
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
    """An environment: the repositories of one account in one Region, and how they are deployed.

    `load_environments` writes the defaults into the repositories before it makes one.
    """

    account: AccountId
    """The account that the environment deploys to: 12 digits, in quotes."""
    region: Region
    """The Region that it deploys to."""
    backend: Annotated[Backend, _checked(_backend_problems)] = Backend()
    """Where Terraform keeps the state."""
    assume_role: Annotated[AssumeRole | None, AfterValidator(_deployed_here)] = None
    """The role that deploys; by default the caller's credentials do."""
    required_providers: RequiredProviders | None = None
    """Version constraints that narrow the app's own."""
    tags: Annotated[dict[str, str], _checked(_default_tag_problems)] = {}
    """Tags of everything in the environment, beside 'environment' and 'managed-by'."""
    repository_defaults: Annotated[RepositorySettings, _checked(_setting_problems)] = Field(
        default_factory=RepositorySettings
    )
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
    def required_provider_versions(self) -> frozenset[str]:
        """The oldest AWS provider of each setting that not every one can express."""
        found = (settings.required_provider_versions for settings in self.repositories.values())
        return frozenset().union(*found)

    def state_location(self, name: str) -> tuple[str, ...]:
        """Where the state of the environment of this name is."""
        if self.backend.s3 is not None:
            return ("s3", self.backend.s3.bucket, self.backend.s3.key or state_key(name))
        local = self.backend.local
        return ("local", (local and local.path) or local_state_path(name))
