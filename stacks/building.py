"""Building: what a file writes becomes a value of the library, or everything that is wrong with it.

The library's values check themselves, types included, so that a file and a call give the same
sentences. What is below a value is built first; what is wrong there does not hide what is wrong
above or beside it.
"""

import dataclasses
import typing
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Generic, NamedTuple, TypeVar

from ecr_constructs import Check, InvalidValueError, Problem
from ecr_constructs.checks import (
    TYPE,
    closest,
    did_you_mean,
    shown,
    with_strangers,
    within,
    wrong_type,
)
from stacks.other_names import other_key, other_name

T = TypeVar("T")

UNKNOWN_KEY = Check("unknown key {key}", "this app: nothing is silently ignored")
MISSING_KEY = Check("{what} is missing", "this app: it has no sensible default")


class Built(NamedTuple, Generic[T]):
    """A value, or what is wrong with it."""

    value: T | None
    problems: list[Problem]
    rest: T | None = None
    """The value without what is wrong with it, where there is one; for checks that need more."""
    written: Mapping[str, str] = {}
    """Key -> the key of the file by which it is written."""


class _Field(NamedTuple):
    required: bool
    nested: Any
    """The class of the value, or of the items of the list; nothing for a plain value."""
    listed: bool


def unknown_key(
    key: str, known: typing.Iterable[str], section: str, elsewhere: str = ""
) -> Problem:
    """The problem of a key that nobody knows.

    :param section: the name of the class that has no such key.
    :param elsewhere: where else there is such a key.
    """
    hint = other_name(section, key) or elsewhere or did_you_mean(key, known)
    return UNKNOWN_KEY.problem(path=(key,), hint=hint, key=with_strangers(key))


@lru_cache
def _fields(kind: Any) -> Mapping[str, _Field]:
    hints = typing.get_type_hints(kind)
    found = {}
    for field in dataclasses.fields(kind):
        hint = hints[field.name]
        arguments = typing.get_args(hint)
        nested = next((a for a in arguments if dataclasses.is_dataclass(a)), None)
        required = (
            field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        )
        found[field.name] = _Field(required, nested, typing.get_origin(hint) is tuple)
    return found


def build(kind: type[T], data: object, what: str) -> Built[T]:
    """Make a value of a dataclass of the library from the data of a file.

    :param what: what the sentence about data that is no mapping calls it.
    """
    if not isinstance(data, Mapping):
        return Built(None, [wrong_type(what, "a mapping", data)])
    fields = _fields(typing.cast("Any", kind))
    problems: list[Problem] = []
    given: dict[str, Any] = {}
    positions: dict[str, list[int]] = {}
    written = _written(data, fields, kind.__name__)
    problems += (unknown_key(k, fields, kind.__name__) for k in data if k not in fields)
    for key, name in written.items():
        nested, value = fields[key].nested, data[name]
        if nested is None:
            given[key] = value
            continue
        items = build_list(nested, value, key)
        problems += within((key,), items.problems)
        given[key] = items.values
        if items.problems:
            positions[key] = items.positions
    for key, field in fields.items():
        if field.required and key not in given:
            problems.append(MISSING_KEY.problem(what=shown(key)))
            given[key] = ()
            positions[key] = []
    try:
        made = kind(**given)
    except InvalidValueError as error:
        bad = {problem.path[0] for problem in error.problems if problem.path}
        whole = all(problem.path for problem in error.problems)
        # Without what is left out, what is wrong with the whole is most likely that.
        told = [p for p in error.problems if p.path or not problems]
        problems += _seen_from_file(told, positions)
        rest = _without(kind, given, bad) if whole else None
        return Built(None, list(_as_written(problems, written, kind.__name__)), rest, written)
    found = list(_as_written(problems, written, kind.__name__))
    return Built(None if problems else made, found, made, written)


def _written(data: Mapping[str, Any], fields: Mapping[str, _Field], section: str) -> dict[str, str]:
    """What is given, with the key that it is written by: also one that is nearly its name.

    What is said of the others is then no consequence of that mistake.
    """
    written = {key: key for key in data if key in fields}
    for key in (key for key in data if key not in fields):
        said = other_name(section, key)
        meant = other_key(section, key) if said else closest(key, fields)
        if meant is not None and meant in fields:
            written.setdefault(meant, key)
    return written


def _as_written(
    problems: typing.Iterable[Problem], written: Mapping[str, str], section: str
) -> Iterator[Problem]:
    """Problems at the keys of the file.

    What is written by another name has another form, and what is of another type than the key that
    is nearly its name perhaps was not meant.
    """
    for problem in problems:
        key, *below = problem.path or ("",)
        name = written.get(str(key), key)
        is_other = name != key and other_name(section, str(name))
        is_else = name != key and problem.check == TYPE and not below
        if not (is_other or is_else):
            yield problem._replace(path=(name, *below) if problem.path else ())


class _Items(NamedTuple):
    values: Any
    problems: list[Problem]
    positions: list[int]
    """Where in the file the good values are."""


def build_list(kind: Any, data: object, what: str) -> _Items:
    """Make the values of a list; those that are wrong are left out."""
    if not isinstance(data, list | tuple):
        return _Items((), [wrong_type(what, "a list", data)], [])
    built = [build(kind, item, f"an item of {what}") for item in data]
    return _Items(
        tuple(item.value for item in built if item.value is not None),
        [p for index, item in enumerate(built) for p in within((index,), item.problems)],
        [index for index, item in enumerate(built) if item.value is not None],
    )


def _seen_from_file(
    problems: typing.Iterable[Problem], positions: Mapping[str, list[int]]
) -> list[Problem]:
    """Problems of a value of which some items were left out, at the places of the file."""
    found = []
    for problem in problems:
        key, index, *rest = (*problem.path, None, None)[: max(2, len(problem.path))]
        if key not in positions:
            found.append(problem)
        elif isinstance(index, int):
            place = (
                str(key),
                positions[str(key)][index],
                *(step for step in rest if step is not None),
            )
            found.append(problem._replace(path=place))
        else:
            found += of_the_whole(problem)
    return found


def of_the_whole(problem: Problem) -> typing.Iterator[Problem]:
    """What the problem of a part says of the whole: that there is too much of it, or nothing."""
    if problem.check.is_upper_limit:
        yield problem._replace(sentence=problem.sentence.replace(", got ", ", got at least ", 1))


def _without(kind: type[T], given: Mapping[str, Any], bad: set[str | int]) -> T | None:
    try:
        return kind(**{key: value for key, value in given.items() if key not in bad})
    except (InvalidValueError, TypeError):
        return None
