from pathlib import Path

import pytest
from environment_file import HEAD, sentences, write

_WEB = "repositories:\n  web:\n    "
NAMES = "below 'repositories' go names, and below each, indented, its settings"
_DECIMAL = "write it in decimal digits alone"
_TWELVE = "write its 12 digits in quotes, with the zeros that it begins with"
_ROLE = "arn:aws:iam::111111111111:role/ci"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("repositories:\n  web\n", 3, "write ':' after the name of each"),
        (
            "repositories:\n  - web\n",
            3,
            "write the name of each as a key, with its settings below",
        ),
        ("repositories:\n  web:\n  scan_on_push: true\n", 5, NAMES),
        ("repositories:\n  web:\n  image_tag_mutability: MUTABLE\n", 5, NAMES),
        ("repositories:\n  web: ''\n", 4, NAMES),
        ("repositories:\n  api\n  web\n", 3, "write ':' after the name of each"),
        (f"{_WEB}scan_on_push:true\n    force_delete:false\n", 4, "write a space after ':'"),
        (f"{_WEB}scan_on_push: null\n", 5, "write it after ': ', or leave the key out"),
        (f"{_WEB}encryption_type:\n", 5, "write it after ': ', or leave the key out"),
        (f"{_WEB}encryption_type: [KMS]\n", 5, "write one, without '- ' and brackets"),
        (f"{_WEB}encryption_type: {{type: KMS}}\n", 5, "write it after ': ', with no key below it"),
        (
            f"{_WEB}lifecycle_rules: [{{max_image_count: 3, action: {{type: expire}}}}]\n",
            5,
            "write it after ': ', such as 'action: expire'",
        ),
        (
            f"{_WEB}lifecycle_rules:\n",
            5,
            "write [] for none, and items below it with '- ' before each",
        ),
        (
            "grants: {payments/: {pull: []}}\n",
            3,
            "begin each with '- repository_prefixes: [payments/]', and write whom it is to below"
            " it",
        ),
        (
            f"{_WEB}repository_policy_statements:\n"
            "      - {actions: [ecr:ListImages], principals: '*'}\n",
            6,
            "name who it is; everybody is for a 'policy_document', with 'public_access'",
        ),
        (
            "registry: {pull_through_cache_rules: {quay: quay}}\n",
            3,
            "write 'upstream_registry: ' before it",
        ),
        (
            "registry: {pull_through_cache_rules: {quay: quay.io}}\n",
            3,
            "write 'upstream_registry_url: ' before it",
        ),
        (
            "registry: {replication: {rules: [{destinations: [backup]}]}}\n",
            3,
            "write 'environment: ' before it",
        ),
        (f"{_WEB}scan_on_push: enabled\n", 5, "write true"),
        (f"{_WEB}scan_on_push: 0\n", 5, "write false"),
        (f"{_WEB}lifecycle_rules: 10\n", 5, "write rules, such as '- max_image_count: 10'"),
        (f"{_WEB}lifecycle_rules: [10]\n", 5, "write 'max_image_count: ' before it"),
        (f"{_WEB}lifecycle_rules: [{{max_image_age_days: 14d}}]\n", 5, "write 14"),
        (f"{_WEB}lifecycle_rules: [{{max_image_age_days: 14 days}}]\n", 5, "write 14"),
        (f"{_WEB}lifecycle_rules: [{{max_image_count: {'9' * 101}}}]\n", 5, "write a smaller one"),
        (f"{_WEB}lifecycle_rules: [{{max_image_count: 0x1F}}]\n", 5, _DECIMAL),
        (f"{_WEB}lifecycle_rules: [{{max_image_count: 1_000}}]\n", 5, _DECIMAL),
        (f"{_WEB}lifecycle_rules: [{{max_image_count: 1e3}}]\n", 5, _DECIMAL),
        (f"{_WEB}pull: [{{account: true}}]\n", 5, _TWELVE),
        (f"{_WEB}pull: [{{account: 12345678901}}]\n", 5, _TWELVE),
        (f"{_WEB}pull: [{{account: 123456789012}}]\n", 5, 'write it in quotes: "123456789012"'),
        (
            f"{_WEB}pull: everyone\n",
            5,
            "name who it is; everybody is for a 'policy_document', with 'public_access'",
        ),
        ("tags: team=x\n", 3, "write ': ' between a key and its value"),
        (f"{_WEB}pull: [account 222222222222]\n", 5, "write ': ' between a key and its value"),
        (f"{_WEB}pull: [null]\n", 5, "write what it is after '- ', or leave it out"),
        (f"{_WEB}pull:\n", 5, "write [] for none, and items below it with '- ' before each"),
        (f"{_WEB}tags:\n", 5, "write {} for none, and indent what is in it below it"),
        (f"{_WEB}scan_on_push: true,\n", 5, "write true"),
        ("tags: team\n", 3, "write keys with ':', such as 'team: platform'"),
        ("tags:\n  a:\n", 4, "write ': ' and a value after it, such as \"\""),
        ("repository_defaults: true\n", 3, "write its keys below it, each with ': '"),
        ("repository_key: alias/x\n", 3, "write it below, after 'alias: '"),
        ("registry: {scanning: ENHANCED}\n", 3, "write it below, after 'scan_type: '"),
        ("registry: {replication: [{region: us-east-1}]}\n", 3, "write it below 'rules:'"),
        ("ci_roles: {ci: {github_actions: [a/b]}}\n", 3, "write 'repository: ' before it"),
        ("ci_roles: {ci: {gitlab: [a/b]}}\n", 3, "write 'project: ' before it"),
        ("ci_roles: {ci: {max_session_duration: 1h}}\n", 3, "write it in seconds"),
        (f"{_WEB}scan_on_push:true\n", 4, "write a space after ':'"),
        (f"{_WEB}scan_on_push\n", 4, NAMES),
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
        (f"{_WEB}kms_key: [a]\n", 5, "write one, without '- ' and brackets"),
        (f"assume_role: {_ROLE}\n", 3, "write it below, after 'role_arn: '"),
        ("required_providers: ~> 6.8\n", 3, "write it below, after 'aws: '"),
        (
            "required_providers: {aws: {version: ~> 6.8}}\n",
            3,
            "write the version alone, such as aws: '>= 6.8'",
        ),
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
