"""Repository: where the images of one thing are kept."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import Any, Literal

from cdktf import TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.ecr_lifecycle_policy import EcrLifecyclePolicy
from cdktf_cdktf_provider_aws.ecr_repository import (
    EcrRepository,
    EcrRepositoryEncryptionConfiguration,
    EcrRepositoryImageScanningConfiguration,
    EcrRepositoryImageTagMutabilityExclusionFilter,
)
from cdktf_cdktf_provider_aws.ecr_repository_policy import EcrRepositoryPolicy
from constructs import Construct

from ecr_constructs.action import PULL_ACTIONS, PUSH_ACTIONS, READ_ACTIONS
from ecr_constructs.annotations import annotate
from ecr_constructs.checks import Check, InvalidValueError, Path, refuse, tuple_of
from ecr_constructs.ci_role import Grantee, principals_of
from ecr_constructs.encryption import EncryptionType, key_sent
from ecr_constructs.lifecycle_policy import lifecycle_policy_text
from ecr_constructs.lifecycle_rule import LifecycleRule
from ecr_constructs.principal import Principal
from ecr_constructs.registry import REPOSITORY_NAME, Registry
from ecr_constructs.repository_policy import PolicyStatement, merged
from ecr_constructs.repository_reference import (
    RepositoryBase,
    RepositoryReference,
    repository_from_arn,
    repository_from_name,
)
from ecr_constructs.repository_settings import RepositorySettings
from ecr_constructs.tag_mutability import TagMutability
from ecr_constructs.terraform_text import escaped


class Repository(RepositoryBase):
    """A private ECR repository.

    Tags cannot be moved to another image, images are scanned on push, and a destroy spares a
    repository that holds images, by default.

    :param repository_name: 2 to 256 characters of lowercase letters and digits, with single `.`,
        `_`, `__`, `/` or a run of `-` between them, such as `payments/api`. (ECR API.)
    :param image_tag_mutability: `IMMUTABLE` by default. The two with exclusions need AWS provider
        6.8.0.
    :param image_tag_mutability_exclusion_filters: one to five patterns of tags that a mutability
        with exclusions excepts: up to 128 letters, digits, `.`, `_`, `-` and at most two `*`.
    :param scan_on_push: on by default. A registry with enhanced scanning has rules of its own.
    :param encryption_type: `AES256` by default. Cannot be changed: another replaces the repository.
    :param kms_key: the full ARN of a key in the repository's Region, for `KMS` and `KMS_DSSE`. By
        default AWS's own key, which `alias/aws/ecr` names, too. Another key replaces the
        repository. With another alias or a bare id every plan would; a warning says so.
    :param force_delete: whether a destroy deletes a repository with its images; off by default.
    :param prevent_destroy: whether Terraform refuses a plan that would destroy the repository;
        off by default.
    :param tags: at most 50; keys of 1 to 128 and values of up to 256 characters.
    :param lifecycle_rules: at most 50; they act in the order given, a rule for all images last.
        None by default, and then images stay for ever.
    :param pull: who may pull images.
    :param push: who may push images.
    :param pull_push: who may do both.
    :param read: who may see what is known of the images: metadata and scan findings.
    :param repository_policy_statements: further statements of the repository's policy.
    :param policy_document: the whole policy as AWS's JSON instead, kept as it is written; at most
        10,240 characters.
    :param public_access: why the policy may admit everybody to read and pull, or another account as
        a whole to push; 10 to 500 characters.
    :param registry: where the repository is. With it, what depends on that is checked, here and
        with each grant: that the key is there, KMS_DSSE, the partition of principals, whether an
        account that may push is another one, and that nobody shuts out the account. Without it,
        none of that is told. Environment files also tell who deploys.
    :raises ValueError: for anything that ECR would refuse, all of it in one text.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        repository_name: str,
        image_tag_mutability: TagMutability = TagMutability.IMMUTABLE,
        image_tag_mutability_exclusion_filters: Sequence[str] = (),
        scan_on_push: bool = True,
        encryption_type: EncryptionType = EncryptionType.AES256,
        kms_key: str | None = None,
        force_delete: bool = False,
        prevent_destroy: bool = False,
        tags: Mapping[str, str] | None = None,
        lifecycle_rules: Sequence[LifecycleRule] = (),
        pull: Sequence[Principal] = (),
        push: Sequence[Principal] = (),
        pull_push: Sequence[Principal] = (),
        read: Sequence[Principal] = (),
        repository_policy_statements: Sequence[PolicyStatement] = (),
        policy_document: str | None = None,
        public_access: str | None = None,
        registry: Registry | None = None,
    ) -> None:
        problems = list(REPOSITORY_NAME.problems(repository_name))
        try:
            settings = RepositorySettings(
                image_tag_mutability=image_tag_mutability,
                image_tag_mutability_exclusion_filters=tuple_of(
                    image_tag_mutability_exclusion_filters
                ),
                scan_on_push=scan_on_push,
                encryption_type=encryption_type,
                kms_key=kms_key,
                force_delete=force_delete,
                prevent_destroy=prevent_destroy,
                tags={} if tags is None else tags,
                lifecycle_rules=tuple_of(lifecycle_rules),
                pull=tuple_of(pull),
                push=tuple_of(push),
                pull_push=tuple_of(pull_push),
                read=tuple_of(read),
                repository_policy_statements=tuple_of(repository_policy_statements),
                policy_document=policy_document,
                public_access=public_access,
            )
            problems += settings.problems_in(registry) if registry else ()
        except InvalidValueError as error:
            problems += error.problems
        refuse(problems)
        super().__init__(scope, id_)
        self._registry = registry
        self._known_name = repository_name
        self._settings = settings
        self._granted: tuple[PolicyStatement, ...] = ()
        self._source = self._resource = self._define(repository_name)
        self._lifecycle_policy: EcrLifecyclePolicy | None = None
        self._policy: EcrRepositoryPolicy | None = None
        self._write_lifecycle_policy()
        self._write_policy()
        self._warned: set[tuple[Check, Path]] = set()
        self._warn()

    def _changed(self, **changes: Any) -> RepositorySettings:
        """Other settings, where nothing is wrong with them."""
        changed = replace(self._settings, **changes)
        refuse(changed.problems_in(self._registry) if self._registry else ())
        return changed

    def _warn(self) -> None:
        new = {(warning.check, warning.path): warning for warning in self._settings.warnings}
        annotate(self, (warning for key, warning in new.items() if key not in self._warned))
        self._warned |= new.keys()

    def _define(self, repository_name: str) -> EcrRepository:
        settings = self._settings
        return EcrRepository(
            self,
            "Resource",
            name=repository_name,
            image_tag_mutability=settings.image_tag_mutability,
            image_tag_mutability_exclusion_filter=[
                EcrRepositoryImageTagMutabilityExclusionFilter(
                    filter=pattern, filter_type="WILDCARD"
                )
                for pattern in settings.image_tag_mutability_exclusion_filters
            ]
            or None,
            image_scanning_configuration=_scanning(settings.scan_on_push),
            encryption_configuration=[_encryption(settings.encryption_type, settings.kms_key)],
            force_delete=settings.force_delete or None,
            tags={escaped(k): escaped(v) for k, v in settings.tags.items()} or None,
            lifecycle=(
                TerraformResourceLifecycle(prevent_destroy=True)
                if settings.prevent_destroy
                else None
            ),
        )

    def expression(self, attribute: Literal["arn", "name", "repository_url"]) -> str:
        """An attribute of the repository as a Terraform expression, for its own stack only.

        The properties give tokens, which other stacks can use as well; each is a crossing into
        jsii, while all expressions of a repository share one.

        :param attribute: of the resource `aws_ecr_repository`.
        """
        return f"${{{self._address}.{attribute}}}"

    @cached_property
    def _address(self) -> str:
        return self._resource.fqn

    @property
    def required_provider_versions(self) -> frozenset[str]:
        """The oldest AWS provider of each setting that not every one can express.

        Constrain the provider to the newest of them: `terraform.required_providers.aws.version`.
        """
        return self._settings.required_provider_versions

    def add_lifecycle_rule(self, *rules: LifecycleRule) -> None:
        """Add rules to the lifecycle policy, after those that are there.

        :raises ValueError: for rules that ECR would refuse together with those that are there.
        """
        several = (*self._settings.lifecycle_rules, *rules)
        self._settings = self._changed(lifecycle_rules=several)
        self._write_lifecycle_policy()
        self._warn()

    def add_to_resource_policy(self, *statements: PolicyStatement) -> None:
        """Add statements to the repository's policy, after those that are there but for `grant`'s.

        :raises ValueError: where the policy would become longer than ECR allows.
        """
        several = (*self._further, *statements, *merged(self._granted))
        self._settings = self._changed(repository_policy_statements=several)
        self._write_policy()

    def grant_pull(self, *principals: Grantee) -> None:
        """Let principals pull images: a statement of the repository's policy.

        Each also needs `ecr:GetAuthorizationToken` in a policy of its own, which no repository
        can give; a principal of another account needs the three pull actions there as well. A
        `CiRole` is given both in its own policy.
        """
        pull = (*self._settings.pull, *principals_of(principals))
        self._grant(principals, PULL_ACTIONS, pull=pull)

    def grant_push(self, *principals: Grantee) -> None:
        """Let principals push images; otherwise as `grant_pull`."""
        push = (*self._settings.push, *principals_of(principals))
        self._grant(principals, PUSH_ACTIONS, push=push)

    def grant_pull_push(self, *principals: Grantee) -> None:
        """Let principals pull and push images; otherwise as `grant_pull`."""
        pull_push = (*self._settings.pull_push, *principals_of(principals))
        self._grant(principals, PULL_ACTIONS, PUSH_ACTIONS, pull_push=pull_push)

    def grant_read(self, *principals: Grantee) -> None:
        """Let principals see what is known of the images: metadata and scan findings."""
        read = (*self._settings.read, *principals_of(principals))
        self._grant(principals, READ_ACTIONS, read=read)

    def grant(self, *principals: Grantee, actions: Sequence[str], sid: str | None = None) -> None:
        """Let principals do what the actions say, such as `ecr:BatchDeleteImage`.

        What is granted under a sid, or without one, becomes few statements: one for all who may
        do the same.

        :param sid: a name, for people; by default it is made of the actions.
        :raises ValueError: for an action that no repository has, and for one that stands for all.
        """
        granted = PolicyStatement(
            principals=principals_of(principals), actions=tuple(actions), sid=sid
        )
        grants = (*self._granted, granted)
        statements = (*self._further, *merged(grants))
        self._grant(principals, granted.actions, repository_policy_statements=statements)
        self._granted = grants

    @property
    def _further(self) -> tuple[PolicyStatement, ...]:
        """The statements of the policy that no grant made."""
        statements = self._settings.repository_policy_statements
        return statements[: len(statements) - len(list(merged(self._granted)))]

    def _grant(
        self, grantees: Sequence[Grantee], *several: Sequence[str], **changes: object
    ) -> None:
        """Take settings that grant actions, and give roles of CI their side: both, or neither."""
        changed = self._changed(**changes)
        self._check_roles(grantees, *several)
        self._settings = changed
        self._write_policy()
        self._give(grantees, *several)
        self._warn()

    # The two policies are defined here and not as the constructs of their rooms: a node of the
    # tree more for each would make a repository a fifth more expensive.

    def _write_lifecycle_policy(self) -> None:
        rules = self._settings.lifecycle_rules
        if self._lifecycle_policy is not None:
            self._lifecycle_policy.policy = lifecycle_policy_text(rules)
        elif rules:
            self._lifecycle_policy = EcrLifecyclePolicy(
                self,
                "LifecyclePolicy",
                repository=self.expression("name"),
                policy=lifecycle_policy_text(rules),
            )

    def _write_policy(self) -> None:
        policy = self._settings.policy_text
        if self._policy is not None and policy is not None:
            self._policy.policy = policy
        elif policy is not None:
            self._policy = EcrRepositoryPolicy(
                self,
                "RepositoryPolicy",
                repository=self.expression("name"),
                policy=policy,
            )

    @staticmethod
    def from_repository_name(
        scope: Construct, id_: str, repository_name: str
    ) -> RepositoryReference:
        """A repository of the provider's account and Region that is defined elsewhere.

        Terraform looks it up: a plan fails where it does not exist.

        :raises ValueError: for a name that no repository can have.
        """
        return repository_from_name(scope, id_, repository_name)

    @staticmethod
    def from_repository_arn(scope: Construct, id_: str, repository_arn: str) -> RepositoryReference:
        """A repository of any account and Region that is defined elsewhere; nobody looks it up.

        :param repository_arn: `arn:aws:ecr:<region>:<account>:repository/<name>`; no token, as its
            parts must be known.
        :raises ValueError: for another form.
        """
        return repository_from_arn(scope, id_, repository_arn)


# Making one costs the bindings as much checking as a whole resource, and most repositories
# share it.
@lru_cache
def _scanning(scan_on_push: bool) -> EcrRepositoryImageScanningConfiguration:
    return EcrRepositoryImageScanningConfiguration(scan_on_push=scan_on_push)


@lru_cache
def _encryption(
    encryption_type: EncryptionType, kms_key: str | None
) -> EcrRepositoryEncryptionConfiguration:
    return EcrRepositoryEncryptionConfiguration(
        encryption_type=encryption_type, kms_key=key_sent(kms_key)
    )
