import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from iam import Request, holds_for

from ecr_constructs import Registry
from ecr_constructs.request import Value, deployers_request, holds

HOME = Registry(account_id="111111111111", region="ap-northeast-2")
ROLE = "arn:aws:iam::111111111111:role/team/terraform"
KNOWN = deployers_request(HOME, ROLE)
SOMEBODY = deployers_request(HOME, None)

_OPERATORS = [
    f"{of}{base}{if_exists}"
    for of in ("", "ForAnyValue:", "ForAllValues:")
    for base in (
        *(f"String{how}" for how in ("Equals", "NotEquals", "Like", "NotLike")),
        *("StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"),
        *(f"Arn{how}" for how in ("Equals", "NotEquals", "Like", "NotLike")),
    )
    for if_exists in ("", "IfExists")
]
_ARNS = [
    ROLE,
    "arn:aws:iam::111111111111:role/team/*",
    "arn:aws:iam::111111111111:role/*",
    "arn:aws:iam::*:role/team/terra?orm",
    "arn:aws:iam::222222222222:role/team/terraform",
    "arn:aws:iam:*:role/team/terraform",
    "arn:aws:iam::111111111111:*",
    ROLE.upper(),
]


_KEYS = st.dictionaries(
    st.sampled_from(["aws:PrincipalArn", "AWS:principalarn", "aws:SourceArn"]),
    st.lists(st.sampled_from(_ARNS), min_size=1, max_size=3),
    max_size=2,
)
_NULLS = st.dictionaries(
    st.sampled_from(["aws:PrincipalArn", "aws:SourceArn"]),
    st.lists(st.sampled_from(["true", "false"]), min_size=1),
    max_size=2,
)


@settings(max_examples=500)
@given(st.dictionaries(st.sampled_from(_OPERATORS), _KEYS, max_size=3), _NULLS)
def test_agrees_with_the_evaluator_of_the_tests(
    wanted: dict[str, dict[str, list[str]]], nulls: dict[str, list[str]]
) -> None:
    conditions = {**wanted, "Null": nulls}
    request = Request(
        principal=ROLE, action="ecr:PutImage", resource="*", context={"aws:PrincipalArn": ROLE}
    )
    assert holds(conditions, KNOWN, variables=True) == holds_for(conditions, request)
    # Who only knows that somebody of the account deploys is never told otherwise.
    assert holds(conditions, SOMEBODY, variables=True) in (None, holds_for(conditions, request))


@pytest.mark.parametrize(
    ("conditions", "answer"),
    [
        ({}, True),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}, None),
        ({"Null": {"aws:PrincipalOrgID": "true"}}, None),
        ({"Null": {"aws:SourceArn": "true"}}, True),
        ({"StringEquals": {"aws:SourceArn": ROLE}}, False),
        ({"StringEqualsIfExists": {"aws:SourceArn": ROLE}}, True),
        ({"ForAllValues:StringEquals": {"aws:SourceArn": ROLE}}, True),
        ({"ForAnyValue:StringNotEquals": {"aws:SourceArn": ROLE}}, False),
        ({"StringNotEquals": {"aws:SourceArn": ROLE}}, True),
        ({"StringEquals": {"aws:PrincipalArn": "${aws:PrincipalTag/arn}"}}, None),
        (
            {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::${aws:PrincipalAccount}:role/*"}},
            True,
        ),
        ({"NumericEquals": {"aws:PrincipalAccount": "111111111111"}}, None),
        ({"NoOperator": {"aws:PrincipalAccount": "111111111111"}}, None),
        # One that does not hold is enough.
        (
            {
                "StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"},
                "Bool": {"aws:SecureTransport": "false"},
            },
            False,
        ),
        ({"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "0.0.0.0/0"]}}, True),
        ({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, None),
        ({"NotIpAddress": {"aws:SourceIp": "0.0.0.0/0"}}, False),
    ],
)
def test_tells_of_who_deploys(conditions: object, answer: bool | None) -> None:
    assert holds(conditions, KNOWN, variables=True) is answer


# What a request can have of a key that is unknown before, or nothing.
_VALUES: dict[str, list[str | None]] = {
    "aws:PrincipalOrgID": [None, "o-a1b2c3d4e5", "o-b1b2c3d4e5"],
    "aws:SourceVpce": [None, "vpce-0a1b2c3d"],
    "aws:UserId": ["AROAEXAMPLE:apply"],
    "aws:PrincipalTag/team": [None, "o-*", "payments"],
}
_WANTED = ["o-*", "o-a1b2c3d4e5", "vpce-*", "vpce-0a1b2c3?", "AROAEXAMPLE:*", "payments"]
_UNKNOWN = st.tuples(
    st.sampled_from([o for o in _OPERATORS if "String" in o]),
    st.sampled_from([*_VALUES]),
    st.lists(st.sampled_from(_WANTED), min_size=1, max_size=3),
)
_UNKNOWN_NULLS = st.tuples(
    st.just("Null"),
    st.sampled_from([*_VALUES]),
    st.lists(st.sampled_from(["true", "false"]), min_size=1, max_size=2),
)


@settings(deadline=None, max_examples=500)
@given(_UNKNOWN | _UNKNOWN_NULLS)
def test_an_answer_without_the_value_is_that_of_every_value(
    condition: tuple[str, str, list[str]],
) -> None:
    operator, key, wanted = condition
    conditions = {operator: {key: wanted}}
    answers = {
        holds_for(
            conditions,
            Request(
                principal=ROLE,
                action="ecr:PutImage",
                resource="*",
                context={} if value is None else {key: value},
            ),
        )
        for value in _VALUES[key]
    }
    assert holds(conditions, KNOWN, variables=True) in (
        {None, *answers} if len(answers) == 1 else {None}
    )


@pytest.mark.parametrize(
    ("conditions", "answer"),
    [
        ({"StringNotEquals": {"aws:PrincipalOrgID": "o-*"}}, True),
        ({"StringNotEqualsIgnoreCase": {"aws:SourceVpce": ["vpce-*", "vpce-?"]}}, True),
        ({"StringNotEquals": {"aws:SourceVpce": ["vpce-*", "vpce-0a1b2c3d"]}}, None),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-*"}}, False),
        # It depends on whether there is one.
        ({"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-*"}}, None),
        ({"ForAnyValue:StringNotEquals": {"aws:PrincipalOrgPaths": "o-a/r-b/*"}}, None),
        ({"StringNotLike": {"aws:PrincipalOrgID": "o-*"}}, None),
        ({"StringNotEquals": {"aws:PrincipalTag/team": "pay*"}}, None),
        ({"StringNotEquals": {"aws:PrincipalOrgID": "${aws:PrincipalTag/org, 'o-*'}"}}, None),
        ({"Null": {"aws:MultiFactorAuthPresent": ["true", "false"]}}, True),
        ({"Null": {"aws:MultiFactorAuthPresent": "false"}}, None),
    ],
)
def test_a_star_where_no_value_has_one_is_never_equal(
    conditions: object, answer: bool | None
) -> None:
    assert holds(conditions, KNOWN, variables=True) is answer
    assert holds(conditions, SOMEBODY, variables=True) is answer


def test_a_star_in_the_name_of_a_role_is_never_equal() -> None:
    for pattern, answer in (("role/dep*", True), ("role/team/*", True), ("role/*/deploy", None)):
        arn = f"arn:aws:iam::111111111111:{pattern}"
        conditions = {"StringNotEquals": {"aws:PrincipalArn": arn}}
        assert holds(conditions, SOMEBODY, variables=True) is answer
        assert holds(conditions, KNOWN, variables=True) is True


def test_a_role_has_no_name_of_a_user() -> None:
    conditions = {"StringNotEquals": {"aws:username": "alice"}}
    assert holds(conditions, KNOWN, variables=True) is True
    assert holds(conditions, SOMEBODY, variables=True) is None
    assert holds({"StringEquals": {"aws:username": "alice"}}, KNOWN, variables=True) is False


@pytest.mark.parametrize(
    ("pattern", "answer"),
    [
        ("*", True),
        ("arn:aws:iam::111111111111:*", True),
        ("arn:aws:iam::1111*:*", True),
        ("arn:aws:iam::111111111111:role/*", None),
        ("arn:aws:iam::222222222222:*", False),
        ("arn:aws:iam::22*", False),
        (ROLE, None),
    ],
)
def test_tells_what_holds_for_everybody_in_an_account(pattern: str, answer: bool | None) -> None:
    conditions = {"StringLike": {"aws:PrincipalArn": pattern}}
    assert holds(conditions, SOMEBODY, variables=True) is answer
    negated = {"StringNotLike": {"aws:PrincipalArn": pattern}}
    assert holds(negated, SOMEBODY, variables=True) is (None if answer is None else not answer)


def test_knows_nothing_of_an_account_without_a_registry() -> None:
    nobody = deployers_request(None, None)
    assert "aws:principalaccount" not in nobody
    assert nobody["aws:principalarn"] == Value("arn:", whole=False)
    assert holds({"ArnLike": {"aws:PrincipalArn": ROLE}}, nobody, variables=True) is None


def test_knows_nothing_of_an_account_that_is_known_at_deploy_time_only() -> None:
    later = Registry(account_id="${data.aws_caller_identity.me.account_id}", region="us-east-1")
    somebody = deployers_request(later, None)
    assert "aws:principalaccount" not in somebody
    assert somebody["aws:principalarn"] == Value("arn:aws:iam::", whole=False)


def test_knows_nothing_of_a_region_that_is_known_at_deploy_time_only() -> None:
    assert KNOWN["aws:requestedregion"] == Value("ap-northeast-2")
    later = Registry(account_id="111111111111", region="${var.region}")
    assert "aws:requestedregion" not in deployers_request(later, ROLE)
