"""What ships is deployed: real Terraform, the real provider, an AWS API on this machine."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ecr_constructs import template_prefix_of
from ecr_constructs.lifecycle_policy import lifecycle_policy_document
from ecr_constructs.repository_policy import repository_policy_document
from local.aws import LocalAws, local_aws
from local.environments import copy_environments, write_environment
from local.terraform import (
    Terraform,
    TerraformError,
    missing_programs,
    synthesize,
    terraform_environ,
)
from stacks import load_environments
from stacks.names import construct_id

PROJECT = Path(__file__).parent.parent
ENVIRONMENTS = load_environments(PROJECT / "environments")

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module", autouse=True)
def programs() -> None:
    missing = missing_programs("terraform", "npx")
    if missing and os.environ.get("CI") != "true":
        pytest.skip(f"needs {' and '.join(missing)} on the PATH")
    assert not missing, f"{' and '.join(missing)} must be on the PATH in CI"


@dataclass(frozen=True)
class Deployment:
    """All environments of the project, deployed from a folder of their own."""

    aws: LocalAws
    folder: Path

    def terraform(self, name: str) -> Terraform:
        environ = terraform_environ(self.aws.environ, self.folder)
        return Terraform(folder=self.folder / "cdktf.out/stacks" / f"ecr-{name}", environ=environ)

    def client(self, name: str, service: str = "ecr", region: str | None = None) -> Any:
        environment = ENVIRONMENTS[name]
        return self.aws.client(
            service, account=environment.account, region=region or environment.region
        )

    def repositories(self, name: str) -> dict[str, dict[str, Any]]:
        pages = self.client(name).get_paginator("describe_repositories").paginate()
        return {r["repositoryName"]: r for page in pages for r in page["repositories"]}

    def change(self, name: str, edit: Callable[[dict[str, Any]], object]) -> None:
        """Edit what an environment file holds, in a copy, and synthesize again."""
        environments = self.folder / "environments"
        copies = copy_environments(PROJECT / "environments", environments, protected=True)
        edit(copies[name])
        write_environment(environments / f"{name}.yaml", copies[name])
        synthesize(PROJECT, self.folder / "cdktf.out", environments)

    def restore(self) -> None:
        """Synthesize what ships, but for a state in a bucket, which is not there."""
        environments = None
        if any(environment.backend.s3 for environment in ENVIRONMENTS.values()):
            environments = self.folder / "shipped"
            copy_environments(PROJECT / "environments", environments, protected=True)
        synthesize(PROJECT, self.folder / "cdktf.out", environments)


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("deployment")
    with local_aws() as aws:
        deployed = Deployment(aws, folder)
        deployed.restore()

        def deploy(name: str) -> None:
            terraform = deployed.terraform(name)
            terraform.init()
            terraform.apply()

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(deploy, ENVIRONMENTS))
        yield deployed


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_aws_has_every_setting_of_the_file(name: str, deployment: Deployment) -> None:
    environment = ENVIRONMENTS[name]
    found = deployment.repositories(name)
    assert sorted(found) == sorted(environment.repositories)
    client = deployment.client(name)
    for repository_name, settings in environment.repositories.items():
        repository = found[repository_name]
        assert repository["registryId"] == environment.account
        assert repository["imageTagMutability"] == settings.image_tag_mutability
        assert repository["imageScanningConfiguration"] == {"scanOnPush": settings.scan_on_push}
        encryption = repository["encryptionConfiguration"]
        assert encryption["encryptionType"] == settings.encryption_type
        tags = client.list_tags_for_resource(resourceArn=repository["repositoryArn"])["tags"]
        assert {tag["Key"]: tag["Value"] for tag in tags} == {
            **environment.tags,
            **settings.tags,
            "environment": name,
            "managed-by": "cdktf",
        }
        if settings.kms_key is not None:
            assert encryption["kmsKey"] == settings.kms_key
        elif settings.encryption_type == "KMS":
            keys = deployment.terraform(name).outputs()["repository_key_arns"]
            assert encryption["kmsKey"] == keys[environment.region]
        if settings.lifecycle_rules:
            lifecycle = client.get_lifecycle_policy(repositoryName=repository_name)
            assert json.loads(lifecycle["lifecyclePolicyText"]) == lifecycle_policy_document(
                settings.lifecycle_rules
            )
        if settings.policy_statements:
            policy = client.get_repository_policy(repositoryName=repository_name)
            assert json.loads(policy["policyText"]) == repository_policy_document(
                settings.policy_statements
            )


def test_aws_has_what_production_says_word_for_word(deployment: Deployment) -> None:
    """Written out by hand from environments/prod.yaml; a fork with other files writes its own."""
    client = deployment.client("prod")
    lifecycle = client.get_lifecycle_policy(repositoryName="payments/api")["lifecyclePolicyText"]
    assert json.loads(lifecycle) == {
        "rules": [
            {
                "rulePriority": 1,
                "description": "releases stay, the last hundred",
                "selection": {
                    "tagStatus": "tagged",
                    "tagPatternList": ["v*"],
                    "countType": "imageCountMoreThan",
                    "countNumber": 100,
                },
                "action": {"type": "expire"},
            },
            {
                "rulePriority": 2,
                "description": "untagged images go after a week",
                "selection": {
                    "tagStatus": "untagged",
                    "countType": "sinceImagePushed",
                    "countUnit": "days",
                    "countNumber": 7,
                },
                "action": {"type": "expire"},
            },
            {
                "rulePriority": 3,
                "description": "everything else goes after ninety days",
                "selection": {
                    "tagStatus": "any",
                    "countType": "sinceImagePushed",
                    "countUnit": "days",
                    "countNumber": 90,
                },
                "action": {"type": "expire"},
            },
        ]
    }
    policy = json.loads(client.get_repository_policy(repositoryName="payments/api")["policyText"])
    role = "arn:aws:iam::333333333333:role"
    assert policy["Statement"] == [
        {
            "Sid": "Pull",
            "Effect": "Allow",
            "Principal": {"AWS": f"{role}/ecs-task-execution"},
            "Action": [
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:GetDownloadUrlForLayer",
            ],
        },
        {
            "Sid": "Push",
            "Effect": "Allow",
            "Principal": {"AWS": f"{role}/ci"},
            "Action": [
                "ecr:BatchCheckLayerAvailability",
                "ecr:CompleteLayerUpload",
                "ecr:InitiateLayerUpload",
                "ecr:PutImage",
                "ecr:UploadLayerPart",
            ],
        },
        {
            "Sid": "Audit",
            "Effect": "Allow",
            "Principal": {"AWS": f"{role}/audit"},
            "Action": ["ecr:DescribeImages", "ecr:DescribeImageScanFindings", "ecr:ListImages"],
        },
    ]
    assert client.describe_registry()["replicationConfiguration"] == {
        "rules": [
            {
                "destinations": [{"region": "us-west-2", "registryId": "333333333333"}],
                "repositoryFilters": [{"filter": "payments/", "filterType": "PREFIX_MATCH"}],
            }
        ]
    }

    scanning = client.get_registry_scanning_configuration()["scanningConfiguration"]
    assert scanning == {
        "scanType": "BASIC",
        "rules": [
            {
                "scanFrequency": "SCAN_ON_PUSH",
                "repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}],
            }
        ],
    }


def test_the_region_that_production_replicates_to_has_a_template(deployment: Deployment) -> None:
    client = deployment.client("prod", region="us-west-2")
    [template] = client.describe_repository_creation_templates()["repositoryCreationTemplates"]
    assert template["prefix"] == "payments"
    assert template["appliedFor"] == ["REPLICATION"]
    assert template["imageTagMutability"] == "IMMUTABLE"
    key = deployment.terraform("prod").outputs()["repository_key_arns"]["us-west-2"]
    assert template["encryptionConfiguration"] == {"encryptionType": "KMS", "kmsKey": key}
    assert {tag["Key"]: tag["Value"] for tag in template["resourceTags"]} == {
        "team": "platform",
        "data-classification": "confidential",
        "environment": "prod",
        "managed-by": "cdktf",
    }
    source = deployment.client("prod").get_lifecycle_policy(repositoryName="payments/worker")
    assert json.loads(template["lifecyclePolicy"]) == json.loads(source["lifecyclePolicyText"])
    policy = json.loads(template["repositoryPolicy"])
    assert [statement["Sid"] for statement in policy["Statement"]] == ["Pull", "Push"]
    iam = deployment.client("prod", "iam")
    name = template["customRoleArn"].rpartition("/")[2]
    trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    assert trust["Statement"][0]["Principal"] == {"Service": "ecr.amazonaws.com"}
    granted = iam.get_role_policy(RoleName=name, PolicyName="ecr")["PolicyDocument"]
    assert granted["Statement"][0]["Resource"] == [
        "arn:aws:ecr:us-west-2:333333333333:repository/payments/*"
    ]


def test_production_has_a_key_of_its_own_in_each_region(deployment: Deployment) -> None:
    keys = deployment.terraform("prod").outputs()["repository_key_arns"]
    for region, arn in keys.items():
        client = deployment.client("prod", "kms", region)
        assert client.get_key_rotation_status(KeyId=arn)["KeyRotationEnabled"]
        [alias] = client.list_aliases(KeyId=arn)["Aliases"]
        assert alias["AliasName"] == "alias/ecr-prod"
        policy = json.loads(client.get_key_policy(KeyId=arn, PolicyName="default")["Policy"])
        root = {"AWS": "arn:aws:iam::333333333333:root"}
        assert {s["Sid"]: s["Principal"] for s in policy["Statement"]} == {
            "Administer": root,
            "Repositories": root,
            "RepositoriesRead": root,
        }


def test_the_registry_of_an_environment_without_its_section_is_left_alone(
    deployment: Deployment,
) -> None:
    client = deployment.client("dev")
    assert client.describe_registry()["replicationConfiguration"] == {"rules": []}
    scanning = client.get_registry_scanning_configuration()["scanningConfiguration"]
    assert scanning == {"scanType": "BASIC", "rules": []}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_second_plan_is_empty(name: str, deployment: Deployment) -> None:
    assert deployment.terraform(name).plan() == {}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_outputs_are_what_consumers_need(name: str, deployment: Deployment) -> None:
    outputs = deployment.terraform(name).outputs()
    assert outputs.pop("replicas_not_covered", {}) == (
        {"333333333333 us-west-2": {"payments/api": "policy_statements, tags"}}
        if name == "prod"
        else {}
    )
    policies = outputs.pop("access_policies", {})
    named = {
        principal.arn
        for settings in ENVIRONMENTS[name].repositories.values()
        for statement in settings.policy_statements
        for principal in statement.principals
    }
    assert set(policies) == named - {None}
    keys = outputs.pop("repository_key_arns", {})
    assert set(keys) == ({"ap-northeast-2", "us-west-2"} if name == "prod" else set())
    found = deployment.repositories(name)
    assert outputs == {
        "registry_uri": ENVIRONMENTS[name].home.registry_uri,
        "repository_arns": {key: r["repositoryArn"] for key, r in found.items()},
        "repository_urls": {key: r["repositoryUri"] for key, r in found.items()},
    }


def test_a_change_to_one_repository_plans_only_that(deployment: Deployment) -> None:
    name, settings = next(iter(ENVIRONMENTS["dev"].repositories.items()))

    def edit(file: dict[str, Any]) -> None:
        file["repositories"][name] = {
            **(file["repositories"][name] or {}),
            "scan_on_push": not settings.scan_on_push,
        }

    deployment.change("dev", edit)
    try:
        plan = deployment.terraform("dev").plan()
    finally:
        deployment.restore()
    [(address, actions)] = plan.items()
    assert address.startswith(f"aws_ecr_repository.{construct_id(name)}_")
    assert actions == ["update"]


def test_a_new_repository_plans_only_that(deployment: Deployment) -> None:
    deployment.change("dev", lambda file: file["repositories"].update({"new--one": {}}))
    try:
        plan = deployment.terraform("dev").plan()
    finally:
        deployment.restore()
    outputs = {name: actions for name, actions in plan.items() if name.startswith("output.")}
    # Its defaults grant something, so that the other side of the grants grows, too.
    assert set(outputs) == {
        "output.access_policies",
        "output.repository_arns",
        "output.repository_urls",
    }
    created = {address: plan[address] for address in set(plan) - set(outputs)}
    assert all(actions == ["create"] for actions in created.values())
    assert len([a for a in created if a.startswith("aws_ecr_repository.")]) == 1


def test_credentials_of_another_account_are_refused(deployment: Deployment) -> None:
    deployment.change("dev", lambda file: file.pop("assume_role", None))
    try:
        with pytest.raises(TerraformError, match="account ID not allowed"):
            deployment.terraform("dev").plan()
    finally:
        deployment.restore()


# The tests from here on take the deployment apart, the last one wholly.


PROTECTED = [
    name
    for name, environment in ENVIRONMENTS.items()
    if any(settings.prevent_destroy for settings in environment.repositories.values())
]


@pytest.mark.parametrize("name", PROTECTED)
def test_a_protected_repository_is_not_destroyed(name: str, deployment: Deployment) -> None:
    with pytest.raises(TerraformError, match="Instance cannot be destroyed"):
        deployment.terraform(name).destroy()
    assert len(deployment.repositories(name)) == len(ENVIRONMENTS[name].repositories)


def test_once_the_protection_is_lifted_destroy_leaves_nothing(deployment: Deployment) -> None:
    environments = deployment.folder / "unprotected"
    copy_environments(PROJECT / "environments", environments, protected=False)
    synthesize(PROJECT, deployment.folder / "cdktf.out", environments)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda name: deployment.terraform(name).destroy(), ENVIRONMENTS))
    for name in ENVIRONMENTS:
        assert deployment.repositories(name) == {}
        client = deployment.client(name)
        assert client.describe_registry()["replicationConfiguration"] == {"rules": []}
        scanning = client.get_registry_scanning_configuration()["scanningConfiguration"]
        assert scanning == {"scanType": "BASIC", "rules": []}
    west = deployment.client("prod", region="us-west-2")
    assert west.describe_repository_creation_templates()["repositoryCreationTemplates"] == []
    assert deployment.client("prod", "iam").list_roles()["Roles"] == []


def test_keeps_state_in_a_bucket_and_locks_it(tmp_path: Path) -> None:
    environments = tmp_path / "environments"
    environments.mkdir()
    (environments / "test.yaml").write_text(
        'account: "111111111111"\n'
        "region: us-east-1\n"
        "assume_role: {role_arn: 'arn:aws:iam::111111111111:role/terraform'}\n"
        "backend:\n"
        "  s3:\n"
        "    bucket: state\n"
        "    region: us-east-1\n"
        "    assume_role: {role_arn: 'arn:aws:iam::222222222222:role/state'}\n"
        "repositories:\n"
        "  payments/api:\n"
    )
    out = tmp_path / "cdktf.out"
    synthesize(PROJECT, out, environments)
    with local_aws() as aws:
        bucket = aws.client("s3", account="222222222222", region="us-east-1")
        bucket.create_bucket(Bucket="state")
        bucket.put_bucket_versioning(Bucket="state", VersioningConfiguration={"Status": "Enabled"})
        environ = terraform_environ(aws.environ, tmp_path)
        terraform = Terraform(folder=out / "stacks" / "ecr-test", environ=environ)
        # Names of buckets do not resolve below 127.0.0.1.
        terraform.init(use_path_style="true")
        terraform.apply()
        assert terraform.plan() == {}
        state = json.loads(bucket.get_object(Bucket="state", Key="ecr/test.tfstate")["Body"].read())
        versions = bucket.list_object_versions(Bucket="state")
    assert [r["type"] for r in state["resources"]] == ["aws_ecr_repository"]
    assert "ecr/test.tfstate.tflock" in {v["Key"] for v in versions["Versions"]}


def test_the_example_of_a_company_is_what_it_says(tmp_path: Path) -> None:
    out = tmp_path / "cdktf.out"
    synthesize(PROJECT, out, PROJECT / "examples" / "company")
    with local_aws() as aws:
        environ = terraform_environ(aws.environ, tmp_path)
        outputs = {}
        for name in ("dr", "shared"):
            terraform = Terraform(folder=out / "stacks" / f"ecr-{name}", environ=environ)
            terraform.init()
            terraform.apply()
            assert terraform.plan() == {}
            outputs[name] = terraform.outputs()
        shared = aws.client("ecr", account="444444444444", region="ap-northeast-2")
        dr = aws.client("ecr", account="555555555555", region="us-west-2")
        # One declaration: it is replicated, and accepted.
        [rule] = shared.describe_registry()["replicationConfiguration"]["rules"]
        assert rule["destinations"] == [{"region": "us-west-2", "registryId": "555555555555"}]
        [accepted] = json.loads(dr.get_registry_policy()["policyText"])["Statement"]
        assert accepted["Principal"] == {"AWS": "444444444444"}
        assert accepted["Resource"] == "arn:aws:ecr:us-west-2:555555555555:repository/payments/*"
        # Every replica is under the lifecycle policy of its source.
        templates = templates_of(dr)
        assert set(templates) == {"payments", "payments/ledger"}
        for name in ("payments/api", "payments/worker", "payments/ledger/closing"):
            template = templates[str(template_prefix_of(name, templates))]
            lifecycle = shared.get_lifecycle_policy(repositoryName=name)["lifecyclePolicyText"]
            assert json.loads(template["lifecyclePolicy"]) == json.loads(lifecycle)
        assert "replicas_not_covered" not in outputs["dr"]
        # Docker Hub is cached, with a secret that has no value.
        [cache] = shared.describe_pull_through_cache_rules()["pullThroughCacheRules"]
        assert cache["upstreamRegistryUrl"] == "registry-1.docker.io"
        assert outputs["shared"]["pull_through_uris"] == {
            "docker-hub": "444444444444.dkr.ecr.ap-northeast-2.amazonaws.com/docker-hub"
        }
        secrets = aws.client("secretsmanager", account="444444444444", region="ap-northeast-2")
        assert outputs["shared"]["pull_through_credentials"] == {
            "docker-hub": cache["credentialArn"]
        }
        secret = secrets.describe_secret(SecretId=cache["credentialArn"])
        assert not secret.get("VersionIdsToStages")
        assert templates_of(shared)["docker-hub"]["imageTagMutability"] == "MUTABLE"
        # Scanning is enhanced, in both.
        for client in (shared, dr):
            scanning = client.get_registry_scanning_configuration()["scanningConfiguration"]
            assert scanning["scanType"] == "ENHANCED"


def templates_of(client: Any) -> dict[str, dict[str, Any]]:
    found = client.describe_repository_creation_templates()["repositoryCreationTemplates"]
    return {template["prefix"]: template for template in found}


def test_every_setting_of_a_registry(tmp_path: Path) -> None:
    environments = tmp_path / "environments"
    environments.mkdir()
    head = "assume_role: {role_arn: 'arn:aws:iam::777777777777:role/terraform'}\n"
    (environments / "here.yaml").write_text(
        f'account: "777777777777"\nregion: ap-northeast-2\n{head}'
        "oidc_providers: [token.actions.githubusercontent.com]\n"
        "ci_roles:\n"
        "  ci:\n"
        "    github_actions: [{repository: acme/x, branches: [main], tags: ['v*']}]\n"
        "    access: {push: [payments/]}\n"
        "repositories:\n"
        "  payments/api:\n"
        "    pull:\n"
        "      - {organization: o-a1b2c3d4e5}\n"
        "      - {organizational_unit: o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/*}\n"
        "      - {lambda_function: 'arn:aws:lambda:ap-northeast-2:777777777777:function:x-*'}\n"
        "      - {service: codebuild.amazonaws.com, source_account: '777777777777'}\n"
        "  payments/hand:\n"
        "    public_access: the images of our open source\n"
        '    policy_document: \'{"Statement": {"Effect": "Allow", "Principal": "*",'
        ' "Action": "ecr:BatchGetImage"}}\'\n'
        "registry:\n"
        "  pull_through_cache_rules:\n"
        "    team/quay: {upstream_registry: quay}\n"
        "    base: {upstream_registry_url: 888888888888.dkr.ecr.us-west-2.amazonaws.com}\n"
        "  creation_templates:\n"
        "    ROOT: {applied_for: [PULL_THROUGH_CACHE], image_tag_mutability: MUTABLE}\n"
        "  account_settings: {BASIC_SCAN_TYPE_VERSION: AWS_NATIVE, REGISTRY_POLICY_SCOPE: V2}\n"
        "  policy_statements:\n"
        "    - principals: [{account: '888888888888'}]\n"
        "      actions: ['ecr:BatchGetImage']\n"
    )
    out = tmp_path / "cdktf.out"
    synthesize(PROJECT, out, environments)
    with local_aws() as aws:
        environ = terraform_environ(aws.environ, tmp_path)
        terraform = Terraform(folder=out / "stacks" / "ecr-here", environ=environ)
        terraform.init()
        terraform.apply()
        assert terraform.plan() == {}
        outputs = terraform.outputs()
        client = aws.client("ecr", account="777777777777", region="ap-northeast-2")
        rules = {
            rule["ecrRepositoryPrefix"]: rule
            for rule in client.describe_pull_through_cache_rules()["pullThroughCacheRules"]
        }
        for name, value in (
            ("BASIC_SCAN_TYPE_VERSION", "AWS_NATIVE"),
            ("REGISTRY_POLICY_SCOPE", "V2"),
        ):
            assert client.get_account_setting(name=name)["value"] == value
        assert set(templates_of(client)) == {"ROOT"}
        [statement] = json.loads(client.get_registry_policy()["policyText"])["Statement"]
        policies = {
            name: json.loads(client.get_repository_policy(repositoryName=name)["policyText"])
            for name in ("payments/api", "payments/hand")
        }
        iam = aws.client("iam", account="777777777777", region="ap-northeast-2")
        trust = iam.get_role(RoleName="ci")["Role"]["AssumeRolePolicyDocument"]
        [provider] = iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
        terraform.destroy()
        assert templates_of(client) == {}
    assert [s["Sid"] for s in policies["payments/api"]["Statement"]] == [
        "PullOrganization",
        "PullOrganizationalUnit",
        "PullLambdaFunction",
        "PullService",
    ]
    assert policies["payments/hand"]["Statement"]["Principal"] == "*"
    assert {s["Principal"]["Federated"] for s in trust["Statement"]} == {provider["Arn"]}
    assert outputs["ci_role_arns"] == {"ci": "arn:aws:iam::777777777777:role/ci"}
    assert statement["Resource"] == "arn:aws:ecr:ap-northeast-2:777777777777:repository/*"
    assert set(rules) == {"team/quay", "base"}
    assert outputs["pull_through_roles"] == {"base": rules["base"]["customRoleArn"]}


def test_plans_what_the_emulator_lacks_in_a_region_that_the_provider_does_not_know(
    tmp_path: Path,
) -> None:
    environments = tmp_path / "environments"
    environments.mkdir()
    (environments / "test.yaml").write_text(
        'account: "111111111111"\n'
        "region: ap-southeast-6\n"
        "assume_role: {role_arn: 'arn:aws:iam::111111111111:role/terraform'}\n"
        "registry:\n"
        "  public_repositories:\n"
        "    acme/agent:\n"
        "      description: an agent\n"
        "      operating_systems: [Linux]\n"
        "      push: [{role: 'arn:aws:iam::111111111111:role/ci'}]\n"
        "    acme/tool:\n"
    )
    out = tmp_path / "cdktf.out"
    synthesize(PROJECT, out, environments)
    with local_aws() as aws:
        environ = terraform_environ(aws.environ, tmp_path)
        terraform = Terraform(folder=out / "stacks" / "ecr-test", environ=environ)
        terraform.init()
        planned = terraform.plan()
    kinds = sorted(address.partition(".")[0] for address in planned)
    assert kinds == [
        "aws_ecrpublic_repository",
        "aws_ecrpublic_repository",
        "aws_ecrpublic_repository_policy",
        *["output"] * 5,
    ]


def test_deploys_through_the_cdktf_cli() -> None:
    name, environment = next(iter(ENVIRONMENTS.items()))
    states = set(PROJECT.glob("*.tfstate*"))
    result = subprocess.run(
        [sys.executable, "-u", "-m", "local.deploy", name],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    first, second = result.stdout.split("AWS reports ")[1:]
    count = len(environment.repositories)
    assert first.startswith(f"{count} repositories in account {environment.account}:\n")
    for repository_name in environment.repositories:
        assert f"  {environment.home.registry_uri}/{repository_name}  " in first
    assert second.startswith("0 repositories")
    assert set(PROJECT.glob("*.tfstate*")) == states
