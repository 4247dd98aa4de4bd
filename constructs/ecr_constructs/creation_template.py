"""Repository creation template: what a repository is like that ECR itself makes."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import ClassVar

from cdktf import TerraformProvider
from cdktf_cdktf_provider_aws.ecr_repository_creation_template import (
    EcrRepositoryCreationTemplate,
    EcrRepositoryCreationTemplateEncryptionConfiguration,
    EcrRepositoryCreationTemplateImageTagMutabilityExclusionFilter,
)
from constructs import Construct

from ecr_constructs.annotations import annotate
from ecr_constructs.checks import (
    Check,
    Choice,
    InvalidValueError,
    Problem,
    TextForm,
    refuse,
    sent_length,
    tuple_of,
    unique,
    within,
    wrong_type,
)
from ecr_constructs.encryption import KEY_ARN, EncryptionType, key_sent
from ecr_constructs.image_settings import ImageSettings
from ecr_constructs.lifecycle_policy import lifecycle_policy_text
from ecr_constructs.lifecycle_rule import LifecycleRule
from ecr_constructs.policy_json import policy_of
from ecr_constructs.principal import ROLE_ARN, Principal
from ecr_constructs.registry import IN_LOWERCASE, ROOT, Registry
from ecr_constructs.repository_policy import PolicyStatement
from ecr_constructs.service_role import ServiceRole, role_problems_in
from ecr_constructs.tag_mutability import TagMutability
from ecr_constructs.tags import tag_problems
from ecr_constructs.terraform_text import escaped

# How the role of templates is called, before the digits that Terraform adds.
ROLE_NAME_PREFIX = "ecr-creation-template-"
MAX_ROLE_POLICY_LENGTH = 10_240
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
ROLE_POLICY_LENGTH = Check(
    "the policy of the role of creation templates must be at most"
    f" {MAX_ROLE_POLICY_LENGTH} characters as JSON",
    "IAM quotas: inline policies of a role",
    "have fewer namespaces with a template of their own, or name a role by 'custom_role_arn'",
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


class RepositoryCreationRole(Construct):
    """The role that ECR assumes to make repositories with tags or KMS.

    It can make and tag repositories below the prefixes, copy images to them, and let ECR use keys.

    :param registry: the registry of the templates.
    :param prefixes: the prefixes of the templates; `ROOT` is every repository.
    :param kms_keys: the ARNs of the keys that the templates name; with `None` among them, for
        AWS's own key, every key of the account and Region that lets it. No key by default.
    :raises ValueError: for prefixes that no template has, and for more than the 10,240 characters
        that IAM takes of their ARNs.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        registry: Registry,
        prefixes: Sequence[str],
        kms_keys: Sequence[str | None] = (),
    ) -> None:
        lists = {"prefixes": prefixes, "kms_keys": kms_keys}
        refuse(
            wrong_type(name, "a list", values)
            for name, values in lists.items()
            if not isinstance(values, list | tuple)
        )
        refuse(problem for prefix in prefixes for problem in PREFIX.problems(prefix))
        statements = _role_statements(registry, prefixes, kms_keys)
        refuse(_length_problems(statements))
        super().__init__(scope, id_)
        role = ServiceRole(
            self,
            "Resource",
            registry=registry,
            service="ecr.amazonaws.com",
            name_prefix=ROLE_NAME_PREFIX,
            description=f"ECR makes repositories in {registry.region} by creation templates",
            statements=statements,
        )
        self.role_arn = role.role_arn
        """The ARN of the role, with a token: the `custom_role_arn` of a template."""


def _role_statements(
    registry: Registry, prefixes: Collection[str], kms_keys: Collection[str | None]
) -> list[dict[str, object]]:
    """What the role may do. A prefix is left out below another one, which is about it as well."""
    known = set(prefixes)
    apart = [prefix for prefix in prefixes if template_prefix_of(prefix, known) is None]
    names = ["*"] if ROOT in prefixes else [f"{prefix}/*" for prefix in apart]
    statements: list[dict[str, object]] = [
        {
            "Effect": "Allow",
            "Action": ["ecr:CreateRepository", "ecr:ReplicateImage", "ecr:TagResource"],
            "Resource": [registry.repository_arn(name) for name in names],
        }
    ]
    if kms_keys:
        every = f"arn:{registry.partition}:kms:{registry.region}:{registry.account_id}:key/*"
        keys = dict.fromkeys(key or every for key in kms_keys)
        statements.append(
            {
                "Effect": "Allow",
                "Action": ["kms:CreateGrant", "kms:DescribeKey", "kms:RetireGrant"],
                "Resource": [every] if every in keys else list(keys),
            }
        )
    return statements


def _length_problems(statements: Sequence[Mapping[str, object]], of: str = "") -> Iterator[Problem]:
    length = sent_length(policy_of(statements))
    if length > MAX_ROLE_POLICY_LENGTH:
        yield ROLE_POLICY_LENGTH.problem(f"{length}{of}")


def _wanting(
    templates: Mapping[str, RepositoryCreationTemplateSettings],
) -> dict[str, RepositoryCreationTemplateSettings]:
    """The templates that want a role and name none."""
    return {p: t for p, t in templates.items() if t.wants_role and t.custom_role_arn is None}


def _keys_of(templates: Iterable[RepositoryCreationTemplateSettings]) -> list[str | None]:
    """The keys that the repositories of templates are encrypted with."""
    encrypted = [t for t in templates if t.encryption_type != EncryptionType.AES256]
    return list(dict.fromkeys(key_sent(template.kms_key) for template in encrypted))


def creation_role_problems(
    registry: Registry,
    templates: Mapping[str, RepositoryCreationTemplateSettings],
    of: str = "",
) -> Iterator[Problem]:
    """Check the role of the templates of one registry: the length of its policy.

    :param of: what the sentence says of whom the templates are.
    """
    wanting = _wanting(templates)
    statements = _role_statements(registry, wanting, _keys_of(wanting.values()))
    yield from _length_problems(statements, of)


def creation_role(
    scope: Construct,
    id_: str,
    registry: Registry,
    templates: Mapping[str, RepositoryCreationTemplateSettings],
) -> RepositoryCreationRole | None:
    """Define the role of the templates of one registry that want one and name none.

    :returns: nothing where no template wants it.
    """
    wanting = _wanting(templates)
    if not wanting:
        return None
    keys = _keys_of(wanting.values())
    return RepositoryCreationRole(
        scope, id_, registry=registry, prefixes=list(wanting), kms_keys=keys
    )


class RepositoryCreationTemplate(Construct):
    """A template of the repositories that ECR makes itself. A registry has one for each prefix.

    What is there already stays as it is. A template knows no scanning: that is the registry's.

    :param registry: the registry that holds it.
    :param prefix: the namespace whose repositories are made by it: `payments` for `payments/api`;
        2 to 256 characters. The longest that matches wins, and `ROOT` is for what no other
        matches. Another prefix replaces the template.
    :param applied_for: one or more of `REPLICATION`, `PULL_THROUGH_CACHE` and `CREATE_ON_PUSH`; the
        last needs AWS provider 6.28.0.
    :param description: for people; at most 255 characters.
    :param image_tag_mutability: as for `Repository`, `IMMUTABLE` by default. A pull-through cache
        wants `MUTABLE`. The two with exclusions need AWS provider 6.10.0.
    :param image_tag_mutability_exclusion_filters: as for `Repository`.
    :param encryption_type: as for `Repository`, `AES256` by default.
    :param kms_key: the full ARN of a key in the registry's Region, for `KMS` and `KMS_DSSE`; ECR
        takes no alias here, but for `alias/aws/ecr`, its own.
    :param lifecycle_rules: as for `Repository`.
    :param pull: who may pull images; so `push`, `pull_push` and `read`.
    :param repository_policy_statements: further statements of the policy of each repository.
    :param policy_document: the whole policy as AWS's JSON instead.
    :param public_access: why the policy may admit everybody to read and pull, or another account as
        a whole to push.
    :param resource_tags: tags of each repository, at most 50. The provider's default tags are not
        added to them.
    :param custom_role_arn: the role that ECR assumes where there are tags or KMS. By default one
        is made where it is needed.
    :param role: the role of several templates instead, for those that need one and name none.
    :param provider: the provider of the registry's Region, where it is not the stack's own.
    :raises ValueError: for what ECR would refuse, or would fail by when it makes a repository.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        registry: Registry,
        prefix: str,
        applied_for: Sequence[AppliedFor],
        description: str | None = None,
        image_tag_mutability: TagMutability = TagMutability.IMMUTABLE,
        image_tag_mutability_exclusion_filters: Sequence[str] = (),
        encryption_type: EncryptionType = EncryptionType.AES256,
        kms_key: str | None = None,
        lifecycle_rules: Sequence[LifecycleRule] = (),
        pull: Sequence[Principal] = (),
        push: Sequence[Principal] = (),
        pull_push: Sequence[Principal] = (),
        read: Sequence[Principal] = (),
        repository_policy_statements: Sequence[PolicyStatement] = (),
        policy_document: str | None = None,
        public_access: str | None = None,
        resource_tags: Mapping[str, str] | None = None,
        custom_role_arn: str | None = None,
        role: RepositoryCreationRole | None = None,
        provider: TerraformProvider | None = None,
    ) -> None:
        problems = list(PREFIX.problems(prefix))
        try:
            settings = RepositoryCreationTemplateSettings(
                applied_for=tuple_of(applied_for),
                description=description,
                image_tag_mutability=image_tag_mutability,
                image_tag_mutability_exclusion_filters=tuple_of(
                    image_tag_mutability_exclusion_filters
                ),
                encryption_type=encryption_type,
                kms_key=kms_key,
                lifecycle_rules=tuple_of(lifecycle_rules),
                pull=tuple_of(pull),
                push=tuple_of(push),
                pull_push=tuple_of(pull_push),
                read=tuple_of(read),
                repository_policy_statements=tuple_of(repository_policy_statements),
                policy_document=policy_document,
                public_access=public_access,
                resource_tags={} if resource_tags is None else resource_tags,
                custom_role_arn=custom_role_arn,
            )
            problems += settings.problems_in(registry)
        except InvalidValueError as error:
            problems += error.problems
        refuse(problems)
        super().__init__(scope, id_)
        role = role or creation_role(self, "Role", registry, {prefix: settings})
        role_arn = role.role_arn if role and settings.wants_role else None
        EcrRepositoryCreationTemplate(
            self,
            "Resource",
            prefix=prefix,
            applied_for=list(settings.applied_for),
            description=None if description is None else escaped(description),
            image_tag_mutability=settings.image_tag_mutability,
            image_tag_mutability_exclusion_filter=[
                EcrRepositoryCreationTemplateImageTagMutabilityExclusionFilter(
                    filter=pattern, filter_type="WILDCARD"
                )
                for pattern in settings.image_tag_mutability_exclusion_filters
            ]
            or None,
            encryption_configuration=[
                EcrRepositoryCreationTemplateEncryptionConfiguration(
                    encryption_type=settings.encryption_type, kms_key=key_sent(settings.kms_key)
                )
            ],
            lifecycle_policy=(
                lifecycle_policy_text(settings.lifecycle_rules)
                if settings.lifecycle_rules
                else None
            ),
            repository_policy=settings.policy_text,
            resource_tags={escaped(k): escaped(v) for k, v in settings.resource_tags.items()}
            or None,
            custom_role_arn=settings.custom_role_arn or role_arn,
            provider=provider,
        )
        self.required_provider_versions = settings.required_provider_versions
        """The oldest AWS provider of each setting that not every one can express."""
        annotate(self, settings.warnings)
