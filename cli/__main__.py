"""What `pipenv run ecr` runs."""

import sys
from io import TextIOWrapper

import click

from cli.lifecycle import lifecycle


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def ecr() -> None:
    """Answer questions about container registries that Terraform cannot."""
    # What the terminal's encoding lacks is written as Python writes it in sources.
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


ecr.add_command(lifecycle)

if __name__ == "__main__":
    ecr(prog_name="ecr")
