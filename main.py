"""The app: every environment file becomes one Terraform stack."""

import io
import os
import sys
from pathlib import Path

# First: it makes importing cdktf and the AWS bindings fast.
from ecr_constructs.annotations import CONTEXT as ANNOTATIONS
from stacks import (
    EnvironmentStack,
    InvalidEnvironmentsError,
    load_environments,
    stack_id,
)

# isort: split
from cdktf import App


def main() -> None:
    """Read the environment files, define a stack for each, and write Terraform JSON."""
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
    app = App(context={ANNOTATIONS: False})
    for name, environment in environments.items():
        neighbours = environments.neighbours[name]
        EnvironmentStack(app, name=name, environment=environment, neighbours=neighbours)
    app.synth()
    for name, environment in environments.items():
        written = Path(app.outdir, "stacks", stack_id(name), "cdk.tf.json")
        print(f"{written}: {len(environment.repositories)} repositories")


if __name__ == "__main__":
    main()
