import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_constructs.wildcard import is_like, matches


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("v1", "v1", True),
        ("v1", "v11", False),
        ("v*", "v", True),
        ("*", "", True),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("*a*b*", "xaxbx", True),
        ("*a*b*", "xbxax", False),
        ("ab*ba", "aba", False),
        ("prod*repo", "prod-x-repo", True),
    ],
)
def test_matches(pattern: str, text: str, expected: bool) -> None:
    assert matches(pattern, text) is expected


@given(st.text("ab*", max_size=8), st.text("ab", max_size=10))
def test_agrees_with_a_regular_expression(pattern: str, text: str) -> None:
    regex = ".*".join(map(re.escape, pattern.split("*")))
    assert matches(pattern, text) == bool(re.fullmatch(regex, text))


def test_is_linear() -> None:
    assert not matches("*a" * 30 + "*b", "a" * 20_000)


@given(st.text("ab?[", max_size=8), st.text("ab*?[", max_size=8))
def test_a_pattern_of_iam_agrees_with_a_regular_expression(text: str, pattern: str) -> None:
    regex = "".join({"*": ".*", "?": "."}.get(sign, re.escape(sign)) for sign in pattern)
    assert is_like(text, pattern) == bool(re.fullmatch(regex, text))
