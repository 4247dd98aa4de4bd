import pytest

from ecr_constructs import Principal
from ecr_constructs.principal import render_principals

ROLE = "arn:aws:iam::111111111111:role/team/ci"
USER = "arn:aws-cn:iam::111111111111:user/ann"


@pytest.mark.parametrize(
    ("principal", "identifier"),
    [
        (Principal(role=ROLE), ROLE),
        (Principal(user=USER), USER),
        (Principal(account="222222222222"), "222222222222"),
        (Principal(role="${aws_iam_role.ci.arn}"), "${aws_iam_role.ci.arn}"),
    ],
)
def test_is_named_in_a_policy(principal: Principal, identifier: str) -> None:
    assert principal.identifier == identifier


def test_is_named_once_and_alone_as_plain_text() -> None:
    role, user = Principal(role=ROLE), Principal(user=USER)
    assert render_principals([role, role]) == {"AWS": ROLE}
    assert render_principals([user, role, user]) == {"AWS": [USER, ROLE]}
