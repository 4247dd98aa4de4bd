"""Preview: which images lifecycle policies would delete, and which of them are in use."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import IO, NamedTuple

from botocore.exceptions import ClientError

from cli.ahead import ahead
from cli.aws import Aws, aws_errors, code_of
from cli.counts import counted
from cli.errors import InputError
from cli.images import live_images
from cli.in_use import Use, live_uses, used
from cli.markdown import MarkdownReport
from cli.objects import JsonReport
from cli.outcome import Change, Found, Outcome
from cli.output import tell, whole_output
from cli.policies import Rules, policy_of_text
from cli.progress import Progress
from cli.report import Report
from cli.table import TableReport
from ecr_constructs import Because, Decision, Image, InvalidValueError, preview_lifecycle_policy
from stacks import Environment

IN_USE_STATUS = 3
# Where nobody looks at it, a table is as wide as it needs to be.
WIDE = 100_000
# Names that a line tells at most.
MOST_NAMED = 5


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
    images: Mapping[str, Sequence[Image]] | None = None
    """The images of files by repository; else AWS is asked."""
    region: str | None = None
    assume_role: bool = True
    at: datetime
    compares: bool = False
    """Whether only what changes from another policy is asked for."""
    before: Rules | None = None
    """That policy; else it is the one that is deployed."""
    uses: Sequence[Use] = ()
    """The images that files say are in use."""
    uses_live: bool = False
    """Whether what ECS and Lambda use is, too."""
    manifests: bool = False
    format: str = "table"
    verbose: bool = False

    @property
    def against_deployed(self) -> bool:
        """Whether the policies that are deployed are what the others are compared with."""
        return self.compares and self.before is None

    @property
    def asks(self) -> bool:
        """Whether AWS is asked for anything."""
        return self.against_deployed or self.uses_live or self.images is None


class _Repository(NamedTuple):
    """What is known of a repository before it is evaluated."""

    images: Sequence[Image]
    rules: Rules
    before: Rules | None
    exists: bool = True


def preview(request: Request) -> int:
    """Write the report to standard output, and give the exit status."""
    aws = None
    if request.asks:
        aws = Aws(request.environment, request.region, assume_role=request.assume_role)
    found: list[Found] = []
    seen: set[Use] = set()
    with whole_output() as out, Progress(asks=aws is not None) as progress:
        uses, elsewhere = _uses(request, aws, progress)
        report = _report(request, out)
        for name, repository in _repositories(request, aws, progress):
            result, changes, known = _evaluate(request, name, repository, uses)
            found.append(result)
            seen |= known
            report.images(result, changes)
        report.end(found)
    for line in _use_lines(uses, seen, {one.repository_name for one in found}, elsewhere):
        tell(line)
    for line in (line for one in found for line in one.lost_lines):
        tell(line)
    return IN_USE_STATUS if any(one.lost for one in found) else 0


def _evaluate(
    request: Request, name: str, repository: _Repository, uses: Sequence[Use]
) -> tuple[Found, Sequence[Change], set[Use]]:
    decisions = _decide(name, repository.rules, repository.images, request.at)
    in_use = used(uses, name, decisions)
    who: dict[str, tuple[str, ...]] = {}
    for use, decision in in_use:
        digest = decision.image.image_digest
        who[digest] = tuple(dict.fromkeys((*who.get(digest, ()), use.who)))
    before: Sequence[Decision | None] = [None] * len(decisions)
    compared = repository.before is not None
    if repository.before is not None:
        before = _decide(name, repository.before, repository.images, request.at)
    there = [
        Change(decision, old, who.get(decision.image.image_digest, ()))
        for decision, old in zip(decisions, before, strict=True)
        if decision.because is not Because.NOT_YET
    ]
    outcome = Outcome()
    for change in there:
        outcome.count(change.decision)
    differing = sum(change.differs for change in there)
    changes = [c for c in there if c.differs or c.loses] if compared else there
    found = Found(
        name,
        repository.rules,
        outcome,
        tuple(_notes(request, repository, len(decisions) - len(there), differing)),
        lost=tuple(one for one in in_use if one.decision.action is not None),
        as_before=compared and not differing,
    )
    return found, changes, {one.use for one in in_use}


def _decide(name: str, rules: Rules, images: Sequence[Image], at: datetime) -> list[Decision]:
    try:
        return preview_lifecycle_policy(rules, images, at=at, since=min(at, datetime.now(UTC)))
    except InvalidValueError as error:
        raise InputError(f"{name}: {error}") from error


def _notes(request: Request, repository: _Repository, later: int, differing: int) -> Iterator[str]:
    if not repository.exists:
        yield "it does not exist yet"
    if later:
        pushed = counted(later, "image is", "images are")
        when = request.at.replace(tzinfo=None).isoformat(" ", "minutes")
        yield f"{pushed} pushed after {when} UTC, and left aside"
    unread = [i for i in repository.images if i.is_manifest_list and not i.manifest_digests]
    if unread and repository.rules:
        lists = counted(len(unread), "manifest list is", "manifest lists are")
        yield (
            f"{lists} not read: ECR keeps the images that a list refers to as long as the list"
            " stays, whatever is said of those here; see --manifests"
        )
    if differing:
        fare = counted(differing, "image fares", "images fare")
        yield f"{fare} otherwise than by the other policy"


def _report(request: Request, out: IO[str]) -> Report:
    if request.format == "json":
        return JsonReport(out)
    if request.format == "markdown":
        return MarkdownReport(out, verbose=request.verbose)
    listed = request.verbose or request.compares
    terminal = sys.stdout is not None and sys.stdout.isatty()
    return TableReport(out, verbose=listed, width=None if terminal else WIDE)


def _repositories(
    request: Request, aws: Aws | None, progress: Progress
) -> Iterator[tuple[str, _Repository]]:
    """The repositories with their images, one after the other."""
    if request.images is not None:
        held = request.images
        names = _names_of_files(request, held)

        def read(name: str) -> Sequence[Image] | None:
            return held.get(name, [])

    else:
        assert aws is not None  # noqa: S101
        ecr = aws.client("ecr")
        names = list(request.repositories or request.policies)

        def read(name: str) -> Sequence[Image] | None:
            progress.at(name)
            try:
                return live_images(ecr, name, manifests=request.manifests, progress=progress.at)
            except ClientError as error:
                # What the environment has and AWS has not is new.
                new = name in request.policies and name not in request.repositories
                if new and code_of(error) == "RepositoryNotFoundException":
                    return None
                raise

    def get(name: str) -> _Repository:
        images = read(name)
        rules = request.policies[name] if request.policy is None else request.policy
        if images is None:
            return _Repository([], rules, None, exists=False)
        before = _deployed(aws, name) if request.against_deployed else request.before
        return _Repository(images, rules, before)

    progress.expect(len(names))
    with aws_errors():
        for name, repository in ahead(get, names):
            progress.done(f"{name}: {counted(len(repository.images), 'image')}")
            yield name, repository


def _names_of_files(request: Request, held: Mapping[str, Sequence[Image]]) -> list[str]:
    """The repositories to look at, where files hold the images."""
    names = list(request.repositories)
    missing = [name for name in names if name not in held]
    # What the AWS CLI prints of an empty repository does not say which one it is.
    if missing and (held or len(names) > 1):
        raise InputError(
            "\n".join(f"--repository: no image of the files is in {name}" for name in missing)
        )
    if names:
        return names
    known = [name for name in held if request.policy is not None or name in request.policies]
    for name in held:
        if name not in known:
            tell(f"{name}: its images are left aside, the environment has no such one")
    if held and not known:
        raise InputError("the files hold no image of a repository that has a policy here")
    if not held:
        tell("the files hold no image")
    absent = [name for name in request.policies if name not in held]
    if absent:
        tell(f"repositories of which the files hold no image, and left aside: {_few(absent)}")
    return known


def _few(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def _deployed(aws: Aws | None, name: str) -> Rules:
    """The policy that a repository has now."""
    assert aws is not None  # noqa: S101
    try:
        answer = aws.client("ecr").get_lifecycle_policy(repositoryName=name)
    except ClientError as error:
        if code_of(error) == "LifecyclePolicyNotFoundException":
            return ()
        raise
    return policy_of_text(str(answer["lifecyclePolicyText"]), f"the deployed policy of {name}")


def _uses(request: Request, aws: Aws | None, progress: Progress) -> tuple[list[Use], int]:
    """The images in use, and how many more are of other registries."""
    live: list[Use] = []
    if request.uses_live:
        assert aws is not None  # noqa: S101
        with aws_errors():
            live += live_uses(aws.client("ecs"), aws.client("lambda"), progress.at)
        told = counted(len(live), "image in use", "images in use")
        progress.done(f"ECS and Lambda: {told}")
    found = list(dict.fromkeys((*request.uses, *live)))
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
        others = counted(elsewhere, "image in use is", "images in use are")
        yield f"{others} of other repositories than these"
