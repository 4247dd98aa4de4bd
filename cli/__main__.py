"""What `pipenv run ecr` runs."""

import click

from cli.lifecycle import lifecycle


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def ecr() -> None:
    """Answer questions about container registries that Terraform cannot."""


ecr.add_command(lifecycle)

if __name__ == "__main__":
    ecr(prog_name="ecr")
