"""The same repositories with aws-cdk-lib's `aws_ecr`. Runs in an environment of its own."""

import sys

from aws_cdk import App, Duration, Environment, Stack, Tags, aws_ecr, aws_iam


def main(count: int) -> None:
    """Synthesize a stack of so many repositories."""
    app = App()
    home = Environment(account="111111111111", region="ap-northeast-2")
    stack = Stack(app, "ecr-bench", env=home)
    pull = aws_iam.ArnPrincipal("arn:aws:iam::111111111111:role/ecs-task")
    push = aws_iam.ArnPrincipal("arn:aws:iam::111111111111:role/ci")
    for number in range(count):
        repository = aws_ecr.Repository(
            stack,
            f"Repository{number}",
            repository_name=f"team-{number % 10}/service-{number}",
            image_tag_mutability=aws_ecr.TagMutability.IMMUTABLE,
            image_scan_on_push=True,
            encryption=aws_ecr.RepositoryEncryption.AES_256,
            lifecycle_rules=[
                aws_ecr.LifecycleRule(tag_pattern_list=["v*"], max_image_count=100),
                aws_ecr.LifecycleRule(
                    tag_status=aws_ecr.TagStatus.UNTAGGED, max_image_age=Duration.days(7)
                ),
                aws_ecr.LifecycleRule(max_image_age=Duration.days(30)),
            ],
        )
        repository.grant_pull(pull)
        repository.grant_push(push)
        Tags.of(repository).add("service", f"service-{number}")
        stack.export_value(repository.repository_uri, name=f"Uri{number}")
        stack.export_value(repository.repository_arn, name=f"Arn{number}")
    app.synth()


if __name__ == "__main__":
    main(int(sys.argv[1]))
