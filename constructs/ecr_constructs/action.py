"""Action: what is done with a repository, by the names that policies have for it."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ecr_constructs.checks import (
    Check,
    Problem,
    did_you_mean,
    is_token,
    shown,
    with_strangers,
    wrong_type,
)
from ecr_constructs.wildcard import is_like

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

# What tells of images, and what downloads them. Everything else changes something.
_READING = re.compile(r"ecr:(?:BatchCheck|BatchGet|Describe|Get|List|StartLifecyclePolicyPreview)")

# The same of ECR Public: what `docker push` calls, and what everybody may do.
PUBLIC_PUSH_ACTIONS = (
    "ecr-public:BatchCheckLayerAvailability",
    "ecr-public:CompleteLayerUpload",
    "ecr-public:InitiateLayerUpload",
    "ecr-public:PutImage",
    "ecr-public:UploadLayerPart",
)
PUBLIC_READ_ACTIONS = (
    "ecr-public:BatchCheckLayerAvailability",
    "ecr-public:DescribeImageTags",
    "ecr-public:DescribeImages",
    "ecr-public:DescribeRepositories",
    "ecr-public:GetRepositoryCatalogData",
    "ecr-public:GetRepositoryPolicy",
    "ecr-public:ListTagsForResource",
)
PUBLIC_REPOSITORY_ACTIONS = (
    *PUBLIC_READ_ACTIONS,
    "ecr-public:BatchDeleteImage",
    "ecr-public:CompleteLayerUpload",
    "ecr-public:CreateRepository",
    "ecr-public:DeleteRepository",
    "ecr-public:DeleteRepositoryPolicy",
    "ecr-public:InitiateLayerUpload",
    "ecr-public:PutImage",
    "ecr-public:PutRepositoryCatalogData",
    "ecr-public:SetRepositoryPolicy",
    "ecr-public:TagResource",
    "ecr-public:UntagResource",
    "ecr-public:UploadLayerPart",
)

# What no action is called -> those that it stands for.
_OTHERS = {
    re.compile(r"(?i)(?:ecr:)?pull(?:images?)?"): ("pull", PULL_ACTIONS),
    re.compile(r"(?i)(?:ecr:)?push(?:images?)?"): ("push", PUSH_ACTIONS),
}
LOGIN_ACTIONS = ("ecr:GetAuthorizationToken", "ecr-public:GetAuthorizationToken")
_FORM = re.compile(r"[a-z-]+:[A-Za-z*?]+|\*")
_POLICY = ":setrepositorypolicy"

NO_ACTION = Check(
    "a policy statement needs at least one action", "IAM user guide, policy elements: Action"
)
ACTION = Check(
    "action must be one that a repository has, in AWS's spelling",
    "IAM service authorization reference, resource type `repository`; unknown whether others pass:"
    " refused",
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


@dataclass(frozen=True, kw_only=True)
class ActionSet:
    """The actions that a repository has, by what they do to it."""

    every: tuple[str, ...]
    """All that there are."""
    changing: tuple[str, ...]
    """What does more than read and pull."""
    pushing: tuple[str, ...]
    """What brings images."""
    owner: tuple[str, ...]
    """What Terraform needs to read and to mend the policy."""


# Without `ecr:DeleteRepositoryPolicy` Terraform can still set another policy, and one that nobody
# but some may take away is a sensible one.
PRIVATE = ActionSet(
    every=REPOSITORY_ACTIONS,
    changing=tuple(action for action in REPOSITORY_ACTIONS if not _READING.match(action)),
    pushing=(*PUSH_ACTIONS, "ecr:BatchImportUpstreamImage"),
    owner=("ecr:DescribeRepositories", "ecr:GetRepositoryPolicy", "ecr:SetRepositoryPolicy"),
)
PUBLIC = ActionSet(
    every=PUBLIC_REPOSITORY_ACTIONS,
    changing=tuple(one for one in PUBLIC_REPOSITORY_ACTIONS if one not in PUBLIC_READ_ACTIONS),
    pushing=PUBLIC_PUSH_ACTIONS,
    # Nobody can be denied to read.
    owner=("ecr-public:SetRepositoryPolicy",),
)


@lru_cache(maxsize=4096)
def matching(action: str, actions: tuple[str, ...]) -> tuple[str, ...]:
    """The actions that one with `*` and `?` for any characters stands for."""
    return tuple(known for known in actions if is_like(known, action))


@lru_cache(maxsize=4096)
def heeded(action: str, actions: tuple[str, ...] = REPOSITORY_ACTIONS) -> tuple[str, ...]:
    """The actions that IAM takes one for: the same in any case."""
    return tuple(known for known in actions if is_like(known.lower(), action.lower()))


def covered(actions: Iterable[str], known: tuple[str, ...] = REPOSITORY_ACTIONS) -> list[str]:
    """The actions that several stand for."""
    return list(dict.fromkeys(name for action in actions for name in heeded(action, known)))


def action_problems(
    action: object, actions: tuple[str, ...] = REPOSITORY_ACTIONS
) -> Iterator[Problem]:
    """Check an action of a statement that is about repositories.

    :param actions: those that there are.
    """
    if not isinstance(action, str):
        yield wrong_type("action", "text", action)
    elif is_token(action):
        return
    elif action in LOGIN_ACTIONS:
        yield LOGIN_ACTION.problem(shown(action))
    elif not _FORM.fullmatch(action) or not matching(action, actions):
        hint = _meant(action, actions) or did_you_mean(action, actions)
        yield ACTION.problem(with_strangers(action), hint=hint)


def _meant(action: str, actions: tuple[str, ...]) -> str:
    """What somebody may do by several actions, or nothing."""
    found = (meant for form, meant in _OTHERS.items() if form.fullmatch(action))
    for grant, several in found:
        if set(several) <= set(actions):
            return f"; grant '{grant}' instead, or write {', '.join(several)}"
    return ""


def allowance_problems(
    actions: Sequence[str], known: tuple[str, ...] = REPOSITORY_ACTIONS
) -> Iterator[Problem]:
    """Check what somebody is allowed together: not everything, nor the policy by a wildcard.

    :param known: the actions that there are.
    """
    if len(covered(actions, known)) == len(known):
        yield ALL_ACTIONS.problem(", ".join(map(shown, actions)))
        return
    for index, action in enumerate(actions):
        wild = "*" in action or "?" in action
        if wild and any(name.lower().endswith(_POLICY) for name in heeded(action, known)):
            yield POLICY_BY_WILDCARD.problem(shown(action), (index,))
