from pathlib import Path

import pytest
from test_loading import HEAD, sentences, write

_WEB = "repositories:\n  web:\n    "
_ROLE = "arn:aws:iam::111111111111:role/ci"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("repositories:\n  web\n", 3, "write ':' after the name of each"),
        ("repositories:\n  - web\n", 3, "write keys with ':', without '- ' before them"),
        ("repositories:\n  web:\n  scan_on_push: true\n", 5, "indent it below its repository"),
        (
            "repositories:\n  web:\n  image_tag_mutability: MUTABLE\n",
            5,
            "indent it below its repository",
        ),
        (f"{_WEB}scan_on_push:true\n", 4, "write a space after ':'"),
        (f"{_WEB}scan_on_push\n", 4, "write its settings below it, such as 'scan_on_push: true'"),
        ("tags: {a:b}\n", 3, "write a space after ':'"),
        ("tags:\n  - Key: a\n", 3, "write keys with ':', without '- ' before them"),
        (f"{_WEB}pull: [{_ROLE}]\n", 5, "write 'role: ' before it"),
        (f"{_WEB}pull: ['arn:aws:iam::111111111111:user/a']\n", 5, "write 'user: ' before it"),
        (
            f"{_WEB}pull: ['arn:aws:iam::222222222222:root']\n",
            5,
            'write account: "222222222222" instead',
        ),
        (f"{_WEB}pull: ['222222222222']\n", 5, 'write account: "222222222222" instead'),
        (f"{_WEB}pull: [o-a1b2c3d4e5]\n", 5, "write 'organization: ' before it"),
        (
            f"{_WEB}pull: ['*']\n",
            5,
            "name who it is; everybody is for a 'policy_document', with 'public_access'",
        ),
        (f"{_WEB}pull: [ci]\n", 5, "write what it is before it, such as 'role: '"),
        (f"{_WEB}pull: {_ROLE}\n", 5, "write it as a list, with '- ' before it"),
        (f"{_WEB}pull:\n      role: {_ROLE}\n", 5, "write it as a list, with '- ' before it"),
        (
            f"{_WEB}policy_document: {{Version: a}}\n",
            5,
            "write AWS's JSON as text, below 'policy_document: |'",
        ),
        (f"{_WEB}public_access: [a]\n", 5, ""),
        (f"{_WEB}kms_key: [a]\n", 5, "write one text, without '- ' and brackets"),
        (f"assume_role: {_ROLE}\n", 3, "write it below, after 'role_arn: '"),
        ("required_providers: ~> 6.8\n", 3, "write it below, after 'aws: '"),
        ("required_providers: {aws: {version: ~> 6.8}}\n", 3, "write the text alone"),
        ("backend: s3\n", 3, "write ':' after it, and its settings below"),
        ("backend: {s3: example-state}\n", 3, "write it below, after 'bucket: '"),
        ("backend: {local: a.tfstate}\n", 3, "write it below, after 'path: '"),
        (
            "registry: {replication: {rules: [{destinations: [us-east-1]}]}}\n",
            3,
            "write 'region: ' before it",
        ),
    ],
)
def test_what_was_meant_is_told_beside_a_wrong_type(
    tmp_path: Path, text: str, line: int, said: str
) -> None:
    [found] = [s for s in sentences(write(tmp_path, dev=HEAD + text)) if " must be " in s]
    assert found.startswith(f"dev.yaml:{line}: ")
    assert found.split(", got ", maxsplit=1)[1].partition("; ")[2] == said
