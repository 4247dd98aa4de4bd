import json
import re
from dataclasses import MISSING, fields
from inspect import signature

import pytest
from cdktf import TerraformStack
from cdktf_cdktf_provider_aws.provider import AwsProvider
from conftest import Resources, resolved, synthesized

from ecr_constructs import (
    AppliedFor,
    EncryptionType,
    InvalidValueError,
    LifecycleRule,
    Principal,
    Registry,
    RepositoryCreationRole,
    RepositoryCreationTemplate,
    RepositoryCreationTemplateSettings,
    TagMutability,
    template_prefix_of,
)

HOME = Registry(account_id="111111111111", region="ap-northeast-2")
KEY = "arn:aws:kms:ap-northeast-2:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def test_says_what_repositories_are_like(stack: TerraformStack, resources: Resources) -> None:
    RepositoryCreationTemplate(
        stack,
        "Payments",
        registry=HOME,
        prefix="payments",
        applied_for=[AppliedFor.REPLICATION, AppliedFor.CREATE_ON_PUSH],
        description="replicas ${not} a template",
        lifecycle_rules=[LifecycleRule(max_image_count=10)],
        pull=[Principal(account="222222222222")],
    )
    [template] = resources("aws_ecr_repository_creation_template")
    lifecycle = json.loads(template.pop("lifecycle_policy"))
    policy = json.loads(template.pop("repository_policy"))
    assert template == {
        "prefix": "payments",
        "applied_for": ["REPLICATION", "CREATE_ON_PUSH"],
        "description": "replicas ${not} a template",
        "image_tag_mutability": "IMMUTABLE",
        "encryption_configuration": [{"encryption_type": "AES256"}],
    }
    assert lifecycle["rules"][0]["selection"]["countNumber"] == 10
    assert policy["Statement"][0]["Principal"] == {"AWS": "222222222222"}
    # Without tags and KMS it needs no role.
    assert resources("aws_iam_role") == []


def test_makes_the_role_that_tags_and_keys_need(
    stack: TerraformStack, resources: Resources
) -> None:
    RepositoryCreationTemplate(
        stack,
        "Payments",
        registry=HOME,
        prefix="payments",
        applied_for=[AppliedFor.REPLICATION],
        encryption_type=EncryptionType.KMS,
        kms_key=KEY,
        resource_tags={"team": "%{payments}"},
    )
    [template] = resources("aws_ecr_repository_creation_template")
    # By the policy, so that ECR does not assume the role before it may do anything.
    assert re.fullmatch(
        r"arn:aws:iam::111111111111:role/\$\{aws_iam_role_policy\.Payments_Role_Policy_\w+\.role\}",
        template["custom_role_arn"],
    )
    assert template["resource_tags"] == {"team": "%%{payments}"}
    [role] = resources("aws_iam_role")
    assert json.loads(role["assume_role_policy"])["Statement"] == [
        {
            "Effect": "Allow",
            "Principal": {"Service": "ecr.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ]
    [policy] = resources("aws_iam_role_policy")
    assert json.loads(policy["policy"])["Statement"] == [
        {
            "Effect": "Allow",
            "Action": ["ecr:CreateRepository", "ecr:ReplicateImage", "ecr:TagResource"],
            "Resource": ["arn:aws:ecr:ap-northeast-2:111111111111:repository/payments/*"],
        },
        {
            "Effect": "Allow",
            "Action": ["kms:CreateGrant", "kms:DescribeKey", "kms:RetireGrant"],
            "Resource": [KEY],
        },
    ]


def test_a_role_of_ones_own_serves(stack: TerraformStack, resources: Resources) -> None:
    role = "arn:aws:iam::111111111111:role/ecr"
    RepositoryCreationTemplate(
        stack,
        "All",
        registry=HOME,
        prefix="ROOT",
        applied_for=[AppliedFor.PULL_THROUGH_CACHE],
        image_tag_mutability=TagMutability.MUTABLE,
        resource_tags={"team": "platform"},
        custom_role_arn=role,
    )
    [template] = resources("aws_ecr_repository_creation_template")
    assert template["custom_role_arn"] == role
    assert resources("aws_iam_role") == []


def test_one_role_for_several_templates(stack: TerraformStack, resources: Resources) -> None:
    RepositoryCreationRole(
        stack, "Role", registry=HOME, prefixes=["a1", "ROOT"], kms_keys=[KEY, None]
    )
    [policy] = resources("aws_iam_role_policy")
    repositories, keys = json.loads(policy["policy"])["Statement"]
    assert repositories["Resource"] == ["arn:aws:ecr:ap-northeast-2:111111111111:repository/*"]
    assert keys["Resource"] == ["arn:aws:kms:ap-northeast-2:111111111111:key/*"]


def test_a_role_names_no_prefix_below_another(stack: TerraformStack, resources: Resources) -> None:
    prefixes = ["payments/ledger/eu", "payments", "pay", "payments/ledger"]
    RepositoryCreationRole(stack, "Role", registry=HOME, prefixes=prefixes)
    [policy] = resources("aws_iam_role_policy")
    [repositories] = json.loads(policy["policy"])["Statement"]
    start = "arn:aws:ecr:ap-northeast-2:111111111111:repository"
    assert repositories["Resource"] == [f"{start}/payments/*", f"{start}/pay/*"]


def test_fails_where_the_policy_of_the_role_is_too_long(stack: TerraformStack) -> None:
    def define(id_: str, count: int) -> None:
        prefixes = [f"namespace-{number:03}" for number in range(count)]
        RepositoryCreationRole(stack, id_, registry=HOME, prefixes=prefixes)

    # 143 characters, and 69 for each prefix.
    define("Good", 146)
    with pytest.raises(ValueError, match="must be at most 10240 characters as JSON, got 10286"):
        define("Bad", 147)
    assert stack.node.try_find_child("Bad") is None


def test_several_templates_share_a_role(stack: TerraformStack, resources: Resources) -> None:
    role = RepositoryCreationRole(stack, "Role", registry=HOME, prefixes=["tagged", "plain"])
    own = "arn:aws:iam::111111111111:role/ecr"
    for prefix, tags, named in (
        ("tagged", {"a": "b"}, None),
        ("plain", {}, None),
        ("own", {}, own),
    ):
        RepositoryCreationTemplate(
            stack,
            f"Template:{prefix}",
            registry=HOME,
            prefix=prefix,
            applied_for=[AppliedFor.REPLICATION],
            resource_tags=tags,
            custom_role_arn=named,
            role=role,
        )
    found = {
        template["prefix"]: template.get("custom_role_arn")
        for template in resources("aws_ecr_repository_creation_template")
    }
    # A template that needs no role gets none.
    assert found == {"tagged": resolved(stack, role.role_arn), "plain": None, "own": own}
    assert len(resources("aws_iam_role")) == 1


def test_lives_in_the_region_of_its_provider(stack: TerraformStack, resources: Resources) -> None:
    abroad = AwsProvider(stack, "AWS:west", alias="west", region="us-west-2")
    RepositoryCreationTemplate(
        stack,
        "West",
        registry=Registry(account_id="111111111111", region="us-west-2"),
        prefix="payments",
        applied_for=[AppliedFor.REPLICATION],
        provider=abroad,
    )
    [template] = resources("aws_ecr_repository_creation_template")
    assert template["provider"] == "aws.west"


def test_fails_with_everything_at_once_and_defines_nothing(stack: TerraformStack) -> None:
    with pytest.raises(InvalidValueError) as caught:
        RepositoryCreationTemplate(
            stack,
            "Bad",
            registry=HOME,
            prefix="payments/",
            applied_for=[],
            kms_key="alias/ecr",
            resource_tags={"aws:x": "y"},
        )
    assert [problem.path for problem in caught.value.problems] == [
        (),
        ("kms_key",),
        ("kms_key",),
        ("applied_for",),
        ("resource_tags", "aws:x"),
    ]
    assert stack.node.try_find_child("Bad") is None


def test_fails_where_the_key_is_elsewhere(stack: TerraformStack) -> None:
    with pytest.raises(InvalidValueError, match="kms_key must be in the Region"):
        RepositoryCreationTemplate(
            stack,
            "Bad",
            registry=Registry(account_id="111111111111", region="us-west-2"),
            prefix="payments",
            applied_for=[AppliedFor.REPLICATION],
            encryption_type=EncryptionType.KMS,
            kms_key=KEY,
        )


@pytest.mark.parametrize(
    ("applied_for", "filters", "versions"),
    [
        ("REPLICATION", (), set()),
        ("CREATE_ON_PUSH", (), {"6.28.0"}),
        ("REPLICATION", ("latest",), {"6.10.0"}),
    ],
)
def test_tells_which_provider_it_needs(
    stack: TerraformStack, applied_for: str, filters: tuple[str, ...], versions: set[str]
) -> None:
    template = RepositoryCreationTemplate(
        stack,
        "Payments",
        registry=HOME,
        prefix="payments",
        applied_for=[AppliedFor(applied_for)],
        image_tag_mutability=(
            TagMutability.IMMUTABLE_WITH_EXCLUSION if filters else TagMutability.IMMUTABLE
        ),
        image_tag_mutability_exclusion_filters=filters,
    )
    assert template.required_provider_versions == versions


# From the user guide: the longest prefix wins, a '/' at its end is implied.
@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("payments/api", "payments"),
        ("payments/eu/api", "payments/eu"),
        ("payments/europe", "payments"),
        ("payments", "ROOT"),
        ("payments-old/api", "ROOT"),
        ("web", "ROOT"),
    ],
)
def test_the_longest_namespace_wins(name: str, prefix: str) -> None:
    assert template_prefix_of(name, ["payments", "ROOT", "payments/eu"]) == prefix


def test_no_template_without_a_prefix_that_matches() -> None:
    assert template_prefix_of("web", ["payments"]) is None


def test_constructor_and_settings_are_one_vocabulary() -> None:
    parameters = signature(RepositoryCreationTemplate.__init__).parameters
    keywords = {name for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY}
    settings = fields(RepositoryCreationTemplateSettings)
    beside = {"registry", "prefix", "role", "provider"}
    assert keywords == beside | {field.name for field in settings}
    for field in settings:
        if field.default is not MISSING:
            assert parameters[field.name].default == field.default


def test_ids_are_pinned(stack: TerraformStack) -> None:
    # A new id makes Terraform replace the template, and for a moment there is none.
    RepositoryCreationTemplate(
        stack,
        "Payments",
        registry=HOME,
        prefix="payments",
        applied_for=[AppliedFor.REPLICATION],
        resource_tags={"team": "payments"},
    )
    found = synthesized(stack)["resource"]
    assert {kind: list(resources) for kind, resources in found.items()} == {
        "aws_ecr_repository_creation_template": ["Payments_130453D3"],
        "aws_iam_role": ["Payments_Role_E47F7412"],
        "aws_iam_role_policy": ["Payments_Role_Policy_89121268"],
    }
