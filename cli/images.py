"""Images: what is in the repositories, read live or from files."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from cli.counts import counted
from cli.errors import InputError, InputErrors
from cli.files import name_of, read_json
from cli.problems import problem_lines
from ecr_constructs import Image, InvalidValueError, parse_image
from ecr_constructs.checks import readable, shown
from ecr_constructs.image import MANIFEST_LISTS

# ECR's own limits of a request.
PAGE = 1000
BATCH = 100
# What says that an answer is not all of it, in the AWS CLI's and in the API's words.
_TOKENS = ("NextToken", "nextToken")


def live_images(
    ecr: Any, repository_name: str, *, manifests: bool, progress: Callable[[str], None]
) -> list[Image]:
    """All images of a repository, archived ones too.

    :param manifests: whether the manifests of lists are read as well, which ECR records as pulls.
    :param progress: told what is read, with every page.
    :raises InputError: for what this library knows of no image.
    """
    pages = ecr.get_paginator("describe_images").paginate(
        repositoryName=repository_name,
        filter={"imageStatus": "ANY"},
        PaginationConfig={"PageSize": PAGE},
    )
    problems: list[str] = []
    found: dict[str, list[Image]] = {repository_name: []}
    images = found[repository_name]
    for page in pages:
        for details in page["imageDetails"]:
            place = f"{repository_name}: {readable(str(details.get('imageDigest')))}"
            problems += _read_image(place, details, repository_name, found)
        progress(f"{repository_name}: {counted(len(images), 'image')}")
    if problems:
        raise InputError("\n".join(problems))
    if not manifests:
        return images
    return _with_manifests(images, _manifests(ecr, repository_name, images, progress))


def _manifests(
    ecr: Any, repository_name: str, images: Sequence[Image], progress: Callable[[str], None]
) -> dict[str, list[str]]:
    problems: list[str] = []
    digests = [image.image_digest for image in images if image.is_manifest_list]
    found: dict[str, list[str]] = {}
    for start in range(0, len(digests), BATCH):
        answer = ecr.batch_get_image(
            repositoryName=repository_name,
            imageIds=[{"imageDigest": digest} for digest in digests[start : start + BATCH]],
            acceptedMediaTypes=list(MANIFEST_LISTS),
        )
        for item in answer["images"]:
            problems += _read_manifest(repository_name, item, found)
        progress(f"{repository_name}: {counted(len(found), 'manifest list')}")
    if problems:
        raise InputError("\n".join(problems))
    return found


def _members(manifest: Any) -> list[str]:
    """The images that a manifest list refers to."""
    listed = manifest.get("manifests", ()) if isinstance(manifest, Mapping) else ()
    return [
        str(item["digest"]) for item in listed if isinstance(item, Mapping) and "digest" in item
    ]


def _with_manifests(images: Sequence[Image], members: Mapping[str, Sequence[str]]) -> list[Image]:
    return [
        replace(image, manifest_digests=tuple(members[image.image_digest]))
        if image.image_digest in members
        else image
        for image in images
    ]


def images_of_files(files: Sequence[Path], repository_name: str) -> dict[str, list[Image]]:
    """The images by repository that files hold, as the AWS CLI prints them.

    Each is what `describe-images` prints, or the manifests that `batch-get-image` prints.

    :param repository_name: of images that do not say where they are.
    :raises InputError: for everything in which they are something else.
    """
    errors = InputErrors()
    found: dict[str, list[Image]] = {}
    members: dict[str, list[str]] = {}
    errors.of(_each_once, files)
    for file in files:
        errors.of(_read_file, file, repository_name, found, members)
    errors.refuse()
    return {name: _with_manifests(images, members) for name, images in sorted(found.items())}


def _each_once(files: Sequence[Path]) -> None:
    for index, file in enumerate(files):
        if file in files[:index]:
            raise InputError(
                f"--images must be another file each time, got {shown(str(file))} twice"
            )


def _read_file(
    file: Path,
    repository_name: str,
    found: dict[str, list[Image]],
    members: dict[str, list[str]],
) -> None:
    """Add what a file holds to the images and to the members of manifest lists."""
    where = name_of(file)
    data = read_json(file)
    known = {"imageDetails", "images"}
    if isinstance(data, list):
        data = {"imageDetails": data}
    if not isinstance(data, dict) or not known & data.keys():
        raise InputError(
            f"{where}: images must be what 'aws ecr describe-images' or 'batch-get-image'"
            f" prints, got {shown(data)}"
        )
    rest = next((key for key in _TOKENS if data.get(key)), None)
    if rest is not None:
        raise InputError(
            f"{where}: images must be all of a repository, got {rest}, which says that there"
            " are more; leave out '--max-items' and '--no-paginate'"
        )
    problems: list[str] = []
    for key in sorted(known & data.keys()):
        items = data[key]
        if not isinstance(items, list):
            problems.append(f"{where}: {key}: {key} must be a list, got {shown(items)}")
            continue
        for index, item in enumerate(items):
            place = f"{where}: {key}[{index}]"
            if key == "images":
                problems += _read_manifest(place, item, members)
            else:
                problems += _read_image(place, item, repository_name, found)
    if problems:
        raise InputError("\n".join(problems))


def _read_image(
    place: str, item: object, repository_name: str, found: dict[str, list[Image]]
) -> list[str]:
    try:
        image = parse_image(item, repository_name=repository_name)
    except InvalidValueError as error:
        return problem_lines(place, error.problems)
    if not image.repository_name:
        return [f"{place}: an image needs repositoryName; write it, or --repository"]
    found.setdefault(image.repository_name, []).append(image)
    return []


def _read_manifest(place: str, item: object, members: dict[str, list[str]]) -> list[str]:
    try:
        digest = item["imageId"]["imageDigest"]  # type: ignore[index]
        members[str(digest)] = _members(json.loads(item["imageManifest"]))  # type: ignore[index]
    except (KeyError, TypeError, ValueError, RecursionError):
        return [f"{place}: an image of 'batch-get-image' needs imageId.imageDigest, imageManifest"]
    return []
