"""Environment: what an environment file holds, typed."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import fields
from difflib import get_close_matches
from typing import Annotated, TypeVar

from pydantic import (
    AfterValidator,
    Field,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from ecr_constructs import (
    Access,
    Problem,
    Registry,
    ReplicationRule,
    RepositoryKeySettings,
    RepositorySettings,
)
from ecr_constructs.access import access_together
from ecr_constructs.account_setting import (
    PROVIDER_VERSIONS,
    account_setting_warnings,
)
from ecr_constructs.checks import (
    Check,
    refuse,
    shown,
    within,
)
from ecr_constructs.ci_role import ci_role_arn
from ecr_constructs.creation_template import AppliedFor
from ecr_constructs.encryption import EncryptionType
from ecr_constructs.image_settings import GRANTS, ImageSettings
from ecr_constructs.pull_time_update_exclusion import PROVIDER_VERSION as EXCLUSION_VERSION
from ecr_constructs.registry import ROOT
from ecr_constructs.replication import replication_warnings
from stacks.assume_role import AssumeRole, deployed_here
from stacks.backend import Backend, backend_problems
from stacks.building import build
from stacks.ci_role import CiRole, Issuers, ci_role_of_file_problems, ci_roles_here
from stacks.grant import Grant
from stacks.names import local_state_path, stack_id, state_key
from stacks.own_tags import (
    ENVIRONMENT_TAG,
    MANAGED_BY_TAG,
    default_tags,
    own_tag_problems,
    tags_together,
)
from stacks.provider_version import constraint_problems
from stacks.registry_section import RegistrySection, registry_here
from stacks.section import (
    AccountId,
    Region,
    RepositoryName,
    Section,
    built_list,
    checked,
    deployer_of,
    registry_of,
)

T = TypeVar("T")

_SETTINGS = {field.name for field in fields(RepositorySettings)}

# How alike a name is to one that was meant: all but one letter of a short one.
_NEARLY = 0.9
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

FILTER_MATCHES_NONE = Check(
    "a repository filter should match a repository of the environment files",
    "ECR user guide, image replication: a filter is the beginning of a name",
    "mend the filter, or take it away",
    warning=True,
)
SETTING_NAME = Check(
    "a repository should not be called as its settings are",
    "this app: most likely it is less indented than was meant",
    "indent it below its repository",
    warning=True,
)
GRANT_MATCHES_NONE = Check(
    "the prefix of a grant should match a repository of the file",
    "this app: it has no effect",
    "mend the prefix, or take it away",
    warning=True,
)
ROLE_WITHOUT_ACCESS = Check(
    "a role of a CI system should have access to something, or be granted it",
    "this app: its jobs can do nothing",
    "write 'access', or grant its ARN 'push' or 'pull'",
    warning=True,
)
CI_ROLE_UNKNOWN = Check(
    "a ci_role should be called as one of the file's ci_roles where its name is nearly that of one",
    "this app: another role would be admitted",
    "mend the name",
    warning=True,
)
PUBLIC_BY_DEFAULT = Check(
    "public_access is for each repository to say, not for the defaults",
    "this project: nothing is public by accident",
    "write it in the repositories that it is about",
)
ACCESS_MATCHES_NONE = Check(
    "the access of a role should be to something of the file",
    "this app: it has no effect",
    "mend the name, or take it away",
    warning=True,
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


def _what(info: ValidationInfo) -> str:
    """What a sentence calls the settings of a field."""
    return "a repository" if info.field_name == "repositories" else str(info.field_name)


def _settings(
    data: object, _handler: ValidatorFunctionWrapHandler, info: ValidationInfo
) -> RepositorySettings:
    """Settings of a repository in the environment's Region."""
    if isinstance(data, RepositorySettings):
        return data
    value, problems, rest = build(RepositorySettings, data, _what(info))
    if rest is not None:
        registry = registry_of(info)
        if registry is not None:
            problems += rest.problems_in(registry, deployer_of(info))
        elif "region" in info.data:
            # No account is another one, or one's own, as long as this one is unknown.
            somewhere = Registry(account_id="${unknown}", region=info.data["region"])
            problems += rest.problems_in(somewhere)
        problems += within(("tags",), own_tag_problems(rest.tags))
        if info.field_name == "repository_defaults" and rest.public_access is not None:
            problems.append(PUBLIC_BY_DEFAULT.problem(path=("public_access",)))
        if info.field_name == "repositories":
            found = tags_together(info.data.get("tags", {}), rest.tags)
            problems += within(("tags",), found)
    refuse(problems)
    return value or RepositorySettings()


def _key(
    data: object, _handler: ValidatorFunctionWrapHandler, info: ValidationInfo
) -> RepositoryKeySettings:
    """The environment's key, which is made where a repository wants it."""
    if isinstance(data, RepositoryKeySettings):
        return data
    value, problems, rest = build(RepositoryKeySettings, data, "repository_key")
    registry = registry_of(info)
    if rest is not None:
        problems += within(("tags",), own_tag_problems(rest.tags))
        problems += within(("tags",), tags_together(info.data.get("tags", {}), rest.tags))
        problems += rest.problems_in(registry) if registry is not None else ()
        problems += _deployer_left_out(rest, deployer_of(info))
    refuse(problems)
    return value or RepositoryKeySettings()


def _deployer_left_out(key: RepositoryKeySettings, deployer: str | None) -> Iterator[Problem]:
    for name in ("administrators", "creators"):
        named = [principal.arn for principal in getattr(key, name)]
        if named and deployer is not None and deployer not in named:
            yield DEPLOYER_LEFT_OUT.problem(shown(deployer), (name,), what=name)


def _overlap(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _add_access(
    found: dict[str, list[Access]],
    name: str,
    settings: ImageSettings,
    through: Mapping[str, tuple[str, ...]],
) -> None:
    """Add what the principals of some repositories may do, by their ARNs.

    :param through: what whoever pulls may do besides.
    """
    pull, push = ((*one, *settings.pull_push) for one in (settings.pull, settings.push))
    for principals, given in (
        (pull, {"pull": (name,), **through}),
        (push, {"push": (name,)}),
        (settings.read, {"read": (name,)}),
    ):
        for arn in dict.fromkeys(p.arn for p in principals if p.arn is not None):
            found.setdefault(arn, []).append(Access(**given))


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
    assume_role: Annotated[AssumeRole | None, AfterValidator(deployed_here)] = None
    """The role that deploys; by default the caller's credentials do."""
    required_providers: RequiredProviders | None = None
    """Version constraints that narrow the app's own."""
    tags: Annotated[dict[str, str], WrapValidator(default_tags)] = {}
    """Tags of everything in the environment, beside 'environment' and 'managed-by'."""
    repository_key: Annotated[RepositoryKeySettings, WrapValidator(_key)] = Field(
        default_factory=RepositoryKeySettings
    )
    """The environment's own KMS key, of the repositories with encryption_type KMS that name none;
    its alias is 'ecr-<environment>' by default. Other Regions that it replicates to get one each.
    'kms_key: alias/aws/ecr' in a repository or in the defaults is AWS's key instead."""
    repository_defaults: Annotated[RepositorySettings, WrapValidator(_settings)] = Field(
        default_factory=RepositorySettings
    )
    """What every repository is like unless it says otherwise. What a repository writes replaces
    the default whole, lists too; only tags are merged, key by key."""
    grants: Annotated[tuple[Grant, ...], built_list(Grant, "grants")] = ()
    """Grants to the repositories of namespaces, beside those of each repository."""
    repositories: dict[RepositoryName, Annotated[RepositorySettings, WrapValidator(_settings)]] = {}
    """The repositories by name."""
    oidc_providers: Issuers = ()
    """Issuers whose tokens the account accepts, such as 'token.actions.githubusercontent.com'. An
    account has one of each: leave out what is there already."""
    ci_roles: Annotated[dict[str, CiRole], AfterValidator(ci_roles_here)] = {}
    """Roles of CI systems by name. Each has a policy with its access and with what grants say."""
    registry: Annotated[RegistrySection, AfterValidator(registry_here)] = RegistrySection()
    """Settings of the whole registry; only one environment of an account and Region holds them."""

    @model_validator(mode="after")
    def _ci_roles_with_grants(self) -> "Environment":
        """Check what the roles may do together with what grants give them."""
        refuse(
            problem
            for name, access in self.ci_role_access.items()
            for problem in within(
                ("ci_roles", name),
                ci_role_of_file_problems(self.ci_roles[name], self.home, name, access),
            )
        )
        return self

    @property
    def home(self) -> Registry:
        """The registry that the environment deploys to."""
        return Registry(account_id=self.account, region=self.region)

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

    @property
    def warnings(self) -> Iterator[Problem]:
        """What is legal, but certainly a mistake, each where an environment file writes it."""
        yield from within(("repository_defaults",), self.repository_defaults.warnings)
        for name, settings in self.repositories.items():
            yield from within(("repositories", name), settings.warnings)
            if name in _SETTINGS:
                yield SETTING_NAME.problem(shown(name), ("repositories", name))
        for index, grant in enumerate(self.grants):
            for position, prefix in enumerate(grant.repository_prefixes):
                if not any(name.startswith(prefix) for name in self.repositories):
                    path = ("grants", index, "repository_prefixes", position)
                    yield GRANT_MATCHES_NONE.problem(shown(prefix), path)
        yield from self._access_warnings()
        yield from within(("repository_key",), self.repository_key.warnings)
        found = replication_warnings(self.replication_rules)
        yield from within(("registry", "replication", "rules"), found)
        for prefix, template in self.registry.creation_templates.items():
            yield from within(("registry", "creation_templates", prefix), template.warnings)
        for setting, value in self.registry.account_settings.items():
            found = account_setting_warnings(setting, value)
            yield from within(("registry", "account_settings", setting), found)

    def _access_warnings(self) -> Iterator[Problem]:
        granted = self.ci_role_access
        for role_name, role in self.ci_roles.items():
            yield from within(("ci_roles", role_name), role.warnings)
            if granted[role_name] is None:
                yield ROLE_WITHOUT_ACCESS.problem("none", ("ci_roles", role_name))
            elif role.access is not None:
                found = self._unmatched(role.access)
                yield from within(("ci_roles", role_name, "access"), found)
        names = {ci_role_arn(self.home, name): name for name in self.ci_roles}
        for name, settings in self.repositories.items():
            for grant in GRANTS:
                for index, principal in enumerate(getattr(settings, grant)):
                    if principal.ci_role is None or principal.ci_role in names:
                        continue
                    near = get_close_matches(principal.ci_role, names, 1, _NEARLY)
                    if near:
                        hint = f"; did you mean {shown(near[0])}?"
                        path = ("repositories", name, grant, index)
                        yield CI_ROLE_UNKNOWN.problem(shown(principal.ci_role), path, hint=hint)

    def _unmatched(self, access: Access) -> Iterator[Problem]:
        """What of an access is to nothing of the file."""
        made = [f"{prefix}/" for prefix in self.namespaces if prefix != ROOT]
        anything = ROOT in self.namespaces
        for grant in ("pull", "push", "read"):
            for index, name in enumerate(getattr(access, grant)):
                whole = name.endswith("/") and any(r.startswith(name) for r in self.repositories)
                known = name in self.repositories or whole or anything
                if not known and not any(_overlap(name, prefix) for prefix in made):
                    yield ACCESS_MATCHES_NONE.problem(shown(name), (grant, index))
        for grant, end in (("pull_through", "/"), ("import_upstream", "")):
            for index, name in enumerate(getattr(access, grant)):
                if not (self._is_cached(f"{name}{end}") or ROOT in self._cache_rules):
                    yield ACCESS_MATCHES_NONE.problem(shown(name), (grant, index))

    @property
    def _cache_rules(self) -> Collection[str]:
        return self.registry.pull_through_cache_rules

    def _is_cached(self, name: str) -> bool:
        """Whether a repository, or a namespace with '/' at its end, is below a cache rule's prefix.

        Nothing is below `ROOT`: it would bring images of others to every repository.
        """
        return name.startswith(tuple(f"{prefix}/" for prefix in self._cache_rules))

    def registry_warnings(
        self, repository_names: Sequence[str], namespaces: Sequence[str] = ()
    ) -> Iterator[Problem]:
        """What is legal, but certainly a mistake, in a registry of these repositories.

        :param namespaces: beginnings of further repositories, which ECR makes itself.
        """
        for index, rule in enumerate(self.replication_rules):
            for position, prefix in enumerate(rule.repository_filters):
                known = any(name.startswith(prefix) for name in repository_names)
                if not known and not any(_overlap(prefix, n) for n in namespaces):
                    path = ("replication", "rules", index, "repository_filters", position)
                    yield FILTER_MATCHES_NONE.problem(shown(prefix), path)
        if self.registry.scanning is not None:
            found = self.registry.scanning.warnings(repository_names, namespaces)
            yield from within(("scanning",), found)

    @property
    def namespaces(self) -> Iterator[str]:
        """Beginnings of repositories that ECR makes by a cache rule or on push."""
        yield from self.registry.pull_through_cache_rules
        for prefix, template in self.registry.creation_templates.items():
            if template.is_for_new_images:
                yield prefix

    @property
    def access(self) -> dict[str, Access]:
        """What the roles and users may do that repositories and templates name, by their ARNs.

        Whom the template of everything else (`ROOT`) names is not here: no namespace is its own.
        Nor are the further statements of a policy, whose actions can be any.
        """
        found: dict[str, list[Access]] = {}
        for name, settings in self.repositories.items():
            through = {"import_upstream": (name,)} if self._is_cached(name) else {}
            _add_access(found, name, settings, through)
        for prefix, template in self.registry.creation_templates.items():
            name = f"{prefix}/"
            makes = AppliedFor.PULL_THROUGH_CACHE in template.applied_for
            through = {"pull_through": (prefix,)} if makes and self._is_cached(name) else {}
            if prefix != ROOT:
                _add_access(found, name, template, through)
        return {arn: access_together(several) for arn, several in sorted(found.items())}

    @property
    def ci_role_access(self) -> dict[str, Access | None]:
        """What the roles of CI systems may do, by their own access and by grants."""
        granted = self.access if self.ci_roles else {}
        found: dict[str, Access | None] = {}
        for name, role in self.ci_roles.items():
            both = [a for a in (role.access, granted.get(ci_role_arn(self.home, name))) if a]
            found[name] = access_together(both) if both else None
        return found

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
