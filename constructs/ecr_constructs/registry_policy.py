"""Registry policy: who may do what with the repositories of a registry, existing or not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from cdktf import TerraformProvider
from cdktf_cdktf_provider_aws.ecr_registry_policy import EcrRegistryPolicy
from constructs import Construct

from ecr_constructs.checks import (
    Check,
    Problem,
    refuse,
    sent_length,
    sequence,
    unique,
    within,
    wrong_type,
)
from ecr_constructs.condition import Conditions, condition_problems, frozen, render_conditions
from ecr_constructs.principal import Principal, render_principals
from ecr_constructs.pull_through_cache import UPSTREAM_ACTIONS
from ecr_constructs.registry import Registry
from ecr_constructs.replication import FILTER
from ecr_constructs.repository_policy import (
    EFFECT,
    NO_ACTION,
    NO_PRINCIPAL,
    SID,
    Effect,
    action_problems,
)
from ecr_constructs.terraform_text import json_text

MAX_POLICY_LENGTH = 10_240
# What a registry asks its policy about by itself: the older scope, V1, asks about nothing else.
CREATE_ACTION = "ecr:CreateRepository"
REPLICATE_ACTION = "ecr:ReplicateImage"
IMPORT_ACTION = "ecr:BatchImportUpstreamImage"
OLDER_SCOPE_ACTIONS = (CREATE_ACTION, REPLICATE_ACTION, IMPORT_ACTION)

DUPLICATE_PREFIX = Check(
    "repository_prefixes must not repeat a prefix",
    "unknown whether ECR refuses it; a repeated prefix has no effect",
)
NO_STATEMENT = Check(
    "a registry policy takes at least one statement", "IAM user guide, policy elements: Statement"
)
POLICY_LENGTH = Check(
    f"a registry policy must be at most {MAX_POLICY_LENGTH} characters as JSON",
    "ECR API, `RegistryPolicyText`",
)


@dataclass(frozen=True, kw_only=True)
class RegistryPolicyStatement:
    """A statement of a registry policy. Its `Resource` is always there: repositories by prefix.

    :param principals: whom it is about; at least one.
    :param actions: actions on repositories; `*` and `?` stand for any characters. At least one. A
        registry of the older policy scope, V1, heeds `ecr:CreateRepository`, `ecr:ReplicateImage`
        and `ecr:BatchImportUpstreamImage` only.
    :param repository_prefixes: beginnings of repository names, such as `payments/`; every
        repository by default.
    :param effect: `Allow` by default.
    :param conditions: operator -> condition key -> value or values, as in a policy document.
    :param sid: a name, for people.
    :raises ValueError: for what a policy statement of a repository would be refused for, too.
    """

    principals: tuple[Principal, ...]
    """Whom the statement is about; at least one."""
    actions: tuple[str, ...]
    """Actions on repositories, such as ecr:ReplicateImage."""
    repository_prefixes: tuple[str, ...] = ()
    """Beginnings of repository names, such as payments/; every repository by default."""
    effect: Effect = Effect.ALLOW
    """Whether it allows or denies."""
    conditions: Conditions = field(default_factory=dict, hash=False)
    """Operator, then condition key, then value or values, as in a policy document."""
    sid: str | None = None
    """A name, for people."""

    def __post_init__(self) -> None:
        refuse(self._problems())
        for name in ("principals", "actions", "repository_prefixes"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        object.__setattr__(self, "effect", Effect(self.effect))
        object.__setattr__(self, "conditions", frozen(self.conditions))

    def _problems(self) -> Iterator[Problem]:
        yield from within(("principals",), sequence("principals", self.principals, Principal))
        if self.principals in ((), []):
            yield NO_PRINCIPAL.problem("none", ("principals",))
        if self.actions in ((), []):
            yield NO_ACTION.problem("none", ("actions",))
        yield from within(("effect",), EFFECT.problems(self.effect))
        if self.sid is not None:
            yield from within(("sid",), SID.problems(self.sid))
        yield from within(("conditions",), condition_problems(self.conditions))
        for name in ("actions", "repository_prefixes"):
            values = getattr(self, name)
            if not isinstance(values, list | tuple):
                yield wrong_type(name, "a list", values)._replace(path=(name,))
                continue
            for index, value in enumerate(values):
                actions = name == "actions"
                found = action_problems(value, self.effect) if actions else FILTER.problems(value)
                yield from within((name, index), found)
        if isinstance(self.repository_prefixes, list | tuple):
            path = ("repository_prefixes",)
            yield from within(path, unique(DUPLICATE_PREFIX, self.repository_prefixes))

    def problems_in(self, registry: Registry) -> Iterator[Problem]:
        """Check what depends on where the registry is."""
        for index, principal in enumerate(self.principals):
            yield from within(("principals", index), principal.problems_in(registry))

    def render(self, registry: Registry) -> dict[str, object]:
        """The statement as AWS writes it, in AWS's key order."""
        arns = [registry.repository_arn(f"{prefix}*") for prefix in self.repository_prefixes]
        arns = arns or [registry.repository_arn("*")]
        statement = {
            "Sid": self.sid,
            "Effect": str(self.effect),
            "Principal": render_principals(self.principals),
            "Action": self.actions[0] if len(self.actions) == 1 else list(self.actions),
            "Resource": arns[0] if len(arns) == 1 else arns,
            "Condition": render_conditions(self.conditions),
        }
        return {key: value for key, value in statement.items() if value}


def accept_replication(
    account: str, repository_prefixes: Sequence[str] = ()
) -> RegistryPolicyStatement:
    """The statement that lets the registry of another account replicate to this one.

    Without it, nothing arrives, and nobody is told.

    :param account: the account that replicates.
    :param repository_prefixes: beginnings of the repositories that it may send; all by default.
    """
    return RegistryPolicyStatement(
        sid=f"ReplicationFrom{account}",
        principals=(Principal(account=account),),
        actions=(CREATE_ACTION, REPLICATE_ACTION),
        repository_prefixes=tuple(repository_prefixes),
    )


def allow_pull_through(
    principals: Sequence[Principal], ecr_repository_prefix: str
) -> RegistryPolicyStatement:
    """The statement that lets principals pull images for the first time through a cache rule.

    :param ecr_repository_prefix: the prefix of the rule.
    """
    return RegistryPolicyStatement(
        principals=tuple(principals),
        actions=(CREATE_ACTION, IMPORT_ACTION),
        repository_prefixes=(f"{ecr_repository_prefix}/",),
    )


def allow_create_on_push(
    principals: Sequence[Principal], repository_prefixes: Sequence[str] = ()
) -> RegistryPolicyStatement:
    """The statement that lets principals make repositories by pushing to them."""
    return RegistryPolicyStatement(
        principals=tuple(principals),
        actions=(CREATE_ACTION,),
        repository_prefixes=tuple(repository_prefixes),
    )


def allow_caching(
    principals: Sequence[Principal], repository_prefixes: Sequence[str] = ()
) -> RegistryPolicyStatement:
    """The statement that lets the pull-through cache of another account's registry pull from here.

    A registry of the older policy scope, V1, does not heed it.

    :param principals: the roles of the cache rules: their `custom_role_arn`.
    """
    return RegistryPolicyStatement(
        principals=tuple(principals),
        actions=UPSTREAM_ACTIONS,
        repository_prefixes=tuple(repository_prefixes),
    )


def registry_policy_document(
    registry: Registry, statements: Sequence[RegistryPolicyStatement]
) -> dict[str, object]:
    """The registry policy as AWS writes it."""
    rendered = [statement.render(registry) for statement in statements]
    return {"Version": "2012-10-17", "Statement": rendered}


def registry_policy_problems(
    registry: Registry, statements: Sequence[RegistryPolicyStatement]
) -> Iterator[Problem]:
    """Check what the statements of one policy owe each other and the registry."""
    wrong = list(sequence("statements", statements, RegistryPolicyStatement))
    yield from wrong
    if wrong:
        return
    for index, statement in enumerate(statements):
        yield from within((index,), statement.problems_in(registry))
    length = sent_length(registry_policy_document(registry, statements))
    if length > MAX_POLICY_LENGTH:
        yield POLICY_LENGTH.problem(str(length))


class RegistryPolicy(Construct):
    """The policy of a registry. A registry has one: define it once per account and Region.

    :param registry: the registry.
    :param statements: at least one; together at most 10,240 characters as JSON.
    :param provider: the provider of the registry's Region, where it is not the stack's own.
    :raises ValueError: for statements that ECR would refuse together.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        registry: Registry,
        statements: Sequence[RegistryPolicyStatement],
        provider: TerraformProvider | None = None,
    ) -> None:
        problems = list(registry_policy_problems(registry, statements))
        if not statements:
            problems.append(NO_STATEMENT.problem("none"))
        refuse(problems)
        super().__init__(scope, id_)
        document = registry_policy_document(registry, statements)
        EcrRegistryPolicy(self, "Resource", policy=json_text(document), provider=provider)
