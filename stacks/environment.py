"""Environment: what an environment file holds, typed."""

import posixpath
import re
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from ecr_constructs import (
    Access,
    GitHubActions,
    GitLab,
    InvalidValueError,
    Principal,
    Problem,
    PublicRepositorySettings,
    PullThroughCacheSettings,
    Registry,
    RegistryPolicyStatement,
    ReplicationRule,
    RepositoryCreationTemplateSettings,
    RepositoryKeySettings,
    RepositorySettings,
    Scanning,
)
from ecr_constructs.account_setting import (
    PROVIDER_VERSIONS,
    account_setting_problems,
    account_setting_warnings,
)
from ecr_constructs.checks import (
    PRINTABLE,
    Check,
    TextForm,
    is_token,
    refuse,
    shown,
    unique,
    within,
    wrong_type,
)
from ecr_constructs.ci_role import HOST, ci_role_problems
from ecr_constructs.creation_template import PREFIX as TEMPLATE_PREFIX
from ecr_constructs.creation_template import ROOT
from ecr_constructs.encryption import KEY_ARN, KEY_OF_OTHERS
from ecr_constructs.policy_risk import FOREIGN_CHANGES
from ecr_constructs.principal import ROLE_ARN
from ecr_constructs.public_repository import REPOSITORY_NAME as PUBLIC_NAME
from ecr_constructs.pull_through_cache import COUNT as CACHE_COUNT
from ecr_constructs.pull_through_cache import MAX_RULES as MAX_CACHE_RULES
from ecr_constructs.pull_through_cache import PREFIX as CACHE_PREFIX
from ecr_constructs.pull_time_update_exclusion import (
    PRINCIPAL_ARN,
    pull_time_update_exclusion_problems,
)
from ecr_constructs.pull_time_update_exclusion import PROVIDER_VERSION as EXCLUSION_VERSION
from ecr_constructs.registry import ACCOUNT_ID, REPOSITORY_NAME, region_problems
from ecr_constructs.registry_policy import registry_policy_problems
from ecr_constructs.replication import FILTER, replication_problems, replication_warnings
from ecr_constructs.tags import COUNT, MAX_TAGS, tag_problems
from stacks.building import build, build_list
from stacks.names import local_state_path, stack_id, state_key
from stacks.provider_version import constraint_problems

T = TypeVar("T")

ENVIRONMENT_TAG = "environment"
MANAGED_BY_TAG = "managed-by"
# The settings that a registry has once -> what a sentence calls them.
SINGLETONS = {
    "replication": "the registry's replication",
    "scanning": "the registry's scanning configuration",
    "policy_statements": "the registry's policy",
}
# What a registry, or an account, has once by each name -> what a sentence calls it.
SEVERAL: Mapping[tuple[str, ...], str] = {
    ("repositories",): "repository",
    ("ci_roles",): "the role",
    ("oidc_providers",): "the OpenID Connect provider",
    ("registry", "pull_through_cache_rules"): "the pull-through cache rule",
    ("registry", "creation_templates"): "the creation template",
    ("registry", "account_settings"): "the account setting",
    ("registry", "pull_time_update_exclusions"): "the pull-time update exclusion",
    ("registry", "public_repositories"): "the public repository",
}
# The same, where a file writes the name itself.
NAMES: Mapping[tuple[str, ...], str] = {("repository_key", "alias"): "the alias"}
# Those that an account has once, whatever the Region.
ACCOUNT_WIDE = (("ci_roles",), ("oidc_providers",), ("registry", "public_repositories"))
# What may be there without holding anything.
SECTIONS = ("tags", "repository_key", "repository_defaults", "repositories", "registry")


_STS = "STS API, `AssumeRole`"
_S3 = "S3 user guide, bucket naming rules and object key names"
# The forms that STS and S3 take.
SESSION_NAME = TextForm(
    what="session_name",
    source=_STS,
    minimum=2,
    maximum=64,
    pattern=re.compile(r"[\w+=,.@-]+", re.ASCII),
    form="letters, digits and any of _+=,.@-",
)
EXTERNAL_ID = TextForm(
    what="external_id",
    source=_STS,
    minimum=2,
    maximum=1224,
    pattern=re.compile(r"[\w+=,.@:/-]+", re.ASCII),
    form="letters, digits and any of _+=,.@:/-",
)
BUCKET = TextForm(
    what="bucket",
    source=_S3,
    minimum=3,
    maximum=63,
    pattern=re.compile(
        r"(?!(?:[0-9]+\.){3}[0-9]+$|xn--|sthree-|amzn-s3-demo-)"
        r"(?!.*(?:-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$)"
        r"[a-z0-9](?:[a-z0-9-]|\.(?!\.))*[a-z0-9]"
    ),
    form="lowercase letters, digits, '-' and single '.', must start and end with a letter or digit,"
    " must not be an IP address, and must not have a prefix or suffix that S3 reserves",
)
OBJECT_KEY = TextForm(
    what="key",
    source="Terraform, S3 backend",
    maximum=1024,
    pattern=re.compile(r"(?!/)(?!.*//)(?!.*/$)" + PRINTABLE.pattern),
    form="text without control characters, without '//', and must not start or end with '/'",
)
OBJECT_KEY_BYTES = Check("key must be at most 1024 bytes", _S3)
STATE_PATH = TextForm(what="path", source="POSIX, the longest path of a file", maximum=4096)

OWN_TAG = Check(
    "a tag of the app's own must not be written", "this app: it sets 'environment' and 'managed-by'"
)
ONE_BACKEND = Check("a backend is 'local' or 's3'", "Terraform language: a stack has one backend")
ROLE_ELSEWHERE = Check(
    "the role must be of the environment's account and AWS partition",
    "this app: everything of an environment is in its account (`allowed_account_ids`)",
)
TAGS_TOGETHER = Check(
    f"a resource takes at most {MAX_TAGS} tags, with those of the environment", COUNT.source
)
FILTER_MATCHES_NONE = Check(
    "a repository filter should match a repository of the environment files",
    "ECR user guide, image replication: a filter is the beginning of a name",
    "mend the filter, or take it away",
    warning=True,
)


GRANT_EMPTY = Check(
    "a grant must be to somebody, of the repositories of some prefix", "this app: it has no effect"
)
GRANT_MATCHES_NONE = Check(
    "the prefix of a grant should match a repository of the file",
    "this app: it has no effect",
    "mend the prefix, or take it away",
    warning=True,
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
ISSUER_TWICE = Check(
    "oidc_providers must not repeat an issuer", "IAM API: an account has one for each URL"
)


class _Section(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


def _checked(check: Callable[[T], Iterable[Problem]]) -> AfterValidator:
    """A check of the library as a step of pydantic's validation."""

    def validate(value: T) -> T:
        refuse(check(value))
        return value

    return AfterValidator(validate)


def _form(form: TextForm, what: str = "") -> AfterValidator:
    return _checked(lambda value: form.problems(value, what))


def _own_tag_problems(tags: Mapping[str, str]) -> Iterator[Problem]:
    for key in (ENVIRONMENT_TAG, MANAGED_BY_TAG):
        if key in tags:
            yield OWN_TAG.problem(shown(key), (key,))


AccountId = Annotated[str, _form(ACCOUNT_ID, "account"), Field(examples=["111111111111"])]
Region = Annotated[
    str, _checked(partial(region_problems, "region")), Field(examples=["ap-northeast-2"])
]
CachePrefix = Annotated[str, _form(CACHE_PREFIX), Field(examples=["docker-hub"])]
TemplatePrefix = Annotated[str, _form(TEMPLATE_PREFIX), Field(examples=["payments"])]
PublicName = Annotated[str, _form(PUBLIC_NAME), Field(examples=["acme/agent"])]
RepositoryName = Annotated[str, _form(REPOSITORY_NAME), Field(examples=["payments/api"])]


class AssumeRole(_Section):
    """The role that deploys the environment."""

    role_arn: Annotated[str, _form(ROLE_ARN, "role_arn")]
    """Its ARN."""
    session_name: Annotated[str, _form(SESSION_NAME)] | None = None
    """The session's name in CloudTrail."""
    external_id: Annotated[str, _form(EXTERNAL_ID)] | None = None
    """The external id that the role's trust policy requires."""


class LocalBackend(_Section):
    """State in a file on this machine."""

    path: Annotated[str, _form(STATE_PATH)] | None = None
    """Where, relative to the stack's folder, cdktf.out/stacks/<stack>; by default
    terraform.ecr-<environment>.tfstate in the project's root."""


def _object_key_problems(key: str) -> Iterator[Problem]:
    length = len(key.encode())
    if length > 1024:
        yield OBJECT_KEY_BYTES.problem(f"{shown(key)} ({length})")


class S3Backend(_Section):
    """State in an S3 bucket, encrypted, and locked by a file beside it (Terraform 1.10)."""

    bucket: Annotated[str, _form(BUCKET)]
    """The bucket's name."""
    region: Region
    """The bucket's Region."""
    key: Annotated[str, _form(OBJECT_KEY), _checked(_object_key_problems)] | None = None
    """The object's key; by default ecr/<environment>.tfstate."""
    kms_key_id: Annotated[str, _form(KEY_ARN, "kms_key_id")] | None = None
    """The ARN of the KMS key that encrypts the state; by default the bucket's."""
    assume_role: AssumeRole | None = None
    """The role that reads and writes the state; by default the caller's credentials do."""


def _backend_problems(backend: "Backend") -> Iterator[Problem]:
    given = sorted(backend.model_fields_set)
    if len(given) > 1:
        yield ONE_BACKEND.problem("both")
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


def _built(kind: type[T], what: str) -> WrapValidator:
    """A value of the library, made of what the file writes."""

    def validate(data: object, _handler: ValidatorFunctionWrapHandler) -> T:
        value, problems, _ = build(kind, data, what)
        refuse(problems)
        return typing.cast("T", value)

    return WrapValidator(validate)


def _tagged(kind: type[T], what: str, tags: str) -> WrapValidator:
    """A value of the library that has tags, of which the app's own are none."""

    def validate(data: object, _handler: ValidatorFunctionWrapHandler) -> T:
        value, problems, rest = build(kind, {} if data is None else data, what)
        problems += within((tags,), _own_tag_problems(getattr(rest, tags, {})))
        refuse(problems)
        return typing.cast("T", value)

    return WrapValidator(validate)


def _built_list(kind: type[object], what: str) -> WrapValidator:
    """Values of the library, made of the list that the file writes."""

    def validate(data: object, _handler: ValidatorFunctionWrapHandler) -> tuple[object, ...]:
        items = build_list(kind, data, what)
        refuse(items.problems)
        return tuple(items.values)

    return WrapValidator(validate)


def _account_setting_problems(settings: Mapping[str, str]) -> Iterator[Problem]:
    for name, value in settings.items():
        yield from within((name,), account_setting_problems(name, value))


def _exclusions(data: object, _handler: ValidatorFunctionWrapHandler) -> tuple[str, ...]:
    if not isinstance(data, list | tuple):
        refuse([wrong_type("pull_time_update_exclusions", "a list", data)])
    arns: tuple[str, ...] = tuple(data)  # type: ignore[arg-type]
    refuse(
        problem
        for index, arn in enumerate(arns)
        for problem in within((index,), PRINCIPAL_ARN.problems(arn))
    )
    return arns


class CiRole(_Section):
    """A role that the jobs of a CI system assume by OpenID Connect, without a long-lived key."""

    github_actions: Annotated[
        tuple[GitHubActions, ...], _built_list(GitHubActions, "github_actions")
    ] = ()
    """The jobs of GitHub Actions that assume it, by repository, and by branch, tag, environment
    or pull request."""
    gitlab: Annotated[tuple[GitLab, ...], _built_list(GitLab, "gitlab")] = ()
    """The jobs of GitLab that assume it, by project, and by branch or tag."""
    access: Annotated[Access, _built(Access, "access")]
    """What it may do: which repositories it pulls, pushes and reads."""
    max_session_duration: int = 3600
    """For how long a job may have it, 3600 to 43200 seconds."""
    permissions_boundary: str | None = None
    """The ARN of a policy that bounds what it may do."""

    @property
    def trusted(self) -> tuple[GitHubActions | GitLab, ...]:
        """Whose jobs assume it."""
        return (*self.github_actions, *self.gitlab)


def _issuers(issuers: tuple[str, ...]) -> Iterator[Problem]:
    yield from unique(ISSUER_TWICE, issuers)
    for index, issuer in enumerate(issuers):
        yield from within((index,), HOST.problems(issuer, "issuer"))


def _ci_roles_here(roles: dict[str, CiRole], info: ValidationInfo) -> dict[str, CiRole]:
    registry = _registry_of(info)
    if registry is not None:
        refuse(
            problem
            for name, role in roles.items()
            for problem in within((name,), _ci_role_problems(role, registry, name))
        )
    return roles


def _ci_role_problems(role: CiRole, registry: Registry, name: str) -> Iterator[Problem]:
    found = ci_role_problems(
        registry,
        role_name=name,
        trusted=role.trusted,
        max_session_duration=role.max_session_duration,
        permissions_boundary=role.permissions_boundary,
        statements=role.access.render(registry),
    )
    # The file has them by kind, and the statements as access.
    for problem in found:
        known = problem.path[:1] in (("max_session_duration",), ("permissions_boundary",))
        yield problem if known else problem._replace(path=())


class Replication(_Section):
    """What is pushed to this registry and copied to others. One per account and Region."""

    rules: Annotated[tuple[ReplicationRule, ...], _built_list(ReplicationRule, "rules")]
    """One to ten rules, at most 25 different destinations over all of them."""


class RegistrySection(_Section):
    """Settings of the whole registry, which one environment alone may hold."""

    replication: Replication | None = None
    """What is copied to other registries."""
    scanning: Annotated[Scanning, _built(Scanning, "scanning")] | None = None
    """How images are scanned for vulnerabilities."""
    policy_statements: Annotated[
        tuple[RegistryPolicyStatement, ...],
        _built_list(RegistryPolicyStatement, "policy_statements"),
    ] = ()
    """The registry's policy. What other environments replicate here is accepted without it."""
    pull_through_cache_rules: dict[
        CachePrefix, Annotated[PullThroughCacheSettings, _built(PullThroughCacheSettings, "a rule")]
    ] = {}
    """What is kept of other registries when it is first pulled, by the beginning of the
    repositories that are made for it."""
    creation_templates: dict[
        TemplatePrefix,
        Annotated[
            RepositoryCreationTemplateSettings,
            _tagged(RepositoryCreationTemplateSettings, "a template", "resource_tags"),
        ],
    ] = {}
    """What the repositories are like that ECR makes itself, by their namespace; 'ROOT' is for
    those without a template. Replicas of the environments' repositories need none."""
    account_settings: Annotated[dict[str, str], _checked(_account_setting_problems)] = {}
    """What ECR does in the account and Region: BASIC_SCAN_TYPE_VERSION (AWS_NATIVE),
    REGISTRY_POLICY_SCOPE (V2), BLOB_MOUNTING (ENABLED, DISABLED)."""
    pull_time_update_exclusions: Annotated[tuple[str, ...], WrapValidator(_exclusions)] = ()
    """The ARNs of roles and users whose pulls do not count as a use of an image."""
    public_repositories: dict[
        PublicName,
        Annotated[
            PublicRepositorySettings, _tagged(PublicRepositorySettings, "a repository", "tags")
        ],
    ] = {}
    """Repositories of ECR Public by name: everybody can pull them. They are the account's, in
    us-east-1, whatever the environment's Region is."""


def _registry_of(info: ValidationInfo) -> Registry | None:
    """The environment's registry, where its account and Region are good."""
    if "account" not in info.data or "region" not in info.data:
        return None
    return Registry(account_id=info.data["account"], region=info.data["region"])


def _deployer_of(info: ValidationInfo) -> str | None:
    """The ARN of the role that deploys, where it is good."""
    role = info.data.get("assume_role")
    return role.role_arn if role is not None else None


def _deployed_here(role: AssumeRole | None, info: ValidationInfo) -> AssumeRole | None:
    registry = _registry_of(info)
    if role is None or registry is None or is_token(role.role_arn):
        return role
    if not role.role_arn.startswith(f"arn:{registry.partition}:iam::{registry.account_id}:"):
        got = f"{shown(role.role_arn)} for account {registry.account_id} of {registry.partition}"
        refuse([ROLE_ELSEWHERE.problem(got, ("role_arn",))])
    return role


def _settings(
    data: object, _handler: ValidatorFunctionWrapHandler, info: ValidationInfo
) -> RepositorySettings:
    """Settings of a repository in the environment's Region."""
    if isinstance(data, RepositorySettings):
        return data
    value, problems, rest = build(RepositorySettings, data, "a repository")
    if rest is not None:
        registry = _registry_of(info)
        if registry is not None:
            problems += rest.problems_in(registry, _deployer_of(info))
        elif "region" in info.data:
            somewhere = Registry(account_id="0" * 12, region=info.data["region"])
            # No account is another one as long as this one is unknown.
            found = rest.problems_in(somewhere)
            problems += (p for p in found if p.check not in (FOREIGN_CHANGES, KEY_OF_OTHERS))
        problems += within(("tags",), _own_tag_problems(rest.tags))
        if info.field_name == "repositories":
            found = _tags_together(info.data.get("tags", {}), rest.tags)
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
    registry = _registry_of(info)
    if rest is not None:
        problems += within(("tags",), _own_tag_problems(rest.tags))
        problems += within(("tags",), _tags_together(info.data.get("tags", {}), rest.tags))
        problems += rest.problems_in(registry) if registry is not None else ()
        problems += _deployer_left_out(rest, _deployer_of(info))
    refuse(problems)
    return value or RepositoryKeySettings()


def _deployer_left_out(key: RepositoryKeySettings, deployer: str | None) -> Iterator[Problem]:
    for name in ("administrators", "creators"):
        named = [principal.arn for principal in getattr(key, name)]
        if named and deployer is not None and deployer not in named:
            yield DEPLOYER_LEFT_OUT.problem(shown(deployer), (name,), what=name)


def _tags_together(default_tags: Mapping[str, str], tags: Mapping[str, str]) -> Iterator[Problem]:
    count = len({ENVIRONMENT_TAG, MANAGED_BY_TAG, *default_tags, *tags})
    if count > MAX_TAGS >= len(tags):
        yield TAGS_TOGETHER.problem(str(count))


def _tags(data: object, _handler: ValidatorFunctionWrapHandler) -> dict[str, str]:
    refuse(tag_problems(data))
    tags: dict[str, str] = dict(data)  # type: ignore[call-overload]
    refuse(_own_tag_problems(tags))
    if len(tags) + 2 > MAX_TAGS:
        refuse([TAGS_TOGETHER.problem(str(len(tags) + 2))])
    return tags


def _registry_here(section: RegistrySection, info: ValidationInfo) -> RegistrySection:
    registry = _registry_of(info)
    if registry is not None:
        tags, deployer = info.data.get("tags", {}), _deployer_of(info)
        refuse(_registry_problems(section, registry, tags, deployer))
    return section


def _registry_problems(
    section: RegistrySection, registry: Registry, tags: Mapping[str, str], deployer: str | None
) -> Iterator[Problem]:
    if section.replication is not None:
        path = ("replication", "rules")
        yield from within(path, replication_problems(registry, section.replication.rules))
    found = registry_policy_problems(registry, section.policy_statements, deployer)
    yield from within(("policy_statements",), found)
    rules = section.pull_through_cache_rules
    if len(rules) > MAX_CACHE_RULES:
        yield CACHE_COUNT.problem(str(len(rules)), ("pull_through_cache_rules",))
    for prefix, rule in rules.items():
        found = rule.problems_in(registry, prefix)
        yield from within(("pull_through_cache_rules", prefix), found)
    for prefix, template in section.creation_templates.items():
        path = ("creation_templates", prefix)
        yield from within(path, template.problems_in(registry, deployer))
        found = _tags_together(tags, template.resource_tags)
        yield from within((*path, "resource_tags"), found)
    exclusions = section.pull_time_update_exclusions
    found = pull_time_update_exclusion_problems(registry, exclusions)
    yield from within(("pull_time_update_exclusions",), found)
    for name, repository in section.public_repositories.items():
        path = ("public_repositories", name)
        yield from within(path, repository.problems_in(registry))
        yield from within((*path, "tags"), _tags_together(tags, repository.tags))


def _overlap(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


@dataclass(frozen=True, kw_only=True)
class Grant:
    """Who may pull, push and read the repositories of some namespaces."""

    repository_prefixes: tuple[str, ...]
    """Beginnings of repository names, such as payments/; each has to match a repository."""
    pull: tuple[Principal, ...] = ()
    """Who may pull images."""
    push: tuple[Principal, ...] = ()
    """Who may push images."""
    pull_push: tuple[Principal, ...] = ()
    """Who may do both."""
    read: tuple[Principal, ...] = ()
    """Who may see what is known of the images: metadata and scan findings."""

    def __post_init__(self) -> None:
        refuse(self._problems())
        object.__setattr__(self, "repository_prefixes", tuple(self.repository_prefixes))

    def _problems(self) -> Iterator[Problem]:
        prefixes = self.repository_prefixes
        if not isinstance(prefixes, list | tuple):
            found = wrong_type("repository_prefixes", "a list", prefixes)
            yield found._replace(path=("repository_prefixes",))
            return
        for index, prefix in enumerate(prefixes):
            yield from within(("repository_prefixes", index), FILTER.problems(prefix))
        if not prefixes or not any((self.pull, self.push, self.pull_push, self.read)):
            yield GRANT_EMPTY.problem()

    def added_to(self, name: str, settings: RepositorySettings) -> RepositorySettings:
        """The settings of a repository with what the grant adds to them."""
        if not name.startswith(self.repository_prefixes):
            return settings
        return replace(
            settings,
            pull=(*settings.pull, *self.pull),
            push=(*settings.push, *self.push),
            pull_push=(*settings.pull_push, *self.pull_push),
            read=(*settings.read, *self.read),
        )


def _granted(
    repositories: dict[str, RepositorySettings], info: ValidationInfo
) -> dict[str, RepositorySettings]:
    """The repositories with what the grants of the environment add to them."""
    grants: tuple[Grant, ...] = info.data.get("grants", ())
    registry, deployer = _registry_of(info), _deployer_of(info)
    problems: list[Problem] = []
    found = {}
    for name, settings in repositories.items():
        granted = settings
        try:
            for grant in grants:
                granted = grant.added_to(name, granted)
        except InvalidValueError as error:
            problems += within((name,), error.problems)
        if granted is not settings and registry is not None:
            problems += within((name,), granted.problems_in(registry, deployer))
        found[name] = granted
    refuse(problems)
    return found


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
    tags: Annotated[dict[str, str], WrapValidator(_tags)] = {}
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
    grants: Annotated[tuple[Grant, ...], _built_list(Grant, "grants")] = ()
    """Grants to the repositories of namespaces, beside those of each repository."""
    repositories: Annotated[
        dict[RepositoryName, Annotated[RepositorySettings, WrapValidator(_settings)]],
        AfterValidator(_granted),
    ] = {}
    """The repositories by name."""
    oidc_providers: Annotated[tuple[str, ...], _checked(_issuers)] = ()
    """Issuers whose tokens the account accepts, such as 'token.actions.githubusercontent.com'. An
    account has one of each: leave out what is there already."""
    ci_roles: Annotated[dict[str, CiRole], AfterValidator(_ci_roles_here)] = {}
    """Roles of CI systems by name. Each pushes and pulls by a policy of its own."""
    registry: Annotated[RegistrySection, AfterValidator(_registry_here)] = RegistrySection()
    """Settings of the whole registry; only one environment of an account and Region holds them."""

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
        made = [f"{prefix}/" for prefix in self.namespaces if prefix != ROOT]
        anything = ROOT in self.namespaces
        for role_name, role in self.ci_roles.items():
            for grant in ("pull", "push", "read"):
                for index, name in enumerate(getattr(role.access, grant)):
                    whole = name.endswith("/") and any(
                        r.startswith(name) for r in self.repositories
                    )
                    known = name in self.repositories or whole or anything
                    if not known and not any(_overlap(name, prefix) for prefix in made):
                        path = ("ci_roles", role_name, "access", grant, index)
                        yield ACCESS_MATCHES_NONE.problem(shown(name), path)
            for index, prefix in enumerate(role.access.pull_through):
                if prefix not in self.registry.pull_through_cache_rules:
                    path = ("ci_roles", role_name, "access", "pull_through", index)
                    yield ACCESS_MATCHES_NONE.problem(shown(prefix), path)

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
        """
        found: dict[str, dict[str, list[str]]] = {}
        registry = self.registry
        templates = {
            f"{prefix}/": template
            for prefix, template in registry.creation_templates.items()
            if prefix != ROOT
        }
        for name, settings in (*self.repositories.items(), *templates.items()):
            pull = (*settings.pull, *settings.pull_push)
            cached = name.removesuffix("/") in registry.pull_through_cache_rules
            for grant, principals, names in (
                ("pull", pull, name),
                ("push", (*settings.push, *settings.pull_push), name),
                ("read", settings.read, name),
                ("pull_through", pull if cached else (), name.removesuffix("/")),
            ):
                for arn in dict.fromkeys(p.arn for p in principals if p.arn is not None):
                    found.setdefault(arn, {}).setdefault(grant, []).append(names)
        return {
            arn: Access(**{grant: tuple(names) for grant, names in grants.items()})
            for arn, grants in sorted(found.items())
        }

    def all_tags(self, name: str, tags: Mapping[str, str]) -> Mapping[str, str]:
        """The tags of something in the environment of this name that has these of its own."""
        return {**self.tags, **tags, ENVIRONMENT_TAG: name, MANAGED_BY_TAG: "cdktf"}

    @property
    def replication_rules(self) -> tuple[ReplicationRule, ...]:
        """What the environment's registry copies to others."""
        replication = self.registry.replication
        return replication.rules if replication else ()

    def state_location(self, name: str) -> tuple[str, ...]:
        """Where the state of the environment of this name is."""
        if self.backend.s3 is not None:
            return ("s3", self.backend.s3.bucket, self.backend.s3.key or state_key(name))
        local = self.backend.local
        path = (local and local.path) or local_state_path(name)
        # It is relative to the folder of the stack.
        return ("local", posixpath.normpath(f"cdktf.out/stacks/{stack_id(name)}/{path}"))
