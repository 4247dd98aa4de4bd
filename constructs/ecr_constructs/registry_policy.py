"""Registry policy: who may do what with the repositories of a registry, existing or not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

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
from ecr_constructs.policy_json import policy_of
from ecr_constructs.policy_risk import policy_risks
from ecr_constructs.principal import Principal
from ecr_constructs.pull_through_cache import UPSTREAM_ACTIONS
from ecr_constructs.registry import ROOT, Registry
from ecr_constructs.replication import FILTER
from ecr_constructs.repository_policy import Statement
from ecr_constructs.terraform_text import json_text

MAX_POLICY_LENGTH = 10_240
# What a registry asks its policy about by itself: the older scope, V1, asks about nothing else.
CREATE_ACTION = "ecr:CreateRepository"
REPLICATE_ACTION = "ecr:ReplicateImage"
IMPORT_ACTION = "ecr:BatchImportUpstreamImage"
OLDER_SCOPE_ACTIONS = (CREATE_ACTION, REPLICATE_ACTION, IMPORT_ACTION)

PREFIX = replace(
    FILTER,
    what="repository prefix",
    meant={**FILTER.meant, r"\*?": "leave 'repository_prefixes' out for every repository"},
)
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
class RegistryPolicyStatement(Statement):
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

    repository_prefixes: tuple[str, ...] = ()
    """Beginnings of repository names, such as payments/; every repository by default."""

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "repository_prefixes", tuple(self.repository_prefixes))

    def _problems(self) -> Iterator[Problem]:
        yield from super()._problems()
        path, prefixes = ("repository_prefixes",), self.repository_prefixes
        if not isinstance(prefixes, list | tuple):
            yield wrong_type("repository_prefixes", "a list", prefixes)._replace(path=path)
            return
        for index, value in enumerate(prefixes):
            yield from within((*path, index), PREFIX.problems(value))
        yield from within(path, unique(DUPLICATE_PREFIX, prefixes))

    def render(self, registry: Registry) -> list[dict[str, object]]:
        """The statement as AWS writes it, in AWS's key order: one for each kind of principals."""
        prefixes = self.repository_prefixes or ("",)
        return self._rendered([registry.repository_arn(f"{prefix}*") for prefix in prefixes])


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

    :param ecr_repository_prefix: the prefix of the rule; `ROOT` is every repository.
    """
    everything = ecr_repository_prefix == ROOT
    return RegistryPolicyStatement(
        principals=tuple(principals),
        actions=(CREATE_ACTION, IMPORT_ACTION),
        repository_prefixes=() if everything else (f"{ecr_repository_prefix}/",),
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
    rendered = [part for statement in statements for part in statement.render(registry)]
    return policy_of(rendered)


def registry_policy_problems(
    registry: Registry,
    statements: Sequence[RegistryPolicyStatement],
    deployer: str | None = None,
) -> Iterator[Problem]:
    """Check what the statements of one policy owe each other and the registry.

    :param deployer: the ARN of the role that deploys, where it is known.
    """
    wrong = list(sequence("statements", statements, RegistryPolicyStatement))
    yield from wrong
    if wrong:
        return
    for index, statement in enumerate(statements):
        yield from within((index,), statement.problems_in(registry))
    document = registry_policy_document(registry, statements)
    written = [index for index, one in enumerate(statements) for _ in one.render(registry)]
    found = policy_risks(
        document,
        registry=registry,
        deployer=deployer,
        # What other accounts replicate to here, or pull through here, makes repositories.
        spared=OLDER_SCOPE_ACTIONS,
    )
    yield from (p._replace(path=(written[int(p.path[1])],)) for p in found)
    yield from policy_length_problems(registry, statements)


def policy_length_problems(
    registry: Registry, statements: Sequence[RegistryPolicyStatement], of: str = ""
) -> Iterator[Problem]:
    """Check the length of the statements of one policy together.

    :param of: what the sentence says of whom they are.
    """
    length = sent_length(registry_policy_document(registry, statements))
    if length > MAX_POLICY_LENGTH:
        yield POLICY_LENGTH.problem(f"{length}{of}")


class RegistryPolicy(Construct):
    """The policy of a registry. A registry has one: define it once per account and Region.

    :param registry: the registry.
    :param statements: at least one; together at most 10,240 characters as JSON.
    :param provider: the provider of the registry's Region, where it is not the stack's own.
    :raises ValueError: for statements that ECR would refuse together, and for those that let
        another account as a whole change more than replication and the pull-through cache do.
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
        if statements in ((), []):
            problems.append(NO_STATEMENT.problem("none"))
        refuse(problems)
        super().__init__(scope, id_)
        document = registry_policy_document(registry, statements)
        EcrRegistryPolicy(self, "Resource", policy=json_text(document), provider=provider)
