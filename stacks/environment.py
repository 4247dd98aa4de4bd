"""Environment: what an environment file holds, typed."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Annotated

from pydantic import Field, ValidationInfo, WrapValidator, model_validator

from ecr_constructs import (
    Problem,
    Registry,
    ReplicationRule,
    RepositoryKeySettings,
    RepositorySettings,
)
from ecr_constructs.access import other_side
from ecr_constructs.account_setting import (
    PROVIDER_VERSIONS,
)
from ecr_constructs.checks import (
    Check,
    Path,
    refuse,
    shown,
    within,
)
from ecr_constructs.ci_role import ci_role_arn
from ecr_constructs.creation_template_settings import AppliedFor
from ecr_constructs.encryption import EncryptionType
from ecr_constructs.pull_time_update_exclusion import PROVIDER_VERSION as EXCLUSION_VERSION
from ecr_constructs.registry import ROOT
from ecr_constructs.registry_policy import registry_policy_document
from ecr_constructs.repository_policy import repository_policy_document
from stacks.assume_role import AssumeRole
from stacks.backend import Backend, backend_problems
from stacks.ci_role import CiRole, Issuers, role_name_problems
from stacks.grant import Grant
from stacks.grantees import Kept, Statements, statements_in, together
from stacks.names import local_state_path, stack_id, state_key
from stacks.own_tags import (
    ENVIRONMENT_TAG,
    MANAGED_BY_TAG,
    default_tags,
    tagged,
    tags_together,
)
from stacks.provider_version import constraint_problems, version_problems
from stacks.registry_section import RegistrySection
from stacks.section import (
    AccountId,
    Region,
    RepositoryName,
    Section,
    built_list,
    checked,
)

# The context of a validation of each part by itself, not of all together.
PARTS = object()
# What may be there without holding anything.
SECTIONS = (
    "tags",
    "backend",
    "repository_key",
    "repository_defaults",
    "grants",
    "repositories",
    "oidc_providers",
    "ci_roles",
    "registry",
)

PUBLIC_BY_DEFAULT = Check(
    "public_access is for each repository to say, not for the defaults",
    "this project: nothing is public by accident",
    "write it in the repositories that it is about",
)
DEPLOYER_LEFT_OUT = Check(
    "{what} must have the role that deploys among them, or it cannot finish",
    "KMS developer guide: a key policy decides, whatever IAM policies say",
    "add the role of assume_role, or leave {what} out",
)


class RequiredProviders(Section):
    """Terraform's version constraints."""

    aws: Annotated[str, checked(constraint_problems)]
    """A constraint on the AWS provider, such as '~> 6.8', that narrows the app's own."""


class Environment(Section):
    """An environment: the repositories of one account in one Region, and how they are deployed.

    `load_environments` writes the defaults and grants into the repositories before it makes one.
    """

    account: AccountId
    """The account that the environment deploys to: 12 digits, in quotes."""
    region: Region
    """The Region that it deploys to."""
    backend: Annotated[Backend, checked(backend_problems)] = Backend()
    """Where Terraform keeps the state."""
    assume_role: AssumeRole | None = None
    """The role that deploys; by default the caller's credentials do."""
    required_providers: RequiredProviders | None = None
    """Version constraints that narrow the app's own."""
    tags: Annotated[dict[str, str], WrapValidator(default_tags)] = {}
    """Tags of everything in the environment, beside 'environment' and 'managed-by'."""
    repository_key: Annotated[
        RepositoryKeySettings, tagged(RepositoryKeySettings, "repository_key", "tags")
    ] = Field(default_factory=RepositoryKeySettings)
    """The environment's own KMS key, of the repositories with encryption_type KMS that name none;
    its alias is 'ecr-<environment>' by default. Other Regions that it replicates to get one each.
    'kms_key: alias/aws/ecr' in a repository or in the defaults is AWS's key instead."""
    repository_defaults: Annotated[
        RepositorySettings, tagged(RepositorySettings, "repository_defaults", "tags")
    ] = Field(default_factory=RepositorySettings)
    """What every repository is like unless it says otherwise. What a repository writes replaces
    the default whole, lists too; only tags are merged, key by key. It takes a default back by
    writing nothing: 'kms_key: null', or 'pull: []' for a list."""
    grants: Annotated[tuple[Grant, ...], built_list(Grant, "grants")] = ()
    """Grants to the repositories of namespaces, beside those of each repository."""
    repositories: dict[
        RepositoryName,
        Annotated[RepositorySettings, tagged(RepositorySettings, "a repository", "tags")],
    ] = {}
    """The repositories by name."""
    oidc_providers: Issuers = ()
    """Issuers whose tokens the account accepts, such as 'token.actions.githubusercontent.com'. An
    account has one of each: leave out what is there already."""
    ci_roles: Annotated[dict[str, CiRole], checked(role_name_problems)] = {}
    """Roles of CI systems by name. Each has a policy with its access and with what grants say."""
    registry: RegistrySection = RegistrySection()
    """Settings of the whole registry; only one environment of an account and Region holds them."""

    @model_validator(mode="after")
    def _checked(self, info: ValidationInfo) -> "Environment":
        refuse(self.problems if info.context is not PARTS else ())
        return self

    @property
    def problems(self) -> Iterator[Problem]:
        """What is wrong only together with what is beside it, or with where it is."""
        home = self.home
        if self.assume_role is not None:
            yield from within(("assume_role",), self.assume_role.problems_in(home))
        yield from within(("repository_key",), self._key_problems())
        path: Path = ("repository_defaults",)
        yield from within(path, self.repository_defaults.problems_in(home, self.deployer))
        if self.repository_defaults.public_access is not None:
            yield PUBLIC_BY_DEFAULT.problem(path=(*path, "public_access"))
        for name, settings in self.repositories.items():
            path = ("repositories", name)
            yield from within(path, settings.problems_in(home, self.deployer))
            yield from within((*path, "tags"), tags_together(self.tags, settings.tags))
        for name, statements in self.ci_role_statements.items():
            found = self.ci_roles[name].problems_in(home, name, statements)
            yield from within(("ci_roles", name), found)
        found = self.registry.problems_in(home, self.tags, self.deployer)
        yield from within(("registry",), found)
        yield from self.version_problems(self.required_provider_versions)

    def _key_problems(self) -> Iterator[Problem]:
        key = self.repository_key
        yield from within(("tags",), tags_together(self.tags, key.tags))
        yield from key.problems_in(self.home)
        for name in ("administrators", "creators"):
            named = [principal.arn for principal in getattr(key, name)]
            if named and self.deployer is not None and self.deployer not in named:
                yield DEPLOYER_LEFT_OUT.problem(shown(self.deployer), (name,), what=name)

    @property
    def home(self) -> Registry:
        """The registry that the environment deploys to."""
        return Registry(account_id=self.account, region=self.region)

    @property
    def deployer(self) -> str | None:
        """The ARN of the role that deploys, where the file says one."""
        return self.assume_role.role_arn if self.assume_role else None

    @property
    def required_provider_versions(self) -> frozenset[str]:
        """The oldest AWS provider of each setting that not every one can express."""
        registry = self.registry
        settings = (*self.repositories.values(), *registry.creation_templates.values())
        found = {version for s in settings for version in s.required_provider_versions}
        found |= {v for n, v in PROVIDER_VERSIONS.items() if n in registry.account_settings}
        if registry.pull_time_update_exclusions:
            found.add(EXCLUSION_VERSION)
        return frozenset(found)

    def version_problems(self, required: Iterable[str]) -> Iterator[Problem]:
        """Check that the file admits an AWS provider that its stack can do with.

        :param required: versions that the settings of the stack need.
        """
        narrowed = self.required_providers.aws if self.required_providers else None
        return version_problems(required, narrowed)

    def is_cached(self, name: str) -> bool:
        """Whether a repository, or a namespace with '/' at its end, is below a cache rule's prefix.

        Nothing is below `ROOT`: it would bring images of others to every repository.
        """
        return name.startswith(
            tuple(f"{prefix}/" for prefix in self.registry.pull_through_cache_rules)
        )

    @property
    def namespaces(self) -> Iterator[str]:
        """Beginnings of repositories that ECR makes by a cache rule or on push.

        A template for a cache makes none without a rule.
        """
        yield from self.registry.pull_through_cache_rules
        for prefix, template in self.registry.creation_templates.items():
            if AppliedFor.CREATE_ON_PUSH in template.applied_for:
                yield prefix

    @property
    def _kept(self) -> Iterator[Kept]:
        """What has a policy, but for the template of everything else (`ROOT`)."""
        for name, settings in self.repositories.items():
            through = {"import_upstream": (name,)} if self.is_cached(name) else {}
            yield Kept(name=name, settings=settings, through=through)
        for prefix, template in self.registry.creation_templates.items():
            name = f"{prefix}/"
            makes = AppliedFor.PULL_THROUGH_CACHE in template.applied_for
            through = {"pull_through": (prefix,)} if makes and self.is_cached(name) else {}
            if prefix != ROOT:
                yield Kept(name=name, settings=template, through=through)

    @cached_property
    def statements(self) -> dict[str, Statements]:
        """The statements of a policy of each role and user that may do something, by their ARNs.

        By grants, by what policies say besides, and by the access of the file's own roles.
        """
        own = {
            ci_role_arn(self.home, name): role.access
            for name, role in self.ci_roles.items()
            if role.access is not None
        }
        policy = registry_policy_document(self.home, self.registry.policy_statements)
        of_registry = other_side(policy, self.home.repository_arn("*"))
        of_public = (
            other_side(
                repository_policy_document(one.policy_statements),
                self.home.public_repository_arn(name),
            )
            for name, one in self.registry.public_repositories.items()
        )
        granted = statements_in(self.home, list(self._kept), own)
        return together(granted, *of_public, of_registry)

    @property
    def ci_role_statements(self) -> dict[str, Statements]:
        """The statements of the policy of each role of CI systems; none where it may do nothing."""
        found = self.statements if self.ci_roles else {}
        return {name: found.get(ci_role_arn(self.home, name), []) for name in self.ci_roles}

    def all_tags(self, name: str, tags: Mapping[str, str]) -> Mapping[str, str]:
        """The tags of something in the environment of this name that has these of its own."""
        return {**self.tags, **tags, ENVIRONMENT_TAG: name, MANAGED_BY_TAG: "cdktf"}

    @property
    def replication_rules(self) -> tuple[ReplicationRule, ...]:
        """What the environment's registry copies to others."""
        replication = self.registry.replication
        return replication.rules if replication else ()

    def key_alias(self, name: str) -> str | None:
        """The alias of the key of the environment of this name; nothing where nothing wants one."""
        kept = (*self.repositories.values(), *self.registry.creation_templates.values())
        if all(s.encryption_type == EncryptionType.AES256 or s.kms_key for s in kept):
            return None
        return self.repository_key.alias or stack_id(name)

    def state_location(self, name: str) -> tuple[str, ...]:
        """Where the state of the environment of this name is."""
        if self.backend.s3 is not None:
            return ("s3", self.backend.s3.bucket, self.backend.s3.key or state_key(name))
        local = self.backend.local
        return ("local", local_state_path(name, local.path if local else None))
