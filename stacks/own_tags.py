"""Own tags: what the app writes on everything, and what is left for the files to write."""

import typing
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TypeVar
from unicodedata import category

from pydantic import ValidatorFunctionWrapHandler, WrapValidator

from ecr_constructs import Problem
from ecr_constructs.checks import Check, refuse, shown, within
from ecr_constructs.tags import COUNT, MAX_TAGS, tag_problems
from stacks.building import build

T = TypeVar("T")

ENVIRONMENT_TAG = "environment"
MANAGED_BY_TAG = "managed-by"

OWN_TAG = Check(
    "a tag of the app's own must not be written",
    "this app: it sets 'environment' and 'managed-by', which IAM takes for the same in any case",
    "leave it out",
)
SAME_TAG = Check(
    "the tags of everything must not differ only in case", "IAM user guide, tag keys of roles"
)
ROLE_TAG = Check(
    "the tags of everything must be letters, digits, spaces and any of _.:/=+-@ where a role or an"
    " OpenID Connect provider is made, which has them, too",
    "IAM API, `tagKeyType` and `tagValueType`",
)
TAGS_TOGETHER = Check(
    f"a resource takes at most {MAX_TAGS} tags, with those of the environment", COUNT.source
)


def role_tag_problems(tags: Mapping[str, str]) -> Iterator[Problem]:
    """Check the tags of everything as IAM does, where the stack makes a role or a provider."""
    for key, value in tags.items():
        strange = [c for c in key + value if category(c)[0] not in "LNZ" and c not in "_.:/=+-@"]
        if strange:
            yield ROLE_TAG.problem(f"{shown(key)}: {shown(value)}", (key,))


def own_tag_problems(tags: Mapping[str, str]) -> Iterator[Problem]:
    """Check that the tags of a file leave the app's own alone."""
    for key in tags:
        if key.lower() in (ENVIRONMENT_TAG, MANAGED_BY_TAG):
            yield OWN_TAG.problem(shown(key), (key,))


def tagged(kind: type[T], what: str, tags: str) -> WrapValidator:
    """A value of the library that has tags, of which the app's own are none."""

    def validate(data: object, _handler: ValidatorFunctionWrapHandler) -> T:
        value, problems, rest, written = build(kind, {} if data is None else data, what)
        found = own_tag_problems(getattr(rest, tags, {}))
        problems += within((written.get(tags, tags),), found)
        refuse(problems)
        return typing.cast("T", value)

    return WrapValidator(validate)


def tags_together(of_all: Mapping[str, str], tags: Mapping[str, str]) -> Iterator[Problem]:
    """Check that something with these tags stays within the limit with those of everything."""
    count = len({ENVIRONMENT_TAG, MANAGED_BY_TAG, *of_all, *tags})
    if count > MAX_TAGS >= len(tags):
        yield TAGS_TOGETHER.problem(str(count))


def default_tags(data: object, _handler: ValidatorFunctionWrapHandler) -> dict[str, str]:
    """The tags of everything in an environment, as a step of pydantic's validation."""
    refuse(tag_problems(data))
    tags: dict[str, str] = dict(data)  # type: ignore[call-overload]
    refuse(own_tag_problems(tags))
    lowered = Counter(key.lower() for key in tags)
    refuse(SAME_TAG.problem(shown(key), (key,)) for key in tags if lowered[key.lower()] > 1)
    if len(tags) + 2 > MAX_TAGS:
        refuse([TAGS_TOGETHER.problem(str(len(tags) + 2))])
    return tags
