"""Errors: what is wrong with the input, in sentences, and no traceback."""

from contextlib import suppress
from typing import IO, Any

import click


class InputError(click.ClickException):
    """Wrong input, or an AWS that does not answer: a line for each problem, and exit status 2."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the lines, where there is a standard error and somebody reads it."""
        with suppress(OSError):
            click.echo(self.message, file=file, err=True)
