"""Repository policy: who may do what with a repository, as the repository's side sees it."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import ClassVar

from cdktf_cdktf_provider_aws.ecr_repository_policy import EcrRepositoryPolicy
from constructs import Construct

from ecr_constructs.checks import (
    Check,
    Choice,
    Problem,
    TextForm,
    did_you_mean,
    is_token,
    refuse,
    sent_length,
    sequence,
    shown,
    with_strangers,
    within,
    wrong_type,
)
from ecr_constructs.condition import (
    Conditions,
    condition_problems,
    frozen,
    render_conditions,
)
from ecr_constructs.principal import Principal, together
from ecr_constructs.registry import REPOSITORY_NAME, Registry
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

# What is known of images without pulling them: metadata and what was found in them.
READ_ACTIONS = (
    "ecr:DescribeImageReplicationStatus",
    "ecr:DescribeImages",
    "ecr:DescribeImageScanFindings",
    "ecr:DescribeRepositories",
    "ecr:GetLifecyclePolicy",
    "ecr:GetRepositoryPolicy",
    "ecr:ListImages",
    "ecr:ListTagsForResource",
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

LOGIN_ACTIONS = ("ecr:GetAuthorizationToken", "ecr-public:GetAuthorizationToken")
_ACTION = re.compile(r"[a-z-]+:[A-Za-z*?]+|\*")


class Effect(StrEnum):
    """Whether a statement allows or denies."""

    ALLOW = "Allow"
    DENY = "Deny"


EFFECT = Choice(
    what="effect", source="IAM user guide, policy elements: Effect", options=list(Effect)
)
SID = TextForm(
    what="sid",
    source="ECR user guide: a repository's policy takes spaces, which IAM's does not; unknown"
    " whether an empty text and control characters pass: refused",
)
NO_PRINCIPAL = Check(
    "a policy statement needs at least one principal", "IAM user guide, policy elements: Principal"
)
NO_ACTION = Check(
    "a policy statement needs at least one action", "IAM user guide, policy elements: Action"
)
ACTION = Check(
    "action must be one that a repository has, in AWS's spelling",
    "IAM service authorization reference, resource type `repository`; unknown whether others pass:"
    " refused",
)
CONDITION_TWICE = Check(
    "a condition must not be the one by which a principal is narrowed",
    "IAM user guide, policy elements: Condition; a key is there once for each operator",
    "leave it to the principal",
)
LOGIN_ACTION = Check(
    "GetAuthorizationToken has no effect in the policy of a repository or registry",
    "IAM service authorization reference: no resource type; unknown whether ECR refuses it",
    "allow it in an IAM policy of the principal",
)
ALL_ACTIONS = Check(
    "an allowed action must not stand for all of ECR",
    "this project: nobody is granted `ecr:*`",
    "list the actions that are needed",
)
POLICY_BY_WILDCARD = Check(
    "an allowance must not take in SetRepositoryPolicy by a wildcard, as who sets the policy may do"
    " everything",
    "this project: least privilege",
    "write the actions out",
)
POLICY_LENGTH = Check(
    f"a repository policy must be at most {MAX_POLICY_LENGTH} characters as JSON",
    "ECR API, `RepositoryPolicyText`",
)
NO_STATEMENT = Check(
    "a repository policy takes at least one statement", "IAM user guide, policy elements: Statement"
)


@dataclass(frozen=True, kw_only=True)
class Statement:
    """What every statement of a policy of ECR's says. `PolicyStatement` tells of each."""

    principals: tuple[Principal, ...]
    """Whom the statement is about; at least one."""
    actions: tuple[str, ...]
    """Actions on a repository, such as ecr:DescribeImages."""
    effect: Effect = Effect.ALLOW
    """Whether it allows or denies."""
    conditions: Conditions = field(default_factory=dict, hash=False)
    """Operator, then condition key, then value or values, as in a policy document."""
    sid: str | None = None
    """A name, for people."""

    known_actions: ClassVar[tuple[str, ...]] = REPOSITORY_ACTIONS

    def __post_init__(self) -> None:
        refuse(self._problems())
        object.__setattr__(self, "principals", tuple(self.principals))
        object.__setattr__(self, "actions", tuple(self.actions))
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
        wrong = list(within(("conditions",), condition_problems(self.conditions)))
        yield from wrong
        if not wrong and isinstance(self.principals, list | tuple):
            yield from within(("conditions",), self._repeated_conditions())
        if not isinstance(self.actions, list | tuple):
            yield wrong_type("actions", "a list", self.actions)._replace(path=("actions",))
            return
        for index, action in enumerate(self.actions):
            found = action_problems(action, self.effect, self.known_actions)
            yield from within(("actions", index), found)
        several = [action for action in self.actions if isinstance(action, str)]
        alone = max((len(matching(a, self.known_actions)) for a in several), default=0)
        whole = {known for action in several for known in matching(action, self.known_actions)}
        if self.effect == Effect.ALLOW and alone < len(whole) == len(self.known_actions):
            yield ALL_ACTIONS.problem(", ".join(map(shown, several)), ("actions",))

    def _repeated_conditions(self) -> Iterator[Problem]:
        known = [p for p in self.principals if isinstance(p, Principal)]
        for group in together(known):
            for operator, keys in group.conditions.items():
                lowered = {key.lower(): key for key in self.conditions.get(operator, {})}
                for key in keys:
                    if key.lower() in lowered:
                        path = (operator, lowered[key.lower()])
                        yield CONDITION_TWICE.problem(shown(lowered[key.lower()]), path)

    def problems_in(self, registry: Registry) -> Iterator[Problem]:
        """Check what depends on where the registry is."""
        for index, principal in enumerate(self.principals):
            yield from within(("principals", index), principal.problems_in(registry))

    def _rendered(self, resources: Sequence[str] = ()) -> list[dict[str, object]]:
        """The statement as AWS writes it, in AWS's key order: one for each kind of principals."""
        return [
            {
                key: value
                for key, value in {
                    "Sid": self.sid,
                    "Effect": str(self.effect),
                    "Principal": group.element,
                    "Action": _one_or_all(self.actions),
                    "Resource": _one_or_all(resources),
                    "Condition": render_conditions(_both(self.conditions, group.conditions)),
                }.items()
                if value
            }
            for group in together(self.principals)
        ]


def _both(one: Conditions, other: Conditions) -> Conditions:
    """Two conditions, of which each has to hold."""
    operators = dict.fromkeys((*one, *other))
    return {name: {**one.get(name, {}), **other.get(name, {})} for name in operators}


def _one_or_all(values: Sequence[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else list(values)


@dataclass(frozen=True, kw_only=True)
class PolicyStatement(Statement):
    """A statement of a repository policy. It never has a `Resource`: that is the repository.

    :param principals: whom it is about; at least one.
    :param actions: actions on a repository, such as `ecr:DescribeImages`, in AWS's spelling; `*`
        and `?` stand for any characters. At least one. Allowing every action is refused.
    :param effect: `Allow` by default.
    :param conditions: operator -> condition key -> value or values, as in a policy document: IAM's
        operators, and values of the form that the operator takes.
    :param sid: a name, for people.
    :raises ValueError: for an action that no repository has, one that stands for all of ECR, and
        conditions that IAM would refuse. Whether ECR takes an action in another spelling, or one
        that no repository has, is unknown, so it is refused.
    """

    def render(self) -> list[dict[str, object]]:
        """The statement as AWS writes it, in AWS's key order: one for each kind of principals."""
        return self._rendered()


def matching(action: str, actions: Iterable[str]) -> list[str]:
    """The actions that one with `*` and `?` for any characters stands for."""
    return [known for known in actions if fnmatchcase(known, action)]


def takes_in_policy(action: str, actions: Iterable[str]) -> bool:
    """Whether an action with wildcards stands for the one that sets the policy, among others."""
    found = matching(action, actions) if set(action) & {"*", "?"} else ()
    return any(name.lower().endswith(":setrepositorypolicy") for name in found)


def action_problems(
    action: object, effect: str, actions: Sequence[str] = REPOSITORY_ACTIONS
) -> Iterator[Problem]:
    """Check an action of a statement that is about repositories.

    :param actions: those that there are.
    """
    if not isinstance(action, str):
        yield wrong_type("action", "text", action)
        return
    if is_token(action):
        return
    matched = matching(action, actions)
    if action in LOGIN_ACTIONS:
        yield LOGIN_ACTION.problem(shown(action))
    elif not _ACTION.fullmatch(action) or not (matched or action == "*"):
        hint = did_you_mean(action, actions)
        yield ACTION.problem(with_strangers(action), hint=hint)
    elif effect == Effect.ALLOW and (action == "*" or len(matched) == len(actions)):
        yield ALL_ACTIONS.problem(shown(action))
    elif effect == Effect.ALLOW and takes_in_policy(action, actions):
        yield POLICY_BY_WILDCARD.problem(shown(action))


def repository_policy_document(statements: Sequence[PolicyStatement]) -> dict[str, object]:
    """The repository policy as AWS writes it."""
    rendered = [part for statement in statements for part in statement.render()]
    return {"Version": "2012-10-17", "Statement": rendered}


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
        yield POLICY_LENGTH.problem(str(length))


@lru_cache(maxsize=1024)
def grant_statements(
    *,
    pull: tuple[Principal, ...] = (),
    push: tuple[Principal, ...] = (),
    pull_push: tuple[Principal, ...] = (),
    read: tuple[Principal, ...] = (),
) -> tuple[PolicyStatement, ...]:
    """The statements that let principals pull, push, both or read: one for each that is needed.

    A Sid names the grant and, where it is narrowed by a condition, the kind of the principals.
    """
    return tuple(
        PolicyStatement(sid=f"{sid}{group.kind}", principals=group.members, actions=actions)
        for sid, principals, actions in (
            ("Pull", (*pull, *pull_push), PULL_ACTIONS),
            ("Push", (*push, *pull_push), PUSH_ACTIONS),
            ("Read", read, READ_ACTIONS),
        )
        for group in together(principals)
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
            *REPOSITORY_NAME.problems(repository_name),
            *repository_policy_problems(statements),
        ]
        if not statements:
            problems.append(NO_STATEMENT.problem("none"))
        refuse(problems)
        super().__init__(scope, id_)
        EcrRepositoryPolicy(
            self,
            "Resource",
            repository=repository_name,
            policy=repository_policy_text(statements),
        )
