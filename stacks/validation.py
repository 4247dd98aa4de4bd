"""Validation: the data of a file to an environment, and everything that is wrong with them."""

import json
import re
from bisect import insort
from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import deepcopy
from itertools import islice, product
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ecr_constructs import Problem
from ecr_constructs.registry import REGIONS
from stacks.building import MISSING_KEY, UNKNOWN_KEY, of_the_whole
from stacks.environment import Environment
from stacks.file_problem import problems_of
from stacks.yaml_file import Loc

Data = Mapping[str, Any]
Found = tuple[Loc, Problem]

# Where a file says where its environment is -> what of it no file is about, in each kind of
# partition.
_HOME = {"account": ("0" * 12,), "region": ("mx-central-1", "us-gov-east-1", "cn-northwest-1")}
_WRITTEN = re.compile(r"(?<![0-9])[0-9]{12}(?![0-9])|[a-z]+(?:-[a-z]+)+-[0-9]")
# How many places are tried; a file is seldom about more than two or three.
_MAX_HOMES = 64


class Validated(NamedTuple):
    """What the data of a file make."""

    environment: Environment | None
    """Without what is wrong with it; nothing where it does not say where it is."""
    found: list[Found]
    """What is wrong with it, and where."""


def validated(data: Data) -> Validated:
    """Make an environment of the data of a file."""
    # An environment of nothing else tells what is wrong with where it is.
    _, wrong = _environment({key: data[key] for key in _HOME if key in data})
    if not wrong:
        return _without_what_is_wrong(data)
    unknown = {str(details["loc"][0]) for details in wrong}
    found = [one for details in wrong for one in problems_of(details)]
    return Validated(None, [*found, *_wherever(data, unknown)])


def _wherever(data: Data, unknown: Collection[str]) -> list[Found]:
    """What is wrong with an environment wherever it is.

    Of the accounts and Regions that a file is not about, one is like another.
    """
    found: dict[Found, None] | None = None
    for home in islice(_homes(data, unknown), _MAX_HOMES):
        here = _without_what_is_wrong({**data, **home}).found
        found = dict.fromkeys(one for one in here if found is None or one in found)
        if not found:
            break
    return list(found or ())


def _homes(data: Data, unknown: Collection[str]) -> Iterator[dict[str, str]]:
    """Where the environment could be."""
    written = dict.fromkeys(_WRITTEN.findall(json.dumps(data)))
    of_kind = {
        "account": [text for text in written if text.isdecimal()],
        "region": [text for text in written if text in REGIONS],
    }
    tried = ((*_HOME[key], *of_kind[key]) if key in unknown else (data[key],) for key in _HOME)
    for account, region in product(*tried):
        yield {"account": account, "region": region}


def _without_what_is_wrong(data: Data) -> Validated:
    """The same where it is known where the environment is.

    Pydantic does not check together what is wrong somewhere. So that nothing hides behind anything
    else, what is wrong is left out, and the rest is checked again.
    """
    found: list[Found] = []
    environment, wrong = _environment(data)
    rest = _Rest(deepcopy(data) if wrong else data)
    while wrong:
        places = set()
        for details in wrong:
            of_value = details["type"] == "value_error"
            for loc, problem in problems_of(details):
                # What is said of a value of which something was left out comes of that.
                in_part = rest.lacks(details["loc"]) or rest.lacks((*loc, *problem.path))
                told = of_the_whole(problem) if in_part else (problem,)
                found += ((rest.written((*loc, *p.path)), p._replace(path=())) for p in told)
                places.add(rest.place((*details["loc"], *problem.path * of_value)))
        if () in places:
            return Validated(None, found)
        rest.leave_out(places)
        environment, wrong = _environment(rest.data)
    return Validated(environment, list(_without_twins(found)))


def _without_twins(found: Sequence[Found]) -> Iterator[Found]:
    """What is wrong, without the missing keys that wrong ones were meant to be."""
    unknown: dict[Loc, list[str]] = {}
    for loc, problem in found:
        if problem.check == UNKNOWN_KEY:
            unknown.setdefault(loc[:-1], []).append(problem.sentence)
    for loc, problem in found:
        key = problem.sentence.removesuffix(" is missing")
        twins = unknown.get(loc, ()) if problem.check == MISSING_KEY else ()
        if not any(key in sentence for sentence in twins):
            yield loc, problem


def _environment(data: Data) -> tuple[Environment | None, list[ErrorDetails]]:
    try:
        return Environment.model_validate_json(json.dumps(data)), []
    except ValidationError as error:
        return None, error.errors()


class _Rest:
    """The data of a file without what is wrong with them."""

    def __init__(self, data: Data) -> None:
        self.data: Any = data
        self._around: set[Loc] = set()
        self._items: dict[Loc, list[int]] = {}

    def lacks(self, loc: Loc) -> bool:
        """Whether something was left out at or below a place."""
        return self.written(loc) in self._around

    def written(self, loc: Loc) -> Loc:
        """Where in the file a place of the rest is: items of lists have moved up."""
        found: Loc = ()
        for step in loc:
            at = step
            for index in self._items.get(found, ()):
                at = int(at) + (index <= int(at))
            found = (*found, at)
        return found

    def place(self, loc: Loc) -> Loc:
        """The last key on the way to what is wrong, or the first item of a list.

        An item is left out whole: a part of it, such as a condition, can be what makes it right.
        """
        data = self.data
        place: Loc = ()
        for step in loc:
            known = range(len(data)) if isinstance(data, list) else data
            if not isinstance(known, range | dict) or step not in known:
                break
            data, place = data[step], (*place, step)
            if isinstance(step, int):
                break
        return place

    def leave_out(self, places: Collection[Loc]) -> None:
        """Leave out what is at some places."""
        for place in list(map(self.written, places)):
            self._around |= {place[:end] for end in range(1, len(place) + 1)}
            if isinstance(place[-1], int):
                insort(self._items.setdefault(place[:-1], []), place[-1])
        # From behind, so that those before an item keep their places.
        for *way, last in sorted(places, reverse=True):
            data = self.data
            for step in way:
                data = data[step]
            del data[last]
