"""Tag mutability: whether a tag can be moved to another image."""

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum

from ecr_constructs.checks import (
    Check,
    Choice,
    Problem,
    TextForm,
    is_token,
    shown,
    unique,
    within,
    wrong_type,
)

MAX_EXCLUSION_FILTERS = 5
MAX_WILDCARDS = 2
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


MUTABILITY = Choice(
    what="image_tag_mutability",
    source="ECR API, `ImageTagMutability`",
    options=list(TagMutability),
)
EXCLUSION_FILTER = TextForm(
    what="exclusion filter",
    source="ECR API, `ImageTagMutabilityExclusionFilterValue`",
    maximum=128,
    pattern=re.compile(r"[0-9a-zA-Z._*-]+"),
    form="letters, digits, '.', '_', '-' and '*'",
)
WILDCARDS = Check(
    f"an exclusion filter takes at most {MAX_WILDCARDS} '*'", "AWS provider 6.8.0, validation"
)
DUPLICATE = Check(
    f"{_FILTERS} must not repeat a filter",
    "unknown whether ECR refuses it; a repeated filter has no effect",
)
COUNT = Check(
    f"a repository takes at most {MAX_EXCLUSION_FILTERS} exclusion filters",
    "ECR API, `ImageTagMutabilityExclusionFilters`",
)
FILTERS_NEEDED = Check(
    f"an image_tag_mutability with exclusion needs at least one of '{_FILTERS}'",
    "aws-cdk's validation; ECR API error, 'can't be null when imageTagMutability is set'",
)
FILTERS_UNUSED = Check(
    f"'{_FILTERS}' needs an image_tag_mutability with exclusion",
    "AWS provider 6.8.0, validation; aws-cdk's validation",
    "write {mutability}_WITH_EXCLUSION",
)
NOTHING_IMMUTABLE = Check(
    "an exclusion filter of '*' lets every tag be moved, in spite of IMMUTABLE_WITH_EXCLUSION",
    "ECR user guide, image tag mutability",
    "name the tags that move, such as 'latest', or write MUTABLE",
    warning=True,
)
NOTHING_MUTABLE = Check(
    "an exclusion filter of '*' lets no tag be moved, in spite of MUTABLE_WITH_EXCLUSION",
    "ECR user guide, image tag mutability",
    "name the tags that stay, such as 'v*', or write IMMUTABLE",
    warning=True,
)


def tag_mutability_problems(mutability: object, exclusion_filters: object) -> Iterator[Problem]:
    """Check the mutability, its exclusion filters, and that the two go together.

    One to five filters of up to 128 characters (ECR API), each with at most two `*` (AWS
    provider).
    """
    yield from within(("image_tag_mutability",), MUTABILITY.problems(mutability))
    if not isinstance(exclusion_filters, list | tuple):
        problem = wrong_type(_FILTERS, "a list", exclusion_filters)
        yield problem._replace(path=(_FILTERS,))
        return
    for index, value in enumerate(exclusion_filters):
        yield from within((_FILTERS, index), _filter_problems(value))
    yield from within((_FILTERS,), unique(DUPLICATE, exclusion_filters))
    if len(exclusion_filters) > MAX_EXCLUSION_FILTERS:
        yield COUNT.problem(str(len(exclusion_filters)), (_FILTERS,))
    excluding = str(mutability).endswith("_WITH_EXCLUSION")
    if excluding and not exclusion_filters:
        yield FILTERS_NEEDED.problem(f"{mutability} and none", ("image_tag_mutability",))
    if exclusion_filters and not excluding and mutability in MUTABILITY.options:
        yield FILTERS_UNUSED.problem(str(mutability), (_FILTERS,), mutability=mutability)


def _filter_problems(value: object) -> Iterator[Problem]:
    yield from EXCLUSION_FILTER.problems(value)
    if isinstance(value, str) and not is_token(value) and value.count("*") > MAX_WILDCARDS:
        yield WILDCARDS.problem(f"{shown(value)} ({value.count('*')})")


def tag_mutability_warnings(
    mutability: TagMutability, exclusion_filters: Sequence[str]
) -> Iterator[Problem]:
    """Tell of a filter that takes back what the mutability says."""
    immutable = mutability == TagMutability.IMMUTABLE_WITH_EXCLUSION
    check = NOTHING_IMMUTABLE if immutable else NOTHING_MUTABLE
    for index, value in enumerate(exclusion_filters):
        if not value.strip("*"):
            yield check.problem(shown(value), (_FILTERS, index))
