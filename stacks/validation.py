"""Validation: the data of a file to an environment, and everything that is wrong with them."""

import json
import re
from bisect import insort
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ecr_constructs import Problem
from ecr_constructs.registry import REGIONS
from stacks.building import MISSING_KEY, UNKNOWN_KEY, of_the_whole
from stacks.environment import PARTS, Environment
from stacks.file_problem import problems_of
from stacks.yaml_file import Loc

Data = Mapping[str, Any]
Found = tuple[Loc, Problem]

# Where a file says where its environment is -> what of it no file is about, in each kind of
# partition.
_HOME = {"account": ("0" * 12,), "region": ("mx-central-1", "us-gov-east-1", "cn-northwest-1")}
_ACCOUNT = re.compile(r"(?<![0-9])[0-9]{12}(?![0-9])")
_REGION = re.compile(r"(?<![a-z-])[a-z]{2,4}(?:-[a-z]{1,12}){1,3}-[0-9]")
# An ARN, or the address of a registry.
_BOTH = re.compile(
    r"arn:[a-z-]+:[a-z]+:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{12})"
    r"|(?P<of>[0-9]{12})\.dkr\.ecr\.(?P<at>[a-z0-9-]+)"
)
# In how many places a file is tried that does not say where it is. In more of them it is not known
# what is wrong together.
_MAX_HOMES = 32


class Validated(NamedTuple):
    """What the data of a file make."""

    environment: Environment | None
    """Without what is wrong with it; nothing where it does not say where it is."""
    found: list[Found]
    """What is wrong with it, and where."""


def validated(data: Data) -> Validated:
    """Make an environment of the data of a file.

    Pydantic does not check together what is wrong somewhere. So that nothing hides behind anything
    else, what is wrong with the parts is left out, and the rest is checked together.
    """
    # An environment of nothing else tells what is wrong with where it is.
    _, wrong = _environment({key: data[key] for key in _HOME if key in data})
    found = [one for details in wrong for one in problems_of(details)]
    unknown = {str(details["loc"][0]) for details in wrong}
    homes = _homes(data, unknown) if unknown else [{}]
    rest = _Rest({**data, **homes[0]})
    environment = _of_good_parts(rest, found)
    if environment is None:
        return Validated(None, found)
    together = _together(environment, homes) if len(homes) <= _MAX_HOMES else []
    found += _in_file(together, rest)
    while not unknown and (places := {rest.place(p.path) for p in together} - {()}):
        rest.leave_out(places)
        environment = _of_good_parts(rest, [])
        together = list(environment.problems) if environment is not None else []
    return Validated(None if unknown else environment, list(_without_twins(found)))


def _of_good_parts(rest: "_Rest", found: list[Found]) -> Environment | None:
    """The environment of what is good by itself; what is not is left out of the rest, and told."""
    environment, wrong = _environment(rest.data)
    while wrong:
        places = set()
        for details in wrong:
            of_value = details["type"] == "value_error"
            for loc, problem in problems_of(details):
                here = problem._replace(path=(*loc, *problem.path))
                found += _in_file([here], rest, details["loc"])
                places.add(rest.place((*details["loc"], *problem.path * of_value)))
        if () in places:
            return None
        rest.leave_out(places)
        environment, wrong = _environment(rest.data)
    return environment


def _in_file(problems: Iterable[Problem], rest: "_Rest", value: Loc = ()) -> Iterator[Found]:
    """Problems of the rest, where the file has what they are about.

    What is said of something of which a part was left out comes of that.

    :param value: where the value is that told them.
    """
    for problem in problems:
        in_part = rest.lacks(value) or rest.lacks(problem.path)
        for one in of_the_whole(problem) if in_part else (problem,):
            yield rest.written(problem.path), one._replace(path=())


def _together(environment: Environment, homes: Sequence[Mapping[str, str]]) -> list[Problem]:
    """What is wrong with good parts together, wherever the environment is."""
    found: dict[Problem, None] | None = None
    for home in homes:
        # A copy before anything is cached of what depends on the home.
        here = (environment.model_copy(update=home) if home else environment).problems
        found = dict.fromkeys(one for one in here if found is None or one in found)
        if not found:
            break
    return list(found or ())


def _homes(data: Data, unknown: Collection[str]) -> list[dict[str, str]]:
    """Where the environment could be.

    Of the accounts and Regions that a file is not about, one is like another. What wants both the
    account and the Region to be certain ones names them together.
    """
    text = json.dumps(data)
    both = [(m["account"] or m["of"], m["region"] or m["at"]) for m in _BOTH.finditer(text)]
    accounts = [*_HOME["account"], *_ACCOUNT.findall(text)]
    regions = [*_HOME["region"], *filter(REGIONS.__contains__, _REGION.findall(text))]
    if "account" not in unknown:
        accounts = [data["account"]]
    if "region" not in unknown:
        regions = [data["region"]]
    tried = dict.fromkeys(
        (
            *((account, regions[0]) for account in accounts),
            *((accounts[0], region) for region in regions),
            *((account, region) for account, region in both if region in REGIONS),
        )
    )
    known = [(a, r) for a, r in tried if a in accounts and r in regions]
    return [{"account": account, "region": region} for account, region in known]


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
        return Environment.model_validate_json(json.dumps(data), context=PARTS), []
    except ValidationError as error:
        return None, error.errors()


class _Rest:
    """The data of a file without what is wrong with them."""

    def __init__(self, data: Data) -> None:
        self.data: Any = deepcopy(data)
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
