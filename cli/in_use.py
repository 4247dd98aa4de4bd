"""In use: the images that must survive, by files or as ECS and Lambda name them."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from cli.ahead import ahead
from cli.errors import InputError, InputErrors
from cli.files import name_of, read_text
from ecr_constructs import Decision, Image, Registry
from ecr_constructs.checks import shown

# In place of a file: what ECS and Lambda use now.
LIVE = "live"
# ECR's address of a repository: account and Region, or nothing for another registry.
_REFERENCE = re.compile(
    r"(?:(?P<account>[0-9]{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.[a-z0-9.-]+/"
    r"|(?P<host>(?:[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)+|localhost)/"
    r"|(?:[a-zA-Z0-9.-]+|\[[0-9a-fA-F:]+\]):[0-9]+/))?"
    r"(?P<repository>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,299}))?"
    r"(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
# How many lines of a file are told that name no image; more of them are another file's.
MOST_TOLD = 20
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class Use(NamedTuple):
    """An image that somebody uses."""

    who: str
    """Who does: the line of a file, a task definition, a function."""
    reference: str
    """The image as it is named there."""
    account: str = ""
    region: str = ""
    """Of its registry, where that is told."""
    repository: str = ""
    """Its repository; nothing where only the digest is told."""
    tag: str = ""
    digest: str = ""
    """By which of the two it is named; a digest is what counts."""
    elsewhere: bool = False
    """Whether it is of a registry that is not ECR."""

    def is_of(self, registry: Registry | None) -> bool:
        """Whether its image may be in a registry; one that is not known may be any of ECR."""
        if self.elsewhere:
            return False
        if registry is None or not self.account:
            return True
        return (self.account, self.region) == (registry.account_id, registry.region)

    def names(self, image: Image) -> bool:
        """Whether it is this image, of its repository."""
        if self.digest:
            return self.digest == image.image_digest
        return self.tag in image.image_tags


def use_of(reference: str, who: str) -> Use | None:
    """The use that a reference tells of: `[registry/]repository[:tag][@digest]`, or a digest."""
    if _DIGEST.fullmatch(reference):
        return Use(who, reference, digest=reference)
    # A digest of which a part is missing would be the tag of a repository called sha256.
    parts = None if reference.startswith("sha256:") else _REFERENCE.fullmatch(reference)
    if parts is None:
        return None
    found = {key: value or "" for key, value in parts.groupdict().items()}
    tag = found["tag"] if found["tag"] or found["digest"] else "latest"
    return Use(
        who,
        reference,
        account=found["account"],
        region=found["region"],
        repository=found["repository"],
        tag=tag,
        digest=found["digest"],
        elsewhere=bool(found["host"]),
    )


def uses_of_text(text: str, where: str) -> list[Use]:
    """The uses that lines tell of; empty lines and what follows a `#` are left aside.

    :raises InputError: for lines that name no image, a line each.
    """
    problems, found = [], []
    for number, line in enumerate(text.splitlines(), 1):
        reference = line.split("#")[0].strip()
        if not reference:
            continue
        use = use_of(reference, f"{where}:{number}")
        # A word alone can be a tag as well as a repository.
        if use is None or (use.repository == reference and not use.account):
            problems.append(
                f"{where}:{number}: an image in use must be a digest (sha256:...) or a reference"
                f" with its tag ([registry/]repository:tag), got {shown(reference)}"
            )
        else:
            found.append(use)
    if len(problems) > MOST_TOLD:
        more = len(problems) - MOST_TOLD
        problems[MOST_TOLD:] = [f"{where}: {more} more lines name no image"]
    if not (problems or found):
        problems.append(f"{where}: images in use must be at least one, got none")
    if problems:
        raise InputError("\n".join(problems))
    return found


def uses_of_files(files: Iterable[str]) -> list[Use]:
    """The same of files, or of standard input for `-`.

    :raises InputError: where they cannot be read, or name no images.
    """
    errors = InputErrors()
    found: list[Use] = []
    for file in files:
        text = errors.of(read_text, Path(file))
        if text is not None:
            found += errors.of(uses_of_text, text, name_of(file)) or []
    errors.refuse()
    return found


def live_uses(ecs: Any, lambda_: Any, progress: Callable[[str], None]) -> Iterator[Use]:
    """What ECS runs or may start, and what Lambda does.

    Of ECS: what tasks run, the task definitions of services, and the newest revision of each
    family, which whatever starts tasks by the family's name takes. Of Lambda: every version.

    :param progress: told what is read.
    """
    clusters = _pages(ecs, "list_clusters", "clusterArns")
    for cluster in clusters:
        progress(f"tasks of {_last(cluster)}")
        yield from _running(ecs, cluster)
    yield from _defined(ecs, clusters, progress)
    functions = [
        function
        for function in _pages(lambda_, "list_functions", "Functions", FunctionVersion="ALL")
        if function.get("PackageType") == "Image"
    ]
    for function, uses in ahead(partial(_of_function, lambda_), functions):
        progress(f"function {function['FunctionName']}")
        yield from uses


def _pages(client: Any, operation: str, key: str, **arguments: Any) -> list[Any]:
    """All that an operation lists."""
    return [
        item for page in client.get_paginator(operation).paginate(**arguments) for item in page[key]
    ]


def _last(arn: str) -> str:
    return arn.rsplit("/", 1)[-1]


def _use(reference: str | None, who: str) -> Iterator[Use]:
    """The use that AWS tells of; what is no image of ECR's form is of another registry."""
    if reference:
        yield use_of(reference, who) or Use(who, reference, elsewhere=True)


def _running(ecs: Any, cluster: str) -> Iterator[Use]:
    """What the tasks of a cluster run."""
    for page in ecs.get_paginator("list_tasks").paginate(cluster=cluster):
        if not page["taskArns"]:
            continue
        for task in ecs.describe_tasks(cluster=cluster, tasks=page["taskArns"])["tasks"]:
            for container in task.get("containers", ()):
                image, digest = container.get("image"), container.get("imageDigest")
                named = image and digest and "@" not in image
                reference = f"{image}@{digest}" if named else image or digest
                yield from _use(reference, f"task {_last(task['taskArn'])}")


def _defined(ecs: Any, clusters: Sequence[str], progress: Callable[[str], None]) -> Iterator[Use]:
    """What task definitions name: the newest ones, and those of services. Each is read once."""

    def read(name: str) -> Mapping[str, Any]:
        told: Mapping[str, Any] = ecs.describe_task_definition(taskDefinition=name)[
            "taskDefinition"
        ]
        return told

    families = _pages(ecs, "list_task_definition_families", "families", status="ACTIVE")
    newest = {told["taskDefinitionArn"]: told for _, told in ahead(read, families)}
    rest = sorted(
        {arn for cluster in clusters for arn in _of_services(ecs, cluster)} - newest.keys()
    )
    for _, told in (*newest.items(), *ahead(read, rest)):
        name = f"task definition {told['family']}:{told['revision']}"
        progress(name)
        for container in told["containerDefinitions"]:
            yield from _use(container.get("image"), name)


def _of_services(ecs: Any, cluster: str) -> Iterator[str]:
    """The task definitions of a cluster's services, by their ARNs.

    A service that CodeDeploy or something else deploys has none of its own, but task sets.
    """
    pages = ecs.get_paginator("list_services").paginate(
        cluster=cluster, PaginationConfig={"PageSize": 10}
    )
    for page in pages:
        if not page["serviceArns"]:
            continue
        found = ecs.describe_services(cluster=cluster, services=page["serviceArns"])
        for service in found["services"]:
            for part in (service, *service.get("deployments", ()), *service.get("taskSets", ())):
                if part.get("taskDefinition"):
                    yield part["taskDefinition"]


def _of_function(lambda_: Any, function: Mapping[str, Any]) -> list[Use]:
    name, version = function["FunctionName"], function.get("Version", "$LATEST")
    code = lambda_.get_function(FunctionName=name, Qualifier=version).get("Code", {})
    # The tag may have moved since; the function stays with the image that it was made of.
    reference = code.get("ResolvedImageUri") or code.get("ImageUri")
    return list(_use(reference, f"function {name}:{version}"))


class Used(NamedTuple):
    """An image, and who uses it."""

    use: Use
    decision: Decision


def used(uses: Sequence[Use], repository_name: str, decisions: Iterable[Decision]) -> list[Used]:
    """The images in use of a repository, in the order of the uses."""
    here = [use for use in uses if not use.repository or use.repository == repository_name]
    names = {use.digest or use.tag for use in here}
    by_name: dict[str, list[Decision]] = {}
    for decision in decisions if names else ():
        for name in names.intersection((decision.image.image_digest, *decision.image.image_tags)):
            by_name.setdefault(name, []).append(decision)
    return [
        Used(use, decision)
        for use in here
        for decision in by_name.get(use.digest or use.tag, ())
        if use.names(decision.image)
    ]
