from ecr_constructs import EncryptionType, RepositorySettings


def test_uses_keys_of_s3_by_default() -> None:
    assert RepositorySettings().encryption_type is EncryptionType.AES256
