import json
from typing import Any

import pytest
from cdktf import TerraformStack
from conftest import Resources

from ecr_constructs import (
    Principal,
    Registry,
    RegistryPolicy,
    RegistryPolicyStatement,
    accept_replication,
    allow_caching,
    allow_create_on_push,
    allow_pull_through,
)
from ecr_constructs.registry_policy import registry_policy_problems

HOME = Registry(account_id="111111111111", region="us-west-2")
ARN = "arn:aws:ecr:us-west-2:111111111111:repository"
CACHE = Principal(role="arn:aws:iam::222222222222:role/ecr-pull-through-cache")
CI = Principal(role="arn:aws:iam::111111111111:role/ci")


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (
            accept_replication("222222222222", ["payments/", "web/"]),
            {
                "Sid": "ReplicationFrom222222222222",
                "Effect": "Allow",
                "Principal": {"AWS": "222222222222"},
                "Action": ["ecr:CreateRepository", "ecr:ReplicateImage"],
                "Resource": [f"{ARN}/payments/*", f"{ARN}/web/*"],
            },
        ),
        (
            allow_pull_through([CI], "docker-hub"),
            {
                "Effect": "Allow",
                "Principal": {"AWS": CI.identifier},
                "Action": ["ecr:CreateRepository", "ecr:BatchImportUpstreamImage"],
                "Resource": f"{ARN}/docker-hub/*",
            },
        ),
        (
            allow_pull_through([CI], "ROOT"),
            {
                "Effect": "Allow",
                "Principal": {"AWS": CI.identifier},
                "Action": ["ecr:CreateRepository", "ecr:BatchImportUpstreamImage"],
                "Resource": f"{ARN}/*",
            },
        ),
        (
            allow_caching([CACHE], ["base/"]),
            {
                "Effect": "Allow",
                "Principal": {"AWS": CACHE.identifier},
                "Action": [
                    "ecr:BatchGetImage",
                    "ecr:BatchImportUpstreamImage",
                    "ecr:GetDownloadUrlForLayer",
                    "ecr:GetImageCopyStatus",
                ],
                "Resource": f"{ARN}/base/*",
            },
        ),
        (
            allow_create_on_push([CI]),
            {
                "Effect": "Allow",
                "Principal": {"AWS": CI.identifier},
                "Action": "ecr:CreateRepository",
                "Resource": f"{ARN}/*",
            },
        ),
    ],
)
def test_renders_always_with_a_resource(
    statement: RegistryPolicyStatement, expected: dict[str, Any]
) -> None:
    assert statement.render(HOME) == [expected]


def test_is_one_document_in_one_line(stack: TerraformStack, resources: Resources) -> None:
    statements = [accept_replication("222222222222"), allow_create_on_push([CI], ["team/"])]
    RegistryPolicy(stack, "Policy", registry=HOME, statements=statements)
    [resource] = resources("aws_ecr_registry_policy")
    assert "\n" not in resource["policy"]
    assert json.loads(resource["policy"]) == {
        "Version": "2012-10-17",
        "Statement": [part for statement in statements for part in statement.render(HOME)],
    }


def test_defines_nothing_where_it_fails(stack: TerraformStack) -> None:
    with pytest.raises(ValueError, match="takes at least one statement, got none"):
        RegistryPolicy(stack, "Policy", registry=HOME, statements=[])
    assert stack.node.try_find_child("Policy") is None


HALF = ("ecr:B*", "ecr:C*", "ecr:D*", "ecr:G*", "ecr:I*", "ecr:L*", "ecr:P*")
REST = ("ecr:R*", "ecr:SetRepositoryPolicy", "ecr:Start*", "ecr:T*", "ecr:U*")


@pytest.mark.parametrize(
    ("one", "other", "refused"),
    [
        ((), (), True),
        (("payments/",), (), True),
        ((), ("payments/",), True),
        (("payments/", "web/"), ("web/api/",), True),
        (("payments/",), ("web/",), False),
    ],
)
def test_fails_where_statements_are_everything_together(
    stack: TerraformStack, one: tuple[str, ...], other: tuple[str, ...], refused: bool
) -> None:
    statements = [
        RegistryPolicyStatement(principals=(CI,), actions=actions, repository_prefixes=prefixes)
        for actions, prefixes in ((HALF, one), (REST, other))
    ]
    found = [p.sentence for p in registry_policy_problems(HOME, statements)]
    assert len(found) == refused
    assert all("must not stand for all of ECR, got them all for" in text for text in found)
    if refused:
        with pytest.raises(ValueError, match="got them all for"):
            RegistryPolicy(stack, "Policy", registry=HOME, statements=statements)
