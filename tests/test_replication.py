from typing import Any

import pytest
from cdktf import TerraformStack
from conftest import Resources

from ecr_constructs import (
    Registry,
    ReplicationConfiguration,
    ReplicationDestination,
    ReplicationRule,
)
from ecr_constructs.checks import refuse
from ecr_constructs.registry import REGIONS
from ecr_constructs.replication import replication_problems

HOME = Registry(account_id="111111111111", region="ap-northeast-2")
WEST = ReplicationDestination(region="us-west-2")
ELSEWHERE = ReplicationDestination(region="us-west-2", registry_id="222222222222")


def test_copies_to_a_region_of_the_same_account_and_to_another_account(
    stack: TerraformStack, resources: Resources
) -> None:
    rules = [
        ReplicationRule(destinations=(WEST,), repository_filters=("payments/",)),
        ReplicationRule(destinations=(ELSEWHERE,)),
    ]
    ReplicationConfiguration(stack, "Replication", registry=HOME, rules=rules)
    [resource] = resources("aws_ecr_replication_configuration")
    assert resource["replication_configuration"]["rule"] == [
        {
            "destination": [{"region": "us-west-2", "registry_id": "111111111111"}],
            "repository_filter": [{"filter": "payments/", "filter_type": "PREFIX_MATCH"}],
        },
        {"destination": [{"region": "us-west-2", "registry_id": "222222222222"}]},
    ]


@pytest.mark.parametrize("prefix", ["pa", "payments/", "a/b/c", "a.b_c-", "a/b-"])
def test_takes_the_filter(prefix: str) -> None:
    ReplicationRule(destinations=(WEST,), repository_filters=(prefix,))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"repository_filters": ("prod*",)}, r"it takes no '\*', got 'prod\*'"),
        ({"repository_filters": ("/prod",)}, "must be the beginning of a repository name"),
        ({"repository_filters": ("a//b",)}, "must be the beginning of a repository name"),
        ({"repository_filters": ("a",)}, r"must be 2 to 256 characters, got 'a' \(1\)"),
        ({"repository_filters": ("aa", "aa")}, "lists 'aa' twice"),
        ({"repository_filters": tuple(f"a{n}" for n in range(101))}, "at most 100 filters"),
        ({"repository_filters": "payments/"}, "must be a list of text, got 'payments/'"),
        ({"destinations": ()}, "needs at least one destination, got none"),
        ({"destinations": ("us-west-2",)}, "must hold ReplicationDestination values"),
    ],
)
def test_rule_fails_with(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        ReplicationRule(**{"destinations": (WEST,), **given})


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"region": "us-west"}, "region must be a Region that has ECR"),
        ({"region": "eusc-de-east-1"}, "the AWS provider does not take the Region"),
        ({"region": "us-west-2", "registry_id": "2"}, "registry_id must be an account id"),
    ],
)
def test_destination_fails_with(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        ReplicationDestination(**given)


def test_fails_with_rules_that_are_no_list(stack: TerraformStack) -> None:
    with pytest.raises(ValueError, match="rules must be a list of ReplicationRule values"):
        ReplicationConfiguration(stack, "Replication", registry=HOME, rules=None)  # type: ignore[arg-type]


def to(*regions: str) -> ReplicationRule:
    destinations = tuple(ReplicationDestination(region=region) for region in regions)
    return ReplicationRule(destinations=destinations)


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        ([], "replication takes 1 to 10 rules, got 0"),
        ([to("us-west-2")] * 11, "replication takes 1 to 10 rules, got 11"),
        ([to("ap-northeast-2")], "cannot replicate to itself, got Region 'ap-northeast-2'"),
        ([to("cn-north-1")], "stays in one AWS partition, got aws to aws-cn"),
        ([to("us-west-2", "us-west-2")], "names Region us-west-2 of account 111111111111 twice"),
        ([to(*REGIONS[5:18]), to(*REGIONS[18:31])], "at most 25 destinations over all rules"),
        (["rule"], "rules must hold ReplicationRule values"),
    ],
)
def test_fails_together_with(rules: list[ReplicationRule], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        refuse(replication_problems(HOME, rules))


def test_defines_nothing_where_it_fails(stack: TerraformStack) -> None:
    with pytest.raises(ValueError, match="takes 1 to 10 rules"):
        ReplicationConfiguration(stack, "Replication", registry=HOME, rules=[])
    assert stack.node.try_find_child("Replication") is None
