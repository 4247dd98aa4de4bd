"""Backend: where Terraform keeps the state of an environment."""

import posixpath
import re
from collections.abc import Iterator
from typing import Annotated

from ecr_constructs import Problem
from ecr_constructs.checks import PRINTABLE, Check, TextForm, shown, wrong_type
from ecr_constructs.encryption import KEY_ARN
from stacks.assume_role import AssumeRole
from stacks.section import Region, Section, checked, of_form

_S3 = "S3 user guide, bucket naming rules and object key names"
BUCKET = TextForm(
    what="bucket",
    source=_S3,
    minimum=3,
    maximum=63,
    pattern=re.compile(
        r"(?!(?:[0-9]+\.){3}[0-9]+$|xn--|sthree-|amzn-s3-demo-)"
        r"(?!.*(?:-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$)"
        r"[a-z0-9](?:[a-z0-9-]|\.(?!\.))*[a-z0-9]"
    ),
    form="lowercase letters, digits, '-' and single '.', must start and end with a letter or digit,"
    " must not be an IP address, and must not have a prefix or suffix that S3 reserves",
    meant={r"(?:s3://|arn:aws[a-z-]*:s3:::)([a-z0-9.-]{3,63})(?:/.*)?": r"write '\1'"},
)
OBJECT_KEY = TextForm(
    what="key",
    source="Terraform, S3 backend",
    pattern=re.compile(r"(?!/)(?!.*//)(?!.*/$)" + PRINTABLE.pattern),
    form="text without control characters, without '//', and must not start or end with '/'",
)
OBJECT_KEY_BYTES = Check("key must be at most 1024 bytes", _S3)
STATE_PATH = TextForm(what="path", source="POSIX, the longest path of a file", maximum=4096)
STATE_IN_OUTPUT = Check(
    "path must not be in cdktf.out, where the state would be deleted",
    "CDKTF: a synth deletes what was written for stacks that are gone",
    "write a path from the project's root",
)
ONE_BACKEND = Check("a backend is 'local' or 's3'", "Terraform language: a stack has one backend")


def _state_path_problems(path: str) -> Iterator[Problem]:
    if posixpath.normpath(path).split("/")[0] == "cdktf.out":
        yield STATE_IN_OUTPUT.problem(shown(path))


class LocalBackend(Section):
    """State in a file on this machine."""

    path: Annotated[str, of_form(STATE_PATH), checked(_state_path_problems)] | None = None
    """Where, from the project's root; by default terraform.ecr-<environment>.tfstate."""


def _object_key_problems(key: str) -> Iterator[Problem]:
    length = len(key.encode())
    if length > 1024:
        yield OBJECT_KEY_BYTES.problem(f"{shown(key)} ({length})")


class S3Backend(Section):
    """State in an S3 bucket, encrypted, and locked by a file beside it (Terraform 1.10)."""

    bucket: Annotated[str, of_form(BUCKET)]
    """The bucket's name."""
    region: Region
    """The bucket's Region."""
    key: Annotated[str, of_form(OBJECT_KEY), checked(_object_key_problems)] | None = None
    """The object's key; by default ecr/<environment>.tfstate."""
    kms_key_id: Annotated[str, of_form(KEY_ARN, "kms_key_id")] | None = None
    """The ARN of the KMS key that encrypts the state; by default the bucket's."""
    assume_role: AssumeRole | None = None
    """The role that reads and writes the state; by default the caller's credentials do."""


class Backend(Section):
    """Where Terraform keeps the state: local by default."""

    local: LocalBackend | None = None
    """State in a file on this machine."""
    s3: S3Backend | None = None
    """State in an S3 bucket."""


def backend_problems(backend: Backend) -> Iterator[Problem]:
    """Check that the state is in one place."""
    given = sorted(backend.model_fields_set)
    if len(given) > 1:
        yield ONE_BACKEND.problem("both")
    for name in given:
        if getattr(backend, name) is None:
            yield wrong_type(name, "a mapping", None)
