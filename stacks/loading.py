"""Loading: the files of a directory to environments, or everything that is wrong with them."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ecr_constructs import Check, InvalidValueError, Problem
from ecr_constructs.checks import TYPE, readable, shown, wrong_type
from ecr_constructs.terraform_text import holds_expression
from stacks.building import MISSING_KEY, unknown_key
from stacks.destinations import Home, homes_of, with_named_destinations
from stacks.environment import SECTIONS, Environment
from stacks.names import environment_name_problems
from stacks.ownership import OWNED_TWICE, claims
from stacks.provider_version import ADMITS_NONE, admits_none, provider_constraint
from stacks.registries import (
    Neighbours,
    neighbours_of,
    policy_problems,
    repositories_of,
    required_provider_versions,
)
from stacks.registry_warnings import chain_warnings, scope_warnings
from stacks.yaml_file import NOTHING, Node, YamlError, path_below, read_yaml

_APP = "this app"
NO_DIRECTORY = Check(
    "environment files must be in a directory that is there", f"{_APP}: `ECR_ENVIRONMENTS`"
)
NO_FILE = Check("a directory of environment files must hold one (*.yaml)", _APP)
SUFFIX = Check("an environment file must end in .yaml, or it would be left out", _APP)
MAPPING = Check("an environment file must hold a mapping", _APP)
EXPRESSION = Check(
    "an environment file takes no expressions ('${')",
    f"{_APP}: Terraform would evaluate them; IAM's variables below `conditions` are data",
)
STATE_TWICE = Check(
    "an environment must have a state of its own, or each apply undoes the other's",
    "Terraform language, backends",
)

# What pydantic says of a value of the wrong type -> what it should have been.
_TYPES = {
    "string_type": "text",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "tuple_type": "a list",
}

_Loc = tuple[str | int, ...]
_STATEMENTS = ("policy_statements", "repository_policy_statements")


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


class Environments(dict[str, Environment]):
    """The environments of a directory, by name."""

    neighbours: Mapping[str, Neighbours] = MappingProxyType({})
    """What they owe each other's registries."""
    warnings: tuple[FileProblem, ...] = ()
    """What is legal, but certainly a mistake."""


class InvalidEnvironmentsError(ValueError):
    """Environment files that cannot be deployed, with everything that is wrong, a line each."""

    def __init__(self, problems: Sequence[FileProblem]) -> None:
        self.problems = tuple(dict.fromkeys(problems))
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(frozen=True, kw_only=True)
class _File:
    """A file that was read: what is wrong with it, and where in it everything is."""

    file: str
    name: str
    problems: Sequence[FileProblem]
    root: Node = NOTHING
    environment: Environment | None = None
    """Nothing where the file has a problem."""

    def problem(self, loc: Sequence[str | int], problem: Problem) -> FileProblem:
        """A problem at a place of the file."""
        return _located(self.file, self.root, (*loc, *problem.path), problem)


def load_environments(directory: Path) -> Environments:
    """Read every environment file of a directory.

    :param directory: holds `<environment>.yaml` files.
    :returns: the environments, in the order of their names, and the warnings.
    :raises InvalidEnvironmentsError: with all problems of all files, warnings among them.
    """
    paths, problems = _paths(directory)
    parsed = [_parse(path) for path in paths]
    homes = homes_of({file.name: file.root for file in parsed})
    files = [_checked(file, homes) for file in parsed]
    for file in files:
        problems.extend(file.problems)
    problems.extend(_shared_problems(files))
    environments = {file.name: file.environment for file in files if file.environment}
    for file in files:
        problems.extend(_warnings(file))
    neighbours: dict[str, Neighbours] = {}
    if len(environments) == len(files):
        neighbours = neighbours_of(environments)
        problems.extend(_registry_problems(files, neighbours))
    problems.sort(key=lambda problem: problem[:2])
    if not all(problem.check.warning for problem in problems):
        raise InvalidEnvironmentsError(problems)
    found = Environments(environments)
    found.neighbours = neighbours
    found.warnings = tuple(dict.fromkeys(problems))
    return found


def _paths(directory: Path) -> tuple[list[Path], list[FileProblem]]:
    """The environment files of a directory, and what is wrong with it."""
    name = readable(str(directory))
    try:
        if not directory.is_dir():
            return [], [_at(name, NO_DIRECTORY.problem(shown(str(directory))))]
        entries = sorted(directory.iterdir())
    except OSError as error:
        return [], [_at(name, NO_DIRECTORY.problem(str(error.strerror)))]
    paths = [path for path in entries if path.suffix == ".yaml"]
    others = [path for path in entries if path.suffix.lower() in (".yml", ".yaml")]
    problems = [
        _at(readable(str(path)), SUFFIX.problem(shown(path.name)))
        for path in others
        if path not in paths
    ]
    if not paths:
        problems.append(_at(name, NO_FILE.problem("none")))
    return paths, problems


def _at(file: str, problem: Problem, line: int = 1, path: str = "") -> FileProblem:
    """A problem at a place of a file, or of the whole of it."""
    return FileProblem(file, line, path, problem.sentence, problem.check)


def _parse(path: Path) -> _File:
    """Read one environment file as YAML."""
    file = readable(str(path))
    problems = [_at(file, problem) for problem in environment_name_problems(path.stem)]
    try:
        root, found = read_yaml(path)
        problems += [_at(file, problem, line, path) for line, path, problem in found]
        root.plain()
    except YamlError as error:
        problems.append(_at(file, error.problem, error.line))
        return _File(file=file, name=path.stem, problems=problems)
    if isinstance(root.value, dict):
        return _File(file=file, name=path.stem, problems=problems, root=root)
    got = "nothing" if root.value is None else shown(root.plain())
    problems.append(_at(file, MAPPING.problem(got)))
    return _File(file=file, name=path.stem, problems=problems)


def _checked(parsed: _File, homes: Mapping[str, Home | None]) -> _File:
    """The environment that a file holds, or what is wrong with it."""
    if parsed.root is NOTHING:
        return parsed
    file, problems = parsed.file, list(parsed.problems)
    root, found = with_named_destinations(_with_defaults(parsed.root), homes)
    problems += [_at(file, problem, node.line, node.path) for node, problem in found]
    try:
        text = json.dumps(root.plain())
    except YamlError as error:
        problems.append(_at(file, error.problem, error.line))
        return _File(file=file, name=parsed.name, problems=problems)
    problems += _template_problems(file, root)
    environment = None
    try:
        environment = Environment.model_validate_json(text)
        versions = environment.required_provider_versions
        for problem in _version_problems(environment, versions):
            problems.append(_located(file, root, problem.path, problem))
    except ValidationError as error:
        problems += _translated(file, root, error)
    return _File(
        file=file,
        name=parsed.name,
        problems=problems,
        root=root,
        environment=None if problems else environment,
    )


def _with_defaults(root: Node) -> Node:
    """The file with the defaults written into each repository that does not override them.

    A section of which everything is commented out holds nothing.
    """
    if isinstance(root.value, dict):
        sections = {k: v for k, v in root.value.items() if not (v.value is None and k in SECTIONS)}
        root = root.holding(sections)
    repositories, defaults = root.child("repositories"), root.child("repository_defaults")
    if repositories is None or not isinstance(repositories.value, dict):
        return root
    base = defaults.value if defaults and isinstance(defaults.value, dict) else {}
    merged = {name: _merged(base, node) for name, node in repositories.value.items()}
    value = {**root.value, "repositories": repositories.holding(merged)}
    return root.holding(value)


def _merged(base: Mapping[str, Node], repository: Node) -> Node:
    own = {} if repository.value is None else repository.value
    if not isinstance(own, dict):
        return repository
    value = {**base, **own}
    tags = [node for node in (base.get("tags"), own.get("tags")) if node is not None]
    if len(tags) == 2 and all(isinstance(node.value, dict) for node in tags):
        value["tags"] = tags[1].holding({**tags[0].value, **tags[1].value})
    return repository.holding(value)


def _template_problems(file: str, root: Node) -> Iterator[FileProblem]:
    """An environment file holds data: what Terraform would evaluate is refused.

    Below the conditions of a policy statement, variables of IAM are data.
    """
    pending: list[tuple[Node, tuple[str | int, ...]]] = [(root, ())]
    while pending:
        node, loc = pending.pop()
        if isinstance(node.value, dict):
            pending += [(child, (*loc, key)) for key, child in node.value.items()]
        elif isinstance(node.value, list):
            pending += [(child, (*loc, index)) for index, child in enumerate(node.value)]
        in_conditions = any(
            step == "conditions" and loc[at - 2] in _STATEMENTS
            for at, step in enumerate(loc)
            if at > 1
        )
        in_conditions |= loc[-1:] == ("policy_document",)
        written = [part for part in (node.value, *loc[-1:]) if isinstance(part, str)]
        for part in written:
            if holds_expression(part) or ("${" in part and not in_conditions):
                yield _at(file, EXPRESSION.problem(shown(part)), node.line, node.path)


def _version_problems(environment: Environment, versions: Iterable[str]) -> Iterator[Problem]:
    if environment.required_providers is None:
        return
    constraint = provider_constraint(versions, environment.required_providers.aws)
    if admits_none(constraint):
        yield ADMITS_NONE.problem(shown(constraint), ("required_providers", "aws"))


def _shared_problems(files: Sequence[_File]) -> Iterator[FileProblem]:
    """What environments of one account and Region owe each other: nothing has two owners."""
    owners: dict[tuple[str, ...], _File] = {}
    for file in files:
        if file.environment is not None:
            state = file.environment.state_location(file.name)
            owner = owners.setdefault(state, file)
            if owner is not file:
                yield file.problem(("backend",), STATE_TWICE.problem(f"that of {owner.file}"))
        for loc, what, where in claims(file.root):
            owner = owners.setdefault((where, what), file)
            if owner is not file:
                got = f"{what} of {where} in {owner.file}, too"
                yield file.problem(loc, OWNED_TWICE.problem(got))


def _warnings(file: _File) -> Iterator[FileProblem]:
    if file.environment is not None:
        found = [((), warning) for warning in file.environment.warnings]
        yield from _told_once(file.file, file.root, found)


def _registry_problems(
    files: Sequence[_File], neighbours: Mapping[str, Neighbours]
) -> Iterator[FileProblem]:
    """What is wrong with a registry together with the other files, which all are good."""
    loaded = {file.name: file.environment for file in files if file.environment is not None}
    by_name = {file.name: file for file in files}
    known = repositories_of(loaded)
    for name, environment in loaded.items():
        file = by_name[name]
        for problem in (
            *environment.registry_warnings(*known[environment.home]),
            *policy_problems(name, environment, neighbours[name]),
        ):
            yield file.problem(("registry",), problem)
        versions = required_provider_versions(environment, neighbours[name])
        for problem in _version_problems(environment, versions):
            yield file.problem((), problem)
    for name, problem in (*chain_warnings(loaded), *scope_warnings(loaded)):
        yield by_name[name].problem(("registry",), problem)


def _translated(file: str, root: Node, error: ValidationError) -> Iterator[FileProblem]:
    """Pydantic's errors as problems of the file."""
    found = [pair for details in error.errors() for pair in _problems(details)]
    yield from _told_once(file, root, found)


def _told_once(
    file: str, root: Node, found: Sequence[tuple[_Loc, Problem]]
) -> Iterator[FileProblem]:
    """Problems at their places in the file.

    The defaults are part of each repository by now. What is wrong with them alone is told once,
    where they are written; what is wrong only together with what a repository writes, there.
    """
    placed = [((*loc, *problem.path), problem) for loc, problem in found]
    of_defaults = {
        (loc[1:], problem.sentence)
        for loc, problem in placed
        if loc[:1] == ("repository_defaults",)
    }
    for loc, problem in placed:
        located = _located(file, root, loc, problem)
        if loc[:1] == ("repositories",) and located.path.startswith("repository_defaults"):
            if (loc[2:], problem.sentence) in of_defaults:
                continue
            place = _located(file, root, loc[:2], problem)
            path = place.path
            for step in loc[2:]:
                path = path_below(path, step)
            located = place._replace(path=path)
        yield located


def _problems(details: ErrorDetails) -> Iterator[tuple[_Loc, Problem]]:
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
        yield loc[:-1], unknown_key(key, _schema_at(loc[:-1]).get("properties", ()))
    elif kind == "missing":
        yield loc[:-1], MISSING_KEY.problem(what=shown(key))
    else:
        yield loc, wrong_type(readable(key), _TYPES.get(kind, "of another type"), value)


def _located(file: str, root: Node, loc: Sequence[str | int], problem: Problem) -> FileProblem:
    """A problem at the node that `loc` leads to, or at the last one on the way to it."""
    node, rest = root.reach(loc)
    path = node.path
    for step in rest:
        path = path_below(path, step)
    if problem.check == TYPE and " must be text" in problem.sentence and not rest:
        problem = problem._replace(sentence=problem.sentence + _in_quotes(node))
    return _at(file, problem, node.line, path)


def _in_quotes(node: Node) -> str:
    """How a number or a truth value that was meant as text is written."""
    meant = isinstance(node.value, bool | int) or (
        isinstance(node.value, float) and "e" not in node.written.lower()
    )
    return f'; write it in quotes: "{node.written}"' if meant and node.written else ""


@lru_cache
def _schema() -> dict[str, Any]:
    return Environment.model_json_schema()


def _schema_at(loc: Sequence[str | int]) -> Mapping[str, Any]:
    """The part of the JSON Schema that describes the values at a place."""
    schema = _schema()
    part: Any = schema
    for step in (*loc, None):
        while "$ref" in part or "anyOf" in part or "allOf" in part:
            if "$ref" in part:
                part = schema["$defs"][part["$ref"].rsplit("/", 1)[-1]]
            else:
                part = next(
                    p for p in part.get("anyOf", part.get("allOf")) if p.get("type") != "null"
                )
        if step is None:
            return dict(part)
        known = part.get("properties", {})
        part = known.get(step, part.get("additionalProperties") or part.get("items") or {})
        if not isinstance(part, dict):
            return {}
    return {}
