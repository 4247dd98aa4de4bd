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
    assert set(outputs) == {"output.repository_arns", "output.repository_urls"}
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


def test_replicates_to_another_account_by_one_declaration(tmp_path: Path) -> None:
    environments = tmp_path / "environments"
    environments.mkdir()
    for name, account, region, rest in (
        (
            "shared",
            "444444444444",
            "ap-northeast-2",
            "repositories: {payments/api: }\n"
            "registry: {replication: {rules: [{repository_filters: [payments/],"
            " destinations: [{region: us-west-2, registry_id: '555555555555'}]}]}}\n",
        ),
        ("dr", "555555555555", "us-west-2", "repositories: {payments/local: }\n"),
    ):
        role = f"assume_role: {{role_arn: 'arn:aws:iam::{account}:role/terraform'}}\n"
        head = f'account: "{account}"\nregion: {region}\n{role}'
        (environments / f"{name}.yaml").write_text(head + rest)
    out = tmp_path / "cdktf.out"
    synthesize(PROJECT, out, environments)
    with local_aws() as aws:
        environ = terraform_environ(aws.environ, tmp_path)
        for name in ("dr", "shared"):
            terraform = Terraform(folder=out / "stacks" / f"ecr-{name}", environ=environ)
            terraform.init()
            terraform.apply()
            assert terraform.plan() == {}
        source = aws.client("ecr", account="444444444444", region="ap-northeast-2")
        destination = aws.client("ecr", account="555555555555", region="us-west-2")
        [rule] = source.describe_registry()["replicationConfiguration"]["rules"]
        policy = json.loads(destination.get_registry_policy()["policyText"])
    assert rule["destinations"] == [{"region": "us-west-2", "registryId": "555555555555"}]
    [statement] = policy["Statement"]
    assert statement["Principal"] == {"AWS": "444444444444"}
    assert statement["Resource"] == "arn:aws:ecr:us-west-2:555555555555:repository/payments/*"


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
        "  pull_through_cache_rules:\n"
        "    docker-hub: {upstream_registry: docker-hub, create_credential: true}\n"
        "    team/quay: {upstream_registry: quay}\n"
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
        "aws_ecr_pull_through_cache_rule",
        "aws_ecr_pull_through_cache_rule",
        "aws_secretsmanager_secret",
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
