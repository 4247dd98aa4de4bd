"""What the library accepts for a registry, at random, is accepted by those who do not know it."""

import base64
import json
import os
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import botocore.session
import jsonschema
import pytest
from cdktf import TerraformStack
from cdktf_cdktf_provider_aws.provider import AwsProvider
from conftest import new_stack, synthesized
from hypothesis import assume, given
from hypothesis import settings as how
from hypothesis import strategies as st
from strategies import (
    REGION,
    cache_rules,
    creation_templates,
    public_names,
    public_repositories,
    registry_statements,
    scannings,
    template_prefixes,
)
from test_oracles import FEW, HOME, lint_template, schema_of

from ecr_constructs import (
    AccountSetting,
    PublicRepository,
    PullThroughCacheRule,
    PullTimeUpdateExclusion,
    RegistryPolicy,
    RegistryScanningConfiguration,
    RepositoryCreationTemplate,
)
from ecr_constructs.account_setting import VALUES
from ecr_constructs.registry_policy import registry_policy_problems
from local.terraform import Terraform, missing_programs, terraform_environ

EXCLUDED = [f"arn:aws:iam::111111111111:{name}" for name in ("role/a/b", "user/c")]
SESSION = botocore.session.get_session()
MODELS = {name: SESSION.get_service_model(name) for name in ("ecr", "ecr-public")}


class Chosen(NamedTuple):
    """What is defined in a registry."""

    templates: dict[str, Any]
    caches: dict[str, Any]
    scanning: Any
    statements: list[Any]
    public: dict[str, Any]


def chosen(*, exclusion: bool = True) -> st.SearchStrategy[Chosen]:
    return st.builds(
        Chosen,
        templates=st.dictionaries(
            template_prefixes, creation_templates(exclusion=exclusion), max_size=3
        ),
        caches=cache_rules,
        scanning=scannings,
        statements=st.lists(registry_statements, min_size=1, max_size=3),
        public=st.dictionaries(public_names, public_repositories, max_size=3),
    )


def define(stack: TerraformStack, given: Chosen) -> None:
    """Define everything but what only a newer provider knows."""
    for number, (prefix, template) in enumerate(given.templates.items()):
        RepositoryCreationTemplate(
            stack, f"Template{number}", registry=HOME, prefix=prefix, **vars(template)
        )
    for number, (prefix, cache) in enumerate(given.caches.items()):
        PullThroughCacheRule(
            stack, f"Cache{number}", registry=HOME, ecr_repository_prefix=prefix, **vars(cache)
        )
    RegistryScanningConfiguration(stack, "Scanning", **vars(given.scanning))
    RegistryPolicy(stack, "Policy", registry=HOME, statements=given.statements)
    for number, (name, repository) in enumerate(given.public.items()):
        PublicRepository(stack, f"Public{number}", repository_name=name, **vars(repository))
    for setting in ("BASIC_SCAN_TYPE_VERSION", "REGISTRY_POLICY_SCOPE"):
        AccountSetting(stack, setting, name=setting, value=VALUES[setting][-1])


def emitted(given: Chosen) -> dict[str, Any]:
    """The resources as Terraform reads their JSON: with doubled signs single."""
    assume(not list(registry_policy_problems(HOME, given.statements)))
    stack = new_stack()
    define(stack, given)
    for number, arn in enumerate(EXCLUDED):
        PullTimeUpdateExclusion(stack, f"Exclusion{number}", principal_arn=arn)
    written = json.dumps(synthesized(stack)["resource"])
    return dict(json.loads(written.replace("%%{", "%{").replace("$${", "${")))


class Request(NamedTuple):
    """A call of the API that the AWS provider makes, and CloudFormation's resource for it."""

    service: str
    call: str
    members: dict[str, Any]
    type: str = ""
    properties: dict[str, Any] | None = None


def _given(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _tags(made: dict[str, Any], name: str) -> list[dict[str, str]] | None:
    return [{"Key": k, "Value": v} for k, v in made.get(name, {}).items()] or None


def _for_cloudformation(tags: list[dict[str, str]] | None) -> list[dict[str, str]] | None:
    """Its tags want a value, and cfn-lint takes the key 'False' for a truth value."""
    kept = [t for t in tags or () if t["Value"] and t["Key"].lower() not in ("true", "false")]
    return kept or None


def _template(made: dict[str, Any]) -> Request:
    [encryption] = made["encryption_configuration"]
    filters = made.get("image_tag_mutability_exclusion_filter", ())
    # A role of the stack is an ARN by then.
    role = made.get("custom_role_arn")
    role = "arn:aws:iam::111111111111:role/made" if role and "${" in role else role
    tags = _tags(made, "resource_tags")
    policy = made.get("repository_policy")
    key = encryption.get("kms_key")
    return Request(
        "ecr",
        "CreateRepositoryCreationTemplate",
        _given(
            prefix=made["prefix"],
            appliedFor=made["applied_for"],
            description=made.get("description"),
            imageTagMutability=made["image_tag_mutability"],
            imageTagMutabilityExclusionFilters=[
                {"filter": f["filter"], "filterType": f["filter_type"]} for f in filters
            ]
            or None,
            encryptionConfiguration=_given(
                encryptionType=encryption["encryption_type"], kmsKey=key
            ),
            lifecyclePolicy=made.get("lifecycle_policy"),
            repositoryPolicy=policy,
            resourceTags=tags,
            customRoleArn=role,
        ),
        "RepositoryCreationTemplate",
        _given(
            Prefix=made["prefix"],
            AppliedFor=made["applied_for"],
            Description=made.get("description"),
            ImageTagMutability=made["image_tag_mutability"],
            ImageTagMutabilityExclusionFilters=[
                {
                    "ImageTagMutabilityExclusionFilterType": f["filter_type"],
                    "ImageTagMutabilityExclusionFilterValue": f["filter"],
                }
                for f in filters
            ]
            or None,
            EncryptionConfiguration=_given(
                EncryptionType=encryption["encryption_type"], KmsKey=key
            ),
            LifecyclePolicy=made.get("lifecycle_policy"),
            RepositoryPolicy=policy,
            ResourceTags=_for_cloudformation(tags),
            CustomRoleArn=role,
        ),
    )


def _cache(made: dict[str, Any]) -> Request:
    role = made.get("custom_role_arn") and "arn:aws:iam::111111111111:role/made"
    names = {
        "ecrRepositoryPrefix": made["ecr_repository_prefix"],
        "upstreamRegistryUrl": made["upstream_registry_url"],
        "credentialArn": made.get("credential_arn"),
        "customRoleArn": role,
    }
    return Request(
        "ecr",
        "CreatePullThroughCacheRule",
        _given(**names),
        "PullThroughCacheRule",
        _given(**{name[0].upper() + name[1:]: value for name, value in names.items()}),
    )


def _scanning(made: dict[str, Any]) -> Request:
    rules = made.get("rule", ())
    return Request(
        "ecr",
        "PutRegistryScanningConfiguration",
        {
            "scanType": made["scan_type"],
            "rules": [
                {
                    "scanFrequency": rule["scan_frequency"],
                    "repositoryFilters": [
                        {"filter": f["filter"], "filterType": f["filter_type"]}
                        for f in rule["repository_filter"]
                    ],
                }
                for rule in rules
            ],
        },
        "RegistryScanningConfiguration",
        {
            "ScanType": made["scan_type"],
            "Rules": [
                {
                    "ScanFrequency": rule["scan_frequency"],
                    "RepositoryFilters": [
                        {"Filter": f["filter"], "FilterType": f["filter_type"]}
                        for f in rule["repository_filter"]
                    ],
                }
                for rule in rules
            ],
        },
    )


def _policy(made: dict[str, Any]) -> Request:
    return Request(
        "ecr",
        "PutRegistryPolicy",
        {"policyText": made["policy"]},
        "RegistryPolicy",
        {"PolicyText": json.loads(made["policy"])},
    )


def _public(made: dict[str, Any]) -> Request:
    data = made.get("catalog_data", {})
    texts = {"description": "description", "about_text": "aboutText", "usage_text": "usageText"}
    lists = {"architectures": "architectures", "operating_systems": "operatingSystems"}
    catalog = {new: data[old] for old, new in {**texts, **lists}.items() if old in data}
    return Request(
        "ecr-public",
        "CreateRepository",
        _given(
            repositoryName=made["repository_name"],
            catalogData=catalog or None,
            tags=_tags(made, "tags"),
        ),
        "PublicRepository",
        _given(
            RepositoryName=made["repository_name"],
            RepositoryCatalogData={
                name: data[key]
                for key, name in {
                    "description": "RepositoryDescription",
                    "about_text": "AboutText",
                    "usage_text": "UsageText",
                    "architectures": "Architectures",
                    "operating_systems": "OperatingSystems",
                }.items()
                if data.get(key)
            }
            or None,
            Tags=_for_cloudformation(_tags(made, "tags")),
        ),
    )


def _public_policy(made: dict[str, Any]) -> Request:
    members = {"repositoryName": "ab", "policyText": made["policy"]}
    return Request("ecr-public", "SetRepositoryPolicy", members)


def _setting(made: dict[str, Any]) -> Request:
    return Request("ecr", "PutAccountSetting", {"name": made["name"], "value": made["value"]})


def _exclusion(made: dict[str, Any]) -> Request:
    members = {"principalArn": made["principal_arn"]}
    return Request(
        "ecr",
        "RegisterPullTimeUpdateExclusion",
        members,
        "PullTimeUpdateExclusion",
        {"PrincipalArn": made["principal_arn"]},
    )


KINDS: dict[str, Callable[[dict[str, Any]], Request]] = {
    "aws_ecr_repository_creation_template": _template,
    "aws_ecr_pull_through_cache_rule": _cache,
    "aws_ecr_registry_scanning_configuration": _scanning,
    "aws_ecr_registry_policy": _policy,
    "aws_ecr_account_setting": _setting,
    "aws_ecr_pull_time_update_exclusion": _exclusion,
    "aws_ecrpublic_repository": _public,
    "aws_ecrpublic_repository_policy": _public_policy,
}
# What is of IAM and no business of these oracles.
OTHERS = {"aws_iam_role", "aws_iam_role_policy"}


def requests(resources: dict[str, Any]) -> Iterator[Request]:
    assert set(resources) <= {*KINDS, *OTHERS}
    for kind, read in KINDS.items():
        for made in resources.get(kind, {}).values():
            yield read(made)


def validator(service: str, call: str) -> jsonschema.Draft202012Validator:
    shape = MODELS[service].operation_model(call).input_shape
    return jsonschema.Draft202012Validator(schema_of(shape))


@FEW
@given(chosen())
def test_what_is_accepted_satisfies_botocores_model(given: Chosen) -> None:
    for request in requests(emitted(given)):
        validator(request.service, request.call).validate(request.members)


def test_the_oracle_of_botocore_refuses() -> None:
    bad = {"prefix": "a b", "appliedFor": ["REPLICATE"], "lifecyclePolicy": "x" * 30_721}
    assert len(list(validator("ecr", "CreateRepositoryCreationTemplate").iter_errors(bad))) == 3


def lint(made: Iterator[Request]) -> list[str]:
    """What cfn-lint, by the schemas of AWS's CloudFormation registry, has against resources."""
    resources = {
        f"R{number}": {"Type": f"AWS::ECR::{request.type}", "Properties": request.properties}
        for number, request in enumerate(made)
        if request.type
    }
    # cfn-lint looks at each Region, and what is public is not in each.
    return [m for m in lint_template({"Resources": resources}) if "does not exist in" not in m]


@how(FEW, max_examples=15)
@given(chosen())
def test_what_is_accepted_satisfies_cfn_lint(given: Chosen) -> None:
    assert lint(requests(emitted(given))) == []


def test_the_oracle_of_cfn_lint_refuses() -> None:
    bad = {"Prefix": "a b", "AppliedFor": ["REPLICATE"]}
    request = Request("ecr", "x", {}, "RepositoryCreationTemplate", bad)
    assert [message[:5] for message in lint(iter([request]))] == ["E3030", "E3031"]


@pytest.fixture(scope="module")
def terraform(tmp_path_factory: pytest.TempPathFactory) -> Terraform:
    """Terraform in a folder with the AWS provider installed."""
    missing = missing_programs("terraform")
    if missing and os.environ.get("CI") != "true":
        pytest.skip(f"needs {' and '.join(missing)} on the PATH")
    assert not missing, f"{' and '.join(missing)} must be on the PATH in CI"
    folder = tmp_path_factory.mktemp("terraform")
    found = Terraform(folder=folder, environ=terraform_environ(dict(os.environ), folder))
    (folder / "cdk.tf.json").write_text(json.dumps(synthesized(with_provider())))
    found.init()
    return found


def with_provider() -> TerraformStack:
    stack = new_stack()
    AwsProvider(stack, "AWS", region=REGION)
    stack.add_override("terraform.required_providers.aws.version", ">= 5.100.0")
    return stack


@pytest.mark.e2e
@how(FEW, max_examples=5)
@given(chosen(exclusion=False))
def test_what_is_accepted_is_valid_for_terraform(terraform: Terraform, given: Chosen) -> None:
    assume(not list(registry_policy_problems(HOME, given.statements)))
    stack = with_provider()
    define(stack, given)
    PublicRepository(
        stack, "Logo", repository_name="logo", logo_image_blob=base64.b64encode(b"x" * 999).decode()
    )
    (terraform.folder / "cdk.tf.json").write_text(json.dumps(synthesized(stack)))
    terraform.validate()
