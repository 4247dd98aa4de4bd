"""The same repositories, written straight with the bindings, as one would without this project."""

import json
import sys

# First, so that only the cost of the repositories differs.
import ecr_constructs.bindings  # noqa: F401

# isort: split
from cdktf import App, LocalBackend, TerraformOutput, TerraformStack
from cdktf_cdktf_provider_aws.ecr_lifecycle_policy import EcrLifecyclePolicy
from cdktf_cdktf_provider_aws.ecr_repository import (
    EcrRepository,
    EcrRepositoryEncryptionConfiguration,
    EcrRepositoryImageScanningConfiguration,
)
from cdktf_cdktf_provider_aws.ecr_repository_policy import EcrRepositoryPolicy
from cdktf_cdktf_provider_aws.provider import AwsProvider

PULL = [
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
]
PUSH = [
    "ecr:BatchCheckLayerAvailability",
    "ecr:CompleteLayerUpload",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
]


def rule(priority: int, selection: dict[str, object]) -> dict[str, object]:
    """A rule of a lifecycle policy."""
    return {"rulePriority": priority, "selection": selection, "action": {"type": "expire"}}


def statement(sid: str, role: str, actions: list[str]) -> dict[str, object]:
    """A statement of a repository policy."""
    principal = {"AWS": f"arn:aws:iam::111111111111:role/{role}"}
    return {"Sid": sid, "Effect": "Allow", "Principal": principal, "Action": actions}


def main(count: int) -> None:
    """Synthesize a stack of so many repositories."""
    app = App()
    stack = TerraformStack(app, "ecr-bench")
    LocalBackend(stack, path="terraform.tfstate")
    AwsProvider(stack, "AWS", region="ap-northeast-2", allowed_account_ids=["111111111111"])
    urls, arns = {}, {}
    for number in range(count):
        name = f"team-{number % 10}/service-{number}"
        repository = EcrRepository(
            stack,
            f"Repository{number}",
            name=name,
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration=EcrRepositoryImageScanningConfiguration(scan_on_push=True),
            encryption_configuration=[
                EcrRepositoryEncryptionConfiguration(encryption_type="AES256")
            ],
            tags={"service": f"service-{number}"},
        )
        tagged = {"tagStatus": "tagged", "tagPatternList": ["v*"]}
        newest = {"countType": "imageCountMoreThan", "countNumber": 100}
        aged = {"countType": "sinceImagePushed", "countUnit": "days"}
        rules = [
            rule(1, {**tagged, **newest}),
            rule(2, {"tagStatus": "untagged", **aged, "countNumber": 7}),
            rule(3, {"tagStatus": "any", **aged, "countNumber": 30}),
        ]
        EcrLifecyclePolicy(
            stack,
            f"LifecyclePolicy{number}",
            repository=repository.name,
            policy=json.dumps({"rules": rules}, separators=(",", ":")),
        )
        statements = [statement("Pull", "ecs-task", PULL), statement("Push", "ci", PUSH)]
        EcrRepositoryPolicy(
            stack,
            f"RepositoryPolicy{number}",
            repository=repository.name,
            policy=json.dumps(
                {"Version": "2012-10-17", "Statement": statements}, separators=(",", ":")
            ),
        )
        urls[name] = repository.repository_url
        arns[name] = repository.arn
    TerraformOutput(stack, "repository_urls", value=urls)
    TerraformOutput(stack, "repository_arns", value=arns)
    app.synth()


if __name__ == "__main__":
    main(int(sys.argv[1]))
