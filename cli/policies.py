"""Policies: those of an environment's repositories, or AWS's own document."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from cli.errors import InputError
from cli.files import name_of, read_text
from cli.problems import problem_lines
from ecr_constructs import InvalidValueError, LifecycleRule, parse_lifecycle_policy
from ecr_constructs.checks import did_you_mean, shown
from ecr_constructs.registry import REPOSITORY_NAME
from stacks import Environment, FileProblem, InvalidEnvironmentsError, load_environments
from stacks.loading import NO_DIRECTORY, NO_FILE

# In place of a file: the policy that a repository has now.
DEPLOYED = "deployed"

Rules = tuple[LifecycleRule, ...]


def environment_called(name: str) -> Environment:
    """An environment of the files.

    :raises InputError: for one that is not there, and for everything that is wrong with the files.
    """
    directory = Path(os.environ.get("ECR_ENVIRONMENTS") or "environments")
    try:
        environments = load_environments(directory)
    except InvalidEnvironmentsError as error:
        raise InputError("\n".join(map(_line, error.problems))) from error
    if name not in environments:
        known = ", ".join(environments)
        # Of a path, the file's name is the environment's.
        hint = did_you_mean(Path(name).stem, environments)
        raise InputError(f"--environment must be one of {known}, got {shown(name)}{hint}")
    return environments[name]


def _line(problem: FileProblem) -> str:
    """A problem as a line; a folder has none."""
    folder = problem.check in (NO_DIRECTORY, NO_FILE)
    return f"{problem.file}: {problem.sentence}" if folder else str(problem)


def checked_names(repositories: Iterable[str]) -> tuple[str, ...]:
    """The names of repositories, each once.

    :raises InputError: for what is none.
    """
    names = tuple(dict.fromkeys(repositories))
    problems = [p for name in names for p in REPOSITORY_NAME.problems(name, tokens=False)]
    if problems:
        raise InputError("\n".join(f"--repository: {problem.sentence}" for problem in problems))
    return names


def policies_of(environment: Environment, repositories: Sequence[str]) -> Mapping[str, Rules]:
    """The lifecycle rules of an environment's repositories, or of those that are named.

    :raises InputError: for a repository that the environment does not have.
    """
    names = environment.repositories
    unknown = [name for name in repositories if name not in names]
    if unknown:
        raise InputError(
            "\n".join(
                f"--repository must be one of the environment, got {shown(name)}"
                f"{did_you_mean(name, names)}"
                for name in unknown
            )
        )
    return {name: names[name].lifecycle_rules for name in repositories or names}


def policy_of_file(file: Path) -> Rules:
    """The rules of a policy in AWS's JSON, or as `aws ecr get-lifecycle-policy` prints it.

    :raises InputError: where it is none.
    """
    return policy_of_text(_unwrapped(read_text(file)), name_of(file))


def _unwrapped(text: str) -> str:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return text
    wrapped = data.get("lifecyclePolicyText") if isinstance(data, dict) else None
    return wrapped if isinstance(wrapped, str) else text


def policy_of_text(text: str, where: str) -> Rules:
    """The same of a text, which the sentences call `where`."""
    try:
        return parse_lifecycle_policy(text)
    except InvalidValueError as error:
        raise InputError("\n".join(problem_lines(where, error.problems))) from error
