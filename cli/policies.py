"""Policies: those of an environment's repositories, or AWS's own document."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from cli.errors import InputError
from cli.images import read_text
from cli.problems import problem_lines
from ecr_constructs import InvalidValueError, LifecycleRule, parse_lifecycle_policy
from ecr_constructs.checks import did_you_mean, shown
from stacks import Environment, InvalidEnvironmentsError, load_environments

Rules = tuple[LifecycleRule, ...]


def environment_called(name: str) -> Environment:
    """An environment of the files.

    :raises InputError: for one that is not there, and for everything that is wrong with the files.
    """
    directory = Path(os.environ.get("ECR_ENVIRONMENTS") or "environments")
    try:
        environments = load_environments(directory)
    except InvalidEnvironmentsError as error:
        raise InputError(str(error)) from error
    if name not in environments:
        known = ", ".join(environments)
        hint = did_you_mean(name, environments)
        raise InputError(f"--environment must be one of {known}, got {shown(name)}{hint}")
    return environments[name]


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
    """The rules of a policy in AWS's JSON.

    :raises InputError: where it is none.
    """
    where = "standard input" if str(file) == "-" else click.format_filename(file)
    return policy_of_text(read_text(file), where)


def policy_of_text(text: str, where: str) -> Rules:
    """The same of a text, which the sentences call `where`."""
    try:
        return parse_lifecycle_policy(text)
    except InvalidValueError as error:
        raise InputError("\n".join(problem_lines(where, error.problems))) from error
