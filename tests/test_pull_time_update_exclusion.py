import pytest
from cdktf import TerraformStack
from conftest import Resources

from ecr_constructs import InvalidValueError, PullTimeUpdateExclusion

ROLE = "arn:aws:iam::111111111111:role/scanner"


def test_excludes_a_role(stack: TerraformStack, resources: Resources) -> None:
    PullTimeUpdateExclusion(stack, "Scanner", principal_arn=ROLE)
    assert resources("aws_ecr_pull_time_update_exclusion") == [{"principal_arn": ROLE}]


def test_a_role_of_the_stack_is_a_token(stack: TerraformStack, resources: Resources) -> None:
    PullTimeUpdateExclusion(stack, "Scanner", principal_arn="${aws_iam_role.scanner.arn}")
    [resource] = resources("aws_ecr_pull_time_update_exclusion")
    assert resource == {"principal_arn": "${aws_iam_role.scanner.arn}"}


def test_fails_with_a_session(stack: TerraformStack) -> None:
    with pytest.raises(InvalidValueError, match="must be the ARN of an IAM role or user"):
        PullTimeUpdateExclusion(
            stack, "Scanner", principal_arn="arn:aws:sts::111111111111:assumed-role/scanner/me"
        )
    assert stack.node.try_find_child("Scanner") is None
