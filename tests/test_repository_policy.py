import json

import boto3
import pytest
from cdktf import TerraformStack
from conftest import Resources

from ecr_constructs import (
    Effect,
    InvalidValueError,
    PolicyStatement,
    Principal,
    Registry,
    RepositoryPolicy,
)
from ecr_constructs.action import PULL_ACTIONS, PUSH_ACTIONS, REPOSITORY_ACTIONS
from ecr_constructs.checks import sent_length
from ecr_constructs.repository_policy import grant_statements, repository_policy_document

ROLE = Principal(role="arn:aws:iam::111111111111:role/ci")
ACCOUNT = Principal(account="222222222222")
LIST = ("ecr:ListImages",)


def test_renders_in_the_order_of_aws_without_a_resource() -> None:
    statement = PolicyStatement(
        sid="Audit",
        principals=(ROLE, ACCOUNT),
        actions=("ecr:ListImages", "ecr:DescribeImages"),
        effect=Effect.DENY,
        conditions={"StringEquals": {"aws:PrincipalTag/team": "audit", "aws:x": ("1", "2")}},
    )
    expected = {
        "Sid": "Audit",
        "Effect": "Deny",
        "Principal": {"AWS": ["arn:aws:iam::111111111111:role/ci", "222222222222"]},
        "Action": ["ecr:ListImages", "ecr:DescribeImages"],
        "Condition": {"StringEquals": {"aws:PrincipalTag/team": "audit", "aws:x": ["1", "2"]}},
    }
    assert json.dumps(statement.render()) == json.dumps([expected])


def test_grants_exactly_what_docker_calls() -> None:
    pull, push = grant_statements(pull=(ROLE,), push=(ACCOUNT,), pull_push=(ROLE,))
    assert pull.actions == PULL_ACTIONS
    assert pull.principals == (ROLE,)
    assert push.actions == PUSH_ACTIONS
    assert push.principals == (ACCOUNT, ROLE)
    assert grant_statements() == ()


def test_grants_to_the_same_principals_are_one_statement() -> None:
    [both] = grant_statements(pull_push=(ROLE, ACCOUNT))
    assert (both.sid, both.principals) == ("PullPush", (ROLE, ACCOUNT))
    assert both.actions == tuple(dict.fromkeys((*PULL_ACTIONS, *PUSH_ACTIONS)))
    [everything] = grant_statements(
        pull=(ACCOUNT, ROLE), push=(ROLE,), pull_push=(ACCOUNT,), read=(ROLE, ACCOUNT)
    )
    assert (everything.sid, everything.principals) == ("PullPushRead", (ACCOUNT, ROLE))
    unit = Principal(organization="o-a1b2c3d4e5")
    found = grant_statements(pull=(unit,), pull_push=(ROLE,), read=(unit,))
    assert [s.sid for s in found] == ["PullReadOrganization", "PullPush"]


def test_every_action_is_an_operation_of_the_api() -> None:
    client = boto3.client("ecr", region_name="us-east-1")
    operations = set(client.meta.service_model.operation_names)
    # Not operations of their own: they are checked on the way of other calls.
    implied = {"ReplicateImage", "BatchImportUpstreamImage", "GetImageCopyStatus"}
    unknown = {a.removeprefix("ecr:") for a in REPOSITORY_ACTIONS} - operations - implied
    assert unknown <= {"BatchGetRepositoryScanningConfiguration", "DescribeImageSigningStatus"}


def test_counts_characters_as_the_provider_sends_them() -> None:
    assert sent_length({"a": "<é\u2028"}) == len('{"a":"\\u003cé\\u2028"}')


def test_policy_is_one_line_of_json(stack: TerraformStack, resources: Resources) -> None:
    statement = PolicyStatement(principals=(ROLE,), actions=LIST)
    RepositoryPolicy(stack, "Policy", repository_name="a/b", statements=[statement])
    [resource] = resources("aws_ecr_repository_policy")
    assert resource["repository"] == "a/b"
    assert json.loads(resource["policy"]) == repository_policy_document([statement])


def test_statement_cannot_be_changed_from_outside() -> None:
    conditions = {"StringEquals": {"aws:x": ["1"]}}
    statement = PolicyStatement(principals=(ROLE,), actions=LIST, conditions=conditions)  # type: ignore[arg-type]
    conditions["StringEquals"]["aws:x"].append("2")
    assert statement.render()[0]["Condition"] == {"StringEquals": {"aws:x": ["1"]}}
    with pytest.raises(TypeError):
        statement.conditions["Bool"] = {}  # type: ignore[index]


def test_policy_fails_without_statements(stack: TerraformStack) -> None:
    with pytest.raises(ValueError, match=r"repository name must .* takes at least one statement"):
        RepositoryPolicy(stack, "Policy", repository_name="BAD", statements=[])
    assert stack.node.try_find_child("Policy") is None


def test_policy_fails_with_what_nobody_can_have_meant(stack: TerraformStack) -> None:
    half = ("ecr:B*", "ecr:C*", "ecr:D*", "ecr:G*", "ecr:I*", "ecr:L*", "ecr:P*")
    rest = ("ecr:R*", "ecr:SetRepositoryPolicy", "ecr:Start*", "ecr:T*", "ecr:U*")
    parts = [PolicyStatement(principals=(ROLE,), actions=actions) for actions in (half, rest)]
    with pytest.raises(ValueError, match="must not stand for all of ECR, got them all for"):
        RepositoryPolicy(stack, "Policy", repository_name="ab", statements=parts)
    denied = [PolicyStatement(principals=(ACCOUNT,), actions=("ecr:*",), effect=Effect.DENY)]
    here = Registry(account_id="222222222222", region="us-east-1")
    with pytest.raises(ValueError, match="must not shut out whoever deploys"):
        RepositoryPolicy(stack, "Policy", repository_name="ab", statements=denied, registry=here)
    abroad = Principal(role="arn:aws-cn:iam::222222222222:role/ci")
    read = [PolicyStatement(principals=(one,), actions=LIST) for one in (ROLE, abroad)]
    with pytest.raises(InvalidValueError, match="of the AWS partition of the repo") as caught:
        RepositoryPolicy(stack, "Policy", repository_name="ab", statements=read, registry=here)
    assert caught.value.problems[0].path == ("statements", 1, "principals", 0, "role")
    assert stack.node.try_find_child("Policy") is None
    RepositoryPolicy(stack, "Policy", repository_name="ab", statements=denied)
