"""Encryption: with which key a repository encrypts its images at rest."""

import re
from collections.abc import Iterator
from enum import StrEnum

from ecr_constructs.checks import Problem, is_token, member, shown, text, within
from ecr_constructs.registry import Registry

_KEY_ARN = re.compile(r"arn:aws[a-z0-9-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[a-z0-9-]+")


class EncryptionType(StrEnum):
    """How a repository encrypts its images at rest. Cannot be changed after creation."""

    AES256 = "AES256"
    """With keys that Amazon S3 manages, at no charge."""
    KMS = "KMS"
    """With a key of AWS KMS: yours, or AWS's own `aws/ecr` where none is named."""
    KMS_DSSE = "KMS_DSSE"
    """In two layers with a key of AWS KMS. AWS GovCloud (US) Regions only."""


def key_arn_problems(what: str, value: object) -> Iterator[Problem]:
    """Check the ARN of a KMS key."""
    form = (
        "the full ARN of a key (arn:aws:kms:<region>:<account>:key/<id>), no alias and no bare id"
    )
    return text(what, value, pattern=_KEY_ARN, form=form)


def encryption_problems(
    encryption_type: EncryptionType | str, kms_key: str | None
) -> Iterator[Problem]:
    """Check the type, the key's form, and that the two go together.

    AWS accepts an alias or a key id too, but answers with the key's ARN, so that every later plan
    would destroy the repository with its images and create it again.
    """
    yield from within(
        ("encryption_type",), member("encryption_type", encryption_type, list(EncryptionType))
    )
    if kms_key is None:
        return
    yield from within(("kms_key",), key_arn_problems("kms_key", kms_key))
    if encryption_type == EncryptionType.AES256:
        yield Problem("'kms_key' needs encryption_type KMS or KMS_DSSE, got AES256", ("kms_key",))


def encryption_problems_in(
    registry: Registry, encryption_type: EncryptionType, kms_key: str | None
) -> Iterator[Problem]:
    """Check what depends on the Region: the key must be there, and KMS_DSSE must be offered."""
    if encryption_type == EncryptionType.KMS_DSSE and registry.partition != "aws-us-gov":
        yield Problem(
            "encryption_type KMS_DSSE is offered in AWS GovCloud (US) Regions only,"
            f" got Region {registry.region}; use KMS",
            ("encryption_type",),
        )
    if kms_key is not None and not is_token(kms_key):
        key_region = kms_key.split(":")[3]
        if key_region != registry.region:
            yield Problem(
                f"kms_key must be in the repository's Region {registry.region},"
                f" got {shown(kms_key)}",
                ("kms_key",),
            )
