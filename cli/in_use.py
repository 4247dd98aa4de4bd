"""In use: the images that must survive, by files or as ECS and Lambda name them."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from cli.errors import InputError
from ecr_constructs import Decision, Image, Registry
from ecr_constructs.checks import shown

# ECR's address of a repository: account and Region, or nothing for another registry.
_REFERENCE = re.compile(
    r"(?:(?P<account>[0-9]{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.[a-z0-9.-]+/"
    r"|(?P<host>[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)+(?::[0-9]+)?/|localhost(?::[0-9]+)?/))?"
    r"(?P<repository>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,299}))?"
    r"(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
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
    parts = _REFERENCE.fullmatch(reference)
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
        if use is None:
            problems.append(
                f"{where}:{number}: an image in use must be a digest (sha256:...) or a reference"
                f" ([registry/]repository:tag), got {shown(reference)}"
            )
        else:
            found.append(use)
    if problems:
        raise InputError("\n".join(problems))
    return found


def live_uses(ecs: Any, lambda_: Any) -> Iterator[Use]:
    """What ECS runs or may start, and what Lambda does.

    Of ECS: what tasks run, the task definitions of services, and the newest revision of each
    family, which whatever starts tasks by the family's name takes. Of Lambda: every version.
    """
    yield from _running(ecs)
    for definition in sorted({*_newest(ecs), *_of_services(ecs)}):
        told = ecs.describe_task_definition(taskDefinition=definition)["taskDefinition"]
        name = f"task definition {told['family']}:{told['revision']}"
        for container in told["containerDefinitions"]:
            yield from _use(container.get("image"), name)
    pages = lambda_.get_paginator("list_functions").paginate(FunctionVersion="ALL")
    for page in pages:
        for function in page["Functions"]:
            if function.get("PackageType") == "Image":
                yield from _of_function(lambda_, function)


def _use(reference: str | None, who: str) -> Iterator[Use]:
    """The use that AWS tells of; what is no image of ECR's form is of another registry."""
    if reference:
        yield use_of(reference, who) or Use(who, reference, elsewhere=True)


def _running(ecs: Any) -> Iterator[Use]:
    for cluster in _clusters(ecs):
        for page in ecs.get_paginator("list_tasks").paginate(cluster=cluster):
            if not page["taskArns"]:
                continue
            for task in ecs.describe_tasks(cluster=cluster, tasks=page["taskArns"])["tasks"]:
                name = f"task {task['taskArn'].rsplit('/', 1)[-1]}"
                for container in task.get("containers", ()):
                    image, digest = container.get("image"), container.get("imageDigest")
                    named = image and digest and "@" not in image
                    yield from _use(f"{image}@{digest}" if named else image or digest, name)


def _of_services(ecs: Any) -> Iterator[str]:
    for cluster in _clusters(ecs):
        pages = ecs.get_paginator("list_services").paginate(
            cluster=cluster, PaginationConfig={"PageSize": 10}
        )
        for page in pages:
            if not page["serviceArns"]:
                continue
            found = ecs.describe_services(cluster=cluster, services=page["serviceArns"])
            for service in found["services"]:
                yield service["taskDefinition"]
                yield from (d["taskDefinition"] for d in service.get("deployments", ()))


def _clusters(ecs: Any) -> list[str]:
    return [
        arn for page in ecs.get_paginator("list_clusters").paginate() for arn in page["clusterArns"]
    ]


def _newest(ecs: Any) -> Iterator[str]:
    """The newest active revision of each family."""
    pages = ecs.get_paginator("list_task_definition_families").paginate(status="ACTIVE")
    for page in pages:
        for family in page["families"]:
            told = ecs.describe_task_definition(taskDefinition=family)["taskDefinition"]
            yield told["taskDefinitionArn"]


def _of_function(lambda_: Any, function: Mapping[str, Any]) -> Iterator[Use]:
    name, version = function["FunctionName"], function.get("Version", "$LATEST")
    code = lambda_.get_function(FunctionName=name, Qualifier=version).get("Code", {})
    # The tag may have moved since; the function stays with the image that it was made of.
    yield from _use(
        code.get("ResolvedImageUri") or code.get("ImageUri"), f"function {name}:{version}"
    )


class Casualty(NamedTuple):
    """An image in use that would go."""

    use: Use
    decision: Decision


def casualties(
    uses: Sequence[Use], repository_name: str, decisions: Iterable[Decision]
) -> tuple[list[Casualty], set[Use]]:
    """The images in use of a repository that would go, and the uses whose image is there."""
    mine = [use for use in uses if not use.repository or use.repository == repository_name]
    if not mine:
        return [], set()
    by_name: dict[str, list[Use]] = {}
    for use in mine:
        by_name.setdefault(use.digest or use.tag, []).append(use)
    lost, found = [], set()
    for decision in decisions:
        for name in (decision.image.image_digest, *decision.image.image_tags):
            for use in by_name.get(name, ()):
                if use.names(decision.image):
                    found.add(use)
                    if decision.action is not None:
                        lost.append(Casualty(use, decision))
    return lost, found
