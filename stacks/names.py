"""Names: how environments and repositories are called inside the app.

These are contract: a logical id that changes makes Terraform replace the repository, with its
images.
"""

import posixpath
import re
from collections.abc import Iterator

from ecr_constructs import Problem
from ecr_constructs.checks import TextForm
from ecr_constructs.registry import IN_LOWERCASE

ENVIRONMENT_NAME = TextForm(
    what="the name of an environment file",
    source="this app: it becomes a part of the stack's id and of the state's name",
    maximum=64,
    pattern=re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*"),
    form="lowercase letters and digits with single '-' between them, then '.yaml'",
    meant={
        **IN_LOWERCASE,
        r"(?=.*[ _.]|.*--)[a-z0-9]+(?:[ _.-]+[a-z0-9]+)*": "write one '-' between words",
    },
)


def environment_name_problems(name: str) -> Iterator[Problem]:
    """Check the name of an environment, which is the name of its file without `.yaml`."""
    return ENVIRONMENT_NAME.problems(name)


def stack_id(environment_name: str) -> str:
    """The id of an environment's stack."""
    return f"ecr-{environment_name}"


def construct_id(repository_name: str) -> str:
    """The id of a repository in its stack: readable, and another for every valid name.

    CDKTF writes the `/` of an id as `--`, which a repository name may hold, too. A run of dashes
    is written with dots between them, which no name holds. `backend` is the id that CDKTF gives
    to a stack's backend, and `constructor` one that JavaScript takes for there already. Terraform
    wants a letter or `_` first, so `_` goes before a digit.
    """
    if repository_name in ("backend", "constructor"):
        return f"{repository_name}."
    start = "_" if repository_name[:1].isdigit() else ""
    return start + re.sub(r"-(?=-)", "-.", repository_name).replace("/", "--")


def local_state_path(environment_name: str, written: str | None = None) -> str:
    """Where the state is, from the project's root.

    :param written: what the file says; by default it is named after the stack.
    """
    return posixpath.normpath(written or f"terraform.{stack_id(environment_name)}.tfstate")


def seen_from_stack(path: str) -> str:
    """A path from the project's root for Terraform, which runs in cdktf.out/stacks/<stack>."""
    return posixpath.join("../../..", path)


def state_key(environment_name: str) -> str:
    """What the state's object in a bucket is called by default."""
    return f"ecr/{environment_name}.tfstate"
