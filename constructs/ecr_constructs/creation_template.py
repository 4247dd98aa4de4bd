"""Repository creation template: what a repository is like that ECR itself makes."""

from collections.abc import Mapping, Sequence

from cdktf import TerraformProvider
from cdktf_cdktf_provider_aws.ecr_repository_creation_template import (
    EcrRepositoryCreationTemplate,
    EcrRepositoryCreationTemplateEncryptionConfiguration,
    EcrRepositoryCreationTemplateImageTagMutabilityExclusionFilter,
)
from constructs import Construct

from ecr_constructs.annotations import annotate
from ecr_constructs.checks import (
    InvalidValueError,
    refuse,
    tuple_of,
)
from ecr_constructs.creation_role import RepositoryCreationRole, creation_role
from ecr_constructs.creation_template_settings import (
    PREFIX,
    AppliedFor,
    RepositoryCreationTemplateSettings,
)
from ecr_constructs.encryption import EncryptionType, key_sent
from ecr_constructs.lifecycle_policy import lifecycle_policy_text
from ecr_constructs.lifecycle_rule import LifecycleRule
from ecr_constructs.principal import Principal
from ecr_constructs.registry import Registry
from ecr_constructs.repository_policy import PolicyStatement
from ecr_constructs.tag_mutability import TagMutability
from ecr_constructs.terraform_text import escaped


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
