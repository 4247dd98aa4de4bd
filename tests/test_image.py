from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import botocore.session
import pytest

from ecr_constructs import Image, ImageStatus, InvalidValueError, parse_image
from ecr_constructs import image as room

DIGEST = "sha256:" + "a" * 64
PUSHED = datetime(2026, 11, 1, tzinfo=UTC)
DETAILS = {"imageDigest": DIGEST, "imagePushedAt": PUSHED, "repositoryName": "payments/api"}


@pytest.mark.parametrize(
    "written",
    [
        PUSHED,
        "2026-11-01T00:00:00+00:00",
        "2026-11-01T09:00:00+09:00",
        "2026-11-01T00:00:00Z",
        PUSHED.timestamp(),
        int(PUSHED.timestamp()),
    ],
)
def test_reads_times_as_boto3_and_both_versions_of_the_cli_give_them(written: object) -> None:
    image = parse_image({**DETAILS, "imagePushedAt": written})
    assert image.image_pushed_at == PUSHED
    assert image.image_pushed_at.tzinfo is UTC


def test_reads_everything_that_matters_and_leaves_the_rest() -> None:
    found = parse_image(
        {
            **DETAILS,
            "registryId": "111111111111",
            "imageTags": ["v1", "latest"],
            "imageSizeInBytes": 5,
            "imageStatus": "ARCHIVED",
            "lastRecordedPullTime": PUSHED,
            "lastArchivedAt": PUSHED,
            "lastActivatedAt": None,
            "imageScanFindingsSummary": {"findingSeverityCounts": {}},
            "imageManifestMediaType": "application/vnd.oci.image.index.v1+json",
            "subjectManifestDigest": DIGEST,
        }
    )
    assert found == Image(
        image_digest=DIGEST,
        image_pushed_at=PUSHED,
        image_tags=("v1", "latest"),
        image_size_in_bytes=5,
        image_status=ImageStatus.ARCHIVED,
        last_recorded_pull_time=PUSHED,
        last_archived_at=PUSHED,
        subject_manifest_digest=DIGEST,
        image_manifest_media_type="application/vnd.oci.image.index.v1+json",
        repository_name="payments/api",
    )
    assert found.is_manifest_list
    assert found.storage_class == "archive"


def test_knows_the_keys_and_statuses_of_ecrs_model() -> None:
    model = botocore.session.get_session().get_service_model("ecr").shape_for("ImageDetail")
    assert {*room._TIMES, *room._OTHERS, "imageTags"} <= set(model.members)
    assert set(ImageStatus) == set(model.members["imageStatus"].enum)


def test_is_used_since_it_was_pulled_or_restored_or_pushed() -> None:
    later, last = PUSHED + timedelta(days=1), PUSHED + timedelta(days=2)
    assert parse_image(DETAILS).used_at == PUSHED
    assert parse_image({**DETAILS, "lastRecordedPullTime": later}).used_at == later
    restored = {**DETAILS, "lastRecordedPullTime": later, "lastActivatedAt": last}
    assert parse_image(restored).used_at == last
    assert parse_image({**restored, "lastRecordedPullTime": last}).used_at == last


@pytest.mark.parametrize(
    ("given", "key", "sentence"),
    [
        ({"imagePushedAt": None}, "imagePushedAt", "an image needs imagePushedAt; take what"),
        ({"imageDigest": None}, "imageDigest", "an image needs imageDigest; take what"),
        ({"imageDigest": "sha256:x"}, "imageDigest", "imageDigest must be 'sha256:' and 64"),
        ({"imageDigest": 5}, "imageDigest", "imageDigest must be text, got 5"),
        ({"imagePushedAt": "yesterday"}, "imagePushedAt", "must be a time with its offset"),
        ({"imagePushedAt": "2026-11-01T00:00:00"}, "imagePushedAt", "got '2026-11-01T00:00:00'"),
        ({"imagePushedAt": 1e300}, "imagePushedAt", "must be a time with its offset"),
        ({"imagePushedAt": True}, "imagePushedAt", "must be a time with its offset"),
        ({"imageTags": "v1"}, "imageTags", "imageTags must be a list of text, got 'v1'"),
        ({"imageTags": [1]}, "imageTags", "imageTags must be a list of text"),
        ({"imageSizeInBytes": -1}, "imageSizeInBytes", "must be a whole number, 0 or more"),
        ({"imageSizeInBytes": True}, "imageSizeInBytes", "must be a whole number, 0 or more"),
        ({"imageStatus": "archived"}, "imageStatus", "did you mean 'ARCHIVED'?"),
        ({"imageStatus": "ARCHIVED"}, "lastArchivedAt", "status ARCHIVED needs lastArchivedAt"),
        ({"subjectManifestDigest": 1}, "subjectManifestDigest", "must be text, got 1"),
        # No image holds what is known only at deploy time.
        ({"imageDigest": "${aws_x.y}"}, "imageDigest", "imageDigest must be 'sha256:' and 64"),
        ({"imageTags": ["${x}"]}, "imageTags", "image tag must be letters, digits, '_', '.' and"),
        ({"imageTags": ["v1", ""]}, "imageTags", "image tag must be 1 to 300 characters, got ''"),
        ({"imageTags": ["v1\nv2"]}, "imageTags", "got 'v1\\nv2'"),
        ({"imageTags": ["\x1b[31m"]}, "imageTags", "got '\\x1b[31m'"),
        ({"imageTags": ["\ud800"]}, "imageTags", "got '\\ud800'"),
        ({"repositoryName": "\ud800"}, "repositoryName", "repositoryName must be"),
        ({"repositoryName": "Payments"}, "repositoryName", "must be lowercase letters and digits"),
        ({"repositoryName": "${x}"}, "repositoryName", "repositoryName must be"),
        ({"imagePushedAt": "0001-01-01T00:00:00+09:00"}, "imagePushedAt", "must be a time with"),
        ({"imagePushedAt": "9999-12-31T23:59:59-09:00"}, "imagePushedAt", "got '9999-12-31T23:"),
        ({"lastArchivedAt": "9999-12-31T23:59:59-09:00"}, "lastArchivedAt", "must be a time with"),
        ({"imageSizeInBytes": 2**63}, "imageSizeInBytes", "0 or more, of 64 bits, got 922337"),
        ({"imageSizeInBytes": 10**400}, "imageSizeInBytes", "got a number of more than 100 digits"),
    ],
)
def test_fails_with(given: dict[str, Any], key: str, sentence: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse_image({**DETAILS, **given})
    [problem] = caught.value.problems
    assert problem.path[:1] == (key,)
    assert sentence in problem.sentence


def test_fails_with_what_is_no_object() -> None:
    with pytest.raises(InvalidValueError, match="an image must be an object, got 'x'"):
        parse_image("x")


def test_takes_any_offset() -> None:
    seoul = timezone(timedelta(hours=9))
    image = Image(image_digest=DIGEST, image_pushed_at=PUSHED.astimezone(seoul))
    assert image.image_pushed_at.tzinfo is UTC
    assert image.active_since == PUSHED
