from typing import Any

import pytest

from ecr_constructs import Registry
from ecr_constructs.lockout import DENIED_BUT, LOCKOUT
from ecr_constructs.policy_risk import policy_risks

HOME = Registry(account_id="111111111111", region="ap-northeast-2")
CHINA = Registry(account_id="111111111111", region="cn-north-1")
ROLE = "arn:aws:iam::111111111111:role/team/terraform"
NEEDED = ["ecr:DescribeRepositories", "ecr:GetRepositoryPolicy", "ecr:SetRepositoryPolicy"]


def found(
    registry: Registry | None = HOME, deployer: str | None = ROLE, **members: Any
) -> list[Any]:
    denial = {"Effect": "Deny", "Principal": "*", "Action": "ecr:*", **members}
    if "NotAction" in members:
        del denial["Action"]
    if "NotPrincipal" in members:
        del denial["Principal"]
    document = {"Statement": [denial]}
    return [p.check for p in policy_risks(document, registry=registry, deployer=deployer)]


@pytest.mark.parametrize("action", NEEDED)
def test_whoever_deploys_needs(action: str) -> None:
    assert found(Action=action) == [LOCKOUT]
    assert found(NotAction=[other for other in NEEDED if other != action]) == [LOCKOUT]


def test_nobody_has_to_delete_the_policy() -> None:
    assert found(Action=["ecr:DeleteRepositoryPolicy", "ecr:DeleteRepository"]) == []
    assert found(NotAction=NEEDED) == []


@pytest.mark.parametrize(
    ("who", "is_he"),
    [
        ({"AWS": "*"}, True),
        ({"AWS": ["222222222222", ROLE]}, True),
        ({"AWS": "111111111111"}, True),
        ({"AWS": "arn:aws:iam::111111111111:root"}, True),
        ({"AWS": "arn:aws:sts::111111111111:assumed-role/terraform/apply"}, True),
        ({"AWS": "arn:aws:sts::111111111111:assumed-role/team/terraform"}, False),
        ({"AWS": "arn:aws:sts::222222222222:assumed-role/terraform/apply"}, False),
        ({"AWS": "arn:aws:iam::111111111111:role/terraform"}, False),
        ({"AWS": "222222222222"}, False),
        ({"Service": "codebuild.amazonaws.com"}, False),
    ],
)
def test_a_denial_is_about_whoever_deploys(who: Any, is_he: bool) -> None:
    assert found(Principal=who) == [LOCKOUT] * is_he


def test_a_session_of_an_unknown_role_is_another_one() -> None:
    session = {"AWS": "arn:aws:sts::111111111111:assumed-role/terraform/apply"}
    assert found(deployer=None, Principal=session) == []
    assert found(deployer="${aws_iam_role.terraform.arn}", Principal=session) == []


@pytest.mark.parametrize(
    "spared", ["*", ROLE, [ROLE, "111111111111"], [ROLE, "arn:aws:iam::111111111111:root"]]
)
@pytest.mark.parametrize("registry", [None, HOME])
def test_who_is_spared_by_notprincipal_may_be_denied(
    spared: Any, registry: Registry | None
) -> None:
    assert found(registry, NotPrincipal={"AWS": spared}) == [DENIED_BUT]
    assert found(registry, NotPrincipal={"AWS": spared}, Action="ecr:PutImage") == []
    never = {"Bool": {"aws:SecureTransport": "false"}}
    assert found(registry, NotPrincipal={"AWS": spared}, Condition=never) == []


@pytest.mark.parametrize(("registry", "count"), [(None, 0), (HOME, 1), (CHINA, 0)])
def test_a_denial_of_an_account_shuts_it_out(registry: Registry | None, count: int) -> None:
    condition = {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::111111111111:*"}}
    assert found(registry, deployer=None, Condition=condition) == [LOCKOUT] * count


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"StringNotEquals": {"aws:RequestedRegion": "us-east-1"}}, True),
        ({"StringNotEquals": {"aws:RequestedRegion": ["us-east-1", "ap-northeast-2"]}}, False),
        ({"Bool": {"aws:ViaAWSService": "false"}}, True),
        ({"Null": {"aws:CalledVia": "true"}}, True),
        ({"Null": {"aws:CalledViaFirst": "true"}}, True),
        ({"Null": {"aws:CalledViaLast": "true"}}, True),
        ({"StringEquals": {"aws:PrincipalType": "AssumedRole"}}, True),
        ({"StringNotEquals": {"aws:PrincipalType": "AssumedRole"}}, False),
        ({"StringNotEquals": {"aws:username": "alice"}}, True),
        ({"StringEquals": {"aws:username": "alice"}}, False),
        ({"StringNotEquals": {"aws:PrincipalOrgID": "o-*"}}, True),
        ({"StringNotLike": {"aws:PrincipalOrgID": "o-*"}}, False),
        ({"StringNotEquals": {"aws:SourceVpce": "vpce-*"}}, True),
    ],
)
def test_what_is_known_of_a_call_is_heeded(condition: dict[str, Any], holds: bool) -> None:
    assert found(Condition=condition) == [LOCKOUT] * holds
