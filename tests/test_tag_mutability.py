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


@pytest.mark.parametrize(
    ("mutability", "filters", "sentence"),
    [
        ("immutable", (), "image_tag_mutability must be one of .*; did you mean 'IMMUTABLE'"),
        ("IMMUTABLE", ("latest",), "needs image_tag_mutability IMMUTABLE_WITH_EXCLUSION, got"),
        ("IMMUTABLE_WITH_EXCLUSION", (), "IMMUTABLE_WITH_EXCLUSION needs at least one of"),
        ("MUTABLE_WITH_EXCLUSION", ("a*b*c*",), r"at most 2 '\*', got 'a\*b\*c\*' \(3\)"),
        ("MUTABLE_WITH_EXCLUSION", ("a b",), "exclusion filter must be letters"),
        ("MUTABLE_WITH_EXCLUSION", ("",), r"must be 1 to 128 characters, got '' \(0\)"),
        ("MUTABLE_WITH_EXCLUSION", ("x" * 129,), r"must be 1 to 128 characters, .* \(129\)"),
        ("MUTABLE_WITH_EXCLUSION", tuple("abcdef"), "at most 5 exclusion filters, got 6"),
        ("MUTABLE_WITH_EXCLUSION", ("a", "a"), "lists 'a' twice"),
        ("MUTABLE_WITH_EXCLUSION", "latest", "must be a list of text, got 'latest'"),
    ],
)
def test_fails_with(mutability: TagMutability, filters: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        RepositorySettings(
            image_tag_mutability=mutability, image_tag_mutability_exclusion_filters=filters
        )
