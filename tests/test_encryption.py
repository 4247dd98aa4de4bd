import pytest

from ecr_constructs import EncryptionType, Problem, Registry, RepositorySettings

KEY = "arn:aws:kms:us-east-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def problems_in(region: str, settings: RepositorySettings) -> list[Problem]:
    return list(settings.problems_in(Registry(account_id="111111111111", region=region)))


def test_uses_keys_of_s3_by_default() -> None:
    assert RepositorySettings().encryption_type is EncryptionType.AES256


def test_takes_a_key_of_the_same_region() -> None:
    settings = RepositorySettings(encryption_type=EncryptionType.KMS, kms_key=KEY)
    assert problems_in("us-east-1", settings) == []


def test_refuses_a_key_of_another_region() -> None:
    settings = RepositorySettings(encryption_type=EncryptionType.KMS, kms_key=KEY)
    [problem] = problems_in("us-west-2", settings)
    assert problem.path == ("kms_key",)
    assert problem.sentence == (
        f"kms_key must be in the repository's Region us-west-2, got '{KEY}'"
    )


def test_offers_two_layers_in_govcloud_only() -> None:
    settings = RepositorySettings(encryption_type=EncryptionType.KMS_DSSE)
    assert problems_in("us-gov-west-1", settings) == []
    assert "GovCloud" in problems_in("us-east-1", settings)[0].sentence


@pytest.mark.parametrize(
    ("encryption_type", "kms_key", "sentence"),
    [
        ("AES256", KEY, "'kms_key' needs encryption_type KMS or KMS_DSSE, got AES256"),
        ("KMS", "alias/ecr", "must be the full ARN of a key"),
        ("KMS", "1234abcd-12ab-34cd-56ef-1234567890ab", "no bare id"),
        ("kms", None, "encryption_type must be one of .*; did you mean 'KMS'"),
    ],
)
def test_fails_with(encryption_type: EncryptionType, kms_key: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        RepositorySettings(encryption_type=encryption_type, kms_key=kms_key)
