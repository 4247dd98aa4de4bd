import pytest

from ecr_constructs.terraform_text import escaped, json_text


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


def test_writes_json_compactly_in_the_given_order() -> None:
    assert json_text({"b": 1, "a": "é"}) == '{"b":1,"a":"é"}'
