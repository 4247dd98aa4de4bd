"""Loading: the files of a directory to environments, or everything that is wrong with them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ecr_constructs import InvalidValueError
from ecr_constructs.checks import did_you_mean, member, shown, wrong_type
from ecr_constructs.terraform_text import holds_expression
from stacks.environment import SECTIONS, Environment
from stacks.names import environment_name_problems
from stacks.provider_version import admits_none, provider_constraint
from stacks.yaml_file import Node, YamlError, path_below, read_yaml

# What pydantic says of a value of the wrong type -> what it should have been.
_TYPES = {
    "string_type": "text",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "dataclass_type": "a mapping",
    "tuple_type": "a list",
    "list_type": "a list",
}


_Loc = tuple[str | int, ...]
_STATEMENTS = ("repository_policy_statements",)


class FileProblem(NamedTuple):
    """One thing that is wrong with an environment file, and where. Its text is one line."""

    file: str
    line: int
    path: str
    sentence: str

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path else ""
        return f"{self.file}:{self.line}: {where}{self.sentence}"


class InvalidEnvironmentsError(ValueError):
    """Environment files that cannot be deployed, with everything that is wrong, a line each."""

    def __init__(self, problems: Sequence[FileProblem]) -> None:
        self.problems = tuple(dict.fromkeys(problems))
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(frozen=True, kw_only=True)
class EnvironmentFile:
    """A file that was read: its environment, and where in the file everything is."""

    file: str
    name: str
    root: Node
    environment: Environment

    def problem(self, loc: Sequence[str | int], sentence: str) -> FileProblem:
        """A problem at a place of the file."""
        return _located(self.file, self.root, loc, sentence)


def load_environments(directory: Path) -> dict[str, Environment]:
    """Read every environment file of a directory.

    :param directory: holds `<environment>.yaml` files.
    :returns: the environments by name, in the order of their names.
    :raises InvalidEnvironmentsError: with all problems of all files.
    """
    problems: list[FileProblem] = []
    files: list[EnvironmentFile] = []
    for path in _paths(directory, problems):
        try:
            files.append(load_environment(path))
        except InvalidEnvironmentsError as error:
            problems += error.problems
    problems += _shared_problems(files)
    if problems:
        raise InvalidEnvironmentsError(sorted(problems, key=lambda problem: problem[:2]))
    return {file.name: file.environment for file in files}


def _paths(directory: Path, problems: list[FileProblem]) -> list[Path]:
    name = str(directory)
    if not directory.is_dir():
        problems.append(FileProblem(name, 1, "", "there is no such directory of environment files"))
        return []
    paths = sorted(directory.glob("*.yaml"))
    others = (path for path in directory.iterdir() if path.suffix.lower() in (".yml", ".yaml"))
    for other in sorted(path for path in others if path.suffix != ".yaml"):
        sentence = "an environment file must end in .yaml, or it would be left out"
        problems.append(FileProblem(str(other), 1, "", sentence))
    if not paths:
        problems.append(FileProblem(name, 1, "", "there is no environment file (*.yaml) in it"))
    return paths


def load_environment(path: Path) -> EnvironmentFile:
    """Read one environment file.

    :raises InvalidEnvironmentsError: with all its problems.
    """
    file = str(path)
    problems = [
        FileProblem(file, 1, "", problem.sentence)
        for problem in environment_name_problems(path.stem)
    ]
    try:
        root = _with_defaults(read_yaml(path))
        data = root.plain()
    except YamlError as error:
        problems.append(FileProblem(file, error.line, "", str(error)))
        raise InvalidEnvironmentsError(problems) from error
    if not isinstance(data, dict):
        got = "nothing" if data is None else shown(data)
        sentence = f"an environment file must hold a mapping, got {got}"
        problems.append(FileProblem(file, 1, "", sentence))
        raise InvalidEnvironmentsError(problems)
    problems += _template_problems(file, root)
    try:
        environment = Environment.model_validate_json(json.dumps(data))
    except ValidationError as error:
        problems += _translated(file, root, error)
        raise InvalidEnvironmentsError(problems) from error
    problems += _version_problems(file, root, environment)
    if problems:
        raise InvalidEnvironmentsError(problems)
    return EnvironmentFile(file=file, name=path.stem, root=root, environment=environment)


def _with_defaults(root: Node) -> Node:
    """The file with the defaults written into each repository that does not override them.

    A section of which everything is commented out holds nothing.
    """
    if isinstance(root.value, dict):
        sections = {k: v for k, v in root.value.items() if not (v.value is None and k in SECTIONS)}
        root = _replaced(root, sections)
    repositories, defaults = root.child("repositories"), root.child("repository_defaults")
    if repositories is None or not isinstance(repositories.value, dict):
        return root
    base = defaults.value if defaults and isinstance(defaults.value, dict) else {}
    merged = {name: _merged(base, node) for name, node in repositories.value.items()}
    value = {**root.value, "repositories": _replaced(repositories, merged)}
    return _replaced(root, value)


def _merged(base: Mapping[str, Node], repository: Node) -> Node:
    own = {} if repository.value is None else repository.value
    if not isinstance(own, dict):
        return repository
    value = {**base, **own}
    tags = [node for node in (base.get("tags"), own.get("tags")) if node is not None]
    if len(tags) == 2 and all(isinstance(node.value, dict) for node in tags):
        value["tags"] = _replaced(tags[1], {**tags[0].value, **tags[1].value})
    return _replaced(repository, value)


def _replaced(node: Node, value: Any) -> Node:
    return Node(line=node.line, path=node.path, value=value, written=node.written)


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
        in_conditions = loc[4:5] == ("conditions",) and loc[2:3] == _STATEMENTS
        in_conditions |= loc[3:4] == ("conditions",) and loc[1:2] == _STATEMENTS
        written = [part for part in (node.value, *loc[-1:]) if isinstance(part, str)]
        for part in written:
            if holds_expression(part) or ("${" in part and not in_conditions):
                sentence = "an environment file takes no expressions ('${')"
                yield FileProblem(file, node.line, node.path, f"{sentence}, got {shown(part)}")


def _version_problems(file: str, root: Node, environment: Environment) -> Iterator[FileProblem]:
    if environment.required_providers is None:
        return
    narrowed = environment.required_providers.aws
    constraint = provider_constraint(environment.required_provider_versions, narrowed)
    if admits_none(constraint):
        sentence = f"no version of the AWS provider satisfies '{constraint}', which the file needs"
        yield _located(file, root, ("required_providers", "aws"), sentence)


def _shared_problems(files: Sequence[EnvironmentFile]) -> Iterator[FileProblem]:
    """What environments of one account and Region owe each other: nothing has two owners."""
    owners: dict[tuple[str, ...], EnvironmentFile] = {}
    for file in files:
        home = file.environment.home
        claims: list[tuple[tuple[str | int, ...], str]] = [
            (("repositories", name), f"repository {shown(name)}")
            for name in file.environment.repositories
        ]
        state = file.environment.state_location(file.name)
        owner = owners.setdefault(state, file)
        if owner is not file:
            sentence = f"the state is that of {owner.file} already, and each apply would undo the"
            yield file.problem(("backend",), f"{sentence} other's")
        if file.environment.registry.replication is not None:
            claims.append((("registry", "replication"), "the registry's replication"))
        for loc, what in claims:
            key = (home.account_id, home.region, what)
            owner = owners.setdefault(key, file)
            if owner is not file:
                yield file.problem(
                    loc,
                    f"{what} of account {home.account_id} in {home.region}"
                    f" is defined in {owner.file} already",
                )


def _translated(file: str, root: Node, error: ValidationError) -> Iterator[FileProblem]:
    """Pydantic's errors as problems of the file.

    The defaults are part of each repository by now. What is wrong with them alone is told once,
    where they are written; what is wrong only together with what a repository writes, there.
    """
    found = [pair for details in error.errors() for pair in _sentences(root, details)]
    of_defaults = {(loc[1:], said) for loc, said in found if loc[:1] == ("repository_defaults",)}
    for loc, said in found:
        problem = _located(file, root, loc, said)
        if loc[:1] == ("repositories",) and problem.path.startswith("repository_defaults"):
            if (loc[2:], said) in of_defaults:
                continue
            place = _located(file, root, loc[:2], said)
            path = place.path
            for step in loc[2:]:
                path = path_below(path, step)
            problem = place._replace(path=path)
        yield problem


def _sentences(root: Node, details: ErrorDetails) -> Iterator[tuple[_Loc, str]]:
    """What one error of pydantic says, and where."""
    loc = _without_branches(root, details["loc"])
    kind, value = details["type"], details["input"]
    cause = details.get("ctx", {}).get("error")
    key = loc[-1] if loc else "file"
    if isinstance(cause, InvalidValueError):
        yield from (((*loc, *problem.path), problem.sentence) for problem in cause.problems)
    elif kind in ("extra_forbidden", "unexpected_keyword_argument"):
        hint = did_you_mean(key, _schema_at(loc[:-1]).get("properties", ()))
        yield loc, f"unknown key {shown(key)}{hint}"
    elif kind in ("missing", "missing_keyword_only_argument", "missing_argument"):
        yield loc[:-1], f"'{key}' is missing"
    elif kind == "enum":
        options = _schema_at(loc).get("enum", ())
        yield from ((loc, p.sentence) for p in member(str(key), value, options))
    elif kind in _TYPES:
        what = "an item of the list" if isinstance(key, int) else str(key)
        branch = loc != details["loc"]
        expected = "text or a list of text" if branch else _TYPES[kind]
        sentence = wrong_type(what, expected, value).sentence
        written = _reach(root, loc)[0].written
        if written and (branch or kind == "string_type"):
            sentence += f'; write it in quotes: "{written}"'
        yield loc, sentence
    else:
        yield loc, str(cause or details["msg"])


def _without_branches(root: Node, loc: _Loc) -> _Loc:
    """A place without the steps that pydantic adds for a mapping's key or a union's branch."""
    steps: list[str | int] = []
    for step in loc:
        named = step == "[key]" or (
            step in ("str", "tuple[str, ...]") and _reach(root, steps)[0].child(step) is None
        )
        if not named:
            steps.append(step)
    return tuple(steps)


def _located(file: str, root: Node, loc: Sequence[str | int], sentence: str) -> FileProblem:
    """A problem at the node that `loc` leads to, or at the last one on the way to it."""
    node, rest = _reach(root, loc)
    path = node.path
    for step in rest:
        path = path_below(path, step)
    return FileProblem(file, node.line, path, sentence)


def _reach(root: Node, loc: Sequence[str | int]) -> tuple[Node, Sequence[str | int]]:
    node = root
    for index, step in enumerate(loc):
        child = node.child(step)
        if child is None:
            return node, loc[index:]
        node = child
    return node, ()


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
