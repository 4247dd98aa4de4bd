import re

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_constructs import InvalidValueError, Registry
from ecr_constructs.checks import refuse
from ecr_constructs.registry import REGIONS, REPOSITORY_NAME, repository_name_problems

MODEL = botocore.session.get_session().get_service_model("ecr")


def test_knows_the_regions_that_botocore_knows() -> None:
    session = botocore.session.get_session()
    known = {
        region
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("ecr", partition)
    }
    assert set(REGIONS) == known


@pytest.mark.parametrize(
    ("region", "partition", "uri"),
    [
        ("ap-northeast-2", "aws", "111111111111.dkr.ecr.ap-northeast-2.amazonaws.com"),
        ("cn-north-1", "aws-cn", "111111111111.dkr.ecr.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", "aws-us-gov", "111111111111.dkr.ecr.us-gov-west-1.amazonaws.com"),
        ("us-iso-east-1", "aws-iso", "111111111111.dkr.ecr.us-iso-east-1.c2s.ic.gov"),
        ("eusc-de-east-1", "aws-eusc", "111111111111.dkr.ecr.eusc-de-east-1.amazonaws.eu"),
    ],
)
def test_partition_follows_the_region(region: str, partition: str, uri: str) -> None:
    registry = Registry(account_id="111111111111", region=region)
    assert registry.partition == partition
    assert registry.registry_uri == uri
    assert registry.repository_arn("a/b") == (
        f"arn:{partition}:ecr:{region}:111111111111:repository/a/b"
    )


def test_partitions_agree_with_botocore() -> None:
    session = botocore.session.get_session()
    for region in REGIONS:
        expected = session.get_partition_for_region(region)
        assert Registry(account_id="111111111111", region=region).partition == expected


def test_fails_with_all_problems_at_once() -> None:
    with pytest.raises(InvalidValueError) as caught:
        Registry(account_id="123", region="ap-notheast-2")
    assert str(caught.value) == (
        "account id must be an account id of 12 digits, got '123'; "
        "region must be a Region that has ECR, got 'ap-notheast-2'; "
        "did you mean 'ap-northeast-2'?"
    )


@pytest.mark.parametrize(
    "name", ["ab", "payments/api", "a--b", "a__b", "0a", "a.b_c-d/e", "a" * 256]
)
def test_repository_name_is_accepted(name: str) -> None:
    assert not list(repository_name_problems(name))


@pytest.mark.parametrize(
    "name",
    ["", "a", "A/b", "a//b", "a..b", "a___b", "a/", "/a", "-a", "a b", "é", "ab\n", "a" * 257],
)
def test_repository_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="repository name must be"):
        refuse(repository_name_problems(name))


def test_names_the_length_that_is_wrong() -> None:
    problem = next(iter(repository_name_problems("x")))
    assert problem.sentence == "repository name must be 2 to 256 characters, got 'x' (1)"


@given(st.text(alphabet="ab0._-/A ", min_size=2, max_size=12))
def test_repository_names_agree_with_the_api(name: str) -> None:
    pattern = MODEL.shape_for("RepositoryName").metadata["pattern"]
    assert bool(REPOSITORY_NAME.fullmatch(name)) == bool(re.fullmatch(pattern, name))
