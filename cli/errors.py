"""Errors: what is wrong with the input, in sentences, and no traceback."""

from collections.abc import Callable
from contextlib import suppress
from typing import IO, Any, ParamSpec, TypeVar

import click

P = ParamSpec("P")
R = TypeVar("R")


class InputError(click.ClickException):
    """Wrong input, or an AWS that does not answer: a line for each problem, and exit status 2."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the lines, where there is a standard error and somebody reads it."""
        with suppress(OSError):
            click.echo(self.message, file=file, err=True)


class InputErrors:
    """What is wrong with several inputs, told together."""

    def __init__(self) -> None:
        self._messages: list[str] = []

    def of(self, function: Callable[P, R], *arguments: P.args, **keywords: P.kwargs) -> R | None:
        """What a function gives; nothing where it raises an error, which is kept."""
        try:
            return function(*arguments, **keywords)
        except InputError as error:
            self._messages.append(error.message)
            return None

    def refuse(self) -> None:
        """Raise the errors as one, where there are any."""
        if self._messages:
            raise InputError("\n".join(self._messages))
