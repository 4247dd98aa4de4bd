"""The app: every environment file becomes one Terraform stack."""

import os
import sys
from pathlib import Path

# First: it makes importing cdktf and the AWS bindings fast.
from stacks import EnvironmentStack, InvalidEnvironmentsError, load_environments, stack_id

# isort: split
from cdktf import App


def main() -> None:
    """Read the environment files, define a stack for each, and write Terraform JSON."""
    directory = Path(os.environ.get("ECR_ENVIRONMENTS", "environments"))
    try:
        environments = load_environments(directory)
    except InvalidEnvironmentsError as error:
        sys.exit(str(error))
    for warning in environments.warnings:
        print(warning, file=sys.stderr)
    app = App()
    for name, environment in environments.items():
        EnvironmentStack(app, name=name, environment=environment)
    app.synth()
    for name, environment in environments.items():
        written = Path(app.outdir, "stacks", stack_id(name), "cdk.tf.json")
        print(f"{written}: {len(environment.repositories)} repositories")


if __name__ == "__main__":
    main()
