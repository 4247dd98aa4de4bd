"""A registry: the repositories of one account in one Region."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ecr_constructs.checks import (
    Check,
    Problem,
    TextForm,
    did_you_mean,
    is_token,
    refuse,
    with_strangers,
    wrong_type,
)

ACCOUNT_ID = TextForm(
    what="account id",
    source="ECR API, `RegistryId`",
    minimum=0,
    pattern=re.compile(r"[0-9]{12}"),
    form="an account id of 12 digits",
    meant={
        r"arn:aws[a-z-]{0,20}:iam::([0-9]{12}):root": r'write "\1"',
        r"([0-9]{4})[ -]([0-9]{4})[ -]([0-9]{4})": r'write "\1\2\3"',
        r"\s*([0-9]{12})\s*": r'write "\1"',
        r"\s*(?:\{\{|\$).*": "nothing is filled in here; write its 12 digits",
    },
)
# A name with capital letters -> what is said of it.
IN_LOWERCASE = {r"(?=..)[\w./*-]{0,256}[A-Z][\w./*-]{0,256}": "write it in lowercase"}
# The host of a registry, of any partition.
ADDRESS = r"[0-9]{12}\.dkr\.ecr\.[a-z0-9.-]+"
_NAME = r"[a-z0-9]+(?:(?:\.|__?|-+|/)[a-z0-9]+)*"
REPOSITORY_NAME = TextForm(
    what="repository name",
    source="ECR API, `RepositoryName`",
    minimum=2,
    maximum=256,
    pattern=re.compile(_NAME),
    form="lowercase letters and digits, with single '.', '_', '__', '/' or a run of '-' between"
    " them",
    meant={
        rf"arn:aws[a-z-]*:ecr:[a-z0-9-]+:[0-9]{{12}}:repository/({_NAME})": r"write '\1'",
        rf"(?:{ADDRESS}/)?({_NAME})[:@][\w.:@-]+": r"write '\1', without tag and digest",
        **IN_LOWERCASE,
        rf"/+({_NAME})/*": r"write '\1'",
        rf"({_NAME})(?:/+|\s+)": r"write '\1'",
        rf"\s+({_NAME})\s*": r"write '\1'",
        rf"(?!.{{257}})({_NAME})//+({_NAME})": r"write '\1/\2'",
        rf"{_NAME}(?: {_NAME})+": "write '-' where it has a space",
        r"[^*]*\*": "name each repository; what all of them have goes below 'repository_defaults'",
    },
)
# What ECR calls the prefix of everything that no other prefix is about.
ROOT = "ROOT"
REGION = Check("{what} must be a Region that has ECR", "botocore's endpoint data for ECR")

# The Regions that have an ECR endpoint, from botocore's endpoint data.
REGIONS = tuple(
    f"{area}-{number}"
    for area, numbers in {
        "af-south": "1",
        "ap-east": "12",
        "ap-northeast": "123",
        "ap-south": "12",
        "ap-southeast": "1234567",
        "ca-central": "1",
        "ca-west": "1",
        "eu-central": "12",
        "eu-north": "1",
        "eu-south": "12",
        "eu-west": "123",
        "il-central": "1",
        "me-central": "1",
        "me-south": "1",
        "mx-central": "1",
        "sa-east": "1",
        "us-east": "12",
        "us-west": "12",
        "cn-north": "1",
        "cn-northwest": "1",
        "us-gov-east": "1",
        "us-gov-west": "1",
        "us-iso-east": "1",
        "us-iso-west": "1",
        "us-isob-east": "1",
        "us-isob-west": "1",
        "eu-isoe-west": "1",
        "us-isof-east": "1",
        "us-isof-south": "1",
        "eusc-de-east": "1",
    }.items()
    for number in numbers
)

# Region prefix -> (partition, DNS suffix), from botocore's endpoint data.
_PARTITIONS = {
    "cn-": ("aws-cn", "amazonaws.com.cn"),
    "us-gov-": ("aws-us-gov", "amazonaws.com"),
    "us-iso-": ("aws-iso", "c2s.ic.gov"),
    "us-isob-": ("aws-iso-b", "sc2s.sgov.gov"),
    "eu-isoe-": ("aws-iso-e", "cloud.adc-e.uk"),
    "us-isof-": ("aws-iso-f", "csp.hci.ic.gov"),
    "eusc-de-": ("aws-eusc", "amazonaws.eu"),
    "": ("aws", "amazonaws.com"),
}


def region_problems(what: str, value: object) -> Iterator[Problem]:
    """Check the code of a Region in which ECR can be used; the provider knows no others."""
    if is_token(value):
        return
    if not isinstance(value, str):
        yield wrong_type(what, "text", value)
    elif value not in REGIONS:
        hint = did_you_mean(value, REGIONS) or "; write its code, such as 'us-east-1'"
        yield REGION.problem(with_strangers(value), hint=hint, what=what)


def partition_of(region: str) -> str:
    """The AWS partition of a Region, such as `aws` or `aws-us-gov`."""
    return _partition_and_suffix(region)[0]


def _partition_and_suffix(region: str) -> tuple[str, str]:
    return next(value for prefix, value in _PARTITIONS.items() if region.startswith(prefix))


@dataclass(frozen=True, kw_only=True)
class Registry:
    """The private registry of one account in one Region.

    :param account_id: 12 digits.
    :param region: the code of a Region, such as `ap-northeast-2`.
    :raises ValueError: for an account id or a Region of another form.
    """

    account_id: str
    region: str

    def __post_init__(self) -> None:
        refuse(
            [
                *ACCOUNT_ID.problems(self.account_id),
                *region_problems("region", self.region),
            ]
        )

    @property
    def known_account_id(self) -> str | None:
        """The account's id; nothing where it is known at deploy time only."""
        return None if is_token(self.account_id) else self.account_id

    @property
    def partition(self) -> str:
        """The AWS partition, such as `aws` or `aws-us-gov`."""
        return partition_of(self.region)

    @property
    def makes_repositories(self) -> bool:
        """Whether ECR itself makes repositories here, by cache rules and creation templates."""
        return self.partition not in ("aws-cn", "aws-us-gov")

    @property
    def registry_uri(self) -> str:
        """What `docker login` takes: `<account>.dkr.ecr.<region>.amazonaws.com`."""
        suffix = _partition_and_suffix(self.region)[1]
        return f"{self.account_id}.dkr.ecr.{self.region}.{suffix}"

    def iam_arn(self, name: str) -> str:
        """The ARN of something of IAM in this account, such as `role/ci`."""
        return f"arn:{self.partition}:iam::{self.account_id}:{name}"

    def repository_arn(self, repository_name: str) -> str:
        """The ARN of a repository of this registry."""
        registry = f"arn:{self.partition}:ecr:{self.region}:{self.account_id}"
        return f"{registry}:repository/{repository_name}"

    def public_repository_arn(self, repository_name: str) -> str:
        """The ARN of a repository of ECR Public, which the account has in no Region."""
        return f"arn:{self.partition}:ecr-public::{self.account_id}:repository/{repository_name}"
