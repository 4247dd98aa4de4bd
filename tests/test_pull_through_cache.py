import json
import re

import pytest
from cdktf import TerraformStack
from conftest import Resources, resolved

from ecr_constructs import (
    InvalidValueError,
    PullThroughCacheRule,
    PullThroughCacheSettings,
    Registry,
)

HOME = Registry(account_id="111111111111", region="ap-northeast-2")
URI = "111111111111.dkr.ecr.ap-northeast-2.amazonaws.com"


def test_keeps_public_images(stack: TerraformStack, resources: Resources) -> None:
    rule = PullThroughCacheRule(
        stack,
        "Public",
        registry=HOME,
        ecr_repository_prefix="ecr-public",
        upstream_registry="ecr-public",
    )
    [resource] = resources("aws_ecr_pull_through_cache_rule")
    assert resource == {
        "ecr_repository_prefix": "ecr-public",
        "upstream_registry_url": "public.ecr.aws",
    }
    assert rule.credential_arn is None
    assert resources("aws_secretsmanager_secret") == []


def test_defines_a_secret_without_a_value(stack: TerraformStack, resources: Resources) -> None:
    PullThroughCacheRule(
        stack,
        "Docker",
        registry=HOME,
        ecr_repository_prefix="docker-hub",
        upstream_registry="docker-hub",
        create_credential=True,
    )
    [secret] = resources("aws_secretsmanager_secret")
    assert secret["name"] == "ecr-pullthroughcache/docker-hub"
    assert resources("aws_secretsmanager_secret_version") == []
    [resource] = resources("aws_ecr_pull_through_cache_rule")
    assert resource["credential_arn"].startswith("${aws_secretsmanager_secret.Docker_Credential")


def test_caches_the_registry_of_another_account_by_a_role_of_ones_own(
    stack: TerraformStack, resources: Resources
) -> None:
    PullThroughCacheRule(
        stack,
        "Base",
        registry=HOME,
        ecr_repository_prefix="base",
        upstream_registry_url="222222222222.dkr.ecr.us-west-2.amazonaws.com",
        upstream_repository_prefix="platform",
        custom_role_arn="arn:aws:iam::111111111111:role/cache",
    )
    [resource] = resources("aws_ecr_pull_through_cache_rule")
    assert resource["custom_role_arn"] == "arn:aws:iam::111111111111:role/cache"
    assert resource["upstream_repository_prefix"] == "platform"


def test_makes_the_role_that_another_account_wants(
    stack: TerraformStack, resources: Resources
) -> None:
    rule = PullThroughCacheRule(
        stack,
        "Base",
        registry=HOME,
        ecr_repository_prefix="base",
        upstream_registry_url="222222222222.dkr.ecr.us-west-2.amazonaws.com",
        upstream_repository_prefix="platform",
    )
    [role] = resources("aws_iam_role")
    assert json.loads(role["assume_role_policy"])["Statement"] == [
        {
            "Effect": "Allow",
            "Principal": {"Service": "pullthroughcache.ecr.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ]
    [policy] = resources("aws_iam_role_policy")
    assert json.loads(policy["policy"])["Statement"] == [
        {"Effect": "Allow", "Action": ["ecr:GetAuthorizationToken"], "Resource": "*"},
        {
            "Effect": "Allow",
            "Action": [
                "ecr:BatchGetImage",
                "ecr:BatchImportUpstreamImage",
                "ecr:GetDownloadUrlForLayer",
                "ecr:GetImageCopyStatus",
                "ecr:CompleteLayerUpload",
                "ecr:InitiateLayerUpload",
                "ecr:PutImage",
                "ecr:UploadLayerPart",
            ],
            "Resource": [
                "arn:aws:ecr:us-west-2:222222222222:repository/platform/*",
                "arn:aws:ecr:ap-northeast-2:111111111111:repository/base/*",
            ],
        },
    ]
    [resource] = resources("aws_ecr_pull_through_cache_rule")
    made = resolved(stack, str(rule.custom_role_arn))
    assert resource["custom_role_arn"] == made
    # By the policy, so that ECR does not assume the role before it may do anything.
    name = r"\$\{aws_iam_role_policy\.Base_Role_Policy_\w+\.role\}"
    assert re.fullmatch(f"arn:aws:iam::111111111111:role/{name}", made)


# From the user guide's table of upstreams.
@pytest.mark.parametrize(
    ("upstream", "url", "host"),
    [
        ("docker-hub", None, "registry-1.docker.io"),
        ("ecr-public", None, "public.ecr.aws"),
        ("quay", None, "quay.io"),
        ("kubernetes", None, "registry.k8s.io"),
        ("github", None, "ghcr.io"),
        ("gitlab", None, "registry.gitlab.com"),
        ("chainguard", None, "cgr.dev"),
        ("azure", "example.azurecr.io", "example.azurecr.io"),
        (
            "ecr",
            "111111111111.dkr.ecr.us-west-2.amazonaws.com",
            "111111111111.dkr.ecr.us-west-2.amazonaws.com",
        ),
    ],
)
def test_knows_the_host_of_each_upstream(upstream: str, url: str | None, host: str) -> None:
    free = ("ecr-public", "quay", "kubernetes", "ecr")
    settings = PullThroughCacheSettings(
        upstream_registry=upstream,
        upstream_registry_url=url,
        create_credential=upstream not in free,
    )
    assert (settings.host, settings.upstream) == (host, upstream)


def base(stack: TerraformStack, upstream_repository_prefix: str | None) -> PullThroughCacheRule:
    return PullThroughCacheRule(
        stack,
        f"Rule{upstream_repository_prefix}",
        registry=HOME,
        ecr_repository_prefix="other",
        upstream_registry_url="111111111111.dkr.ecr.us-west-2.amazonaws.com",
        upstream_repository_prefix=upstream_repository_prefix,
    )


def test_the_prefix_of_the_upstream_is_not_pulled_twice(stack: TerraformStack) -> None:
    # ECR puts the prefix of the upstream before what is below the rule's own.
    rule = base(stack, "base")
    assert rule.image_uri("base/api:1") == f"{URI}/other/api:1"
    assert rule.example_uri == f"{URI}/other/<repository below base>:<tag>"
    for outside in ("api:1", "based/api:1", "base:1"):
        with pytest.raises(ValueError, match="must start with the 'upstream_repository_prefix'"):
            rule.image_uri(outside)


@pytest.mark.parametrize("everything", [None, "ROOT"])
def test_without_a_prefix_of_the_upstream_all_of_it_is_pulled(
    stack: TerraformStack, everything: str | None
) -> None:
    rule = base(stack, everything)
    assert rule.image_uri("base/api:1") == f"{URI}/other/base/api:1"
    assert rule.example_uri == f"{URI}/other/<repository>:<tag>"


@pytest.mark.parametrize(
    ("prefix", "upstream", "image", "uri"),
    [
        ("docker-hub", "docker-hub", "nginx:1.27", f"{URI}/docker-hub/library/nginx:1.27"),
        ("docker-hub", "docker-hub", "library/nginx", f"{URI}/docker-hub/library/nginx"),
        ("docker-hub", "docker-hub", "grafana/grafana:12", f"{URI}/docker-hub/grafana/grafana:12"),
        ("quay", "quay", "prometheus/node", f"{URI}/quay/prometheus/node"),
        ("ROOT", "quay", "prometheus/node", f"{URI}/prometheus/node"),
        ("k8s", "kubernetes", "pause:3.10", f"{URI}/k8s/pause:3.10"),
    ],
)
def test_tells_what_to_pull(
    stack: TerraformStack, prefix: str, upstream: str, image: str, uri: str
) -> None:
    rule = PullThroughCacheRule(
        stack,
        "Rule",
        registry=HOME,
        ecr_repository_prefix=prefix,
        upstream_registry=upstream,
        create_credential=upstream == "docker-hub",
    )
    assert rule.image_uri(image) == uri
    with pytest.raises(ValueError, match="upstream image must be a repository of the upstream"):
        rule.image_uri("https://quay.io/x")
    with pytest.raises(ValueError, match="upstream image must be 1 to 512 characters"):
        rule.image_uri(f"{'x' * 511}:1")


def test_fails_with_everything_at_once_and_defines_nothing(stack: TerraformStack) -> None:
    with pytest.raises(InvalidValueError) as caught:
        PullThroughCacheRule(
            stack,
            "Rule",
            registry=HOME,
            ecr_repository_prefix="A",
            upstream_registry="docker-hub",
        )
    assert len(caught.value.problems) == 2
    assert stack.node.try_find_child("Rule") is None
