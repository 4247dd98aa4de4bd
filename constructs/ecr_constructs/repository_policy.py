"""Repository policy: who may do what with a repository, as the repository's side sees it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import lru_cache
from types import MappingProxyType

from cdktf_cdktf_provider_aws.ecr_repository_policy import EcrRepositoryPolicy
from constructs import Construct

from ecr_constructs.checks import (
    Problem,
    did_you_mean,
    is_token,
    member,
    refuse,
    sent_length,
    sequence,
    shown,
    text,
    texts,
    within,
    wrong_type,
)
from ecr_constructs.principal import Principal, render_principals
from ecr_constructs.registry import repository_name_problems
from ecr_constructs.terraform_text import json_text

MAX_POLICY_LENGTH = 10_240

# From AWS's page on pushing and pulling: what `docker pull` and `docker push` call.
PULL_ACTIONS = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
)
PUSH_ACTIONS = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:CompleteLayerUpload",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
)

# The actions that IAM's service reference lists for the resource type `repository`.
REPOSITORY_ACTIONS = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchDeleteImage",
    "ecr:BatchGetImage",
    "ecr:BatchGetRepositoryScanningConfiguration",
    "ecr:BatchImportUpstreamImage",
    "ecr:CompleteLayerUpload",
    "ecr:CreateRepository",
    "ecr:DeleteLifecyclePolicy",
    "ecr:DeleteRepository",
    "ecr:DeleteRepositoryPolicy",
    "ecr:DescribeImageReplicationStatus",
    "ecr:DescribeImages",
    "ecr:DescribeImageScanFindings",
    "ecr:DescribeImageSigningStatus",
    "ecr:DescribeRepositories",
    "ecr:GetDownloadUrlForLayer",
    "ecr:GetImageCopyStatus",
    "ecr:GetLifecyclePolicy",
    "ecr:GetLifecyclePolicyPreview",
    "ecr:GetRepositoryPolicy",
    "ecr:InitiateLayerUpload",
    "ecr:ListImages",
    "ecr:ListTagsForResource",
    "ecr:PutImage",
    "ecr:PutImageScanningConfiguration",
    "ecr:PutImageTagMutability",
    "ecr:PutLifecyclePolicy",
    "ecr:ReplicateImage",
    "ecr:SetRepositoryPolicy",
    "ecr:StartImageScan",
    "ecr:StartLifecyclePolicyPreview",
    "ecr:TagResource",
    "ecr:UntagResource",
    "ecr:UpdateImageStorageClass",
    "ecr:UploadLayerPart",
)

_ACTION = re.compile(r"ecr:[A-Za-z*?]+")


class Effect(StrEnum):
    """Whether a statement allows or denies."""

    ALLOW = "Allow"
    DENY = "Deny"


@dataclass(frozen=True, kw_only=True)
class PolicyStatement:
    """A statement of a repository policy. It never has a `Resource`: that is the repository.

    :param principals: whom it is about; at least one.
    :param actions: actions on a repository, such as `ecr:DescribeImages`, in AWS's spelling; `*`
        and `?` stand for any characters. At least one. Allowing every action is refused.
    :param effect: `Allow` by default.
    :param conditions: operator -> condition key -> value or values, as in a policy document.
    :param sid: a name, for people.
    :raises ValueError: for an action that no repository has, or a statement that admits all.
    """

    principals: tuple[Principal, ...]
    """Whom the statement is about; at least one."""
    actions: tuple[str, ...]
    """Actions on a repository, such as ecr:DescribeImages."""
    effect: Effect = Effect.ALLOW
    """Whether it allows or denies."""
    conditions: Mapping[str, Mapping[str, str | tuple[str, ...]]] = field(
        default_factory=dict, hash=False
    )
    """Operator, then condition key, then value or values, as in a policy document."""
    sid: str | None = None
    """A name, for people."""

    def __post_init__(self) -> None:
        refuse(self._problems())
        object.__setattr__(self, "principals", tuple(self.principals))
        object.__setattr__(self, "actions", tuple(self.actions))
        object.__setattr__(self, "effect", Effect(self.effect))
        conditions = {
            operator: MappingProxyType(
                {k: v if isinstance(v, str) else tuple(v) for k, v in keys.items()}
            )
            for operator, keys in self.conditions.items()
        }
        object.__setattr__(self, "conditions", MappingProxyType(conditions))

    def _problems(self) -> Iterator[Problem]:
        yield from within(("principals",), sequence("principals", self.principals, Principal))
        if self.principals in ((), []):
            yield Problem("a policy statement needs at least one principal", ("principals",))
        yield from within(("actions",), texts("actions", self.actions))
        if self.actions in ((), []):
            yield Problem("a policy statement needs at least one action", ("actions",))
        yield from within(("effect",), member("effect", self.effect, list(Effect)))
        if isinstance(self.actions, list | tuple):
            for index, action in enumerate(self.actions):
                if isinstance(action, str) and action and not is_token(action):
                    yield from within(("actions", index), _action_problems(action, self.effect))
        if self.sid is not None:
            yield from within(("sid",), text("sid", self.sid))
        yield from within(("conditions",), _condition_problems(self.conditions))

    def render(self) -> dict[str, object]:
        """The statement as AWS writes it, in AWS's key order."""
        statement = {
            "Sid": self.sid,
            "Effect": str(self.effect),
            "Principal": render_principals(self.principals),
            "Action": self.actions[0] if len(self.actions) == 1 else list(self.actions),
            "Condition": {
                operator: {k: v if isinstance(v, str) else list(v) for k, v in keys.items()}
                for operator, keys in self.conditions.items()
            },
        }
        return {key: value for key, value in statement.items() if value}


def _action_problems(action: str, effect: str) -> Iterator[Problem]:
    matched = [known for known in REPOSITORY_ACTIONS if fnmatchcase(known, action)]
    if action == "ecr:GetAuthorizationToken":
        yield Problem(
            "ecr:GetAuthorizationToken has no effect in a repository policy;"
            " allow it in an IAM policy of the principal"
        )
    elif len(matched) == len(REPOSITORY_ACTIONS) and effect == Effect.ALLOW:
        yield Problem(f"an allowed action must not stand for all of ECR, got {shown(action)}")
    elif not (matched or action == "*") or not (_ACTION.fullmatch(action) or action == "*"):
        yield Problem(
            f"action must be one that a repository has, got {shown(action)}"
            f"{did_you_mean(action, REPOSITORY_ACTIONS)}"
        )


def _condition_problems(conditions: object) -> Iterator[Problem]:
    if not isinstance(conditions, Mapping):
        yield wrong_type("conditions", "a mapping of operators", conditions)
        return
    for operator, keys in conditions.items():
        if not isinstance(keys, Mapping) or not keys:
            yield wrong_type("a condition", "an operator with condition keys", keys)
            continue
        for key, value in keys.items():
            path = (str(operator), str(key))
            if not isinstance(value, str):
                yield from within(path, texts(f"values of {key}", value))
            if value in ((), [], ""):
                yield Problem(f"condition {shown(key)} needs a value, got none", path)


def repository_policy_document(statements: Sequence[PolicyStatement]) -> dict[str, object]:
    """The repository policy as AWS writes it."""
    return {"Version": "2012-10-17", "Statement": [s.render() for s in statements]}


def repository_policy_text(statements: Sequence[PolicyStatement]) -> str:
    """The repository policy as it is handed to Terraform."""
    return json_text(repository_policy_document(statements))


def repository_policy_problems(statements: Sequence[PolicyStatement]) -> Iterator[Problem]:
    """Check what the statements of one policy owe each other: their length as JSON."""
    wrong = list(sequence("repository_policy_statements", statements, PolicyStatement))
    yield from wrong
    if wrong:
        return
    length = sent_length(repository_policy_document(statements))
    if length > MAX_POLICY_LENGTH:
        limit = f"a repository policy must be at most {MAX_POLICY_LENGTH} characters as JSON"
        yield Problem(f"{limit}, got {length}")


@lru_cache(maxsize=1024)
def grant_statements(
    *,
    pull: tuple[Principal, ...] = (),
    push: tuple[Principal, ...] = (),
    pull_push: tuple[Principal, ...] = (),
) -> tuple[PolicyStatement, ...]:
    """The statements that let principals pull, push, or do both: one for each that is needed."""
    return tuple(
        PolicyStatement(sid=sid, principals=tuple(dict.fromkeys(principals)), actions=actions)
        for sid, principals, actions in (
            ("Pull", (*pull, *pull_push), PULL_ACTIONS),
            ("Push", (*push, *pull_push), PUSH_ACTIONS),
        )
        if principals
    )


class RepositoryPolicy(Construct):
    """The policy of a repository. A repository has at most one.

    :param repository_name: the name of the repository, or a token.
    :param statements: at least one; together at most 10,240 characters as JSON.
    :raises ValueError: for a name that no repository has, and for statements that ECR would refuse
        together.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        repository_name: str,
        statements: Sequence[PolicyStatement],
    ) -> None:
        problems = [
            *repository_name_problems(repository_name),
            *repository_policy_problems(statements),
        ]
        if not statements:
            problems.append(Problem("a repository policy takes at least one statement, got none"))
        refuse(problems)
        super().__init__(scope, id_)
        EcrRepositoryPolicy(
            self,
            "Resource",
            repository=repository_name,
            policy=repository_policy_text(statements),
        )
