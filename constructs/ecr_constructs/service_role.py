"""Service role: an IAM role that ECR assumes to act in the account of a registry."""

from collections.abc import Iterator, Mapping, Sequence

from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from constructs import Construct

from ecr_constructs.checks import Check, Problem, is_token, shown
from ecr_constructs.policy_json import policy_of
from ecr_constructs.registry import Registry
from ecr_constructs.terraform_text import json_text

ROLE_ELSEWHERE = Check(
    "the role must be of the account and AWS partition of the {what}",
    "ECR API, `CreatePullThroughCacheRule` and `CreateRepositoryCreationTemplate`",
)


def role_problems_in(registry: Registry, role_arn: str | None, what: str) -> Iterator[Problem]:
    """Check that a role that ECR is to assume is of the registry's account.

    :param what: what names the role.
    """
    known = role_arn is not None and not is_token(role_arn)
    if known and not str(role_arn).startswith(registry.iam_arn("")):
        yield ROLE_ELSEWHERE.problem(shown(role_arn), what=what)


class ServiceRole(Construct):
    """An IAM role that only a part of ECR can assume.

    Terraform ends its name with digits of its own, so that the roles of several Regions, which are
    all of one account, never clash.

    :param registry: the registry whose account it is in.
    :param service: the service principal, such as `ecr.amazonaws.com`.
    :param name_prefix: how its name starts; at most 38 characters (IAM's 64, less Terraform's 26).
    :param description: what it is for.
    :param statements: of the policy that says what it may do, as AWS writes them.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        registry: Registry,
        service: str,
        name_prefix: str,
        description: str,
        statements: Sequence[Mapping[str, object]],
    ) -> None:
        super().__init__(scope, id_)
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sts:AssumeRole",
        }
        role = IamRole(
            self,
            "Resource",
            name_prefix=name_prefix,
            description=description,
            assume_role_policy=json_text(policy_of([trust])),
        )
        text = json_text(policy_of(statements))
        policy = IamRolePolicy(self, "Policy", name="ecr", role=role.name, policy=text)
        # By the policy, so that what names the role is made when it may do what it has to.
        self.role_arn = registry.iam_arn(f"role/{policy.role}")
        """The ARN of the role, with a token."""
