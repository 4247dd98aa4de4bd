"""Evaluates a lifecycle policy on made-up images, repository after repository.

It prints the seconds of the evaluation alone, summed over the repositories, so without making up
the images and starting Python; and the peak of Python's memory in MiB.
"""

import json
import random
import resource
import sys
import time
from datetime import UTC, datetime, timedelta

from ecr_constructs import Image, ImageStatus, LifecycleAction, LifecycleRule
from ecr_constructs.lifecycle_preview import preview_lifecycle_policy

NOW = datetime(2026, 11, 24, tzinfo=UTC)
# Of every kind: counts and ages, pulls and the archive, patterns, prefixes, untagged and all.
RULES = (
    LifecycleRule(tag_pattern_list=("v9.*",), max_image_count=100),
    LifecycleRule(tag_pattern_list=("v*.*-*a*",), max_image_count=1000),
    LifecycleRule(tag_prefix_list=("v1", "v1."), max_image_age_days=200),
    LifecycleRule(tag_pattern_list=("main-*", "dev-*"), max_image_count=50),
    LifecycleRule(tag_prefix_list=("pr-",), max_image_age_days=14),
    LifecycleRule(tag_status="untagged", max_image_age_days=7),  # type: ignore[arg-type]
    LifecycleRule(tag_pattern_list=("v*",), max_days_since_image_pulled=90),
    LifecycleRule(
        tag_pattern_list=("*-*",), max_image_age_days=300, action=LifecycleAction.TRANSITION
    ),
    LifecycleRule(max_days_since_image_transitioned=120),
    LifecycleRule(max_image_count=20_000),
)
# Patterns of which most match few tags, and hold parts that most tags have.
WILDCARDS = (
    *(
        LifecycleRule(tag_pattern_list=(f"*.*{first}*{first}*{last}",), max_image_count=5)
        for first, last in zip("012345678", "9abcdef01", strict=True)
    ),
    LifecycleRule(max_image_count=20_000),
)
POLICIES = {"all": RULES, "wildcards": WILDCARDS}


def images(count: int, dice: random.Random) -> list[Image]:
    """Images as a busy repository holds them: releases, branches, pull requests, untagged ones."""
    return [_image(number, dice) for number in range(count)]


def _image(number: int, dice: random.Random) -> Image:
    kind, days = dice.random(), dice.random() * 400
    release = f"v{dice.randint(1, 9)}.{number}.{dice.randint(0, 99)}-{dice.getrandbits(28):07x}"
    tags: tuple[str, ...] = ()
    if kind > 0.2:
        tags = (release,)
    if kind > 0.7:
        tags = (f"main-{number}", f"dev-{number}")
    if kind > 0.9:
        tags = (f"pr-{number}",)
    archived = dice.random() < 0.1
    return Image(
        image_digest=f"sha256:{number:064x}",
        image_pushed_at=NOW - timedelta(days=days),
        image_tags=tags,
        image_size_in_bytes=dice.randint(1, 10**9),
        image_status=ImageStatus.ARCHIVED if archived else ImageStatus.ACTIVE,
        last_archived_at=NOW - timedelta(days=days / 2) if archived else None,
        last_recorded_pull_time=(
            NOW - timedelta(days=days * dice.random()) if dice.random() < 0.5 else None
        ),
    )


def main() -> None:
    """Evaluate: kind of rules, images of a repository, rules, repositories."""
    kind = sys.argv[1]
    count, rules, repositories = map(int, sys.argv[2:])
    dice = random.Random(1)  # noqa: S311
    seconds = 0.0
    # The last ones, so that a single rule is for all images.
    policy = POLICIES[kind][-rules:]
    for _ in range(repositories):
        found = images(count, dice)
        start = time.perf_counter()
        decisions = preview_lifecycle_policy(policy, found, at=NOW)
        seconds += time.perf_counter() - start
        del found, decisions
    # Kibibytes on Linux.
    mebibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps([seconds, mebibytes]))


if __name__ == "__main__":
    main()
