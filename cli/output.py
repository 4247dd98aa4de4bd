"""Output: an answer on standard output, as a whole or not at all, and what is told beside it."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

import click

from cli.errors import InputError

# An answer that is no longer than this stays in memory until all of it is known.
SPOOL = 16_000_000


@contextmanager
def whole_output() -> Iterator[IO[str]]:
    """A file whose contents go to standard output at the end, and not where something fails.

    Whoever reads them may stop early.

    :raises InputError: where they cannot be written for another reason.
    """
    with tempfile.SpooledTemporaryFile(SPOOL, mode="w+", encoding="utf-8") as out:
        yield out
        out.seek(0)
        # A program can be started without one.
        if sys.stdout is None:
            return
        try:
            shutil.copyfileobj(out, sys.stdout)
            sys.stdout.flush()
        except OSError as error:
            # Python would write the rest when it ends, and complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            if not isinstance(error, BrokenPipeError):
                raise InputError(f"the answer cannot be written: {error.strerror}") from error


def tell(line: str) -> None:
    """Write a line to standard error, where there is one and somebody reads it."""
    with suppress(OSError):
        click.echo(line, err=True)
