"""The app: every environment file becomes one Terraform stack."""

import argparse
import io
import os
import sys
from pathlib import Path
from tempfile import TemporaryFile

# First: it makes importing cdktf and the AWS bindings fast.
from ecr_constructs.annotations import CONTEXT as ANNOTATIONS
from ecr_constructs.checks import readable
from stacks import (
    EnvironmentStack,
    InvalidEnvironmentsError,
    load_environments,
    stack_id,
)
from stacks.gone import WRITTEN, remove_gone

# isort: split
from cdktf import App

VARIABLES = (
    "ECR_ENVIRONMENTS names another directory than 'environments', CDKTF_OUTDIR another output"
    " than 'cdktf.out'."
)


def counted(repositories: int) -> str:
    """A number of repositories in words."""
    return f"{repositories} {'repository' if repositories == 1 else 'repositories'}"


def output() -> Path:
    """The directory that is written to, which is made where it is not there."""
    directory = Path(os.environ.get("CDKTF_OUTDIR") or "cdktf.out")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=directory):
            return directory
    except OSError as error:
        sys.exit(
            f"{readable(str(directory))}: the output must be a directory that can be written,"
            f" got '{error.strerror}'"
        )


def main() -> None:
    """Read the environment files, define a stack for each, and write Terraform JSON."""
    argparse.ArgumentParser(description=__doc__, epilog=VARIABLES).parse_args()
    directory = Path(os.environ.get("ECR_ENVIRONMENTS") or "environments")
    try:
        environments = load_environments(directory)
    except InvalidEnvironmentsError as error:
        sys.exit(str(error))
    # What the terminal cannot show is escaped, as on standard error.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    # The CDKTF CLI calls everything on standard error an error.
    for warning in environments.warnings:
        print(warning)
    app = App(context={ANNOTATIONS: False}, outdir=str(output()))
    for name, environment in environments.items():
        neighbours = environments.neighbours[name]
        EnvironmentStack(app, name=name, environment=environment, neighbours=neighbours)
    app.synth()
    for file in remove_gone(Path(app.outdir), environments):
        print(f"{file}: removed, its environment is gone")
    for name, environment in environments.items():
        written = Path(app.outdir, "stacks", stack_id(name), WRITTEN)
        print(f"{written}: {counted(len(environment.repositories))}")


if __name__ == "__main__":
    main()
