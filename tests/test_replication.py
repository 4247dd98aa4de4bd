import pytest
from cdktf import TerraformStack
from conftest import Resources

from ecr_constructs import (
    Registry,
    ReplicationConfiguration,
    ReplicationDestination,
    ReplicationRule,
)

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


def test_fails_with_rules_that_are_no_list(stack: TerraformStack) -> None:
    with pytest.raises(ValueError, match="rules must be a list, got null"):
        ReplicationConfiguration(stack, "Replication", registry=HOME, rules=None)  # type: ignore[arg-type]


def test_defines_nothing_where_it_fails(stack: TerraformStack) -> None:
    with pytest.raises(ValueError, match="must have a rule"):
        ReplicationConfiguration(stack, "Replication", registry=HOME, rules=[])
    assert stack.node.try_find_child("Replication") is None
