"""File problem: something that is wrong with an environment file, at its place in it."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from typing import NamedTuple

from pydantic_core import ErrorDetails

from ecr_constructs import Check, InvalidValueError, Problem, RepositorySettings
from ecr_constructs.checks import TYPE, path_below, readable, shown, wrong_type
from ecr_constructs.image_settings import EXCUSE
from ecr_constructs.policy_json import SYNTAX
from ecr_constructs.policy_risk import EXCUSABLE
from stacks.building import MISSING_KEY, UNKNOWN_KEY
from stacks.meant_keys import unknown_at
from stacks.other_types import other_type
from stacks.yaml_file import Loc, Node

# What pydantic says of a value of the wrong type -> what it should have been.
_TYPES = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "tuple_type": "a list",
}


# What a repository writes to have nothing where the defaults have something.
_NOTHING = {
    field.name: "null" if field.default is None else "[]"
    for field in fields(RepositorySettings)
    if field.default in (None, ())
}


class FileProblem(NamedTuple):
    """One thing that is wrong with an environment file, and where. Its text is one line."""

    file: str
    line: int
    path: str
    sentence: str
    check: Check

    def __str__(self) -> str:
        warning = "warning: " if self.check.warning else ""
        where = f"{self.path}: " if self.path else ""
        return f"{self.file}:{self.line}: {warning}{where}{self.sentence}"


def at(file: str, problem: Problem, line: int = 1, path: str = "") -> FileProblem:
    """A problem at a place of a file, or of the whole of it."""
    return FileProblem(file, line, path, problem.sentence, problem.check)


def located(file: str, root: Node, loc: Sequence[str | int], problem: Problem) -> FileProblem:
    """A problem at the node that `loc` leads to, or at the last one on the way to it."""
    node, rest = root.reach(loc)
    if not rest and _is_of_type(problem, node):
        meant = other_type(problem.sentence, node.value, node.written)
        problem = problem._replace(sentence=problem.sentence + meant)
    if problem.check == UNKNOWN_KEY and "; " not in problem.sentence:
        problem = problem._replace(sentence=problem.sentence + _meant_below(loc, node))
    found = re.search("got line ([0-9]+): ([^;]*)", problem.sentence)
    if found is not None and problem.check == SYNTAX and node.literal:
        # The text begins below its key.
        got = f"got text of which the parser says '{found[2]}'"
        sentence = problem.sentence.replace(found[0], got)
        return at(file, problem._replace(sentence=sentence), node.line + int(found[1]), node.path)
    return at(file, problem, node.line_in(rest), path_below(node.path, *rest))


def _is_of_type(problem: Problem, node: Node) -> bool:
    """Whether the type of a value is what is wrong with it, also of one of a closed set."""
    return problem.check == TYPE or (
        " must be one of " in problem.sentence
        and not isinstance(node.value, str)
        and problem.sentence.endswith(f", got {shown(node.plain())}")
    )


def _meant_below(loc: Sequence[str | int], unknown: Node) -> str:
    """How a name is written of which a part is a key of its own, below a repository."""
    is_own = loc[:1] == ("repositories",) and unknown.path == path_below("", *loc[:3])
    may_be_one = is_own and isinstance(unknown.value, dict | None)
    return f"; if it is a repository, write '{loc[1]}/{loc[2]}' as one key" if may_be_one else ""


def told_once(file: str, root: Node, found: Sequence[tuple[Loc, Problem]]) -> Iterator[FileProblem]:
    """Problems at their places in the file.

    A value can be written elsewhere than where it is used: in the defaults, in a grant, or behind
    an alias. What is wrong with it alone is told once, where it is written; what is wrong only
    together with what is beside it, where it is used, with how a default is taken back. What a
    grant adds stands alone. What each repository can excuse is told of the defaults only where one
    does not, or where there is none.
    """
    places = [((*loc, *problem.path), problem) for loc, problem in _where_excused(root, found)]
    placed = [(loc, located(file, root, loc, p), _home(root, loc)) for loc, p in places]
    alone = {(p.path, p.sentence) for _, p, home in placed if _is_where_written(p, home)}
    for loc, problem, home in placed:
        of_many = problem.path.startswith(("repository_defaults", "grants["))
        if problem.check in EXCUSABLE and of_many and loc[0] == "repositories":
            yield problem._replace(sentence=f"{problem.sentence} in each repository")
        elif problem.path.startswith("grants["):
            yield problem
        elif _is_where_written(problem, home):
            yield _with_way_back(root, loc, problem)
        elif (problem.path, problem.sentence) not in alone:
            here = problem._replace(line=home.line, path=path_below("", *loc))
            yield _with_way_back(root, loc, here)


def _is_where_written(problem: FileProblem, home: Node) -> bool:
    """Whether a problem is wholly of what is written in a node, or behind the alias that it is."""
    behind_alias = home.origin and problem.check not in EXCUSABLE
    return _is_in(problem.path, home.path) or bool(
        behind_alias and _is_in(problem.path, home.origin)
    )


def _with_way_back(root: Node, loc: Loc, problem: FileProblem) -> FileProblem:
    """The problem of a repository, with how it takes back the defaults that the sentence names."""
    if loc[:1] != ("repositories",):
        return problem
    defaults, repository = root.child("repository_defaults"), root.reach(loc[:2])[0]
    rule = problem.sentence.partition("; ")[0]
    written = {key: node.path for key, node in _children(defaults) if repr(key) in rule}
    ways = [
        f"; '{key}: {_NOTHING[key]}' here takes the default's back"
        for key, node in _children(repository)
        if key in _NOTHING and written.get(key) == node.path
    ]
    return problem._replace(sentence="".join((problem.sentence, *ways)))


def _children(node: Node | None) -> Iterable[tuple[str, Node]]:
    return node.value.items() if node is not None and isinstance(node.value, dict) else ()


def _where_excused(
    root: Node, found: Iterable[tuple[Loc, Problem]]
) -> Iterator[tuple[Loc, Problem]]:
    """Problems, without those of the defaults that each repository excuses, or is told of."""
    repositories = root.child("repositories")
    judged_below = repositories is not None and bool(repositories.value)
    for loc, problem in found:
        of_defaults = (*loc, *problem.path)[:1] == ("repository_defaults",)
        if not of_defaults or problem.check not in EXCUSABLE:
            yield loc, problem
        elif not judged_below:
            yield loc, problem._replace(sentence=problem.sentence.removesuffix(EXCUSE))


def _is_in(path: str, outer: str) -> bool:
    """Whether a path is another one or goes on from it."""
    return not outer or path == outer or path.startswith((f"{outer}.", f"{outer}["))


def _home(root: Node, loc: Sequence[str | int]) -> Node:
    """The last node on the way that is written where it is used."""
    node = home = root
    for index, step in enumerate(loc):
        child = node.child(step)
        if child is None:
            break
        node = child
        if node.path == path_below("", *loc[: index + 1]):
            home = node
    return home


def problems_of(details: ErrorDetails) -> Iterator[tuple[Loc, Problem]]:
    """What one error of pydantic says, and where."""
    loc = details["loc"]
    if loc[:1] in (("repositories",), ("registry",)) and loc[-1:] == ("[key]",):
        loc = loc[:-1]
    kind, value = details["type"], details["input"]
    cause = details.get("ctx", {}).get("error")
    key = str(loc[-1] if loc else "file")
    if isinstance(cause, InvalidValueError):
        yield from ((loc, problem) for problem in cause.problems)
    elif kind == "extra_forbidden":
        yield loc[:-1], unknown_at(loc[:-1], key)
    elif kind == "missing":
        yield loc[:-1], MISSING_KEY.problem(what=shown(key))
    else:
        yield loc, wrong_type(readable(key), _TYPES.get(kind, "of another type"), value)
