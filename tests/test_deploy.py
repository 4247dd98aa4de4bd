"""What ships is deployed: real Terraform, the real provider, an AWS API on this machine."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.aws import LocalAws, local_aws
from local.terraform import (
    Terraform,
    TerraformError,
    missing_programs,
    synthesize,
    terraform_environ,
)
from stacks import Environment, load_environments

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

    def change(self, name: str, old: str, new: str) -> None:
        """Edit an environment file and synthesize again, in a copy of the project's files."""
        environments = self.folder / "environments"
        shutil.copytree(PROJECT / "environments", environments, dirs_exist_ok=True)
        file = environments / f"{name}.yaml"
        text = file.read_text()
        assert text.count(old) == 1
        file.write_text(text.replace(old, new))
        synthesize(PROJECT, self.folder / "cdktf.out", environments)

    def restore(self) -> None:
        synthesize(PROJECT, self.folder / "cdktf.out")


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
        lifecycle = client.get_lifecycle_policy(repositoryName=repository_name)
        rules = json.loads(lifecycle["lifecyclePolicyText"])["rules"]
        assert [rule["description"] for rule in rules if "description" in rule] == [
            rule.description for rule in settings.lifecycle_rules if rule.description
        ]
        policy = client.get_repository_policy(repositoryName=repository_name)
        statements = json.loads(policy["policyText"])["Statement"]
        by_sid = {statement["Sid"]: statement for statement in statements}
        pull = by_sid["Pull"]["Principal"]["AWS"]
        assert [p.role for p in (*settings.pull, *settings.pull_push)] == (
            pull if isinstance(pull, list) else [pull]
        )


def test_aws_has_what_production_says_word_for_word(deployment: Deployment) -> None:
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
            "Principal": {"AWS": f"{role}/ecs-task"},
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


def test_the_registry_of_an_environment_without_replication_is_left_alone(
    deployment: Deployment,
) -> None:
    found = deployment.client("dev").describe_registry()["replicationConfiguration"]
    assert found == {"rules": []}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_second_plan_is_empty(name: str, deployment: Deployment) -> None:
    assert deployment.terraform(name).plan() == {}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_outputs_are_what_consumers_need(name: str, deployment: Deployment) -> None:
    outputs = deployment.terraform(name).outputs()
    found = deployment.repositories(name)
    assert outputs == {
        "registry_uri": ENVIRONMENTS[name].home.registry_uri,
        "repository_arns": {key: r["repositoryArn"] for key, r in found.items()},
        "repository_urls": {key: r["repositoryUri"] for key, r in found.items()},
    }


def test_a_change_to_one_repository_plans_only_that(deployment: Deployment) -> None:
    deployment.change("dev", "payments/api: {}", "payments/api: {scan_on_push: false}")
    try:
        plan = deployment.terraform("dev").plan()
    finally:
        deployment.restore()
    assert plan == {"aws_ecr_repository.payments--api_2825C1CC": ["update"]}


def test_a_new_repository_plans_only_that(deployment: Deployment) -> None:
    deployment.change("dev", "payments/api: {}", "payments/api: {}\n  payments--api: {}")
    try:
        plan = deployment.terraform("dev").plan()
    finally:
        deployment.restore()
    outputs = {name: actions for name, actions in plan.items() if name.startswith("output.")}
    assert set(outputs) == {"output.repository_arns", "output.repository_urls"}
    created = set(plan) - set(outputs)
    assert {address.split(".")[0] for address in created} == {
        "aws_ecr_repository",
        "aws_ecr_lifecycle_policy",
        "aws_ecr_repository_policy",
    }
    assert [plan[address] for address in created] == [["create"]] * 3


def test_credentials_of_another_account_are_refused(deployment: Deployment) -> None:
    role = "role_arn: arn:aws:iam::111111111111:role/terraform"
    deployment.change("dev", f"assume_role:\n  {role}", "# the caller's own credentials")
    try:
        with pytest.raises(TerraformError, match="account ID not allowed"):
            deployment.terraform("dev").plan()
    finally:
        deployment.restore()


# The tests from here on take the deployment apart, the last one wholly.


def test_a_protected_repository_is_not_destroyed(deployment: Deployment) -> None:
    with pytest.raises(TerraformError, match="Instance cannot be destroyed"):
        deployment.terraform("prod").destroy()
    assert len(deployment.repositories("prod")) == len(ENVIRONMENTS["prod"].repositories)


def test_once_the_protection_is_lifted_destroy_leaves_nothing(deployment: Deployment) -> None:
    deployment.change("prod", "  prevent_destroy: true\n", "")
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda name: deployment.terraform(name).destroy(), ENVIRONMENTS))
    for name in ENVIRONMENTS:
        assert deployment.repositories(name) == {}
    registry = deployment.client("prod").describe_registry()
    assert registry["replicationConfiguration"] == {"rules": []}


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


def test_deploys_through_the_cdktf_cli() -> None:
    result = subprocess.run(
        [sys.executable, "-u", "-m", "local.deploy", "dev"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    first, second = result.stdout.split("AWS reports ")[1:]
    dev: Environment = ENVIRONMENTS["dev"]
    assert first.startswith("4 repositories in account 111111111111:\n")
    for name in dev.repositories:
        assert f"  {dev.home.registry_uri}/{name}  " in first
    assert second.startswith("0 repositories")
    assert not list(PROJECT.glob("*.tfstate*"))
