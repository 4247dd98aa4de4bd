import re

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_constructs import InvalidValueError, Registry
from ecr_constructs.registry import REGIONS, REPOSITORY_NAME

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


def test_names_the_length_that_is_wrong() -> None:
    problem = next(iter(REPOSITORY_NAME.problems("x")))
    assert problem.sentence == "repository name must be 2 to 256 characters, got 'x' (1)"


@pytest.mark.parametrize(
    "written",
    [
        "arn:aws:ecr:us-east-1:111111111111:repository/{}",
        "111111111111.dkr.ecr.us-east-1.amazonaws.com/{}:v1",
        "{}@sha256:0",
        "/{}",
        "{}/",
    ],
)
@pytest.mark.parametrize("length", [1, 2, 256, 257])
def test_a_name_that_is_meant_is_told_where_it_is_one(written: str, length: int) -> None:
    name = "a" * length
    [problem] = REPOSITORY_NAME.problems(written.format(name))
    assert (f"; write '{name}'" in problem.sentence) == (2 <= length <= 256)
    assert len(problem.sentence) < 600


@given(st.text(alphabet="ab0._-/A ", min_size=2, max_size=12))
def test_repository_names_agree_with_the_api(name: str) -> None:
    pattern = MODEL.shape_for("RepositoryName").metadata["pattern"]
    assert (not list(REPOSITORY_NAME.problems(name))) == bool(re.fullmatch(pattern, name))
