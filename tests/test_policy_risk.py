import json
from typing import Any

import pytest

from ecr_constructs import InvalidValueError, Principal, Registry, RepositorySettings
from ecr_constructs.action import ALL_ACTIONS, PULL_ACTIONS, PUSH_ACTIONS, REPOSITORY_ACTIONS
from ecr_constructs.policy_risk import (
    ALLOWED_BUT,
    EVERYBODY,
    EVERYBODY_CHANGES,
    FOREIGN_CHANGES,
    FOREIGN_PUSH,
    SERVICE_FOR_EVERYBODY,
    identity_risks,
    policy_risks,
)
from ecr_constructs.repository_policy import grant_statements, repository_policy_document

LATER = "${data.aws_ssm_parameter.who.value}"
HOME = Registry(account_id="111111111111", region="ap-northeast-2")
ROLE = "arn:aws:iam::111111111111:role/terraform"
SESSION_OF_ROLE = "arn:aws:sts::111111111111:assumed-role/terraform/run"
HALF, REST = REPOSITORY_ACTIONS[:20], REPOSITORY_ACTIONS[20:]


def statement(principal: Any, action: Any = "ecr:BatchGetImage", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": principal, "Action": action, **more}


def found(*statements: dict[str, Any], registry: Registry | None = HOME) -> list[Any]:
    return [p.check for p in policy_risks({"Statement": [*statements]}, registry=registry)]


@pytest.mark.parametrize(
    "who", ["*", "arn:aws:iam::*:role/ci", "arn:aws:iam::11111111111?:root", "11111111111?"]
)
def test_a_name_with_a_wildcard_is_everybody(who: str) -> None:
    [problem] = policy_risks({"Statement": statement({"AWS": [ROLE, who]})})
    assert (problem.check, problem.path) == (EVERYBODY, ("Statement", 0, "Principal"))


def test_no_account_is_another_one_without_a_registry() -> None:
    foreign = statement({"AWS": "222222222222"}, "ecr:PutImage")
    assert found(foreign, registry=None) == []
    assert found(foreign) == [FOREIGN_PUSH]
    condition = {"StringEquals": {"aws:SourceAccount": "222222222222"}}
    service = statement({"Service": "codebuild.amazonaws.com"}, "ecr:PutImage", Condition=condition)
    assert found(service, registry=None) == []
    assert found(service) == [FOREIGN_PUSH]


def test_an_organization_is_another_one_anywhere() -> None:
    condition = {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}
    assert found(statement("*", "ecr:PutImage", Condition=condition), registry=None) == [
        FOREIGN_PUSH
    ]


def test_an_account_by_two_names_is_one() -> None:
    twice = {"AWS": ["222222222222", "arn:aws:iam::222222222222:root", "333333333333"]}
    assert found(statement(twice, "ecr:PutImage")) == [FOREIGN_PUSH] * 2


def test_no_value_narrows_nothing() -> None:
    condition: dict[str, Any] = {"StringEquals": {"aws:PrincipalOrgID": []}}
    assert found(statement("*", Condition=condition)) == [EVERYBODY]


def test_an_operator_on_numbers_narrows_nothing() -> None:
    condition = {"NumericEquals": {"aws:PrincipalAccount": "111111111111"}}
    assert found(statement("*", Condition=condition)) == [EVERYBODY]


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"aws:SourceAccount": "222222222222"}},
        {"ArnLike": {"aws:SourceArn": "arn:aws:codebuild:*:222222222222:project/*"}},
        {"StringEquals": {"aws:SourceOrgID": "o-a1b2c3d4e5"}},
        {"ForAnyValue:StringLike": {"aws:SourceOrgPaths": "o-a1b2c3d4e5/*"}},
    ],
)
def test_a_service_acts_for_somebody(condition: dict[str, Any]) -> None:
    assert found(statement({"Service": "codebuild.amazonaws.com"}, Condition=condition)) == []


@pytest.mark.parametrize("action", ["ecr:SetRepositoryPolicy", "ecr:BatchDeleteImage", "ecr:P*"])
def test_to_push_is_not_to_change(action: str) -> None:
    [problem] = policy_risks(
        {"Statement": statement({"AWS": "222222222222"}, ["ecr:PutImage", action])}, registry=HOME
    )
    assert problem.check is FOREIGN_CHANGES
    assert "ecr:PutImage," not in problem.sentence


# Every kind of principals, with a value that is known at deploy time only.
KINDS: list[dict[str, str]] = [
    {"role": LATER},
    {"role": '${aws_iam_role.ci[*].arn == [] ? "a" : "b"}'},
    {"ecs_task_execution_role": LATER},
    {"eks_node_role": LATER},
    {"eks_pod_role": LATER},
    {"ci_role": LATER},
    {"user": LATER},
    {"account": LATER},
    {"organization": LATER},
    {"organizational_unit": LATER},
    {"organizational_unit": f"o-a1b2c3d4e5/r-ab12/{LATER}/*"},
    {"lambda_function": LATER},
    {"lambda_function": f"arn:aws:lambda:ap-northeast-2:{LATER}:function:*"},
    {"service": "codebuild.amazonaws.com", "source_account": LATER},
    {"service": "codebuild.amazonaws.com", "source_arn": LATER},
    {"service": "codebuild.amazonaws.com", "source_arn": f"arn:aws:codebuild:*:{LATER}:project/*"},
    {"service": LATER, "source_account": "222222222222"},
]


@pytest.mark.parametrize("given", KINDS, ids=str)
def test_what_is_known_at_deploy_time_admits_not_everybody(given: dict[str, str]) -> None:
    principal = Principal(**given)
    settings = RepositorySettings(pull=(principal,), read=(principal,))
    assert list(settings.problems_in(HOME)) == []


def test_every_kind_of_principals_is_tried() -> None:
    kinds = {Principal(**given).kind for given in KINDS}
    everything = {f for f in Principal.__dataclass_fields__ if not f.startswith("source_")}
    assert kinds == everything


@pytest.mark.parametrize("given", KINDS, ids=str)
def test_nobody_is_another_one_before_deploy_time(given: dict[str, str]) -> None:
    principal = Principal(**given)
    document = repository_policy_document(grant_statements(push=(principal,)))
    # An organization is one as a whole, whichever it is; so is a service of a foreign account.
    whole = principal.kind.startswith("organization") or principal.source_account == "222222222222"
    expected = [FOREIGN_PUSH] if whole else []
    assert [p.check for p in policy_risks(document, registry=HOME)] == expected


def test_a_variable_of_iam_is_known_before_deploy_time() -> None:
    for value in ("${aws:PrincipalOrgID}", "${aws:PrincipalTag/org}", "o-*"):
        condition = {"StringLike": {"aws:PrincipalOrgID": ["o-a1b2c3d4e5", value]}}
        document = {"Version": "2012-10-17", "Statement": statement("*", Condition=condition)}
        assert [p.check for p in policy_risks(document)] == [EVERYBODY]


CONDITIONS: list[tuple[dict[str, Any], bool]] = [
    # Of the own account, by any of the keys.
    ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::111111111111:role/*"}}, True),
    ({"ArnLike": {"aws:SourceArn": "arn:aws:codebuild:*:111111111111:project/*"}}, True),
    ({"StringEquals": {"aws:PrincipalAccount": "111111111111"}}, True),
    ({"StringEquals": {"aws:SourceAccount": "111111111111"}}, True),
    (
        {
            "StringEquals": {
                "aws:PrincipalAccount": "111111111111",
                "aws:SourceAccount": "222222222222",
            }
        },
        True,
    ),
    ({"StringEquals": {"aws:PrincipalAccount": ["111111111111", "222222222222"]}}, False),
    ({"StringEquals": {"aws:PrincipalAccount": ["111111111111", LATER]}}, True),
    ({"StringEquals": {"aws:PrincipalAccount": ["222222222222", LATER]}}, False),
    # By the whole name of a role, a user or a source.
    ({"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::222222222222:user/ann"}}, True),
    ({"ArnEquals": {"aws:PrincipalArn": ["arn:aws:iam::222222222222:role/a", LATER]}}, True),
    (
        {
            "ArnLike": {
                "aws:PrincipalArn": [
                    "arn:aws:iam::222222222222:role/a",
                    "arn:aws:iam::222222222222:role/b*",
                ]
            }
        },
        False,
    ),
    ({"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::222222222222:root"}}, False),
    ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::222222222222:role/${aws:username}"}}, False),
    ({"ArnEquals": {"aws:SourceArn": "arn:aws:codebuild:eu-west-1:222222222222:project/a"}}, True),
    ({"ArnLike": {"aws:SourceArn": "arn:aws:codebuild:eu-west-1:222222222222:project/?"}}, False),
    (
        {"ArnLike": {"aws:SourceArn": "arn:aws:codebuild:*:222222222222:project/${aws:username}"}},
        False,
    ),
]


@pytest.mark.parametrize(("condition", "is_known"), CONDITIONS)
def test_tells_the_own_account_and_names_from_others(
    condition: dict[str, Any], is_known: bool
) -> None:
    document = {
        "Version": "2012-10-17",
        "Statement": statement("*", "ecr:PutImage", Condition=condition),
    }
    expected = [] if is_known else [FOREIGN_PUSH]
    assert [p.check for p in policy_risks(document, registry=HOME)] == expected


def test_no_service_acts_for_the_root_of_an_account() -> None:
    for account in ("111111111111", "222222222222"):
        condition = {"ArnEquals": {"aws:SourceArn": f"arn:aws:iam::{account}:root"}}
        service = statement({"Service": "codebuild.amazonaws.com"}, Condition=condition)
        assert found(service) == [SERVICE_FOR_EVERYBODY]
        assert found(statement("*", Condition=condition)) == [EVERYBODY]


@pytest.mark.parametrize(
    ("one", "other", "is_one"),
    [
        ({"AWS": ROLE}, {"AWS": [ROLE, "222222222222"]}, True),
        ({"AWS": "111111111111"}, {"AWS": "arn:aws:iam::111111111111:root"}, True),
        # A role has what its account is allowed as well.
        ({"AWS": "arn:aws:iam::111111111111:root"}, {"AWS": ROLE}, True),
        ({"AWS": ROLE}, {"AWS": "111111111111"}, True),
        ({"AWS": ROLE}, {"AWS": "222222222222"}, False),
        ({"AWS": ROLE}, {"AWS": f"{ROLE}-2"}, False),
        ({"Service": "codebuild.amazonaws.com"}, {"Service": "codebuild.amazonaws.com"}, True),
        # A session has what its role is allowed, whatever the path of that, and what everybody is.
        ({"AWS": SESSION_OF_ROLE}, {"AWS": ROLE}, True),
        ({"AWS": ROLE}, {"AWS": SESSION_OF_ROLE}, True),
        ({"AWS": ROLE.replace("role/", "role/team/")}, {"AWS": SESSION_OF_ROLE}, True),
        ({"AWS": f"{ROLE}-2"}, {"AWS": SESSION_OF_ROLE}, False),
        ({"AWS": ROLE.replace("1" * 12, "2" * 12)}, {"AWS": SESSION_OF_ROLE}, False),
        ({"AWS": "111111111111"}, {"AWS": SESSION_OF_ROLE}, True),
        ("*", {"AWS": ROLE}, True),
        ({"AWS": SESSION_OF_ROLE}, {"AWS": "*"}, True),
        ({"AWS": "222222222222"}, "*", True),
        ({"AWS": LATER}, "*", True),
        ("*", {"Service": "codebuild.amazonaws.com"}, False),
    ],
)
def test_several_statements_are_everything_for_one(one: Any, other: Any, is_one: bool) -> None:
    assert (ALL_ACTIONS in found(statement(one, [*HALF]), statement(other, [*REST]))) == is_one


def test_the_last_of_several_statements_is_the_problem() -> None:
    for one, other in (("111111111111", ROLE), (ROLE, "111111111111")):
        several = [statement({"AWS": one}, [*HALF]), statement({"AWS": other}, [*REST])]
        [problem] = policy_risks({"Statement": several}, registry=HOME)
        assert problem.path == ("Statement", 1)


def test_everybody_of_two_organizations_is_not_one() -> None:
    one, other = (
        {"StringEquals": {"aws:PrincipalOrgID": organization}}
        for organization in ("o-a1b2c3d4e5", "o-b1b2c3d4e5")
    )
    first = statement("*", [*HALF], Condition=one)
    assert ALL_ACTIONS not in found(first, statement("*", [*REST], Condition=other))
    assert ALL_ACTIONS in found(first, statement("*", [*REST], Condition=one))


@pytest.mark.parametrize(
    ("who", "one", "other", "is_one"),
    [
        (ROLE, None, "vpce-0a1b2c3d", True),
        (ROLE, "vpce-0a1b2c3d", None, True),
        (ROLE, "vpce-0a1b2c3d", "vpce-0a1b2c3d", True),
        (ROLE, "vpce-0a1b2c3d", "vpce-0a1b2c3e", False),
        ("111111111111", None, "vpce-0a1b2c3d", True),
        ("111111111111", "vpce-0a1b2c3d", "vpce-0a1b2c3d", True),
        ("111111111111", "vpce-0a1b2c3d", "vpce-0a1b2c3e", False),
    ],
)
def test_who_is_narrowed_has_what_others_have(
    who: str, one: str | None, other: str | None, is_one: bool
) -> None:
    first, last = (
        {"Condition": {"StringEquals": {"aws:SourceVpce": endpoint}}} if endpoint else {}
        for endpoint in (one, other)
    )
    statements = (
        statement({"AWS": who}, [*HALF], **first),
        statement({"AWS": ROLE}, [*REST], **last),
    )
    assert (ALL_ACTIONS in found(*statements)) == is_one


@pytest.mark.parametrize("key", ["aws:PrincipalAccount", "AWS:principalaccount"])
@pytest.mark.parametrize("own_first", [True, False])
def test_of_several_operators_on_a_key_the_narrower_one_counts(key: str, own_first: bool) -> None:
    own = ("StringEquals", {key: "111111111111"})
    more = ("StringLike", {"aws:PrincipalAccount": ["111111111111", "222222222222"]})
    both = dict([own, more] if own_first else [more, own])
    assert found(statement("*", "ecr:PutImage", Condition=both)) == []


def test_the_order_of_operators_tells_nobody_from_himself() -> None:
    one = {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}
    other = {"StringLike": {"aws:SourceVpce": "vpce-0a1b2c3d"}}
    first = statement("*", [*HALF], Condition={**one, **other})
    last = statement("*", [*REST], Condition={**other, **one})
    assert ALL_ACTIONS in found(first, last)


def test_whether_somebody_is_of_an_organization_is_not_known() -> None:
    condition = {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}
    everybody = statement("*", [*HALF], Condition=condition)
    assert ALL_ACTIONS not in found(everybody, statement({"AWS": ROLE}, [*REST]))
    both = statement({"AWS": ROLE}, [*REST], Condition=condition)
    assert ALL_ACTIONS in found(everybody, both)


BY_ACCOUNT = {"StringEquals": {"aws:PrincipalAccount": "111111111111"}}
BY_NAME = {"ArnEquals": {"aws:PrincipalArn": ROLE}}
FROM = {"StringEquals": {"aws:SourceVpce": "vpce-0a1b2c3d"}}


@pytest.mark.parametrize(
    ("who", "one", "condition", "is_one"),
    [
        ("111111111111", {}, BY_ACCOUNT, True),
        (ROLE, {}, BY_ACCOUNT, True),
        (ROLE, {}, BY_NAME, True),
        ("111111111111", {}, BY_NAME, True),
        ("*", BY_ACCOUNT, BY_NAME, True),
        ("222222222222", {}, BY_ACCOUNT, False),
        (f"{ROLE}-2", {}, BY_NAME, False),
        # What narrows it besides counts.
        (ROLE, FROM, {**BY_NAME, **FROM}, True),
        (ROLE, {}, {**BY_NAME, **FROM}, True),
        (
            ROLE,
            {"StringEquals": {"aws:SourceVpce": "vpce-0a1b2c3e"}},
            {**BY_NAME, **FROM},
            False,
        ),
        # Several, and a part of them, are nobody by a name.
        (ROLE, {}, {"ArnLike": {"aws:PrincipalArn": f"{ROLE}*"}}, False),
        (ROLE, {}, {"ArnEquals": {"aws:PrincipalArn": [ROLE, f"{ROLE}-2"]}}, False),
    ],
)
@pytest.mark.parametrize("last", [True, False])
def test_everybody_of_one_account_or_name_is_that_one(
    who: str, one: dict[str, Any], condition: dict[str, Any], is_one: bool, last: bool
) -> None:
    everybody = statement({"AWS": "*"}, [*HALF], Condition=condition)
    other = statement({"AWS": who}, [*REST], Condition=one)
    found_ = found(everybody, other) if last else found(other, everybody)
    assert (ALL_ACTIONS in found_) == is_one


WHY = "the company that builds for us"
WHOLE = {"AWS": "222222222222"}
ORGANIZATION = {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}


@pytest.mark.parametrize(
    ("policy", "left"),
    [
        (statement("*", [*PULL_ACTIONS, "ecr:Describe*"]), []),
        (statement({"Service": "codebuild.amazonaws.com"}, [*PULL_ACTIONS]), []),
        (statement(WHOLE, [*PULL_ACTIONS, *PUSH_ACTIONS]), []),
        (statement(WHOLE, "ecr:BatchImportUpstreamImage"), []),
        (statement("*", [*PUSH_ACTIONS], Condition=ORGANIZATION), []),
        (statement("*", [*PUSH_ACTIONS]), [EVERYBODY_CHANGES]),
        (statement(WHOLE, ["ecr:PutImage", "ecr:SetRepositoryPolicy"]), [FOREIGN_CHANGES]),
        (statement("*", "ecr:DeleteRepositoryPolicy", Condition=ORGANIZATION), [FOREIGN_CHANGES]),
        (
            {"Effect": "Allow", "NotPrincipal": WHOLE, "Action": "ecr:BatchGetImage"},
            [ALLOWED_BUT],
        ),
    ],
)
def test_a_reason_is_to_read_to_pull_and_to_push(policy: dict[str, Any], left: list[Any]) -> None:
    document = json.dumps({"Statement": policy})
    try:
        settings = RepositorySettings(policy_document=document, public_access=WHY)
        problems = list(settings.problems_in(HOME))
    except InvalidValueError as error:
        problems = list(error.problems)
    assert [problem.check for problem in problems] == left
    assert not any("public_access" in problem.sentence for problem in problems)


def test_a_hint_goes_before_the_excuse() -> None:
    condition = {"StringLike": {"aws:SourceArn": "arn:aws:codebuild:*:111111111111:project/*"}}
    service = statement({"Service": "codebuild.amazonaws.com"}, Condition=condition)
    [problem] = policy_risks({"Statement": [service]})
    assert problem.check is SERVICE_FOR_EVERYBODY
    assert problem.sentence.endswith(
        "; add a condition such as aws:SourceArn, or write ArnLike, whose '*' stays in its part of"
        " the ARN"
    )
    with pytest.raises(InvalidValueError, match=r"of the ARN, or say 'public_access' and why$"):
        RepositorySettings(policy_document=json.dumps({"Statement": service}))


def test_reads_what_is_no_policy_without_an_error() -> None:
    for document in ({}, {"Statement": None}, {"Statement": ["x", {"Effect": 1, "Action": [1]}]}):
        assert list(policy_risks(document)) == []


def test_a_policy_of_somebodys_own_is_about_him() -> None:
    allowed = {"Effect": "Allow", "Action": "ecr:*", "Resource": "*"}
    [problem] = identity_risks([{**allowed, "Effect": "Deny"}, allowed], {"AWS": "the role"})
    assert problem.path == (1, "Action")
    assert not problem.sentence.endswith("why")
