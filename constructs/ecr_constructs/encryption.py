"""Encryption: with which key a repository encrypts its images at rest."""

import re
from collections.abc import Iterator
from enum import StrEnum

from ecr_constructs.checks import Check, Choice, Problem, TextForm, is_token, shown, within
from ecr_constructs.registry import Registry

_KMS = r"arn:aws[a-z0-9-]*:kms:[a-z0-9-]+:[0-9]{12}:"
_KEY_ARN = re.compile(rf"{_KMS}key/[a-z0-9-]+")
# The alias of the key that AWS manages for ECR, which no request has to name.
AWS_MANAGED_KEY = "alias/aws/ecr"
_KEY_ID = r"(?:mrk-[0-9a-f]{32}|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})"


class EncryptionType(StrEnum):
    """How a repository encrypts its images at rest. Cannot be changed after creation."""

    AES256 = "AES256"
    """With keys that Amazon S3 manages, at no charge."""
    KMS = "KMS"
    """With a key of AWS KMS: yours, or AWS's own `aws/ecr` where none is named."""
    KMS_DSSE = "KMS_DSSE"
    """In two layers with a key of AWS KMS. AWS GovCloud (US) Regions only."""


ENCRYPTION_TYPE = Choice(
    what="encryption_type",
    source="ECR API, `EncryptionType`",
    options=list(EncryptionType),
    others={"none": "AES256", "s3": "AES256", "false": "AES256", "true": "KMS"},
)
KEY_ARN = TextForm(
    what="key ARN",
    source="ECR API, `KmsKeyForRepositoryCreationTemplate`",
    maximum=2048,
    pattern=_KEY_ARN,
    form="the full ARN of a KMS key (arn:aws:kms:<region>:<account>:key/<id>)",
)
KMS_KEY = TextForm(
    what="kms_key",
    source="ECR API, `KmsKey`; KMS API, `KeyIdType`",
    maximum=2048,
    pattern=re.compile(rf"{_KEY_ARN.pattern}|{_KEY_ID}|(?:{_KMS})?alias/[a-zA-Z0-9/_-]{{1,250}}"),
    form="the full ARN of a KMS key (arn:aws:kms:<region>:<account>:key/<id>)",
)
KEY_UNUSED = Check(
    "'kms_key' needs encryption_type KMS or KMS_DSSE", "aws-cdk's validation", "write KMS"
)
GOVCLOUD_ONLY = Check(
    "encryption_type KMS_DSSE is offered in AWS GovCloud (US) Regions only",
    "ECR user guide, encryption at rest",
    "use KMS",
)
KEY_PARTITION = Check(
    "kms_key must be of the AWS partition of the repository",
    "IAM user guide, ARNs: a partition has accounts of its own",
    "let it begin with arn:{partition}:kms:{region}:",
)
KEY_ELSEWHERE = Check(
    "kms_key must be in the Region of the repository", "ECR API, `EncryptionConfiguration`"
)
KEY_OF_OTHERS = Check(
    "kms_key must be of the account of the repository",
    "this project: images are lost with a key that others delete",
    "name a key of the account, or have one made by 'repository_key'",
)
KEY_DRIFTS = Check(
    "AWS answers with the ARN of the key, so that every later plan destroys the repository with its"
    " images and creates it again",
    "AWS provider 5.100.0, plan of a `kms_key` that is no key ARN",
    "write the full ARN of the key as kms_key",
    warning=True,
)


def encryption_problems(
    encryption_type: object, kms_key: object, form: TextForm = KMS_KEY
) -> Iterator[Problem]:
    """Check the type, the key's form, and that the two go together."""
    yield from within(("encryption_type",), ENCRYPTION_TYPE.problems(encryption_type))
    if kms_key is None:
        return
    if kms_key != AWS_MANAGED_KEY:
        yield from within(("kms_key",), form.problems(kms_key, "kms_key"))
    if encryption_type == EncryptionType.AES256:
        yield KEY_UNUSED.problem("AES256", ("kms_key",))


def encryption_problems_in(
    registry: Registry, encryption_type: EncryptionType, kms_key: str | None
) -> Iterator[Problem]:
    """Check what depends on the Region: the key must be there, and KMS_DSSE must be offered."""
    is_known = not is_token(registry.region)
    is_governments = registry.partition == "aws-us-gov"
    if encryption_type == EncryptionType.KMS_DSSE and is_known and not is_governments:
        yield GOVCLOUD_ONLY.problem(f"Region {registry.region}", ("encryption_type",))
    if kms_key is not None and kms_key.startswith("arn:") and not is_token(kms_key):
        _, partition, _, region, *_ = kms_key.split(":")
        got = f"{shown(kms_key)} for Region {registry.region}"
        if is_known and partition != registry.partition:
            home = {"partition": registry.partition, "region": registry.region}
            yield KEY_PARTITION.problem(got, ("kms_key",), **home)
        elif is_known and region != registry.region:
            yield KEY_ELSEWHERE.problem(got, ("kms_key",))
        elif registry.known_account_id not in (None, kms_key.split(":")[4]):
            got = f"{shown(kms_key)} for account {registry.account_id}"
            yield KEY_OF_OTHERS.problem(got, ("kms_key",))


def key_sent(kms_key: str | None) -> str | None:
    """The key as ECR is told of it: of AWS's own it is told nothing, or each plan would differ."""
    return None if kms_key == AWS_MANAGED_KEY else kms_key


def encryption_warnings(kms_key: str | None) -> Iterator[Problem]:
    """Tell of an alias or a key id, which AWS accepts and the provider cannot recognize."""
    key = key_sent(kms_key)
    if key is not None and not is_token(key) and not _KEY_ARN.fullmatch(key):
        yield KEY_DRIFTS.problem(shown(kms_key), ("kms_key",))
