import base64
import json
import re
from dataclasses import MISSING, fields
from inspect import signature

import pytest
from cdktf import TerraformStack
from cdktf_cdktf_provider_aws.provider import AwsProvider
from conftest import Resources, resolved, synthesized

from ecr_constructs import (
    InvalidValueError,
    Principal,
    PublicPolicyStatement,
    PublicRepository,
    PublicRepositorySettings,
    Registry,
)
from ecr_constructs.lockout import LOCKOUT
from ecr_constructs.policy_risk import FOREIGN_PUSH
from ecr_constructs.repository_policy import Effect

CI = Principal(role="arn:aws:iam::111111111111:role/ci")


def test_says_what_everybody_reads(stack: TerraformStack, resources: Resources) -> None:
    provider = AwsProvider(stack, "Public", alias="public", region="us-east-1")
    repository = PublicRepository(
        stack,
        "Agent",
        repository_name="acme/agent",
        description="an agent",
        usage_text="docker run ${IMAGE}\n",
        architectures=["x86-64", "ARM 64"],
        operating_systems=["Linux"],
        prevent_destroy=True,
        push=[CI],
        repository_policy_statements=[
            PublicPolicyStatement(principals=(CI,), actions=("ecr-public:BatchDeleteImage",))
        ],
        provider=provider,
    )
    [resource] = resources("aws_ecrpublic_repository")
    assert resource == {
        "repository_name": "acme/agent",
        "catalog_data": {
            "description": "an agent",
            "usage_text": "docker run ${IMAGE}\n",
            "architectures": ["x86-64", "ARM 64"],
            "operating_systems": ["Linux"],
        },
        "lifecycle": {"prevent_destroy": True},
        "provider": "aws.public",
    }
    [policy] = resources("aws_ecrpublic_repository_policy")
    assert policy["provider"] == "aws.public"
    push, delete = json.loads(policy["policy"])["Statement"]
    assert push["Sid"] == "Push"
    assert push["Action"][0] == "ecr-public:BatchCheckLayerAvailability"
    assert delete["Action"] == "ecr-public:BatchDeleteImage"
    uri = resolved(stack, repository.repository_uri)
    assert re.fullmatch(r"\$\{aws_ecrpublic_repository\.Agent_\w+\.repository_uri\}", uri)


def test_knows_another_account_by_its_registry(stack: TerraformStack) -> None:
    foreign = [Principal(account="222222222222")]
    PublicRepository(stack, "Agent", repository_name="acme/agent", push=foreign)
    home = Registry(account_id="111111111111", region="ap-northeast-2")
    with pytest.raises(InvalidValueError) as caught:
        PublicRepository(
            stack, "Other", repository_name="acme/other", push=[CI, *foreign], registry=home
        )
    [problem] = caught.value.problems
    assert (problem.check, problem.path) == (FOREIGN_PUSH, ("push", 1))


def test_the_role_that_deploys_is_not_shut_out() -> None:
    home = Registry(account_id="111111111111", region="ap-northeast-2")
    denial = PublicPolicyStatement(
        effect=Effect.DENY, principals=(CI,), actions=("ecr-public:SetRepositoryPolicy",)
    )
    settings = PublicRepositorySettings(repository_policy_statements=(denial,))
    assert list(settings.problems_in(home, f"{CI.arn}-2")) == []
    [problem] = settings.problems_in(home, CI.arn)
    assert (problem.check, problem.path) == (LOCKOUT, ("repository_policy_statements", 0))


def test_says_nothing_without_a_word(stack: TerraformStack, resources: Resources) -> None:
    PublicRepository(stack, "Agent", repository_name="acme/agent")
    assert resources("aws_ecrpublic_repository") == [{"repository_name": "acme/agent"}]
    assert resources("aws_ecrpublic_repository_policy") == []


def test_fails_with_everything_at_once_and_defines_nothing(stack: TerraformStack) -> None:
    with pytest.raises(InvalidValueError) as caught:
        PublicRepository(
            stack,
            "Agent",
            repository_name="Acme",
            description="a\x00",
            logo_image_blob="?",
            architectures=["ARM", "ARM"],
        )
    paths = [problem.path for problem in caught.value.problems]
    assert paths == [(), ("description",), ("architectures", 1), ("logo_image_blob",)]
    assert stack.node.try_find_child("Agent") is None


def test_nobody_can_be_denied_to_pull() -> None:
    with pytest.raises(InvalidValueError, match="nobody can be denied"):
        PublicPolicyStatement(
            principals=(CI,),
            actions=("ecr-public:*",),
            effect="Deny",  # type: ignore[arg-type]
        )


def test_constructor_and_settings_are_one_vocabulary() -> None:
    parameters = signature(PublicRepository.__init__).parameters
    keywords = {name for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY}
    settings = fields(PublicRepositorySettings)
    assert keywords == {"repository_name", "registry", "provider"} | {
        field.name for field in settings
    }
    for field in settings:
        if field.default is not MISSING:
            assert parameters[field.name].default == field.default


def test_ids_are_pinned(stack: TerraformStack) -> None:
    # A new id makes Terraform replace the repository, with its images.
    PublicRepository(stack, "Agent", repository_name="acme/agent", push=[CI])
    found = synthesized(stack)["resource"]
    assert {kind: list(resources) for kind, resources in found.items()} == {
        "aws_ecrpublic_repository": ["Agent_255F68E9"],
        "aws_ecrpublic_repository_policy": ["Agent_RepositoryPolicy_A7258E4E"],
    }


def test_a_logo_is_as_large_as_ecr_takes_it() -> None:
    # The table has one that is a byte larger.
    logo = base64.b64encode(bytes(512_000)).decode()
    assert PublicRepositorySettings(logo_image_blob=logo).logo_image_blob == logo
