import pytest

from ecr_constructs import Principal
from ecr_constructs.principal import together

ROLE = "arn:aws:iam::111111111111:role/team/ci"
USER = "arn:aws-cn:iam::111111111111:user/ann"


@pytest.mark.parametrize(
    ("principal", "identifier"),
    [
        (Principal(role=ROLE), ROLE),
        (Principal(user=USER), USER),
        (Principal(account="222222222222"), "222222222222"),
        (Principal(role="${aws_iam_role.ci.arn}"), "${aws_iam_role.ci.arn}"),
        (Principal(ecs_task_execution_role=ROLE), ROLE),
        (Principal(ci_role="${aws_iam_role.ci.arn}"), "${aws_iam_role.ci.arn}"),
    ],
)
def test_is_named_in_a_policy(principal: Principal, identifier: str) -> None:
    assert principal.identifier == identifier


UNIT = "o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/*"
FUNCTION = "arn:aws:lambda:us-east-1:222222222222:function:payments-*"


def test_is_named_once_and_alone_as_plain_text() -> None:
    role, user = Principal(role=ROLE), Principal(user=USER)
    assert [group.element for group in together([role, role])] == [{"AWS": ROLE}]
    assert [group.element for group in together([user, role, user])] == [{"AWS": [USER, ROLE]}]


def test_a_role_is_a_role_whatever_it_is_for() -> None:
    ci, pod = Principal(ci_role=ROLE), Principal(eks_pod_role=ROLE.replace("ci", "pod"))
    assert ci.arn == ci.role_arn == ROLE
    assert Principal(user=USER).role_arn is None
    [group] = together([ci, Principal(role=ROLE), pod])
    assert group.element == {"AWS": [ROLE, pod.role_arn]}


def test_each_kind_is_narrowed_by_its_condition() -> None:
    found = together(
        [
            Principal(organization="o-a1b2c3d4e5"),
            Principal(role=ROLE),
            Principal(organizational_unit=UNIT),
            Principal(lambda_function=FUNCTION),
            Principal(service="codebuild.amazonaws.com", source_account="111111111111"),
            Principal(organization="o-f6g7h8i9j0"),
        ]
    )
    assert [(g.kind, g.element, g.conditions) for g in found] == [
        (
            "Organization",
            "*",
            {"StringEquals": {"aws:PrincipalOrgID": ("o-a1b2c3d4e5", "o-f6g7h8i9j0")}},
        ),
        ("", {"AWS": ROLE}, {}),
        (
            "OrganizationalUnit",
            "*",
            {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": UNIT}},
        ),
        (
            "LambdaFunction",
            {"Service": "lambda.amazonaws.com"},
            {"ArnLike": {"aws:SourceArn": FUNCTION}},
        ),
        (
            "Service",
            {"Service": "codebuild.amazonaws.com"},
            {"StringEquals": {"aws:SourceAccount": "111111111111"}},
        ),
    ]


def test_services_are_together_only_for_the_same_source() -> None:
    def service(name: str, account: str) -> Principal:
        return Principal(service=f"{name}.amazonaws.com", source_account=account)

    found = together(
        [
            service("codebuild", "111111111111"),
            service("sagemaker", "111111111111"),
            service("codebuild", "222222222222"),
        ]
    )
    # In one statement, each service would act for both accounts.
    assert [group.element for group in found] == [
        {"Service": ["codebuild.amazonaws.com", "sagemaker.amazonaws.com"]},
        {"Service": "codebuild.amazonaws.com"},
    ]
