import pytest

from cli.counts import counted


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 images"), (1, "1 image"), (2, "2 images"), (1000, "1,000 images")]
)
def test_one_is_no_plural(number: int, text: str) -> None:
    assert counted(number, "image") == text


def test_a_verb_goes_with_the_number() -> None:
    assert counted(1, "image stays", "images stay") == "1 image stays"
    assert counted(2, "image stays", "images stay") == "2 images stay"
