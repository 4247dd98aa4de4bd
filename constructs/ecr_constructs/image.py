"""Image: what ECR knows of an image in a repository."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from ecr_constructs.checks import (
    Check,
    Choice,
    Problem,
    TextForm,
    refuse,
    shown,
    within,
    wrong_type,
)
from ecr_constructs.registry import REPOSITORY_NAME

_MODEL = "ECR API, `ImageDetail`"


class ImageStatus(StrEnum):
    """Where an image is kept."""

    ACTIVE = "ACTIVE"
    """In standard storage, where it can be pulled."""
    ARCHIVED = "ARCHIVED"
    """In the archive, where it cannot."""
    ACTIVATING = "ACTIVATING"
    """On its way back from the archive."""


IMAGE_DIGEST = TextForm(
    what="image digest",
    source="OCI image specification, SHA-256",
    minimum=0,
    pattern=re.compile(r"sha256:[0-9a-f]{64}"),
    form="'sha256:' and 64 hexadecimal digits in lowercase",
)
IMAGE_TAG = TextForm(
    what="image tag",
    source="ECR API, `ImageTag`, and OCI distribution specification: no tag holds another"
    " character",
    maximum=300,
    pattern=re.compile(r"[A-Za-z0-9_.-]+"),
    form="letters, digits, '_', '.' and '-'",
)
IMAGE_STATUS = Choice(what="imageStatus", source=_MODEL, options=list(ImageStatus))
NEEDED = Check("an image needs {what}", _MODEL, "take what 'aws ecr describe-images' prints")
TIME = Check(
    "{what} must be a time with its offset from UTC, or seconds since 1970",
    f"{_MODEL}; AWS CLI, `cli_timestamp_format`",
)
ARCHIVED_WHEN = Check("an image with status ARCHIVED needs lastArchivedAt", _MODEL)

# Key of ECR's answer -> argument.
_TIMES = {
    "imagePushedAt": "image_pushed_at",
    "lastRecordedPullTime": "last_recorded_pull_time",
    "lastArchivedAt": "last_archived_at",
    "lastActivatedAt": "last_activated_at",
}
_OTHERS = {
    "imageDigest": "image_digest",
    "repositoryName": "repository_name",
    "imageSizeInBytes": "image_size_in_bytes",
    "imageStatus": "image_status",
    "subjectManifestDigest": "subject_manifest_digest",
    "imageManifestMediaType": "image_manifest_media_type",
}
# A long of AWS's models.
_MAX_SIZE = 2**63 - 1
# Of an image of several platforms.
MANIFEST_LISTS = (
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.index.v1+json",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """An image in a repository.

    :param image_digest: its digest, which names it.
    :param image_pushed_at: when it was pushed, with an offset from UTC; so the other times.
    :param image_tags: its tags; none of an untagged image.
    :param image_size_in_bytes: its compressed size; 0 where ECR tells none.
    :param image_status: where it is kept, `ACTIVE` by default.
    :param last_recorded_pull_time: when it was last pulled; ECR writes it once a day.
    :param last_archived_at: when it last went to the archive; needed with status `ARCHIVED`.
    :param last_activated_at: when it last came back.
    :param subject_manifest_digest: of which image it is a signature, SBOM or the like.
    :param image_manifest_media_type: the kind of its manifest.
    :param manifest_digests: of a manifest list, the images that it refers to. ECR tells of them in
        the manifest alone.
    :param repository_name: the repository that it is in.
    :raises ValueError: for what ECR does not tell of any image.
    """

    image_digest: str
    image_pushed_at: datetime
    image_tags: tuple[str, ...] = ()
    image_size_in_bytes: int = 0
    image_status: ImageStatus = ImageStatus.ACTIVE
    last_recorded_pull_time: datetime | None = None
    last_archived_at: datetime | None = None
    last_activated_at: datetime | None = None
    subject_manifest_digest: str | None = None
    image_manifest_media_type: str | None = None
    manifest_digests: tuple[str, ...] = ()
    repository_name: str = ""

    def __post_init__(self) -> None:
        refuse(self._problems())
        for name in _TIMES.values():
            time = getattr(self, name)
            if time is not None and time.tzinfo is not UTC:
                object.__setattr__(self, name, time.astimezone(UTC))
        object.__setattr__(self, "image_status", ImageStatus(self.image_status))
        object.__setattr__(self, "image_tags", tuple(self.image_tags))

    def _problems(self) -> Iterator[Problem]:
        digest, name = self.image_digest, self.repository_name
        yield from within(("imageDigest",), _problems_of(IMAGE_DIGEST, digest, "imageDigest"))
        if name:
            yield from within(
                ("repositoryName",), _problems_of(REPOSITORY_NAME, name, "repositoryName")
            )
        for key, argument in _TIMES.items():
            time = getattr(self, argument)
            if (time is not None or argument == "image_pushed_at") and not _is_moment(time):
                yield TIME.problem(shown(time), (key,), what=key)
        tags = self.image_tags
        if isinstance(tags, list | tuple) and all(isinstance(tag, str) for tag in tags):
            for index, tag in enumerate(tags):
                yield from within(("imageTags", index), _problems_of(IMAGE_TAG, tag))
        else:
            yield wrong_type("imageTags", "a list of text", tags)._replace(path=("imageTags",))
        size = self.image_size_in_bytes
        if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= _MAX_SIZE:
            found = wrong_type("imageSizeInBytes", "a whole number, 0 or more, of 64 bits", size)
            yield found._replace(path=("imageSizeInBytes",))
        if self.image_status is not ImageStatus.ACTIVE:
            yield from within(("imageStatus",), IMAGE_STATUS.problems(self.image_status))
            if self.image_status == ImageStatus.ARCHIVED and self.last_archived_at is None:
                yield ARCHIVED_WHEN.problem(path=("lastArchivedAt",))
        for key, value in (
            ("subjectManifestDigest", self.subject_manifest_digest),
            ("imageManifestMediaType", self.image_manifest_media_type),
        ):
            if value is not None and not isinstance(value, str):
                yield wrong_type(key, "text", value)._replace(path=(key,))

    @property
    def is_manifest_list(self) -> bool:
        """Whether it is of several platforms, each an image of its own."""
        return self.image_manifest_media_type in MANIFEST_LISTS

    @property
    def storage_class(self) -> str:
        """Where lifecycle rules look for it: `archive` or `standard`.

        Unknown for an image on its way back; the archive is where it still is.
        """
        return "standard" if self.image_status is ImageStatus.ACTIVE else "archive"

    @property
    def active_since(self) -> datetime:
        """When it was pushed, or came back from the archive, where it ever did."""
        return self.last_activated_at or self.image_pushed_at

    @property
    def used_at(self) -> datetime:
        """When it was last pulled; pushed or brought back, where nobody has pulled it since."""
        pulled = self.last_recorded_pull_time
        if pulled is None or (self.last_activated_at and pulled < self.last_activated_at):
            return self.active_since
        return pulled


def parse_image(details: object, *, repository_name: str = "") -> Image:
    """An image as ECR tells of it, by boto3 or as the AWS CLI prints it.

    Keys that say nothing of lifecycles, such as scan findings, are left aside.

    :param details: an item of `imageDetails`. Times are a `datetime`, ISO 8601 or seconds.
    :param repository_name: where it is in, where the details do not say so.
    :raises ValueError: for what ECR does not tell of any image, all of it at once; the problems'
        paths are ECR's keys.
    """
    if not isinstance(details, Mapping):
        refuse([wrong_type("an image", "an object", details)])
    given: dict[str, object] = {"repository_name": repository_name}
    problems = [
        NEEDED.problem(path=(key,), what=key)
        for key in ("imageDigest", "imagePushedAt")
        if details.get(key) is None  # type: ignore[attr-defined]
    ]
    refuse(problems)
    for key, value in details.items():  # type: ignore[attr-defined]
        if value is None:
            continue
        if key in _TIMES:
            given[_TIMES[key]] = _time(value)
        elif key in _OTHERS:
            given[_OTHERS[key]] = value
        elif key == "imageTags":
            given["image_tags"] = tuple(value) if isinstance(value, list) else value
    return Image(**given)  # type: ignore[arg-type]


def _time(value: object) -> object:
    """A moment, or the value as it is where it is none."""
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            return moment if _is_moment(moment) else value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return value


def _is_moment(value: object) -> bool:
    """Whether a value is a moment of the years that Python knows, in UTC, too."""
    try:
        return (
            isinstance(value, datetime) and value.tzinfo is not None and bool(value.astimezone(UTC))
        )
    except OverflowError:
        return False


def _problems_of(form: TextForm, value: object, what: str = "") -> Iterator[Problem]:
    """The problems of a text that AWS tells, which holds no tokens."""
    return form.problems(value, what, tokens=False)
