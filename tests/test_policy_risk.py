from typing import Any

import pytest

from ecr_constructs import Registry
from ecr_constructs.policy_risk import (
    EVERYBODY,
    FOREIGN_CHANGES,
    LOCKOUT,
    SERVICE_FOR_EVERYBODY,
    identity_risks,
    policy_risks,
)

HOME = Registry(account_id="111111111111", region="ap-northeast-2")
ROLE = "arn:aws:iam::111111111111:role/terraform"
CHINA = Registry(account_id="111111111111", region="cn-north-1")


def statement(principal: Any, action: str = "ecr:BatchGetImage", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": principal, "Action": action, **more}


@pytest.mark.parametrize(
    "who", ["*", "arn:aws:iam::*:role/ci", "arn:aws:iam::11111111111?:root", "11111111111?"]
)
def test_a_name_with_a_wildcard_is_everybody(who: str) -> None:
    [problem] = policy_risks({"Statement": statement({"AWS": [ROLE, who]})})
    assert (problem.check, problem.path) == (EVERYBODY, ("Statement", 0, "Principal"))


def test_no_account_is_another_one_without_a_registry() -> None:
    foreign = {"Statement": [statement({"AWS": "222222222222"}, "ecr:PutImage")]}
    assert list(policy_risks(foreign)) == []
    assert [p.check for p in policy_risks(foreign, registry=HOME)] == [FOREIGN_CHANGES]
    condition = {"StringEquals": {"aws:SourceAccount": "222222222222"}}
    service = statement({"Service": "codebuild.amazonaws.com"}, "ecr:PutImage", Condition=condition)
    assert list(policy_risks({"Statement": [service]})) == []
    assert [p.check for p in policy_risks({"Statement": service}, registry=HOME)] == [
        FOREIGN_CHANGES
    ]


def test_an_organization_is_another_one_anywhere() -> None:
    condition = {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}
    found = policy_risks({"Statement": [statement("*", "ecr:PutImage", Condition=condition)]})
    assert [p.check for p in found] == [FOREIGN_CHANGES]


def test_a_hint_goes_before_the_excuse() -> None:
    condition = {"StringLike": {"aws:SourceArn": "arn:aws:codebuild:*:111111111111:project/*"}}
    service = statement({"Service": "codebuild.amazonaws.com"}, Condition=condition)
    [problem] = policy_risks({"Statement": [service]})
    assert problem.check is SERVICE_FOR_EVERYBODY
    assert problem.sentence.endswith(
        "; add a condition such as aws:SourceArn, or write ArnLike, whose '*' stays in its part of"
        " the ARN, or say 'public_access' and why"
    )
    [plain] = policy_risks({"Statement": [service]}, excusable=False)
    assert plain.sentence.endswith("its part of the ARN")


@pytest.mark.parametrize(("registry", "found"), [(None, 0), (HOME, 1), (CHINA, 0)])
def test_a_denial_of_an_account_shuts_it_out(registry: Registry | None, found: int) -> None:
    condition = {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::111111111111:*"}}
    denied = {"Effect": "Deny", "Principal": "*", "Action": "ecr:*", "Condition": condition}
    risks = list(policy_risks({"Statement": [denied]}, registry=registry))
    assert [p.check for p in risks] == [LOCKOUT] * found


def test_reads_what_is_no_policy_without_an_error() -> None:
    for document in ({}, {"Statement": None}, {"Statement": ["x", {"Effect": 1, "Action": [1]}]}):
        assert list(policy_risks(document)) == []


def test_a_policy_of_somebodys_own_is_about_him() -> None:
    allowed = {"Effect": "Allow", "Action": "ecr:*", "Resource": "*"}
    [problem] = identity_risks([{**allowed, "Effect": "Deny"}, allowed], {"AWS": "the role"})
    assert problem.path == (1, "Action")
    assert not problem.sentence.endswith("why")
