"""Upstream: a registry that ECR can cache."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from ecr_constructs.checks import Check, Choice, Problem, shown
from ecr_constructs.registry import REGIONS, Registry


class Upstream(NamedTuple):
    """A registry that ECR can cache."""

    host: str
    """Nothing where each customer has one of his own."""
    wants_credential: bool
    example: str
    """An image of it."""


# By short name.
UPSTREAMS = {
    "docker-hub": Upstream("registry-1.docker.io", True, "library/nginx:1.27"),
    "ecr-public": Upstream("public.ecr.aws", False, "docker/library/nginx:1.27"),
    "quay": Upstream("quay.io", False, "prometheus/prometheus:v3.0.0"),
    "kubernetes": Upstream("registry.k8s.io", False, "pause:3.10"),
    "github": Upstream("ghcr.io", True, "<owner>/<image>:<tag>"),
    "gitlab": Upstream("registry.gitlab.com", True, "<group>/<project>:<tag>"),
    "chainguard": Upstream("cgr.dev", True, "chainguard/static:latest"),
    "azure": Upstream("", True, "<image>:<tag>"),
    "ecr": Upstream("", False, "<repository>:<tag>"),
}
_HOSTS = {upstream.host: name for name, upstream in UPSTREAMS.items() if upstream.host}
_AZURE = re.compile(r"[a-zA-Z0-9]{5,50}\.azurecr\.io")
_ECR = re.compile(r"(?P<account>[0-9]{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com")

UPSTREAM = Choice(
    what="upstream_registry",
    source="ECR API, `UpstreamRegistry`",
    options=list(UPSTREAMS),
    others={
        **_HOSTS,
        "docker.io": "docker-hub",
        "docker": "docker-hub",
        "k8s": "kubernetes",
        "ghcr": "github",
        "public": "ecr-public",
        "acr": "azure",
    },
)
UPSTREAM_URL = Check(
    "upstream_registry_url must be the host of a registry that ECR can cache",
    "ECR user guide, pull through cache, supported upstreams",
    "leave 'https://' and paths out; by their names go " + ", ".join(UPSTREAMS),
)


def ecr_registry(host: str) -> Registry | None:
    """The private ECR registry that a host is of, if any."""
    found = _ECR.fullmatch(host)
    if found is None or found["region"] not in REGIONS:
        return None
    registry = Registry(account_id=found["account"], region=found["region"])
    return registry if registry.registry_uri == host else None


def upstream_of(host: str) -> str:
    """The short name of the upstream that a host is of; nothing for no upstream of ECR's."""
    if ecr_registry(host) is not None:
        return "ecr"
    return "azure" if _AZURE.fullmatch(host) else _HOSTS.get(host, "")


def upstream_url_problems(value: object) -> Iterator[Problem]:
    """Check that a URL is the host of one."""
    if not isinstance(value, str) or not upstream_of(value):
        yield UPSTREAM_URL.problem(shown(value))
