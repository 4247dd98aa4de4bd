"""What the library accepts, at random, is accepted by those who do not know the library."""

import json
import os
from collections.abc import Iterator
from functools import cache
from typing import Any

import boto3
import botocore.session
import jsonschema
import pytest
from botocore.model import ListShape, MapShape, Shape, StructureShape
from cdktf_cdktf_provider_aws.provider import AwsProvider
from cfnlint.config import ConfigMixIn
from cfnlint.decode import decode_str
from cfnlint.helpers import REGIONS
from cfnlint.runner import Runner
from conftest import new_stack, synthesized
from hypothesis import HealthCheck, Phase, example, given
from hypothesis import settings as how
from hypothesis import strategies as st
from moto import mock_aws
from strategies import (
    REGION,
    RULES_AT_THE_LIMITS,
    at_the_limits,
    names,
    policy_documents,
    replication_rules,
    settings,
)

from ecr_constructs import (
    Registry,
    ReplicationConfiguration,
    ReplicationRule,
    Repository,
    RepositorySettings,
)
from ecr_constructs.policy_document import policy_document_problems
from local.terraform import Terraform, missing_programs, terraform_environ
from stacks.names import construct_id

MODEL = botocore.session.get_session().get_service_model("ecr")
HOME = Registry(account_id="111111111111", region=REGION)
# Every example synthesizes a stack.
FEW = how(
    max_examples=40,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
# moto knows an older pattern of names, without runs of '-' and '__'.
SIMPLE_NAMES = st.from_regex(r"[a-z0-9]{2,9}(?:[._/-][a-z0-9]{1,9}){0,3}", fullmatch=True)

Repositories = dict[str, RepositorySettings]


def repositories(
    named: st.SearchStrategy[str] = names, **kinds: bool
) -> st.SearchStrategy[Repositories]:
    return st.dictionaries(named, settings(**kinds), min_size=1, max_size=3)


def synthesize(found: Repositories, rules: tuple[ReplicationRule, ...] = ()) -> dict[str, Any]:
    """The stack that the library writes for Terraform."""
    stack = new_stack()
    AwsProvider(stack, "AWS", region=REGION)
    stack.add_override("terraform.required_providers.aws.version", ">= 5.100.0")
    for name, chosen in found.items():
        Repository(stack, construct_id(name), repository_name=name, **vars(chosen))
    if rules:
        ReplicationConfiguration(stack, "Replication", registry=HOME, rules=rules)
    return synthesized(stack)


def emitted(found: Repositories, rules: tuple[ReplicationRule, ...] = ()) -> dict[str, Any]:
    """The resources of the stack as Terraform reads its JSON: with doubled signs single."""
    written = json.dumps(synthesize(found, rules)["resource"])
    return dict(json.loads(written.replace("%%{", "%{").replace("$${", "${")))


def requests(resources: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The calls of the API that the AWS provider makes of the resources."""
    by_address = {}
    for id_, made in resources.get("aws_ecr_repository", {}).items():
        by_address[f"${{aws_ecr_repository.{id_}.name}}"] = made["name"]
        [encryption] = made["encryption_configuration"]
        request = {
            "repositoryName": made["name"],
            "imageTagMutability": made["image_tag_mutability"],
            "imageScanningConfiguration": {
                "scanOnPush": made["image_scanning_configuration"]["scan_on_push"]
            },
            "encryptionConfiguration": _given(
                encryptionType=encryption["encryption_type"], kmsKey=encryption.get("kms_key")
            ),
            "tags": [{"Key": k, "Value": v} for k, v in made.get("tags", {}).items()],
        }
        filters = made.get("image_tag_mutability_exclusion_filter")
        if filters:
            request["imageTagMutabilityExclusionFilters"] = [
                {"filter": f["filter"], "filterType": f["filter_type"]} for f in filters
            ]
        yield "CreateRepository", request
    for kind, call, member in (
        ("aws_ecr_lifecycle_policy", "PutLifecyclePolicy", "lifecyclePolicyText"),
        ("aws_ecr_repository_policy", "SetRepositoryPolicy", "policyText"),
    ):
        for made in resources.get(kind, {}).values():
            yield call, {"repositoryName": by_address[made["repository"]], member: made["policy"]}
    for made in resources.get("aws_ecr_replication_configuration", {}).values():
        rules = [
            _given(
                destinations=[
                    {"region": d["region"], "registryId": d["registry_id"]}
                    for d in rule["destination"]
                ],
                repositoryFilters=[
                    {"filter": f["filter"], "filterType": f["filter_type"]}
                    for f in rule.get("repository_filter", ())
                ]
                or None,
            )
            for rule in made["replication_configuration"]["rule"]
        ]
        yield "PutReplicationConfiguration", {"replicationConfiguration": {"rules": rules}}


def _given(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def schema_of(shape: Shape) -> dict[str, Any]:
    """A shape of botocore's model as a JSON Schema, with what botocore itself does not check."""
    limits = shape.metadata
    if isinstance(shape, StructureShape):
        return {
            "type": "object",
            "properties": {name: schema_of(member) for name, member in shape.members.items()},
            "required": list(shape.required_members),
            "additionalProperties": False,
        }
    if isinstance(shape, ListShape):
        items = {"type": "array", "items": schema_of(shape.member)}
        return items | _given(minItems=limits.get("min"), maxItems=limits.get("max"))
    if isinstance(shape, MapShape):
        return {"type": "object", "additionalProperties": schema_of(shape.value)}
    if shape.type_name == "string":
        pattern = limits.get("pattern")
        return {"type": "string"} | _given(
            minLength=limits.get("min"),
            maxLength=limits.get("max"),
            enum=shape.enum or None,
            pattern=pattern and f"^(?:{pattern})$",
        )
    types = {"boolean": "boolean", "integer": "integer", "blob": "string"}
    return {"type": types[shape.type_name]}


SCHEMAS = {
    call: jsonschema.Draft202012Validator(schema_of(MODEL.operation_model(call).input_shape))
    for call in (
        "CreateRepository",
        "PutLifecyclePolicy",
        "SetRepositoryPolicy",
        "PutReplicationConfiguration",
    )
}


def test_the_oracle_of_botocore_refuses() -> None:
    refused = {"repositoryName": "BAD NAME!!", "imageTagMutability": "immutable", "x": 1}
    assert len(list(SCHEMAS["CreateRepository"].iter_errors(refused))) == 3
    assert not SCHEMAS["PutLifecyclePolicy"].is_valid(
        {"repositoryName": "ab", "lifecyclePolicyText": "{}"}
    )


@FEW
@given(repositories(), replication_rules)
@example(at_the_limits(), RULES_AT_THE_LIMITS)
def test_what_is_accepted_satisfies_botocores_model(
    found: Repositories, rules: tuple[ReplicationRule, ...]
) -> None:
    made = list(requests(emitted(found, rules)))
    assert len(made) >= len(found) + 1
    for call, request in made:
        SCHEMAS[call].validate(request)


def template(resources: dict[str, Any]) -> dict[str, Any]:
    """The same resources in CloudFormation's words."""
    found: dict[str, dict[str, Any]] = {}
    for call, request in requests(resources):
        if call == "PutReplicationConfiguration":
            rules = [
                {
                    "Destinations": [
                        {"Region": d["region"], "RegistryId": d["registryId"]}
                        for d in rule["destinations"]
                    ],
                    "RepositoryFilters": [
                        {"Filter": f["filter"], "FilterType": f["filterType"]}
                        for f in rule.get("repositoryFilters", ())
                    ],
                }
                for rule in request["replicationConfiguration"]["rules"]
            ]
            found["Replication"] = {
                "Type": "AWS::ECR::ReplicationConfiguration",
                "Properties": {"ReplicationConfiguration": {"Rules": rules}},
            }
            continue
        name = request["repositoryName"]
        resource = found.setdefault(name, {"Type": "AWS::ECR::Repository", "Properties": {}})
        properties = resource["Properties"]
        if call == "CreateRepository":
            encryption = request["encryptionConfiguration"]
            properties |= _given(
                RepositoryName=name,
                ImageTagMutability=request["imageTagMutability"],
                ImageTagMutabilityExclusionFilters=[
                    {
                        "ImageTagMutabilityExclusionFilterType": f["filterType"],
                        "ImageTagMutabilityExclusionFilterValue": f["filter"],
                    }
                    for f in request.get("imageTagMutabilityExclusionFilters", ())
                ]
                or None,
                EncryptionConfiguration=_given(
                    EncryptionType=encryption["encryptionType"], KmsKey=encryption.get("kmsKey")
                ),
                # CloudFormation alone wants a value, and a key of less than 128 characters. And
                # cfn-lint takes the key 'False' for a truth value that every other key repeats.
                Tags=[
                    tag
                    for tag in request["tags"]
                    if tag["Value"]
                    and len(tag["Key"]) < 128
                    and tag["Key"].lower() not in ("true", "false")
                ]
                or None,
            )
        elif call == "PutLifecyclePolicy":
            properties["LifecyclePolicy"] = {"LifecyclePolicyText": request["lifecyclePolicyText"]}
        else:
            properties["RepositoryPolicyText"] = json.loads(request["policyText"])
    return {"Resources": {f"R{number}": made for number, made in enumerate(found.values())}}


def lint(resources: dict[str, Any]) -> list[str]:
    """What cfn-lint, by the schemas of AWS's CloudFormation registry, has against resources."""
    return lint_template(template(resources))


def lint_template(written: dict[str, Any]) -> list[str]:
    """What it has against a template of CloudFormation."""
    found = linter().validate_template(decode_str(json.dumps(written, ensure_ascii=False))[0])
    return [f"{m.rule.id} {m.message}" for m in found]


@cache
def linter() -> Runner:
    """cfn-lint with its rules, of every Region. To load them takes longer than a template does."""
    return Runner(ConfigMixIn(include_experimental=True, regions=REGIONS))


def test_the_oracle_of_cfn_lint_refuses() -> None:
    resources = emitted({"ab": RepositorySettings(pull=())})
    [made] = resources["aws_ecr_repository"].values()
    made |= {"name": "BAD NAME!!", "image_tag_mutability": "immutable"}
    assert [message[:5] for message in lint(resources)] == ["E3030", "E3031"]


@how(FEW, max_examples=15)
@given(repositories(), replication_rules)
@example(at_the_limits(), RULES_AT_THE_LIMITS)
def test_what_is_accepted_satisfies_cfn_lint(
    found: Repositories, rules: tuple[ReplicationRule, ...]
) -> None:
    assert lint(emitted(found, rules)) == []


def is_accepted(text: str) -> bool:
    """Whether the library takes a document by hand."""
    return not list(policy_document_problems(text))


# Many at once: cfn-lint takes its time for each template.
@how(FEW, max_examples=6, suppress_health_check=[*HealthCheck])
@given(st.lists(policy_documents.filter(is_accepted), min_size=10, max_size=30))
def test_documents_by_hand_that_are_accepted_satisfy_cfn_lint(texts: list[str]) -> None:
    assert lint_documents(*map(json.loads, texts)) == []


def test_the_oracle_of_cfn_lint_refuses_a_principal_that_nobody_is() -> None:
    statement = {"Effect": "Deny", "Principal": {"AWS": "nobody"}, "Action": "ecr:PutImage"}
    assert {m[:5] for m in lint_documents({"Statement": [statement]})} == {"E3513"}


def lint_documents(*policies: dict[str, Any]) -> list[str]:
    """What it has against the policies of repositories."""
    properties = [{"RepositoryPolicyText": policy} for policy in policies]
    found = [{"Type": "AWS::ECR::Repository", "Properties": each} for each in properties]
    return lint_template({"Resources": {f"R{number}": one for number, one in enumerate(found)}})


@FEW
@given(repositories(SIMPLE_NAMES, archive=False), replication_rules)
def test_what_is_accepted_is_taken_by_moto(
    found: Repositories, rules: tuple[ReplicationRule, ...]
) -> None:
    with mock_aws():
        client = boto3.client("ecr", REGION)
        for call, request in requests(emitted(found, rules[:1])):
            method = "".join(f"_{c.lower()}" if c.isupper() else c for c in call).strip("_")
            getattr(client, method)(**request)
        kept = client.describe_repositories()["repositories"]
    assert {repository["repositoryName"] for repository in kept} == set(found)


@pytest.fixture(scope="module")
def terraform(tmp_path_factory: pytest.TempPathFactory) -> Terraform:
    """Terraform in a folder with the AWS provider installed."""
    missing = missing_programs("terraform")
    if missing and os.environ.get("CI") != "true":
        pytest.skip(f"needs {' and '.join(missing)} on the PATH")
    assert not missing, f"{' and '.join(missing)} must be on the PATH in CI"
    folder = tmp_path_factory.mktemp("terraform")
    found = Terraform(folder=folder, environ=terraform_environ(dict(os.environ), folder))
    (folder / "cdk.tf.json").write_text(json.dumps(synthesize({})))
    found.init()
    return found


@pytest.mark.e2e
@how(FEW, max_examples=5)
@given(
    st.dictionaries(names, settings(exclusion=False), min_size=4, max_size=8),
    replication_rules,
)
@example(at_the_limits(exclusion=False), RULES_AT_THE_LIMITS)
def test_what_is_accepted_is_valid_for_terraform(
    terraform: Terraform, found: Repositories, rules: tuple[ReplicationRule, ...]
) -> None:
    stack = json.dumps(synthesize(found, rules))
    (terraform.folder / "cdk.tf.json").write_text(stack)
    terraform.validate()
