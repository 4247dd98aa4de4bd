"""Tag mutability: whether a tag can be moved to another image."""

import re
from collections.abc import Iterator
from enum import StrEnum

from ecr_constructs.checks import Problem, is_token, member, shown, text, unique, within

MAX_EXCLUSION_FILTERS = 5
MAX_WILDCARDS = 2
_FILTER = re.compile(r"[0-9a-zA-Z._*-]+")
_FILTERS = "image_tag_mutability_exclusion_filters"


class TagMutability(StrEnum):
    """Whether a tag can be moved to another image."""

    MUTABLE = "MUTABLE"
    """Every tag can be moved."""
    IMMUTABLE = "IMMUTABLE"
    """No tag can be moved: a second push with the same tag fails."""
    MUTABLE_WITH_EXCLUSION = "MUTABLE_WITH_EXCLUSION"
    """Tags can be moved, but not those that match an exclusion filter."""
    IMMUTABLE_WITH_EXCLUSION = "IMMUTABLE_WITH_EXCLUSION"
    """Tags cannot be moved, but those that match an exclusion filter can."""


def tag_mutability_problems(
    mutability: TagMutability | str, exclusion_filters: tuple[str, ...]
) -> Iterator[Problem]:
    """Check the mutability, its exclusion filters, and that the two go together.

    One to five filters of up to 128 characters (ECR API), each with at most two `*` (AWS
    provider). The source of the pairing is aws-cdk; the API refuses a mutability without them.
    """
    yield from within(
        ("image_tag_mutability",), member("image_tag_mutability", mutability, list(TagMutability))
    )
    for index, value in enumerate(exclusion_filters):
        yield from within((_FILTERS, index), _filter_problems(value))
    yield from within((_FILTERS,), unique(_FILTERS, exclusion_filters))
    if len(exclusion_filters) > MAX_EXCLUSION_FILTERS:
        yield Problem(
            f"a repository takes at most {MAX_EXCLUSION_FILTERS} exclusion filters,"
            f" got {len(exclusion_filters)}",
            (_FILTERS,),
        )
    excluding = str(mutability).endswith("_WITH_EXCLUSION")
    if excluding and not exclusion_filters:
        yield Problem(
            f"image_tag_mutability {mutability} needs at least one of '{_FILTERS}', got none",
            ("image_tag_mutability",),
        )
    if exclusion_filters and not excluding and mutability in list(TagMutability):
        yield Problem(
            f"'{_FILTERS}' needs image_tag_mutability {mutability}_WITH_EXCLUSION,"
            f" got {mutability}",
            (_FILTERS,),
        )


def _filter_problems(value: str) -> Iterator[Problem]:
    yield from text(
        "exclusion filter",
        value,
        pattern=_FILTER,
        form="letters, digits, '.', '_', '-' and '*'",
        maximum=128,
    )
    if isinstance(value, str) and not is_token(value) and value.count("*") > MAX_WILDCARDS:
        yield Problem(
            f"exclusion filter takes at most {MAX_WILDCARDS} '*', got {shown(value)}"
            f" ({value.count('*')})"
        )
