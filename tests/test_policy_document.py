import json

import pytest

from ecr_constructs.policy_document import policy_document_text, with_principals_named

ROLE = "arn:aws:iam::111111111111:role/ci"
PULL = {"Effect": "Allow", "Action": "ecr:BatchGetImage"}


@pytest.mark.parametrize(
    "statements",
    [
        {**PULL, "Principal": {"AWS": ROLE}},
        [{**PULL, "Principal": {"AWS": ROLE}}],
        [{**PULL, "Principal": {"AWS": [ROLE], "Service": "x.amazonaws.com"}}],
        [{**PULL, "Effect": "Deny", "NotPrincipal": {"AWS": [ROLE, "111111111111"]}}],
    ],
)
def test_other_names_change_nothing_else(statements: object) -> None:
    document = {"Version": "2012-10-17", "Id": "é", "Statement": statements}
    text = json.dumps(document)
    assert json.loads(with_principals_named(text, str)) == document
    assert json.loads(policy_document_text(text)) == document
    named = with_principals_named(text, lambda name: name.replace("role/ci", "role/cd"))
    assert json.loads(named) == json.loads(text.replace("role/ci", "role/cd"))


def test_everybody_has_no_other_name() -> None:
    text = json.dumps({"Statement": [{**PULL, "Principal": "*"}]})
    assert json.loads(with_principals_named(text, lambda _: "x")) == json.loads(text)
