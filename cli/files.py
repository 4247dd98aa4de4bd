"""Files: what is in those that options name, or in standard input."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from cli.errors import InputError
from ecr_constructs.checks import readable


def name_of(file: Path | str) -> str:
    """A file as a sentence names it."""
    return "standard input" if str(file) == "-" else readable(click.format_filename(file))


def read_json(file: Path) -> Any:
    """The data of a JSON file.

    :raises InputError: where it cannot be read, or is no JSON.
    """
    text = read_text(file)
    where = name_of(file)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{where}:{error.lineno}: a file must be JSON, got {error.msg}") from error
    except (RecursionError, ValueError) as error:
        # Python reads no number of more than some thousand digits.
        raise InputError(
            f"{where}: a file must be JSON, got values that are nested too deep or numbers that are"
            " too long"
        ) from error


def read_text(file: Path) -> str:
    """The text of a file, or of standard input for `-`.

    :raises InputError: where it cannot be read, or is no UTF-8.
    """
    where = name_of(file)
    if str(file) == "-" and sys.stdin is None:
        raise InputError("standard input must be one that can be read, got none")
    try:
        data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        return data.decode("utf-8-sig")
    except OSError as error:
        said = f"{where}: a file must be one that can be read, got {error.strerror}"
        raise InputError(said) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{where}: a file must be UTF-8 text, got byte {error.start}") from error
