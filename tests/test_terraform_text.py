import pytest

from ecr_constructs.terraform_text import escaped, holds_expression, json_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("100%", "100%"),
        ("%{if}", "%%{if}"),
        ("${TfToken[TOKEN.1]}", "${TfToken[TOKEN.1]}"),
        ("${aws_iam_role.ci.arn}", "${aws_iam_role.ci.arn}"),
        ("${provider::aws::arn_parse(x)}", "${provider::aws::arn_parse(x)}"),
        ("${aws:username}", "$${aws:username}"),
        ("a/${aws:PrincipalTag/team}/${*}", "a/$${aws:PrincipalTag/team}/$${*}"),
    ],
)
def test_escapes_what_terraform_would_evaluate(text: str, expected: str) -> None:
    assert escaped(text) == expected


def test_leaves_expressions_in_json_as_they_are() -> None:
    document = {"role": '${var.roles["a"]}', "tag": "${aws:PrincipalTag/x}", "text": 'a "b"'}
    assert json_text(document) == (
        r'{"role":"${var.roles["a"]}","tag":"$${aws:PrincipalTag/x}","text":"a \"b\""}'
    )


@pytest.mark.parametrize("text", ["${aws:username}", "${*}", "${ec2:SourceInstanceARN}", "100%{x}"])
def test_variables_of_iam_are_no_expressions(text: str) -> None:
    assert not holds_expression(text)


@pytest.mark.parametrize("text", ["${var.x}", "${aws::f()}", "${aws:username}${path.root}"])
def test_sees_expressions(text: str) -> None:
    assert holds_expression(text)


def test_writes_json_compactly_in_the_given_order() -> None:
    assert json_text({"b": 1, "a": "é"}) == '{"b":1,"a":"é"}'
