import pytest

from ecr_constructs import RepositorySettings, TagMutability


def test_tags_cannot_be_moved_by_default() -> None:
    assert RepositorySettings().image_tag_mutability is TagMutability.IMMUTABLE


@pytest.mark.parametrize("mutability", ["MUTABLE_WITH_EXCLUSION", "IMMUTABLE_WITH_EXCLUSION"])
def test_takes_exclusion_filters(mutability: TagMutability) -> None:
    settings = RepositorySettings(
        image_tag_mutability=mutability,
        image_tag_mutability_exclusion_filters=("latest", "dev-*"),
    )
    assert settings.required_provider_versions == {"6.8.0"}
