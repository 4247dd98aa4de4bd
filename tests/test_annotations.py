import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cdktf import App, TerraformStack

from ecr_constructs import (
    CiRole,
    EncryptionType,
    GitHubActions,
    LifecyclePolicy,
    LifecycleRule,
    Principal,
    Registry,
    ReplicationConfiguration,
    ReplicationDestination,
    ReplicationRule,
    Repository,
    TagMutability,
)
from ecr_constructs.annotations import CONTEXT

RELEASES = LifecycleRule(tag_prefix_list=("v",), max_image_count=5)
DEAD = LifecycleRule(tag_prefix_list=("v1",), max_image_count=1)


def told(folder: Path, define: Callable[[TerraformStack], object], **context: object) -> list[str]:
    """What the CDKTF CLI shows of a stack: the construct and the beginning of each warning."""
    app = App(outdir=str(folder), skip_validation=True, context=context)
    define(TerraformStack(app, "stack"))
    app.synth()
    manifest = json.loads((folder / "manifest.json").read_text())
    return [
        f"{annotation['constructPath']}: {annotation['message']}"
        for annotation in manifest["stacks"]["stack"]["annotations"]
    ]


def repository(stack: TerraformStack) -> Repository:
    return Repository(
        stack,
        "Api",
        repository_name="payments/api",
        image_tag_mutability=TagMutability.IMMUTABLE_WITH_EXCLUSION,
        image_tag_mutability_exclusion_filters=["*"],
        encryption_type=EncryptionType.KMS,
        kms_key="alias/ecr",
        lifecycle_rules=[RELEASES, DEAD],
    )


def test_a_repository_tells_what_is_legal_but_a_mistake(tmp_path: Path) -> None:
    exclusion, key, rule = told(tmp_path, repository)
    assert exclusion.startswith("stack/Api: an exclusion filter of '*' lets every tag be moved")
    assert key.startswith("stack/Api: AWS answers with the ARN of the key")
    assert rule.startswith("stack/Api: a lifecycle rule can never act")


def test_a_rule_that_is_added_is_told_of_once(tmp_path: Path) -> None:
    def define(stack: TerraformStack) -> None:
        api = Repository(stack, "Api", repository_name="ab", lifecycle_rules=[RELEASES])
        api.add_lifecycle_rule(DEAD)
        api.add_lifecycle_rule(LifecycleRule(max_image_age_days=90))

    assert len(told(tmp_path, define)) == 1


def test_a_grant_is_told_of_where_it_is_made(tmp_path: Path) -> None:
    node = Principal(eks_node_role="arn:aws:iam::111111111111:role/node")

    def define(stack: TerraformStack) -> None:
        api = Repository(stack, "Api", repository_name="ab")
        api.grant_pull(node)
        api.grant_push(node)

    [warning] = told(tmp_path, define)
    assert warning.startswith("stack/Api: what runs containers should pull only")


def replication(stack: TerraformStack) -> ReplicationConfiguration:
    home = Registry(account_id="111111111111", region="ap-northeast-2")
    everything = ReplicationRule(destinations=(ReplicationDestination(region="us-west-2"),))
    return ReplicationConfiguration(stack, "Replication", registry=home, rules=[everything])


def lifecycle_policy(stack: TerraformStack) -> LifecyclePolicy:
    return LifecyclePolicy(stack, "Policy", repository_name="ab", rules=[RELEASES, DEAD])


def ci_role(stack: TerraformStack) -> CiRole:
    home = Registry(account_id="111111111111", region="ap-northeast-2")
    jobs = GitHubActions(repository="acme/api", branches=("main", "*-rc"))
    return CiRole(stack, "Ci", registry=home, role_name="ci", trusted=[jobs])


@pytest.mark.parametrize("define", [replication, lifecycle_policy, ci_role])
def test_the_other_constructs_tell_it_too(
    tmp_path: Path, define: Callable[[TerraformStack], object]
) -> None:
    assert len(told(tmp_path, define)) == 1


def test_an_app_that_has_told_of_it_turns_the_annotations_off(tmp_path: Path) -> None:
    assert told(tmp_path, repository, **{CONTEXT: False}) == []
