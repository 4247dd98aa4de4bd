"""Preview: which images lifecycle policies would delete, and which of them are in use."""

import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, NamedTuple, TypeVar

import click
from botocore.exceptions import ClientError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cli.aws import Aws, aws_errors, code_of
from cli.errors import InputError
from cli.images import images_of_files, live_images, read_text
from cli.in_use import Casualty, Use, casualties, live_uses, uses_of_text
from cli.policies import Rules, policy_of_file, policy_of_text
from cli.report import (
    Change,
    Found,
    JsonReport,
    MarkdownReport,
    Outcome,
    Report,
    TableReport,
    action_text,
    short,
)
from ecr_constructs import Decision, Image, InvalidValueError, preview_lifecycle_policy
from stacks import Environment

T = TypeVar("T")
R = TypeVar("R")

IN_USE_STATUS = 3
DEPLOYED = "deployed"
LIVE = "live"
# Repositories that are read at the same time, and so are in memory.
AHEAD = 4
# Lines of a report that is no longer than this stay in memory until all of it is known.
SPOOL = 16_000_000
# Where nobody looks at it, a table is as wide as it needs to be.
WIDE = 200


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked for; the options of the command, checked as far as they are on their own."""

    environment: Environment | None = None
    policies: Mapping[str, Rules] = field(default_factory=dict)
    """The repositories and their policies."""
    policy: Rules | None = None
    """The policy of every repository, whatever the environment says."""
    repositories: tuple[str, ...] = ()
    """The repositories that are asked for by name."""
    files: tuple[Path, ...] = ()
    """Where the images are, but for live."""
    region: str | None = None
    assume_role: bool = True
    at: datetime
    against: str | None = None
    keep_in_use: tuple[str, ...] = ()
    manifests: bool = False
    format: str = "table"
    verbose: bool = False


class _Repository(NamedTuple):
    """What is known of a repository before it is evaluated."""

    images: list[Image]
    rules: Rules
    before: Rules | None
    exists: bool = True


def preview(request: Request) -> int:
    """Write the report to standard output, and give the exit status."""
    aws = None
    live = request.against == DEPLOYED or LIVE in request.keep_in_use or not request.files
    if live:
        aws = Aws(request.environment, request.region, assume_role=request.assume_role)
    uses, elsewhere = _uses(request, aws)
    repositories = _repositories(request, aws)
    found: list[Found] = []
    lost: list[tuple[str, Casualty]] = []
    seen: set[Use] = set()
    with _whole_output() as out:
        report = _report(request, out)
        for name, repository in repositories:
            result, changes, gone, known = _evaluate(request, name, repository, uses)
            found.append(result)
            lost += ((name, casualty) for casualty in gone)
            seen |= known
            report.images(result, changes)
        report.end(found)
    for line in _use_lines(uses, seen, {one.repository_name for one in found}, elsewhere):
        click.echo(line, err=True)
    for name, casualty in lost:
        click.echo(_lost_line(name, casualty), err=True)
    return IN_USE_STATUS if lost else 0


def _evaluate(
    request: Request, name: str, repository: _Repository, uses: Sequence[Use]
) -> tuple[Found, Sequence[Change], list[Casualty], set[Use]]:
    decisions = _decide(name, repository.rules, repository.images, request.at)
    changes = [Change(decision) for decision in decisions]
    if repository.before is not None:
        before = _decide(name, repository.before, repository.images, request.at)
        pairs = zip(decisions, before, strict=True)
        changes = [Change(new, old) for new, old in pairs if new.action is not old.action]
    outcome = Outcome()
    for decision in decisions:
        outcome.count(decision)
    lost, known = casualties(uses, name, decisions)
    notes = tuple(_notes(request, repository, changes))
    return Found(name, repository.rules, outcome, notes), changes, lost, known


def _decide(name: str, rules: Rules, images: Sequence[Image], at: datetime) -> list[Decision]:
    try:
        return preview_lifecycle_policy(rules, images, at=at, since=min(at, datetime.now(UTC)))
    except InvalidValueError as error:
        raise InputError(f"{name}: {error}") from error


def _notes(request: Request, repository: _Repository, changes: Sequence[Change]) -> Iterator[str]:
    if not repository.exists:
        yield "it does not exist yet"
    lists = [image for image in repository.images if image.is_manifest_list]
    unread = [image for image in lists if not image.manifest_digests]
    if unread and repository.rules:
        yield (
            f"{len(unread):,} manifest lists are not read: ECR keeps the images that they refer to"
            " as long as they stay, whatever is said of those here; see --manifests"
        )
    if request.against is not None:
        yield f"{len(changes):,} images fare otherwise than by the policy that it is compared with"


def _report(request: Request, out: IO[str]) -> Report:
    if request.format == "json":
        return JsonReport(out)
    if request.format == "markdown":
        return MarkdownReport(out, verbose=request.verbose)
    listed = request.verbose or request.against is not None
    return TableReport(out, verbose=listed, width=None if sys.stdout.isatty() else WIDE)


@contextmanager
def _whole_output() -> Iterator[IO[str]]:
    """A file whose contents go to standard output at the end, and not where something fails."""
    with tempfile.SpooledTemporaryFile(SPOOL, mode="w+", encoding="utf-8") as out:
        yield out
        out.seek(0)
        for line in out:
            click.echo(line, nl=False)


def _repositories(request: Request, aws: Aws | None) -> Iterator[tuple[str, _Repository]]:
    """The repositories with their images, one after the other."""
    if request.files:
        only = request.repositories[0] if len(request.repositories) == 1 else ""
        held = images_of_files(request.files, only)
        names = _names_of_files(request, held)

        def read(name: str) -> list[Image] | None:
            return held.get(name, [])

    else:
        assert aws is not None  # noqa: S101
        ecr = aws.client("ecr")
        names = list(request.repositories or request.policies)

        def read(name: str) -> list[Image] | None:
            try:
                return live_images(ecr, name, manifests=request.manifests)
            except ClientError as error:
                # What the environment has and AWS has not is new.
                new = name in request.policies and name not in request.repositories
                if new and code_of(error) == "RepositoryNotFoundException":
                    return None
                raise

    def get(name: str) -> _Repository:
        images = read(name)
        rules = request.policies[name] if request.policy is None else request.policy
        exists = images is not None
        before = _before(request, aws, name) if exists else None
        return _Repository(images or [], rules, before, exists)

    with aws_errors():
        yield from _with_progress(names, get, live=not request.files)


def _names_of_files(request: Request, held: Mapping[str, Sequence[Image]]) -> list[str]:
    """The repositories to look at, where files hold the images."""
    if request.repositories:
        missing = [name for name in request.repositories if name not in held]
        if missing:
            raise InputError(
                "\n".join(f"--repository: no image of the files is in {name}" for name in missing)
            )
        return list(request.repositories)
    known = [name for name in held if request.policy is not None or name in request.policies]
    for name in held:
        if name not in known:
            click.echo(
                f"{name}: its images are left aside, the environment has no such one", err=True
            )
    if not known:
        raise InputError("the files hold no image of a repository that has a policy here")
    return known


def _before(request: Request, aws: Aws | None, name: str) -> Rules | None:
    """The policy that the other one is compared with."""
    if request.against is None:
        return None
    if request.against != DEPLOYED:
        return policy_of_file(Path(request.against))
    assert aws is not None  # noqa: S101
    try:
        answer = aws.client("ecr").get_lifecycle_policy(repositoryName=name)
    except ClientError as error:
        if code_of(error) == "LifecyclePolicyNotFoundException":
            return ()
        raise
    return policy_of_text(str(answer["lifecyclePolicyText"]), f"the deployed policy of {name}")


def _with_progress(
    names: Sequence[str], get: Callable[[str], _Repository], *, live: bool
) -> Iterator[tuple[str, _Repository]]:
    """Read some repositories ahead, and say how far it has come: on standard error."""
    console = Console(stderr=True)
    columns = (
        TextColumn("reading {task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not (live and console.is_terminal)
    ) as bar:
        task = bar.add_task("", total=len(names))
        for name, repository in _ahead(get, names):
            bar.update(task, advance=1, description=name)
            if live and not console.is_terminal and len(names) > 1:
                click.echo(f"{name}: {len(repository.images):,} images", err=True)
            yield name, repository


def _ahead(function: Callable[[T], R], items: Iterable[T]) -> Iterator[tuple[T, R]]:
    """The results of a function, in order, a few of them worked out ahead of time."""
    waiting: deque[tuple[T, Future[R]]] = deque()
    with ThreadPoolExecutor(AHEAD) as pool:
        try:
            for item in items:
                waiting.append((item, pool.submit(function, item)))
                if len(waiting) >= AHEAD:
                    first, future = waiting.popleft()
                    yield first, future.result()
            while waiting:
                first, future = waiting.popleft()
                yield first, future.result()
        finally:
            for _, future in waiting:
                future.cancel()


def _uses(request: Request, aws: Aws | None) -> tuple[list[Use], int]:
    """The images in use, and how many more are of other registries."""
    found: list[Use] = []
    for source in request.keep_in_use:
        if source == LIVE:
            assert aws is not None  # noqa: S101
            with aws_errors():
                found += live_uses(aws.client("ecs"), aws.client("lambda"))
        else:
            where = "standard input" if source == "-" else click.format_filename(source)
            found += uses_of_text(read_text(Path(source)), where)
    found = list(dict.fromkeys(found))
    home = request.environment.home if request.environment else None
    here = [use for use in found if use.is_of(home)]
    return here, len(found) - len(here)


def _use_lines(
    uses: Sequence[Use], seen: set[Use], names: set[str], elsewhere: int
) -> Iterator[str]:
    """What is to be said of images in use that no image here is."""
    for use in uses:
        if use in seen:
            continue
        if use.repository and use.repository not in names:
            elsewhere += 1
        else:
            yield f"{use.who}: {use.reference} is in use, and there is no such image"
    if elsewhere:
        yield f"{elsewhere} images in use are of other repositories than these"


def _lost_line(name: str, casualty: Casualty) -> str:
    decision, use = casualty.decision, casualty.use
    image = decision.image
    called = ", ".join(image.image_tags) or "untagged"
    done = "archived" if action_text(decision) == "transition" else "deleted"
    return (
        f"{name}: {called} ({short(image.image_digest)}) is in use by {use.who}, and would be"
        f" {done}: {decision.reason}"
    )
