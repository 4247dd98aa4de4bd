"""Lifecycle: the commands about lifecycle policies."""

import os
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

from cli.errors import InputError, InputErrors

Command = TypeVar("Command", bound=Callable[..., object])

_AFTER = re.compile(r"\+([0-9]{1,5})d?")


class Moment(click.ParamType[datetime]):
    """A moment: ISO 8601, UTC where it names no offset, or days from now, as `+90d`."""

    name = "moment"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """The moment that a text means."""
        if isinstance(value, datetime):
            return value
        text = str(value)
        after = _AFTER.fullmatch(text)
        if after is not None:
            return datetime.now(UTC) + timedelta(days=int(after[1]))
        try:
            moment = datetime.fromisoformat(text)
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            self.fail(f"must be a date, a time or days from now (+90d), got {text!r}", param, ctx)


class File(click.Path):
    """The name of a file, or `-` for standard input."""

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str | bytes | os.PathLike[str]:
        """The file that a text names."""
        # Python takes an empty path for the working directory.
        if value == "":
            self.fail("must be the name of a file, got ''", param, ctx)
        return super().convert(value, param, ctx)


def _only(ctx: click.Context, param: click.Parameter, values: tuple[object, ...]) -> object:
    """The one value of an option; click alone would take the last of several."""
    if len(values) > 1:
        raise click.BadParameter(f"can be given once, got it {len(values)} times", ctx, param)
    return values[0] if values else None


def once(*names: str, **attributes: Any) -> Callable[[Command], Command]:
    """An option that can be given once."""
    return click.option(*names, **attributes, multiple=True, callback=_only)


_environment = once(
    "-e", "--environment", metavar="NAME", help="The environment whose policies these are."
)
_policy = once(
    "-p",
    "--policy",
    type=File(path_type=Path),
    metavar="FILE",
    help="A policy in AWS's JSON; '-' reads it.",
)
_repository = click.option(
    "-r", "--repository", "repositories", multiple=True, metavar="NAME",
    help="This repository alone; can be repeated.",
)  # fmt: skip


@click.group()
def lifecycle() -> None:
    """Say which images lifecycle policies delete, and why."""


@lifecycle.command(short_help="Say which images policies delete, and why.")
@_environment
@_policy
@_repository
@click.option(
    "-i", "--images", "files", type=File(path_type=Path), multiple=True, metavar="FILE",
    help="Read the images from what 'aws ecr describe-images --filter imageStatus=ANY' prints, and"
    " manifest lists from 'batch-get-image', instead of asking AWS; can be repeated.",
)  # fmt: skip
@once("--region", help="The Region to ask, where no environment says it.")
@click.option(
    "--no-assume-role", "as_caller", is_flag=True,
    help="Ask with the caller's own credentials, and not by the environment's role.",
)  # fmt: skip
@once(
    "--at", type=Moment(), metavar="WHEN",
    help="Another moment: 2027-02-01, 2027-02-01T09:00+09:00 (UTC without an offset), or +90d from"
    " now. Nobody is supposed to push or pull until then; of a moment in the past, images that are"
    " pushed later are left aside.",
)  # fmt: skip
@click.option(
    "--keep-in-use", type=File(), multiple=True, metavar="FILE|-|live",
    help="Images that must survive: digests or references, a line each, or what ECS and Lambda use"
    " now. Exit status 3 where one would go; can be repeated.",
)  # fmt: skip
@once(
    "--against", type=File(), metavar="FILE|deployed",
    help="Show only what changes from another policy: a file, or the one that is deployed.",
)  # fmt: skip
@click.option(
    "--manifests", is_flag=True,
    help="Read the manifests of images for several platforms too, for what they hold. ECR records"
    " each as a pull, from which rules about pulls count anew.",
)  # fmt: skip
@once(
    "-f", "--format", "form", type=click.Choice(["table", "json", "markdown"]), default=["table"],
    show_default=True, help="How the answer is written.",
)  # fmt: skip
@click.option("-v", "--verbose", is_flag=True, help="Show each image, with the reason.")
def preview(
    *,
    environment: str | None,
    policy: Path | None,
    repositories: tuple[str, ...],
    files: tuple[Path, ...],
    region: str | None,
    as_caller: bool,
    at: datetime | None,
    keep_in_use: tuple[str, ...],
    against: str | None,
    manifests: bool,
    form: str,
    verbose: bool,
) -> None:
    """Say which images the lifecycle policies delete or archive, and which of them are in use.

    The policies are those of an environment, or one in a file. Nothing is written to AWS.

    Exit status: 0; 2 for wrong input; 3 where an image that must survive would not.
    """
    # The library starts Node, which --help does not need.
    from cli.images import images_of_files  # noqa: PLC0415
    from cli.in_use import LIVE, uses_of_files  # noqa: PLC0415
    from cli.policies import (  # noqa: PLC0415
        DEPLOYED,
        checked_names,
        environment_called,
        policies_of,
        policy_of_file,
    )
    from cli.preview import Request, preview  # noqa: PLC0415

    if environment is None and policy is None:
        raise InputError("--environment or --policy is needed, got neither")
    if environment is None and not files and not repositories:
        raise InputError("--policy alone needs --repository or --images, got neither")
    if environment is not None and region is not None:
        raise InputError(f"--region goes without --environment, which says it, got {region!r}")
    asks = not files or against == DEPLOYED or LIVE in keep_in_use
    if region == "":
        raise InputError("--region must be a Region, got ''; leave it out for AWS_REGION")
    if region is not None and not asks:
        raise InputError(f"--region has no effect with --images, got {region!r}")
    if as_caller and (environment is None or not asks):
        raise InputError("--no-assume-role goes with --environment, where AWS is asked")
    if manifests and files:
        raise InputError(
            "--manifests has no effect with --images; give what 'batch-get-image' prints, too"
        )
    if verbose and form == "json":
        raise InputError("--verbose has no effect with --format json, which shows each image")
    _read_once(policy, *files, *keep_in_use, against)
    errors = InputErrors()
    if environment is None:
        repositories = errors.of(checked_names, repositories) or ()
    found = None if environment is None else errors.of(environment_called, environment)
    names = tuple(dict.fromkeys(repositories))
    only = names[0] if len(names) == 1 else ""
    listed = [source for source in dict.fromkeys(keep_in_use) if source != LIVE]
    request = Request(
        environment=found,
        policies=errors.of(policies_of, found, names) or {} if found else {},
        policy=None if policy is None else errors.of(policy_of_file, policy),
        repositories=names,
        images=errors.of(images_of_files, files, only) if files else None,
        region=region,
        assume_role=not as_caller,
        at=at or datetime.now(UTC),
        compares=against is not None,
        before=None if against in (None, DEPLOYED) else errors.of(policy_of_file, Path(against)),
        uses=errors.of(uses_of_files, listed) or (),
        uses_live=LIVE in keep_in_use,
        manifests=manifests,
        format=form,
        verbose=verbose,
    )
    errors.refuse()
    sys.exit(preview(request))


@lifecycle.command(short_help="Say in sentences what a policy does.")
@_environment
@_policy
@_repository
@once("--against", type=File(), metavar="FILE", help="Show what differs from another policy.")
def explain(
    *,
    environment: str | None,
    policy: Path | None,
    repositories: tuple[str, ...],
    against: str | None,
) -> None:
    """Say in plain sentences what a lifecycle policy does, and which of its rules are dead.

    The policy is that of an environment's repositories, or one in a file.
    """
    from cli.explain import explain  # noqa: PLC0415
    from cli.files import name_of  # noqa: PLC0415
    from cli.output import whole_output  # noqa: PLC0415
    from cli.policies import (  # noqa: PLC0415
        DEPLOYED,
        environment_called,
        policies_of,
        policy_of_file,
    )

    if (environment is None) == (policy is None):
        got = "both" if policy else "neither"
        raise InputError(f"either --environment or --policy is needed, got {got}")
    if policy is not None and repositories:
        raise InputError("--repository goes with --environment, got it with --policy")
    if against == DEPLOYED:
        raise InputError(
            "--against must be a file here, got 'deployed', which goes with 'ecr lifecycle preview'"
        )
    _read_once(policy, against)
    errors = InputErrors()
    if policy is not None:
        rules = errors.of(policy_of_file, policy)
        named = {name_of(policy): rules or ()}
    else:
        found = errors.of(environment_called, str(environment))
        named = dict(errors.of(policies_of, found, repositories) or {}) if found else {}
    before = None if against is None else errors.of(policy_of_file, Path(against))
    errors.refuse()
    with whole_output() as out:
        explain(named, before, out)


def _read_once(*files: object) -> None:
    if [str(file) for file in files].count("-") > 1:
        raise InputError("standard input ('-') can be read once")
