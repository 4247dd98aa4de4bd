import pytest

from stacks.provider_version import admits_none, constraint_problems, provider_constraint


def test_is_as_wide_as_the_settings_allow() -> None:
    assert provider_constraint([], None) == ">= 5.100.0, < 7.0.0"
    assert provider_constraint(["6.8.0", "6.29.0"], None) == ">= 6.29.0, < 7.0.0"


def test_is_narrowed_by_the_file() -> None:
    assert provider_constraint([], "~> 6.8") == ">= 5.100.0, < 7.0.0, ~> 6.8"


@pytest.mark.parametrize("value", ["6.8.0", "= 6.8.0", "~> 6.8", ">=6, <6.20", "!= 6.1.0"])
def test_takes_the_syntax_of_terraform(value: str) -> None:
    assert not list(constraint_problems(value))


@pytest.mark.parametrize("value", ["", "latest", "^6", "6.8.x", "6.8.0.1", ">= 6 || < 5", "6,"])
def test_refuses_the_syntax_of_others(value: str) -> None:
    assert list(constraint_problems(value))


@pytest.mark.parametrize(
    ("constraint", "none"),
    [
        (">= 5.100.0, < 7.0.0", False),
        (">= 5.100.0, < 7.0.0, < 5", True),
        (">= 5.100.0, < 7.0.0, ~> 5.100", False),
        (">= 5.100.0, < 7.0.0, ~> 5.100.0", False),
        (">= 6.8.0, < 7.0.0, ~> 5.100", True),
        (">= 6.8.0, < 7.0.0, ~> 6.7", False),
        (">= 6.8.0, < 7.0.0, ~> 6.7.0", True),
        (">= 6.8.0, < 7.0.0, 6.25.0", False),
        (">= 6.8.0, < 7.0.0, 6.7.9", True),
        (">= 5.100.0, < 7.0.0, > 6.0.0, < 6.0.1", True),
        (">= 5.100.0, < 7.0.0, > 6.0.0, < 6.0.2", False),
        (">= 5.100.0, < 7.0.0, 6.1.0, != 6.1.0", True),
        (">= 5.100.0, < 7.0.0, < 6.0.0, > 5.100.0", False),
    ],
)
def test_knows_when_no_version_is_left(constraint: str, none: bool) -> None:
    assert admits_none(constraint) is none
