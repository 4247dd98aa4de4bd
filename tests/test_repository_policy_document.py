import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import statements

from ecr_constructs import (
    InvalidValueError,
    PolicyStatement,
    Principal,
    parse_repository_policy,
)
from ecr_constructs.principal import together
from ecr_constructs.repository_policy import repository_policy_document

STATEMENT = {
    "Effect": "Allow",
    "Principal": {"AWS": "222222222222"},
    "Action": "ecr:BatchGetImage",
}


def policy(**changes: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{**STATEMENT, **changes}]})


@given(st.lists(statements, min_size=1, max_size=3).map(tuple))
def test_reads_what_is_rendered(given: tuple[PolicyStatement, ...]) -> None:
    text = json.dumps(repository_policy_document(given), indent=2)
    # AWS's document has a statement for each kind of principals.
    apart = tuple(
        replace(statement, principals=group.members)
        for statement in given
        for group in together(statement.principals)
    )
    assert parse_repository_policy(text) == apart


def test_reads_what_aws_returns() -> None:
    text = (
        '{\n  "Version" : "2012-10-17",\n  "Statement" : {\n    "Sid" : "Pull",\n'
        '    "Effect" : "Allow",\n'
        '    "Principal" : { "AWS" : [ "arn:aws:iam::222222222222:root",'
        ' "arn:aws:iam::222222222222:role/ci" ] },\n'
        '    "Action" : "ecr:BatchGetImage"\n  }\n}'
    )
    assert parse_repository_policy(text) == (
        PolicyStatement(
            sid="Pull",
            principals=(
                Principal(account="222222222222"),
                Principal(role="arn:aws:iam::222222222222:role/ci"),
            ),
            actions=("ecr:BatchGetImage",),
        ),
    )


@pytest.mark.parametrize(
    ("text", "path", "sentence"),
    [
        ("{", (), "a policy must be JSON"),
        ('{"foo": "bar"}', (), "a policy needs the key 'Statement' here"),
        (policy(Resource="*"), ("Statement", 0, "Resource"), "a policy takes no key 'Resource'"),
        (policy(Principal="*"), ("Statement", 0, "Principal"), "everybody as a principal must be"),
        (
            policy(Principal="me"),
            ("Statement", 0, "Principal"),
            "Principal must be '*' or an object",
        ),
        (policy(Principal={}), ("Statement", 0, "Principal"), "got an empty mapping"),
        (
            policy(Principal={"AWS": "222222222222", "Service": "lambda.amazonaws.com"}),
            ("Statement", 0, "Principal"),
            "must be by 'AWS' or by 'Service' here, got AWS and Service",
        ),
        (
            policy(Principal={"Service": "lambda.amazonaws.com"}),
            ("Statement", 0, "service"),
            "Lambda is a principal by the ARNs of its functions",
        ),
        (
            policy(
                Principal={"Service": "codebuild.amazonaws.com"},
                Condition={"StringEquals": {"aws:SourceAccount": ["1" * 12, "2" * 12]}},
            ),
            ("Statement", 0, "Condition"),
            "a service must act for one source here",
        ),
        (
            policy(Principal={"AWS": [1]}),
            ("Statement", 0, "Principal"),
            "Principal must be '*' or an object of 'AWS' and 'Service' with text",
        ),
        (
            policy(Principal={"AWS": ["222222222222", "*"]}),
            ("Statement", 0, "Principal"),
            "everybody as a principal must be narrowed",
        ),
        (
            policy(Principal={"AWS": f"arn:aws:iam::222222222222:role/{'p/' * 1010}r"}),
            ("Statement", 0, "Principal", "AWS"),
            "a principal by 'AWS' must be at most 2048 characters",
        ),
        (
            policy(Principal={"AWS": ["222222222222", "x"]}),
            ("Statement", 0, "Principal", "AWS", 1),
            "a principal by 'AWS' must be '*', an account id of 12 digits or its root",
        ),
        (
            policy(Action=["ecr:BatchGetImages"]),
            ("Statement", 0, "Action", 0),
            "did you mean 'ecr:BatchGetImage'?",
        ),
        (
            policy(Condition={"StringLikes": {"aws:x": "y"}}),
            ("Statement", 0, "Condition", "StringLikes"),
            "a condition operator must be one of IAM's",
        ),
        (policy(Condition={"Bool": 1}), ("Statement", 0, "Condition", "Bool"), "must be a mapping"),
        (policy(Effect="Permit"), ("Statement", 0, "Effect"), "effect must be one of Allow, Deny"),
        ('{"Statement": []}', ("Statement",), "takes at least one statement, got none"),
        (
            json.dumps({"Id": "x", "Statement": [STATEMENT]}),
            ("Id",),
            "a policy takes no key 'Id' here",
        ),
        (
            policy(Principal={"AWS": "arn:aws:sts::222222222222:assumed-role/ci/job"}),
            ("Statement", 0, "Principal", "AWS", 0),
            "role must be an IAM role's ARN",
        ),
        (
            json.dumps({"Statement": [{**STATEMENT, "Condition": {"StringEquals": 5}}]}),
            ("Statement", 0, "Condition", "StringEquals"),
            "must be a mapping of condition keys, got 5",
        ),
        *(
            (
                policy(Principal="*", Condition={"StringEquals": keys}),
                ("Statement", 0, "Condition", "StringEquals", *place),
                "must be",
            )
            for keys, place in (
                (5, ()),
                ([None], ()),
                ({"aws:PrincipalOrgID": None}, ("aws:PrincipalOrgID",)),
                ({"aws:PrincipalOrgID": [None]}, ("aws:PrincipalOrgID", 0)),
            )
        ),
        (policy(Action=True), ("Statement", 0, "Action"), "Action must be text or a list of text"),
        (
            json.dumps({"Version": "2008-10-17", "Statement": [STATEMENT]}),
            ("Version",),
            "Version must be one of",
        ),
    ],
)
def test_fails_with(text: str, path: tuple[str | int, ...], sentence: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse_repository_policy(text)
    found = {problem.path: problem.sentence for problem in caught.value.problems}
    assert sentence in found[path]


def test_reads_truths_and_numbers_as_text() -> None:
    read = parse_repository_policy(
        policy(Condition={"Bool": {"aws:SecureTransport": True}, "NumericLessThan": {"aws:x": [1]}})
    )
    assert read[0].conditions == {
        "Bool": {"aws:SecureTransport": "true"},
        "NumericLessThan": {"aws:x": ("1",)},
    }
