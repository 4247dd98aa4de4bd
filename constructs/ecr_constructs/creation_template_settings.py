"""Creation template settings: what a template of repositories says, by itself."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import ClassVar

from ecr_constructs.checks import (
    Check,
    Choice,
    Problem,
    TextForm,
    unique,
    within,
    wrong_type,
)
from ecr_constructs.encryption import KEY_ARN, EncryptionType
from ecr_constructs.image_settings import ImageSettings
from ecr_constructs.principal import ROLE_ARN
from ecr_constructs.registry import IN_LOWERCASE, ROOT, Registry
from ecr_constructs.service_role import role_problems_in
from ecr_constructs.tag_mutability import TagMutability
from ecr_constructs.tags import tag_problems

CREATE_ON_PUSH_PROVIDER_VERSION = "6.28.0"
_API = "ECR API, `CreateRepositoryCreationTemplate`"
_PAGE = "ECR user guide, repository creation templates"


class AppliedFor(StrEnum):
    """For what ECR makes repositories."""

    REPLICATION = "REPLICATION"
    """For what another registry replicates."""
    PULL_THROUGH_CACHE = "PULL_THROUGH_CACHE"
    """For what is pulled through a cache rule."""
    CREATE_ON_PUSH = "CREATE_ON_PUSH"
    """For a push to a repository that is not there."""


PREFIX = TextForm(
    what="prefix",
    source=f"{_API}; AWS provider 5.100.0, at least 2 characters; a '/' at the end is implied,"
    " unknown whether ECR gives it back: refused",
    minimum=2,
    maximum=256,
    pattern=re.compile(r"[a-z0-9]+(?:(?:\.|__?|-+|/)[a-z0-9]+)*|ROOT"),
    form="a namespace such as 'payments', without a '/' at its end, or 'ROOT' for everything"
    " without a template of its own",
    meant={
        r"[*/]|/\*": "write 'ROOT' for everything",
        r"([a-z0-9._/-]{2,255}?)(?:/|/?\*)": r"write '\1'",
        **IN_LOWERCASE,
    },
)
APPLIED_FOR = Choice(
    what="applied_for", source="ECR API, `RCTAppliedFor`", options=list(AppliedFor)
)
NOT_APPLIED = Check(
    "a creation template must be applied for something",
    "AWS provider 5.100.0, validation",
    f"write one or more of {', '.join(AppliedFor)}",
)
APPLIED_TWICE = Check(
    "applied_for must not repeat a value", "AWS provider: it is a set; a repeated one has no effect"
)
DESCRIPTION = TextForm(
    what="description",
    source="AWS provider 5.100.0, at most 255 characters where the API takes 256; unknown whether"
    " control characters pass: refused",
    minimum=0,
    maximum=255,
)
UNSUPPORTED = Check(
    "creation templates are not offered in AWS China and AWS GovCloud (US) Regions", _PAGE
)
CACHE_IMMUTABLE = Check(
    "a repository of a pull-through cache should have mutable tags, or tags that move upstream stay"
    " as they were first pulled",
    "ECR user guide, pull through cache",
    "write image_tag_mutability MUTABLE in a template of its own",
    warning=True,
)


@dataclass(frozen=True, kw_only=True)
class RepositoryCreationTemplateSettings(ImageSettings):
    """What a template says, without its prefix: the arguments of `RepositoryCreationTemplate`.

    The meaning, limits and defaults of each are told there.
    """

    applied_for: tuple[AppliedFor, ...]
    """For what ECR makes repositories by it: REPLICATION, PULL_THROUGH_CACHE, CREATE_ON_PUSH."""
    description: str | None = None
    """For people; at most 255 characters."""
    resource_tags: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Tags of the repositories, at most 50."""
    custom_role_arn: str | None = None
    """The role that ECR assumes where there are tags or KMS; by default one is made."""

    exclusion_filter_provider_version: ClassVar[str] = "6.10.0"
    kms_key_form: ClassVar[TextForm] = KEY_ARN

    def __post_init__(self) -> None:
        super().__post_init__()
        applied = tuple(AppliedFor(value) for value in self.applied_for)
        object.__setattr__(self, "applied_for", applied)
        object.__setattr__(self, "resource_tags", MappingProxyType(dict(self.resource_tags)))

    def _problems(self) -> Iterator[Problem]:
        yield from super()._problems()
        path = ("applied_for",)
        if not isinstance(self.applied_for, list | tuple):
            yield wrong_type("applied_for", "a list", self.applied_for)._replace(path=path)
        else:
            if not self.applied_for:
                yield NOT_APPLIED.problem("nothing", path)
            yield from within(path, unique(APPLIED_TWICE, self.applied_for))
            for index, value in enumerate(self.applied_for):
                yield from within((*path, index), APPLIED_FOR.problems(value))
        if self.description is not None:
            yield from within(("description",), DESCRIPTION.problems(self.description))
        yield from within(("resource_tags",), tag_problems(self.resource_tags, "resource_tags"))
        if self.custom_role_arn is not None:
            found = ROLE_ARN.problems(self.custom_role_arn, "custom_role_arn")
            yield from within(("custom_role_arn",), found)

    @property
    def wants_role(self) -> bool:
        """Whether ECR makes repositories by the template only with a role.

        Without one the template is accepted, and each repository then fails.
        """
        return bool(self.resource_tags) or self.encryption_type != EncryptionType.AES256

    @property
    def required_provider_versions(self) -> frozenset[str]:
        """The oldest AWS provider of each setting that not every one can express."""
        versions = super().required_provider_versions
        if AppliedFor.CREATE_ON_PUSH in self.applied_for:
            versions |= {CREATE_ON_PUSH_PROVIDER_VERSION}
        return versions

    def problems_in(self, registry: Registry, deployer: str | None = None) -> Iterator[Problem]:
        """Check what depends on where the repositories are, and on the role that deploys."""
        yield from super().problems_in(registry, deployer)
        if not registry.makes_repositories:
            yield UNSUPPORTED.problem(f"Region {registry.region}")
        found = role_problems_in(registry, self.custom_role_arn, "template")
        yield from within(("custom_role_arn",), found)

    @property
    def warnings(self) -> Iterator[Problem]:
        """What is legal, but certainly a mistake."""
        yield from super().warnings
        cached = AppliedFor.PULL_THROUGH_CACHE in self.applied_for
        if cached and self.image_tag_mutability == TagMutability.IMMUTABLE:
            yield CACHE_IMMUTABLE.problem(self.image_tag_mutability, ("image_tag_mutability",))


def template_prefix_of(repository_name: str, prefixes: Collection[str]) -> str | None:
    """Which of the prefixes of templates a repository is made by: the longest namespace of its own.

    A prefix ends with an implied `/`, so `payments` is about `payments/api` and not about
    `payments`; `ROOT` is about whatever no other one is. (ECR user guide, creation templates.)

    :param prefixes: a set or a mapping, where there are many.
    """
    namespace = repository_name
    while "/" in namespace:
        namespace = namespace.rpartition("/")[0]
        if namespace in prefixes:
            return namespace
    return ROOT if ROOT in prefixes else None
