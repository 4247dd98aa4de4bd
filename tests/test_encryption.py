from ecr_constructs import EncryptionType, RepositorySettings

KEY = "arn:aws:kms:us-east-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def test_uses_keys_of_s3_by_default() -> None:
    assert RepositorySettings().encryption_type is EncryptionType.AES256
