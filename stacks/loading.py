"""Loading: the files of a directory to environments, or everything that is wrong with them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ecr_constructs import Check, Problem
from ecr_constructs.checks import TYPE, readable, shown
from stacks.defaults import with_defaults
from stacks.destinations import Home, homes_of, with_named_destinations
from stacks.environment import Environment
from stacks.environment_warnings import environment_warnings
from stacks.expression import expression_problems
from stacks.file_problem import FileProblem, at, located, told_once
from stacks.meant_keys import with_meant_keys
from stacks.names import environment_name_problems
from stacks.other_types import other_type
from stacks.own_tags import role_tag_problems
from stacks.ownership import OWNED_TWICE, claims, excesses
from stacks.registries import (
    Neighbours,
    access_problems,
    makes_roles,
    neighbours_of,
    policy_problems,
    repositories_of,
    required_provider_versions,
)
from stacks.registry_warnings import (
    chain_warnings,
    ci_role_warnings,
    filter_warnings,
    key_warnings,
    scope_warnings,
)
from stacks.validation import validated
from stacks.yaml_file import NOTHING, TAG, TEXT_KEY, Node, YamlError, read_yaml

_APP = "this app"
NO_DIRECTORY = Check(
    "environment files must be in a directory that is there", f"{_APP}: `ECR_ENVIRONMENTS`"
)
NO_FILE = Check("a directory of environment files must hold one (*.yaml)", _APP)
SUFFIX = Check(
    "an environment file must end in .yaml, or it would be left out", _APP, "call it {name}.yaml"
)
MAPPING = Check("an environment file must hold a mapping", _APP)
STATE_TWICE = Check(
    "an environment must have a state of its own, or each apply undoes the other's",
    "Terraform language, backends",
)


class Environments(dict[str, Environment]):
    """The environments of a directory, by name.

    :param neighbours: what they owe each other's registries.
    :param warnings: what is legal, but certainly a mistake.
    """

    def __init__(
        self,
        by_name: Mapping[str, Environment],
        neighbours: Mapping[str, Neighbours],
        warnings: Iterable[FileProblem],
    ) -> None:
        super().__init__(by_name)
        self.neighbours, self.warnings = neighbours, tuple(dict.fromkeys(warnings))


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
    """Without what is wrong with it; nothing where the file does not say where it is."""

    def problem(self, loc: Sequence[str | int], problem: Problem) -> FileProblem:
        """A problem at a place of the file."""
        return located(self.file, self.root, (*loc, *problem.path), problem)


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
    problems += (*_shared_problems(files), *_excess_problems(files))
    environments = {file.name: file.environment for file in files if file.environment}
    neighbours = neighbours_of(environments)
    warnings = [warning for file in files if not file.problems for warning in _warnings(file)]
    # What seems to be missing may be what was left out.
    together = _registry_problems(files, neighbours)
    problems += (p for p in together if not (p.check.warning and any(f.problems for f in files)))
    problems = sorted([*problems, *warnings], key=lambda problem: problem[:2])
    if not all(problem.check.warning for problem in problems):
        raise InvalidEnvironmentsError(problems)
    return Environments(environments, neighbours, problems)


def _paths(directory: Path) -> tuple[list[Path], list[FileProblem]]:
    """The environment files of a directory, and what is wrong with it."""
    name = readable(str(directory))
    try:
        if not directory.is_dir():
            return [], [at(name, NO_DIRECTORY.problem(shown(str(directory))))]
        entries = sorted(directory.iterdir())
    except OSError as error:
        return [], [at(name, NO_DIRECTORY.problem(str(error.strerror)))]
    others = [path for path in entries if path.name.lower().endswith((".yml", ".yaml"))]
    paths = [path for path in others if path.name.endswith(".yaml")]
    problems = [
        at(readable(str(path)), SUFFIX.problem(shown(path.name), name=readable(path.stem)))
        for path in others
        if path not in paths
    ]
    if not others:
        problems.append(at(name, NO_FILE.problem("none")))
    by_name = {path.stem: path for path in (*others, *paths)}
    return list(by_name.values()), problems


def _parse(path: Path) -> _File:
    """Read one environment file as YAML."""
    file, name = readable(str(path)), path.stem
    problems = [at(file, problem) for problem in environment_name_problems(name)]
    try:
        root, found = read_yaml(path)
        problems += [at(file, problem, line, path) for line, path, problem in found]
        root.plain()
    except YamlError as error:
        problems.append(at(file, error.problem, error.line))
        return _File(file=file, name=name, problems=problems)
    if isinstance(root.value, dict):
        return _File(file=file, name=name, problems=problems, root=root)
    got = "nothing" if root.value is None else shown(root.plain())
    hint = other_type("an environment file must be a mapping", root.value, root.written)
    problems.append(at(file, MAPPING.problem(got, hint=hint)))
    return _File(file=file, name=name, problems=problems)


def _checked(parsed: _File, homes: Mapping[str, Home | None]) -> _File:
    """The environment that a file holds, or what is wrong with it."""
    if parsed.root is NOTHING:
        return parsed
    file, problems = parsed.file, list(parsed.problems)
    root, unknown = with_meant_keys(parsed.root)
    root, unnamed = with_named_destinations(with_defaults(root), homes, parsed.name)
    problems += [at(file, p, node.line, node.path) for node, p in (*unknown, *unnamed)]
    try:
        data = root.plain()
    except YamlError as error:
        problems.append(at(file, error.problem, error.line))
        return _File(file=file, name=parsed.name, problems=problems)
    problems += (at(file, p, node.line, node.path) for node, p in expression_problems(root))
    environment, found = validated(data)
    problems += told_once(file, root, found)
    # What is said of a value besides comes of that, and one of another type was perhaps not meant.
    as_yaml = set(parsed.problems)
    no_data = {p.path for p in as_yaml if p.check in (TAG, TEXT_KEY)} - {""}
    not_meant = {(node.path, TYPE) for node, _ in unknown}
    problems = [
        p
        for p in problems
        if p in as_yaml or not (p.path in no_data or (p.path, p.check) in not_meant)
    ]
    return replace(parsed, problems=problems, root=root, environment=environment)


def _shared_problems(files: Sequence[_File]) -> Iterator[FileProblem]:
    """What environments of one account and Region owe each other: nothing has two owners."""
    owners: dict[tuple[str, ...], _File] = {}
    for file in files:
        if file.environment is not None:
            state = file.environment.state_location(file.name)
            owner = owners.setdefault(state, file)
            if owner is not file:
                yield file.problem(("backend",), STATE_TWICE.problem(f"that of {owner.file}"))
        alias = file.environment.key_alias(file.name) if file.environment else None
        for loc, what, where in claims(file.root, alias):
            owner = owners.setdefault((where, what), file)
            if owner is not file:
                got = f"{what} of {where} in {owner.file}, too"
                yield file.problem(loc, OWNED_TWICE.problem(got))


def _excess_problems(files: Sequence[_File]) -> Iterator[FileProblem]:
    by_name = {file.name: file for file in files}
    environments = ((file.name, file.environment) for file in files if file.environment)
    for name, loc, problem in excesses(environments):
        yield by_name[name].problem(loc, problem)


def _warnings(file: _File) -> Iterator[FileProblem]:
    if file.environment is not None:
        found = [((), warning) for warning in environment_warnings(file.environment)]
        yield from told_once(file.file, file.root, found)


def _registry_problems(
    files: Sequence[_File], neighbours: Mapping[str, Neighbours]
) -> Iterator[FileProblem]:
    """What is wrong with a registry together with the other files."""
    loaded = {file.name: file.environment for file in files if file.environment is not None}
    by_name = {file.name: file for file in files}
    known = repositories_of(loaded)
    for name, environment in loaded.items():
        file = by_name[name]
        for problem in (
            *filter_warnings(environment, *known[environment.home]),
            *policy_problems(name, environment, neighbours[name]),
        ):
            yield file.problem(("registry",), problem)
        if makes_roles(name, environment, neighbours[name]):
            for problem in role_tag_problems(environment.tags):
                yield file.problem(("tags",), problem)
        versions = required_provider_versions(environment, neighbours[name])
        for problem in (
            *environment.version_problems(versions),
            *key_warnings(name, environment, neighbours[name]),
            *access_problems(environment, neighbours[name]),
            *ci_role_warnings(environment, neighbours[name]),
        ):
            yield file.problem((), problem)
    for name, problem in (*chain_warnings(loaded), *scope_warnings(loaded)):
        yield by_name[name].problem(("registry",), problem)
