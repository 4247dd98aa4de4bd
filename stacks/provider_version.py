"""Provider version: which versions of the AWS provider a stack admits."""

import operator as operators
import re
from collections.abc import Callable, Iterable, Iterator

from ecr_constructs import Problem
from ecr_constructs.checks import Check, shown

# The oldest version that everything without a special need is tested with, and the next major
# version, which may change anything.
OLDEST = "5.100.0"
CEILING = "7.0.0"

_CONSTRAINT = re.compile(
    r"(?P<operator>=|!=|>=|>|<=|<|~>)?\s*(?P<version>[0-9]{1,6}(?:\.[0-9]{1,6}){0,2})"
)

_Version = tuple[int, ...]
_COMPARISONS: dict[str, Callable[[_Version, _Version], bool]] = {
    "=": operators.eq,
    "!=": operators.ne,
    ">=": operators.ge,
    ">": operators.gt,
    "<=": operators.le,
    "<": operators.lt,
}


SYNTAX = Check(
    "a version constraint must be like '>= 6.8.0, < 7.0.0' or '~> 6.8'",
    "Terraform language, version constraints",
    "join several with ',', or leave it out",
)
ADMITS_NONE = Check(
    "a version constraint must admit a version of the AWS provider that the settings can use"
    " ('{own}')",
    "AWS provider, changelog: the version of each setting",
    "write one within that, such as '~> 6.31', or leave it out",
)


def constraint_problems(value: str) -> Iterator[Problem]:
    """Check the syntax: Terraform's operators and numeric versions, joined by commas."""
    if not all(_CONSTRAINT.fullmatch(part.strip()) for part in value.split(",")):
        yield SYNTAX.problem(shown(value))


def provider_constraint(required: Iterable[str], narrowed: str | None) -> str:
    """The constraint of a stack: from the newest version that it needs on, and as it is narrowed.

    :param required: versions that its settings need.
    :param narrowed: the constraint of the environment file.
    """
    oldest = max((OLDEST, *required), key=_version)
    parts = [f">= {oldest}", f"< {CEILING}", *([narrowed] if narrowed else [])]
    return ", ".join(parts)


def admits_none(constraint: str) -> bool:
    """Whether no version at all can satisfy the constraint.

    Every bound of a constraint is at a version that it names or just beside it, so these are all
    the versions to try.
    """
    parts = [_CONSTRAINT.fullmatch(part.strip()) for part in constraint.split(",")]
    tests = [(p["operator"] or "=", p["version"]) for p in parts if p]
    named = [_version(version) for _, version in tests]
    beside = [(*v[:-1], v[-1] + step) for v in named for step in (-1, 1)]
    beside += [(v[0], v[1] - 1, 999_999) for v in named] + [(v[0] - 1, 999_999, 0) for v in named]
    candidates = [v for v in (*named, *beside) if min(v) >= 0]
    return not any(all(_satisfies(v, *test) for test in tests) for v in candidates)


def version_problems(required: Iterable[str], narrowed: str | None) -> Iterator[Problem]:
    """Check that a version is left of those that the settings need.

    :param required: versions that the settings of a stack need.
    :param narrowed: the constraint of the environment file.
    """
    if narrowed is not None and admits_none(provider_constraint(required, narrowed)):
        own = provider_constraint(required, None)
        yield ADMITS_NONE.problem(shown(narrowed), ("required_providers", "aws"), own=own)


def _version(text: str) -> _Version:
    numbers = [int(number) for number in text.split(".")]
    return (*numbers, *[0] * (3 - len(numbers)))


def _satisfies(version: _Version, operator: str, text: str) -> bool:
    bound = _version(text)
    if operator in _COMPARISONS:
        return _COMPARISONS[operator](version, bound)
    # '~> 6.8' holds all numbers but the last that is written; '~> 6' holds none.
    held = text.count(".")
    return version >= bound and version[:held] == bound[:held]
