import pytest
from cdktf import TerraformStack
from conftest import Resources

from ecr_constructs import InvalidValueError, PullThroughCacheRule, Registry

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


def test_caches_the_registry_of_another_account_by_a_role(
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
