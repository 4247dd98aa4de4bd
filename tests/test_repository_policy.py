import json
from typing import Any

import boto3
import pytest
from cdktf import TerraformStack
from conftest import Resources

from ecr_constructs import Effect, PolicyStatement, Principal, RepositoryPolicy
from ecr_constructs.checks import refuse, sent_length
from ecr_constructs.repository_policy import (
    PULL_ACTIONS,
    PUSH_ACTIONS,
    REPOSITORY_ACTIONS,
    grant_statements,
    repository_policy_document,
    repository_policy_problems,
)

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
    assert json.dumps(statement.render()) == json.dumps(expected)


def test_grants_exactly_what_docker_calls() -> None:
    pull, push = grant_statements(pull=(ROLE,), push=(ACCOUNT,), pull_push=(ROLE,))
    assert pull.actions == PULL_ACTIONS
    assert pull.principals == (ROLE,)
    assert push.actions == PUSH_ACTIONS
    assert push.principals == (ACCOUNT, ROLE)
    assert grant_statements() == ()


def test_every_action_is_an_operation_of_the_api() -> None:
    client = boto3.client("ecr", region_name="us-east-1")
    operations = set(client.meta.service_model.operation_names)
    # Not operations of their own: they are checked on the way of other calls.
    implied = {"ReplicateImage", "BatchImportUpstreamImage", "GetImageCopyStatus"}
    unknown = {a.removeprefix("ecr:") for a in REPOSITORY_ACTIONS} - operations - implied
    assert unknown <= {"BatchGetRepositoryScanningConfiguration", "DescribeImageSigningStatus"}


@pytest.mark.parametrize(
    "action", ["ecr:PutImage", "ecr:Get*", "ecr:Describe*", "ecr:*Image", "ecr:?utImage"]
)
def test_takes_the_action(action: str) -> None:
    assert PolicyStatement(principals=(ROLE,), actions=(action,)).actions == (action,)


def test_may_deny_everything() -> None:
    PolicyStatement(principals=(ROLE,), actions=("ecr:*",), effect=Effect.DENY)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"actions": ("ecr:*",)}, r"must not stand for all of ECR, got 'ecr:\*'"),
        ({"actions": ("*",)}, r"must not stand for all of ECR, got '\*'"),
        ({"actions": ("ecr:?*",)}, "must not stand for all of ECR"),
        ({"actions": ("ecr:PutImages",)}, "did you mean 'ecr:PutImage'"),
        ({"actions": ("ecr:putimage",)}, "did you mean 'ecr:PutImage'"),
        ({"actions": ("s3:GetObject",)}, "action must be one that a repository has"),
        ({"actions": ("ecr:GetAuthorizationToken",)}, "has no effect in a repository policy"),
        ({"actions": ()}, "needs at least one action"),
        ({"actions": "ecr:ListImages"}, "actions must be a list of text"),
        ({"principals": ()}, "needs at least one principal"),
        ({"principals": ("*",)}, "principals must hold Principal values"),
        ({"principals": ROLE}, "principals must be a list of Principal values"),
        ({"effect": "allow"}, "effect must be one of Allow, Deny"),
        ({"sid": 1}, "sid must be text, got 1"),
        ({"sid": ""}, "sid must not be empty"),
        ({"conditions": {"StringEquals": {"aws:x": []}}}, "condition 'aws:x' needs a value"),
        ({"conditions": {"StringEquals": "x"}}, "must be an operator with condition keys"),
        ({"conditions": {"StringEquals": {"aws:x": 1}}}, "values of aws:x must be a list of text"),
        ({"conditions": []}, "conditions must be a mapping"),
    ],
)
def test_fails_with(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        PolicyStatement(**{"principals": (ROLE,), "actions": LIST, **given})


def test_fails_with_a_policy_that_is_too_long() -> None:
    statement = PolicyStatement(sid="x" * 10_240, principals=(ROLE,), actions=LIST)
    with pytest.raises(ValueError, match="at most 10240 characters as JSON, got 103"):
        refuse(repository_policy_problems([statement]))


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
    assert statement.render()["Condition"] == {"StringEquals": {"aws:x": ["1"]}}
    with pytest.raises(TypeError):
        statement.conditions["Bool"] = {}  # type: ignore[index]


def test_policy_fails_without_statements(stack: TerraformStack) -> None:
    with pytest.raises(ValueError, match=r"repository name must .* takes at least one statement"):
        RepositoryPolicy(stack, "Policy", repository_name="BAD", statements=[])
    assert stack.node.try_find_child("Policy") is None
