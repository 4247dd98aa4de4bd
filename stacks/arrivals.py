"""Arrivals: what environments replicate to a registry, and what is known of its sources."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice, takewhile

from ecr_constructs import (
    AppliedFor,
    Registry,
    ReplicationRule,
    RepositoryCreationTemplateSettings,
    TagMutability,
    template_prefix_of,
)
from ecr_constructs.image_settings import ImageSettings
from ecr_constructs.registry import ROOT
from stacks.environment import Environment

# What ECR gives a repository that no template is about.
NO_TEMPLATE = RepositoryCreationTemplateSettings(
    applied_for=(AppliedFor.REPLICATION,), image_tag_mutability=TagMutability.MUTABLE
)


@dataclass(frozen=True, kw_only=True)
class Source:
    """A repository that is replicated, or a namespace in which ECR itself makes some."""

    name: str
    """The name of the repository, or of the namespace, with a `/` at its end; nothing for
    everything that is in no other."""
    environment: str
    """The environment that defines it."""
    settings: ImageSettings
    tags: Mapping[str, str] = field(hash=False)
    """Its tags, with those of its environment."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What a registry replicates from, as far as its environments know."""

    repositories: tuple[Source, ...]
    """Those that the environments define."""
    namespaces: tuple[Source, ...]
    """Where ECR itself makes some, on push or by a cache rule."""

    def made_in(self, namespace: str) -> tuple[Source, ...]:
        """What ECR itself makes in a namespace: as the longest one says that it is in."""
        around = [source for source in self.namespaces if namespace.startswith(source.name)]
        longest = max((len(source.name) for source in around), default=0)
        return tuple(replace(s, name=namespace) for s in around if len(s.name) == longest)

    def selected(self, prefix: str) -> tuple[Source, ...]:
        """What there is whose names start with a prefix."""
        first = bisect_left(self._by_name, prefix, key=lambda source: source.name)
        rest = islice(self._by_name, first, None)
        return tuple(takewhile(lambda source: source.name.startswith(prefix), rest))

    @cached_property
    def _by_name(self) -> list[Source]:
        return sorted((*self.repositories, *self.namespaces), key=lambda source: source.name)

    def without(self, names: Collection[str]) -> "Origin":
        """It without repositories of these names."""
        kept = tuple(source for source in self.repositories if source.name not in names)
        return replace(self, repositories=kept)


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """A prefix that is replicated to a registry: a filter of a rule, or nothing for everything."""

    prefix: str
    origin: Origin

    @property
    def namespace(self) -> str:
        """The longest namespace that everything of the prefix is in."""
        return self.prefix[: self.prefix.rfind("/") + 1]

    @property
    def sources(self) -> tuple[Source, ...]:
        """What the prefix selects."""
        return self.origin.selected(self.prefix) or self.origin.made_in(self.namespace)


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What one rule replicates to one registry."""

    name: str
    environment: Environment
    rule: ReplicationRule
    registry: Registry


def namespace_of(prefix: str) -> str:
    """What the repositories of a prefix start with; nothing for `ROOT`."""
    return "" if prefix == ROOT else f"{prefix}/"


def arriving_at(environments: Mapping[str, Environment]) -> dict[Registry, list[Sent]]:
    """What is replicated to each registry."""
    found: dict[Registry, list[Sent]] = {}
    for name, environment in environments.items():
        for item in _sent(name, environment):
            found.setdefault(item.registry, []).append(item)
    return found


def _sent(name: str, environment: Environment) -> Iterator[Sent]:
    for rule in environment.replication_rules:
        for destination in rule.destinations:
            registry = destination.registry_of(environment.home)
            yield Sent(name=name, environment=environment, rule=rule, registry=registry)


def arrivals_of(arriving: Iterable[Sent], origins: Mapping[Registry, Origin]) -> list[Arrival]:
    """The prefixes that are replicated to one registry, each registry's once."""
    found = {
        (item.environment.home, prefix): None
        for item in arriving
        for prefix in item.rule.repository_filters or ("",)
    }
    return [Arrival(prefix=prefix, origin=origins[home]) for home, prefix in found]


def origins_of(environments: Mapping[str, Environment]) -> dict[Registry, Origin]:
    """What each registry of the environments replicates from; it may be that of several files."""
    found: dict[Registry, dict[str, Environment]] = {}
    for name, environment in environments.items():
        found.setdefault(environment.home, {})[name] = environment
    return {
        home: Origin(
            repositories=tuple(
                _source(name, environment, repository_name, settings, settings.tags)
                for name, environment in at_home.items()
                for repository_name, settings in environment.repositories.items()
            ),
            namespaces=_made_by_ecr(at_home),
        )
        for home, at_home in found.items()
    }


def _made_by_ecr(at_home: Mapping[str, Environment]) -> tuple[Source, ...]:
    """The namespaces of one registry in which ECR itself makes what is pushed, or pulled first.

    What a cache rule keeps is as AWS makes it where no template is for that. A template for the
    cache makes nothing by itself: a rule is at its prefix, or above, or it is no namespace.
    """
    rules = {
        prefix: Source(name=namespace_of(prefix), environment=name, settings=NO_TEMPLATE, tags={})
        for name, environment in at_home.items()
        for prefix in environment.registry.pull_through_cache_rules
    }
    templates = {
        prefix: (_source(name, environment, namespace_of(prefix), t, t.resource_tags), t)
        for name, environment in at_home.items()
        for prefix, t in environment.registry.creation_templates.items()
    }
    cached, pushed = (
        {prefix: source for prefix, (source, t) in templates.items() if use in t.applied_for}
        for use in (AppliedFor.PULL_THROUGH_CACHE, AppliedFor.CREATE_ON_PUSH)
    )
    found = [
        *pushed.values(),
        *(s for p, s in cached.items() if template_prefix_of(f"{p}/", rules) is not None),
    ]
    for prefix, plain in rules.items():
        like = template_prefix_of(f"{prefix}/", cached)
        found.append(plain if like is None else replace(cached[like], name=plain.name))
    return tuple(dict.fromkeys(found))


def _source(
    name: str,
    environment: Environment,
    source_name: str,
    settings: ImageSettings,
    tags: Mapping[str, str],
) -> Source:
    tags = environment.all_tags(name, tags)
    return Source(name=source_name, environment=name, settings=settings, tags=tags)
