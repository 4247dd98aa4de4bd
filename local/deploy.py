"""Deploy: one environment to an AWS API on this machine, with the real CDKTF CLI, and destroy it.

Shows a newcomer a real deploy without an AWS account. Nothing of it outlives the command.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from local.aws import LocalAws, local_aws
from local.environments import copy_environments
from local.terraform import missing_programs, terraform_environ
from stacks import Environment, InvalidEnvironmentsError, load_environments
from stacks.names import stack_id

# Nobody is asked, and no registry is asked for the checksums of other platforms.
CONFIRMED = ("--auto-approve", "--skip-provider-lock")
PROJECT = Path(__file__).parent.parent


def cdktf(command: str, stack: str, *, out: Path, environ: dict[str, str]) -> None:
    """Run a command of the CDKTF CLI on one stack, its output shown as it comes.

    :param out: where it synthesizes to; the local state is kept in the folder above.
    :raises subprocess.CalledProcessError: where it fails.
    """
    pipenv = PROJECT / ".pipenv" / "bin"
    subprocess.run(
        ["npx", "cdktf", command, stack, *CONFIRMED, "--output", str(out)],
        cwd=PROJECT,
        env={**environ, "PATH": f"{pipenv}{os.pathsep}{environ['PATH']}"},
        check=True,
    )


def main() -> None:
    """Start the API, deploy, show what AWS reports, destroy, end the API."""
    parser = argparse.ArgumentParser(
        prog="make deploy-local ENV=<environment>",
        description="Deploy an environment to an AWS API on this machine, and destroy it.",
    )
    parser.add_argument("environment", nargs="?", default="dev")
    name = parser.parse_args().environment
    missing = missing_programs("terraform", "npx")
    if missing:
        sys.exit(f"{' and '.join(missing)} must be on the PATH")
    directory = Path(os.environ.get("ECR_ENVIRONMENTS", PROJECT / "environments"))
    try:
        environments = load_environments(directory)
    except InvalidEnvironmentsError as error:
        sys.exit(str(error))
    if name not in environments:
        sys.exit(f"environment must be one of {', '.join(environments)}, got {name!r}")
    environment = environments[name]
    with local_aws() as aws, tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "cdktf.out")
        copies = Path(folder, "environments")
        copy_environments(directory, copies, protected=False)
        environ = terraform_environ(
            {**aws.environ, **aws.credentials(environment.account)}, Path(folder)
        )
        environ["ECR_ENVIRONMENTS"] = str(copies)
        print(f"AWS's API is at {aws.endpoint}; deploying {stack_id(name)} to it")
        print("its state is in a temporary folder, and prevent_destroy is lifted")
        try:
            cdktf("deploy", stack_id(name), out=out, environ=environ)
            show(aws, environment)
            cdktf("destroy", stack_id(name), out=out, environ=environ)
            show(aws, environment)
        except subprocess.CalledProcessError as error:
            sys.exit(f"{' '.join(error.cmd[:3])} failed with status {error.returncode}")


def show(aws: LocalAws, environment: Environment) -> None:
    """Print the repositories of an environment as AWS reports them."""
    client = aws.client("ecr", account=environment.account, region=environment.region)
    pages = client.get_paginator("describe_repositories").paginate()
    repositories = [repository for page in pages for repository in page["repositories"]]
    print(f"\nAWS reports {len(repositories)} repositories in account {environment.account}:")
    for repository in sorted(repositories, key=lambda r: str(r["repositoryName"])):
        scan = "scanned on push" if repository["imageScanningConfiguration"]["scanOnPush"] else ""
        print(
            f"  {repository['repositoryUri']}  {repository['imageTagMutability']}"
            f"  {repository['encryptionConfiguration']['encryptionType']}  {scan}"
        )
    print()


if __name__ == "__main__":
    main()
