import pytest
from cdktf import TerraformStack
from test_ci_jobs import gitlab

from ecr_constructs import InvalidValueError, OidcProvider


@pytest.mark.parametrize(
    "host",
    [
        "https://gitlab.com",
        "gitlab.com/",
        "gitlab.com:8443",
        "GitLab.com",
        "gitlab",
        "*.com",
        "-a.com",
        "a..b",
    ],
)
def test_fails_with_another_host(stack: TerraformStack, host: str) -> None:
    with pytest.raises(InvalidValueError, match=r"^host must be a host such as"):
        gitlab(host=host)
    with pytest.raises(InvalidValueError, match=r"^issuer must be a host such as"):
        OidcProvider(stack, "Bad", issuer=host)
    assert stack.node.try_find_child("Bad") is None


def test_fails_with_a_host_that_is_too_long() -> None:
    assert gitlab(host=f"{'a' * 243}.com").audience == f"https://{'a' * 243}.com"
    with pytest.raises(InvalidValueError, match=r"^host must be 1 to 247 characters, got"):
        gitlab(host=f"{'a' * 244}.com")


def test_a_host_that_is_meant_is_told_where_it_is_not_too_long() -> None:
    with pytest.raises(InvalidValueError, match=rf"; write '{'a' * 243}\.com'$"):
        gitlab(host=f"https://{'a' * 243}.com/")
    with pytest.raises(InvalidValueError) as caught:
        gitlab(host=f"https://{'a' * 6000}.com/")
    assert len(str(caught.value)) < 200
