"""Pull-time update exclusion: whose pulls do not count as a use of an image."""

import re
from collections.abc import Iterator, Sequence

from cdktf import TerraformResource
from constructs import Construct

from ecr_constructs.checks import (
    Check,
    Problem,
    TextForm,
    is_token,
    refuse,
    shown,
    unique,
    within,
)
from ecr_constructs.principal import SESSION_MEANT
from ecr_constructs.registry import Registry

MAX_EXCLUSIONS = 100
# From the provider's changelog. The bindings are of 6.25.0 and do not have the resource.
PROVIDER_VERSION = "6.28.0"

PRINCIPAL_ARN = TextForm(
    what="principal_arn",
    source="ECR API, `PrincipalArn`",
    maximum=200,
    pattern=re.compile(
        r"arn:aws(?:-[a-z]+)*:iam::[0-9]{12}:(?:role|user)/[\w+=,.@-]+(?:/[\w+=,.@-]+)*", re.ASCII
    ),
    form="the ARN of an IAM role or user, without wildcards (arn:aws:iam::<account>:role/<name>)",
    meant=SESSION_MEANT,
)
COUNT = Check(
    f"an account takes at most {MAX_EXCLUSIONS} pull-time update exclusions", "ECR quotas"
)
DUPLICATE = Check(
    "pull_time_update_exclusions must not repeat a principal",
    "ECR API, `ExclusionAlreadyExistsException`",
)
PARTITION = Check(
    "an excluded principal must be of the AWS partition of the registry",
    "IAM user guide, ARNs: a partition has accounts of its own",
)


def pull_time_update_exclusion_problems(
    registry: Registry, principal_arns: Sequence[str]
) -> Iterator[Problem]:
    """Check the exclusions of a registry together."""
    if len(principal_arns) > MAX_EXCLUSIONS:
        yield COUNT.problem(str(len(principal_arns)))
    yield from unique(DUPLICATE, principal_arns)
    for index, arn in enumerate(principal_arns):
        wrong = list(within((index,), PRINCIPAL_ARN.problems(arn)))
        yield from wrong
        if not wrong and not is_token(arn) and arn.split(":")[1] != registry.partition:
            yield PARTITION.problem(f"{shown(arn)} for {registry.partition}", (index,))


class PullTimeUpdateExclusion(Construct):
    """A principal whose pulls leave the time at which an image was last pulled as it is.

    For scanners and mirrors, whose pulls would keep images from the lifecycle rules that go by the
    last pull. Needs AWS provider 6.28.0.

    :param principal_arn: the ARN of an IAM role or user; at most 200 characters, no wildcards, and
        not the ARN of an assumed role's session. At most 100 per account.
    :raises ValueError: for another form.
    """

    required_provider_versions = frozenset({PROVIDER_VERSION})
    """The oldest AWS provider that knows it."""

    def __init__(self, scope: Construct, id_: str, *, principal_arn: str) -> None:
        refuse(PRINCIPAL_ARN.problems(principal_arn))
        super().__init__(scope, id_)
        resource = TerraformResource(
            self, "Resource", terraform_resource_type="aws_ecr_pull_time_update_exclusion"
        )
        resource.add_override("principal_arn", principal_arn)
