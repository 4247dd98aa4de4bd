import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from environment_file import HEAD, sentences, write

from stacks.destinations import KEY as ENVIRONMENT
from stacks.environment import Environment
from stacks.other_names import OTHER_NAMES

_WEB = "repositories:\n  web:\n    "
_RULE = f"{_WEB}lifecycle_rules:\n      - max_image_count: 3\n        "
_STATEMENT = (
    f"{_WEB}repository_policy_statements:\n"
    "      - actions: [ecr:BatchGetImage]\n"
    "        principals: [{account: '222222222222'}]\n        "
)
_POLICY = (
    "grant 'pull', 'push', 'pull_push' or 'read', write 'repository_policy_statements', or AWS's"
    " JSON as 'policy_document'"
)
# Section -> the keys of other sections that are named for it.
ELSEWHERE = {
    "Environment": {"role_arn"},
    "RepositorySettings": {"ci_roles", "github_actions", "gitlab", "registry"},
    "ReplicationDestination": {ENVIRONMENT},
    "RepositoryCreationTemplateSettings": {"scanning"},
    "RegistrySection": {"rules"},
    "S3Backend": {"role_arn"},
    "CiRole": {"pull", "push", "read"},
    "RepositoryKeySettings": {"kms_key"},
}


def sections() -> dict[str, Any]:
    schema = Environment.model_json_schema()
    return {"Environment": schema, **schema["$defs"]}


@pytest.mark.parametrize("section", OTHER_NAMES)
def test_what_is_said_names_keys_of_the_section(section: str) -> None:
    own = sections()[section]["properties"].keys()
    named = {key for said in OTHER_NAMES[section] for key in re.findall(r"'([\w-]+)'", said)}
    assert named - own == ELSEWHERE.get(section, set())
    assert named <= {key for part in sections().values() for key in part.get("properties", ())} | {
        ENVIRONMENT
    }
    assert all(said.startswith("; ") for said in OTHER_NAMES[section])


@pytest.mark.parametrize("section", OTHER_NAMES)
def test_a_name_is_there_once_and_is_no_key_of_its_section(section: str) -> None:
    keys = {key.replace("_", "") for key in sections()[section]["properties"]}
    names = [name for names in OTHER_NAMES[section].values() for name in names.split()]
    assert [name for name, times in Counter(names).items() if times > 1 or name in keys] == []
    assert all(name == name.lower() and "_" not in name for name in names)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("repository: {}\n", 3, "write 'repositories'"),
        ("environment: dev\n", 3, "the name of the file is that of the environment"),
        ("version: 1\n", 3, "leave it out: a file has none"),
        (
            "env: {account: '111111111111', region: us-east-1}\n",
            3,
            "write 'account' and 'region' at the top of the file, whose name is the environment's",
        ),
        ("tag: {a: b}\n", 3, "write 'tags'"),
        (
            "registry: {repositories: {api: {}}}\n",
            3,
            "'repositories' goes to the top of the file",
        ),
        ("registry: {tags: {a: b}}\n", 3, "'tags' goes to the top of the file"),
        (
            "max_image_count: 3\n",
            3,
            "'max_image_count' goes into a rule of 'lifecycle_rules', a list",
        ),
        (
            "repository_defaults: {max_image_count: 3}\n",
            3,
            "it goes into a rule of 'lifecycle_rules', a list",
        ),
        (f"{_WEB}backend: {{}}\n", 5, "it goes to the top of the file"),
        (f"{_WEB}grants: []\n", 5, "write whom below 'pull', 'push', 'pull_push' or 'read'"),
        (f"{_WEB}role: ci\n", 5, "write whom below 'pull', 'push', 'pull_push' or 'read'"),
        (
            f"{_WEB}branches: [main]\n",
            5,
            "it goes below 'github_actions' or 'gitlab' of a role of 'ci_roles'",
        ),
        ("Tags:\n  a: b\n", 3, "did you mean 'tags'?"),
        ("account_id: 111111111111\n", 3, "write 'account'"),
        ("backend: {type: s3}\n", 3, "write 's3' or 'local', with the settings below it"),
        (f"{_WEB}name: web\n", 5, "leave it out: the key above says it"),
        (f"{_WEB}RepositoryName: web\n", 5, "leave it out: the key above says it"),
        (f"{_WEB}policy: '{{}}'\n", 5, _POLICY),
        (f"{_WEB}repository_policy: '{{}}'\n", 5, _POLICY),
        (f"{_WEB}lifecycle_policy: '{{}}'\n", 5, "write 'lifecycle_rules', a list"),
        (f"{_WEB}lifecycle_rule: []\n", 5, "write 'lifecycle_rules', a list"),
        (f"{_WEB}encryption: KMS\n", 5, "write 'encryption_type', and 'kms_key' beside it"),
        (
            f"{_WEB}encryption_configuration:\n      encryption_type: KMS\n",
            5,
            "write 'encryption_type', and 'kms_key' beside it",
        ),
        (f"{_WEB}kms_key_arn: x\n", 5, "write 'kms_key'"),
        (f"{_WEB}kms_key_id: x\n", 5, "write 'kms_key'"),
        (f"{_WEB}image_scanning_configuration: {{}}\n", 5, "write 'scan_on_push'"),
        (f"{_WEB}imageScanOnPush: true\n", 5, "write 'scan_on_push'"),
        (f"{_WEB}emptyOnDelete: true\n", 5, "write 'force_delete'"),
        (f"{_WEB}-force_delete: true\n", 5, "write a space after '-'"),
        (
            f"{_RULE}countNumber: 3\n",
            7,
            "write 'max_image_count' or 'max_image_age_days' with the number",
        ),
        (f"{_RULE}tagPrefixList: [v]\n", 7, "did you mean 'tag_prefix_list'?"),
        (f"{_RULE}tag_prefixes: [v]\n", 7, "write 'tag_prefix_list', a list"),
        (
            f"{_STATEMENT}Resource: '*'\n",
            8,
            "ECR's repository policies take none: it is the repository",
        ),
        (f"{_WEB}pull:\n      - aws: x\n", 6, "write 'role', 'user' or 'account'"),
        (
            "registry:\n  creation_templates:\n    payments:\n      applied_for: [REPLICATION]\n"
            "      tags: {a: b}\n",
            7,
            "write 'resource_tags'",
        ),
    ],
)
def test_another_name_of_a_key_is_told_what_to_write(
    tmp_path: Path, text: str, line: int, said: str
) -> None:
    [found] = [s for s in sentences(write(tmp_path, dev=HEAD + text)) if "unknown key" in s]
    assert found.startswith(f"dev.yaml:{line}: ")
    assert found.endswith(f"; {said}")
