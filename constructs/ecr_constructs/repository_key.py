"""Repository key: a KMS key that repositories are encrypted with."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from cdktf import TerraformProvider, TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.kms_alias import KmsAlias
from cdktf_cdktf_provider_aws.kms_key import KmsKey
from constructs import Construct

from ecr_constructs.annotations import annotate
from ecr_constructs.checks import (
    Check,
    Problem,
    TextForm,
    is_token,
    refuse,
    sent_length,
    sequence,
    shown,
    truth,
    tuple_of,
    within,
    wrong_type,
)
from ecr_constructs.creation_role import ROLE_NAME_PREFIX
from ecr_constructs.policy_json import policy_of
from ecr_constructs.principal import Principal, together
from ecr_constructs.registry import Registry
from ecr_constructs.tags import tag_problems
from ecr_constructs.terraform_text import escaped, json_text

MAX_POLICY_LENGTH = 32_768
DELETION_WINDOWS = range(7, 31)
ROTATION_PERIODS = range(90, 2561)
# KMS's own, which is left to it.
DEFAULT_ROTATION_PERIOD = 365
_PERMISSIONS = "KMS developer guide, permissions reference"

# From KMS's default key policy, key administrators. `kms:Create*` is there, too: it would let them
# make grants, and so have the key used.
ADMINISTRATION_ACTIONS = (
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:Delete*",
    "kms:Describe*",
    "kms:Disable*",
    "kms:Enable*",
    "kms:Get*",
    "kms:List*",
    "kms:Put*",
    "kms:Revoke*",
    "kms:RotateKeyOnDemand",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:Update*",
)
# What it takes to put other administrators into the policy. KMS refuses one that the caller could
# not change afterwards.
RECOVERY_ACTIONS = ("kms:DescribeKey", "kms:GetKeyPolicy", "kms:PutKeyPolicy")

ALIAS = TextForm(
    what="alias",
    source="KMS API, `CreateAlias`, 256 characters with 'alias/'",
    maximum=250,
    pattern=re.compile(r"[a-zA-Z0-9/_-]+"),
    form="letters, digits, '/', '_' and '-'",
)
ALIAS_RESERVED = Check(
    "alias must not start with 'aws/', which belongs to AWS", "KMS API, `CreateAlias`"
)
ALIAS_TWICE = Check(
    "alias should not start with 'alias/', which goes before it anyway",
    "this library: a key's alias is named without it",
    warning=True,
)
DESCRIPTION = TextForm(
    what="description",
    source="KMS API, `DescriptionType`; unknown whether control characters pass: refused",
    minimum=0,
    maximum=8192,
)
DELETION_WINDOW = Check(
    f"deletion_window_in_days must be {DELETION_WINDOWS[0]} to {DELETION_WINDOWS[-1]}",
    "KMS API, `ScheduleKeyDeletion`",
)
ROTATION_PERIOD = Check(
    f"rotation_period_in_days must be {ROTATION_PERIODS[0]} to {ROTATION_PERIODS[-1]}",
    "KMS API, `RotationPeriodInDaysType`",
)
ROLE_OR_USER = Check(
    "{what} must be roles and users",
    "this project: a key is for nobody whom it does not name, but its own account",
    "leave it empty to have the IAM policies of the key's account decide",
)
PRINCIPAL_ELSEWHERE = Check(
    "{what} must be of the account and AWS partition of the key",
    f"{_PERMISSIONS}: other accounts cannot administer; ECR API: a repository is made in the"
    " caller's account",
)
POLICY_LENGTH = Check(
    f"a key policy must be at most {MAX_POLICY_LENGTH} characters as JSON",
    "KMS quotas, key policy document size",
    "name fewer administrators and creators",
)


@dataclass(frozen=True, kw_only=True)
class RepositoryKeySettings:
    """What a key is like: the arguments of `RepositoryKey`, without where it is.

    The meaning, limits and defaults of each are told there.
    """

    alias: str | None = None
    """The name after alias/; at most 250 characters."""
    description: str | None = None
    """For people; at most 8,192 characters."""
    administrators: tuple[Principal, ...] = ()
    """The roles and users that administer the key; by default the account's IAM policies decide."""
    creators: tuple[Principal, ...] = ()
    """The roles and users that make repositories with it; by default the account's IAM policies
    decide."""
    deletion_window_in_days: int = 30
    """How long a deleted key can still be restored, 7 to 30 days."""
    rotation_period_in_days: int = DEFAULT_ROTATION_PERIOD
    """How often KMS makes new key material, every 90 to 2,560 days."""
    prevent_destroy: bool = True
    """Whether Terraform refuses a plan that would destroy the key."""
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Tags of the key, at most 50."""

    def __post_init__(self) -> None:
        refuse(self._problems())
        object.__setattr__(self, "administrators", tuple(self.administrators))
        object.__setattr__(self, "creators", tuple(self.creators))
        object.__setattr__(self, "tags", MappingProxyType(dict(self.tags)))

    def _problems(self) -> Iterator[Problem]:
        if self.alias is not None:
            yield from within(("alias",), _alias_problems(self.alias))
        if self.description is not None:
            yield from within(("description",), DESCRIPTION.problems(self.description))
        for name in ("administrators", "creators"):
            yield from within((name,), _kind_problems(name, getattr(self, name)))
        for name, check, days in (
            ("deletion_window_in_days", DELETION_WINDOW, DELETION_WINDOWS),
            ("rotation_period_in_days", ROTATION_PERIOD, ROTATION_PERIODS),
        ):
            yield from within((name,), _day_problems(name, getattr(self, name), check, days))
        name = "prevent_destroy"
        yield from within((name,), truth(name, self.prevent_destroy))
        yield from within(("tags",), tag_problems(self.tags))

    def problems_in(self, registry: Registry) -> Iterator[Problem]:
        """Check what depends on where the key is."""
        for name in ("administrators", "creators"):
            for index, principal in enumerate(getattr(self, name)):
                parts = (principal.identifier, registry.account_id, registry.region)
                known = not any(map(is_token, parts))
                if known and not principal.identifier.startswith(registry.iam_arn("")):
                    got = shown(principal.identifier)
                    yield PRINCIPAL_ELSEWHERE.problem(got, (name, index), what=name)
        length = sent_length(key_policy_document(registry, self))
        if length > MAX_POLICY_LENGTH:
            yield POLICY_LENGTH.problem(str(length))

    @property
    def warnings(self) -> Iterator[Problem]:
        """What is legal, but certainly a mistake."""
        if self.alias is not None and self.alias.startswith("alias/"):
            yield ALIAS_TWICE.problem(shown(self.alias), ("alias",))


def _alias_problems(alias: object) -> Iterator[Problem]:
    yield from ALIAS.problems(alias)
    if isinstance(alias, str) and alias.startswith("aws/"):
        yield ALIAS_RESERVED.problem(shown(alias))


def _kind_problems(what: str, principals: object) -> Iterator[Problem]:
    yield from sequence(what, principals, Principal)
    for index, principal in enumerate(principals if isinstance(principals, list | tuple) else ()):
        if isinstance(principal, Principal) and principal.arn is None:
            got = f"{principal.kind} {shown(principal.identifier)}"
            yield ROLE_OR_USER.problem(got, (index,), what=what)


def _day_problems(what: str, value: object, check: Check, days: range) -> Iterator[Problem]:
    if not isinstance(value, int) or isinstance(value, bool):
        yield wrong_type(what, "a whole number", value)
    elif value not in days:
        yield check.problem(shown(value))


def key_policy_document(registry: Registry, settings: RepositoryKeySettings) -> dict[str, object]:
    """The policy of the key as AWS writes it, in AWS's key order.

    The root of an account stands for its IAM policies: they decide who may do what the statement
    allows. Nobody is allowed to use the key: ECR does, by the grants that it makes for each
    repository, so that pushing and pulling needs nothing of it. (ECR user guide, encryption at
    rest.)
    """
    root = registry.iam_arn("root")
    # Unknown whether the name ends otherwise in the Regions of other partitions.
    through_ecr = {"StringEquals": {"kms:ViaService": f"ecr.{registry.region}.amazonaws.com"}}
    for_ecr = {**through_ecr, "Bool": {"kms:GrantIsForAWSResource": "true"}}
    creators = _element(settings.creators, root)
    recovery = [_statement("Recover", _element((), root), RECOVERY_ACTIONS)]
    reading = ("kms:DescribeKey", "kms:RetireGrant")
    # What ECR makes by a template it makes by a role of the templates, whose ARN is not known yet.
    role = registry.iam_arn(f"role/{ROLE_NAME_PREFIX}*")
    templates = [
        _statement(
            sid, {"AWS": root}, actions, {**condition, "ArnLike": {"aws:PrincipalArn": role}}
        )
        for sid, actions, condition in (
            ("Templates", ("kms:CreateGrant",), for_ecr),
            ("TemplatesRead", reading, through_ecr),
        )
    ]
    statements = [
        _statement("Administer", _element(settings.administrators, root), ADMINISTRATION_ACTIONS),
        *(recovery if settings.administrators else []),
        _statement("Repositories", creators, ("kms:CreateGrant",), for_ecr),
        # ECR's guide names the two with CreateGrant; KMS's says that RetireGrant has an effect in
        # IAM policies alone.
        _statement("RepositoriesRead", creators, reading, through_ecr),
        *(templates if settings.creators else []),
    ]
    return policy_of(statements)


def _element(principals: Sequence[Principal], root: str) -> object:
    """The `Principal` element: roles and users go together, each once."""
    return together(principals)[0].element if principals else {"AWS": root}


def _statement(
    sid: str, principal: object, actions: Sequence[str], condition: object = None
) -> dict[str, object]:
    statement: dict[str, object] = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": principal,
        "Action": list(actions),
        "Resource": "*",
    }
    return {**statement, "Condition": condition} if condition else statement


class RepositoryKey(Construct):
    """A KMS key that repositories are encrypted with.

    It is rotated, Terraform refuses to destroy it, and its policy lets nobody use it but ECR, by
    default. Images that are encrypted with a key are lost with it.

    :param registry: the account and Region that it is in, those of the repositories.
    :param alias: a name of the key, after `alias/`: 1 to 250 letters, digits, `/`, `_` and `-`, not
        starting with `aws/`; unique in the account and Region. None by default. Another one
        replaces the alias and not the key.
    :param description: for people; at most 8,192 characters.
    :param administrators: the roles and users of the same account that administer the key: change
        its policy, aliases and tags, turn it off and delete it. They cannot use it, but can change
        the policy so that they can. Whoever runs Terraform has to be among them. Of the others in
        the account, those whose IAM policies say so can still change the policy, so that the key is
        not lost with its administrators. By default the account's IAM policies decide.
    :param creators: the roles and users of the same account that make and delete repositories with
        the key, so whoever runs Terraform for them, too. Each also needs `kms:RetireGrant` in an
        IAM policy of its own, which no key policy can give. (KMS developer guide.) By default the
        account's IAM policies decide, on `kms:CreateGrant`, `kms:DescribeKey` and
        `kms:RetireGrant`. The roles of creation templates, `ecr-creation-template-*`, always may. A
        role whose policy names the key by `key_arn` can be no creator by its
        own token: each would need the other first.
    :param deletion_window_in_days: how long a deleted key can still be restored: 7 to 30, 30 by
        default.
    :param rotation_period_in_days: how often KMS makes new key material: 90 to 2,560, 365 by
        default. It keeps the old, so that nothing has to be encrypted again.
    :param prevent_destroy: whether Terraform refuses a plan that would destroy the key; on by
        default.
    :param tags: at most 50; keys of 1 to 128 and values of up to 256 characters.
    :param provider: the provider of the registry's Region, where it is not the stack's own.
    :raises ValueError: for what KMS would refuse, for administrators and creators that are no roles
        and users or of another account or AWS partition, and for so many of them that the policy
        gets longer than 32,768 characters. (KMS quotas.)
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        registry: Registry,
        alias: str | None = None,
        description: str | None = None,
        administrators: Sequence[Principal] = (),
        creators: Sequence[Principal] = (),
        deletion_window_in_days: int = 30,
        rotation_period_in_days: int = DEFAULT_ROTATION_PERIOD,
        prevent_destroy: bool = True,
        tags: Mapping[str, str] | None = None,
        provider: TerraformProvider | None = None,
    ) -> None:
        settings = RepositoryKeySettings(
            alias=alias,
            description=description,
            administrators=tuple_of(administrators),
            creators=tuple_of(creators),
            deletion_window_in_days=deletion_window_in_days,
            rotation_period_in_days=rotation_period_in_days,
            prevent_destroy=prevent_destroy,
            tags={} if tags is None else tags,
        )
        refuse(settings.problems_in(registry))
        super().__init__(scope, id_)
        key = KmsKey(
            self,
            "Resource",
            description=None if description is None else escaped(description),
            policy=json_text(key_policy_document(registry, settings)),
            deletion_window_in_days=deletion_window_in_days,
            enable_key_rotation=True,
            rotation_period_in_days=(
                None
                if rotation_period_in_days == DEFAULT_ROTATION_PERIOD
                else rotation_period_in_days
            ),
            tags={escaped(k): escaped(v) for k, v in settings.tags.items()} or None,
            lifecycle=TerraformResourceLifecycle(prevent_destroy=True) if prevent_destroy else None,
            provider=provider,
        )
        self.key_arn = key.arn
        """The ARN of the key, a token: the `kms_key` of a repository."""
        self.alias_name: str | None = None
        """The alias with `alias/`, a token; nothing without one."""
        if alias is not None:
            self.alias_name = KmsAlias(
                self,
                "Alias",
                name=f"alias/{alias}",
                target_key_id=key.key_id,
                provider=provider,
            ).name
        annotate(self, settings.warnings)
