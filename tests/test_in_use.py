from datetime import UTC, datetime

import pytest

from cli.errors import InputError
from cli.in_use import Use, use_of, uses_of_text
from ecr_constructs import Image, Registry

DIGEST = "sha256:" + "a" * 64
HOME = Registry(account_id="111111111111", region="us-east-1")
ECR = "111111111111.dkr.ecr.us-east-1.amazonaws.com"


@pytest.mark.parametrize(
    ("reference", "repository", "tag", "digest"),
    [
        ("payments/api:v1.2.3-abc123", "payments/api", "v1.2.3-abc123", ""),
        (f"{ECR}/payments/api:v1", "payments/api", "v1", ""),
        (f"{ECR}/payments/api@{DIGEST}", "payments/api", "", DIGEST),
        (f"{ECR}/payments/api:v1@{DIGEST}", "payments/api", "v1", DIGEST),
        (f"{ECR}/payments/api", "payments/api", "latest", ""),
        ("111111111111.dkr-ecr.us-east-1.on.aws/a--b/c__d:v1", "a--b/c__d", "v1", ""),
        ("111111111111.dkr.ecr-fips.us-east-1.amazonaws.com/ab:v1", "ab", "v1", ""),
        (DIGEST, "", "", DIGEST),
    ],
)
def test_reads_a_reference(reference: str, repository: str, tag: str, digest: str) -> None:
    use = use_of(reference, "who")
    assert use is not None
    assert (use.repository, use.tag, use.digest) == (repository, tag, digest)
    assert use.is_of(HOME)


@pytest.mark.parametrize(
    "reference",
    [
        "public.ecr.aws/nginx/nginx:1",
        "localhost:5000/payments/api:v1",
        "registry.example.com:5000/payments/api",
        "222222222222.dkr.ecr.us-east-1.amazonaws.com/payments/api:v1",
        "111111111111.dkr.ecr.us-west-2.amazonaws.com/payments/api:v1",
    ],
)
def test_knows_another_registry(reference: str) -> None:
    use = use_of(reference, "who")
    assert use is not None
    assert not use.is_of(HOME)


def test_a_registry_that_is_not_known_may_be_any_of_ecr() -> None:
    named = use_of(f"{ECR}/payments/api:v1", "who")
    public = use_of("public.ecr.aws/nginx/nginx:1", "who")
    assert named is not None and named.is_of(None)  # noqa: PT018
    assert public is not None and not public.is_of(None)  # noqa: PT018


def test_a_digest_counts_more_than_a_tag_that_has_moved() -> None:
    pushed = datetime(2026, 1, 1, tzinfo=UTC)
    moved = Image(image_digest="sha256:" + "b" * 64, image_pushed_at=pushed, image_tags=("v1",))
    both = use_of(f"payments/api:v1@{DIGEST}", "who")
    tagged = use_of("payments/api:v1", "who")
    assert both is not None and not both.names(moved)  # noqa: PT018
    assert tagged is not None and tagged.names(moved)  # noqa: PT018


def test_reads_lines_but_for_comments() -> None:
    text = f"# what production runs\n\npayments/api:v1  # since May\r\n{DIGEST}\n"
    first, second = uses_of_text(text, "in-use.txt")
    assert first == Use("in-use.txt:3", "payments/api:v1", repository="payments/api", tag="v1")
    assert second.who == "in-use.txt:4"


def test_fails_with_every_line_that_names_no_image() -> None:
    with pytest.raises(InputError) as caught:
        uses_of_text("payments/api:v1\nPAYMENTS\nsha256:abc\n-\n", "in-use.txt")
    lines = caught.value.message.splitlines()
    assert [line.split(": ")[0] for line in lines] == ["in-use.txt:2", "in-use.txt:4"]
    assert "got 'PAYMENTS'" in lines[0]
