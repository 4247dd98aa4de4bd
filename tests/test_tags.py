import pytest

from ecr_constructs import RepositorySettings


def test_takes_fifty_tags_of_any_length_that_ecr_takes() -> None:
    tags = {f"key-{number}": "v" * 256 for number in range(49)} | {"k" * 128: ""}
    assert RepositorySettings(tags=tags).tags == tags


@pytest.mark.parametrize(
    ("tags", "sentence"),
    [
        ({"aws:x": "y"}, "must not start with 'aws:', which belongs to AWS, got 'aws:x'"),
        ({"AWS:x": "y"}, "must not start with 'aws:'"),
        ({"": "y"}, r"tag key must be 1 to 128 characters, got '' \(0\)"),
        ({"k" * 129: "y"}, r"tag key must be 1 to 128 characters, .* \(129\)"),
        ({"k": "v" * 257}, r"value of tag 'k' must be 0 to 256 characters, .* \(257\)"),
        ({"k": 1}, "value of tag 'k' must be text, got 1"),
        ({str(n): "" for n in range(51)}, "at most 50 tags, got 51"),
        ([("k", "v")], "tags must be a mapping of text to text, got a list of 1"),
    ],
)
def test_fails_with(tags: dict[str, str], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        RepositorySettings(tags=tags)
