"""Replicas: what the repositories are like that replication makes in another registry.

ECR copies images and nothing else: a replica gets the mutability, encryption, policies and tags of
a creation template of its own registry, or none. A template is about all of a namespace. Where the
repositories of a namespace differ, it holds what they share, so that it never deletes an image that
its source keeps, and never admits whom its source does not.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from ecr_constructs import (
    AppliedFor,
    Effect,
    EncryptionType,
    LifecycleRule,
    PolicyStatement,
    RepositoryCreationTemplateSettings,
    RepositorySettings,
    TagMutability,
    template_prefix_of,
)
from ecr_constructs.creation_template import PREFIX, ROOT
from ecr_constructs.lifecycle_policy import numbered
from ecr_constructs.repository_policy import repository_policy_problems

T = TypeVar("T")

DESCRIPTION = "replicas are like their sources"
# From the weakest to the strongest.
_ENCRYPTION = (EncryptionType.AES256, EncryptionType.KMS, EncryptionType.KMS_DSSE)

Templates = Mapping[str, RepositoryCreationTemplateSettings]


@dataclass(frozen=True, kw_only=True)
class Source:
    """A repository that is replicated."""

    repository_name: str
    settings: RepositorySettings
    tags: Mapping[str, str] = field(hash=False)
    """Its tags, with those of its environment."""


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """A prefix that is replicated to a registry: a filter of a rule, or nothing for everything."""

    prefix: str
    sources: tuple[Source, ...]
    """The repositories that it selects."""
    defaults: Source
    """What a repository is like that nobody has defined yet."""


def templates_for(arrivals: Sequence[Arrival], existing: Templates) -> Templates:
    """The creation templates that a registry needs for what is replicated to it, by prefix.

    One for each replicated namespace, and one for each namespace below it whose repositories have
    something else in common.

    :param existing: the templates that the registry has; their prefixes are left to them.
    """
    by_namespace: dict[str, list[Source]] = {}
    bases: dict[str, list[Source]] = {}
    for arrival in arrivals:
        for source in arrival.sources:
            namespaces = _namespaces(source.repository_name)
            by_namespace.setdefault(namespaces[-1], []).append(source)
            bases.setdefault(_base(namespaces, arrival.prefix), []).append(source)
        if not arrival.sources and (arrival.prefix.endswith("/") or not arrival.prefix):
            bases.setdefault(arrival.prefix, []).append(arrival.defaults)
    made: dict[str, RepositoryCreationTemplateSettings] = {}
    for namespace in sorted({*by_namespace, *bases}):
        prefix = namespace.removesuffix("/") or ROOT
        if prefix in existing or list(PREFIX.problems(prefix)):
            continue
        wanted = shared(by_namespace.get(namespace) or bases[namespace])
        above = template_prefix_of(prefix, {**_replicating(existing), **made})
        if namespace in bases or above is None or {**existing, **made}[above] != wanted:
            made[prefix] = wanted
    return made


def _namespaces(repository_name: str) -> list[str]:
    """The namespaces that a repository is in, each with a `/` at its end; the first is everything.

    For `a/b/c` these are ``, `a/` and `a/b/`.
    """
    cuts = [index + 1 for index, letter in enumerate(repository_name) if letter == "/"]
    return ["", *(repository_name[:cut] for cut in cuts)]


def _base(namespaces: Sequence[str], prefix: str) -> str:
    """The first namespace that a replicated prefix selects the whole of, or else the last."""
    return next((n for n in namespaces if len(n) >= len(prefix)), namespaces[-1])


def _replicating(templates: Templates) -> Templates:
    return {p: t for p, t in templates.items() if AppliedFor.REPLICATION in t.applied_for}


def shared(sources: Sequence[Source]) -> RepositoryCreationTemplateSettings:
    """A template of what repositories have in common, on the safe side where they differ.

    - Tags can be moved unless no source lets them: a replica with a tag that cannot be moved would
      miss the image.
    - The strongest encryption, by AWS's own key: a key is of one Region.
    - The lifecycle rules that act first in all of them: no rule acts where another source's would
      have kept the image.
    - Whom all of them admit, and everything that one of them denies.
    - The tags that all of them have.
    """
    settings = [source.settings for source in sources]
    mutabilities = {
        (s.image_tag_mutability, s.image_tag_mutability_exclusion_filters) for s in settings
    }
    mutability, filters = (
        mutabilities.pop() if len(mutabilities) == 1 else (TagMutability.MUTABLE, ())
    )
    tags = sources[0].tags.items()
    return RepositoryCreationTemplateSettings(
        applied_for=(AppliedFor.REPLICATION,),
        description=DESCRIPTION,
        image_tag_mutability=mutability,
        image_tag_mutability_exclusion_filters=filters,
        encryption_type=max((s.encryption_type for s in settings), key=_ENCRYPTION.index),
        lifecycle_rules=_shared_rules([s.lifecycle_rules for s in settings]),
        pull=_in_all((*s.pull, *s.pull_push) for s in settings),
        push=_in_all((*s.push, *s.pull_push) for s in settings),
        repository_policy_statements=_shared_statements(
            [s.repository_policy_statements for s in settings]
        ),
        resource_tags={k: v for k, v in tags if all(s.tags.get(k) == v for s in sources)},
    )


def _shared_rules(policies: Sequence[Sequence[LifecycleRule]]) -> tuple[LifecycleRule, ...]:
    """The rules with which all policies start, in the order in which they act."""
    found = []
    for rules in zip(*(numbered(policy) for policy in policies), strict=False):
        if len(set(rules)) > 1:
            break
        found.append(rules[0])
    return tuple(found)


def _in_all(lists: Iterable[tuple[T, ...]]) -> tuple[T, ...]:
    first, *others = lists
    return tuple(dict.fromkeys(item for item in first if all(item in other for other in others)))


def _shared_statements(
    policies: Sequence[tuple[PolicyStatement, ...]],
) -> tuple[PolicyStatement, ...]:
    allowed = [s for s in _in_all(policies) if s.effect == Effect.ALLOW]
    denied = [s for policy in policies for s in policy if s.effect == Effect.DENY]
    together = tuple(dict.fromkeys((*allowed, *denied)))
    # Too long together, a policy is left out: then nobody is admitted.
    return () if list(repository_policy_problems(together)) else together


def uncovered(
    arrivals: Sequence[Arrival], templates: Templates
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The repositories whose replicas differ from them, each with the settings that do."""
    replicating = _replicating(templates)
    sources: dict[str, list[Source]] = {}
    for arrival in arrivals:
        for source in arrival.sources:
            sources.setdefault(source.repository_name, []).append(source)
    for name in sorted(sources):
        prefix = template_prefix_of(name, replicating)
        template = None if prefix is None else replicating[prefix]
        found = [setting for s in sources[name] for setting in differences(s, template)]
        if found:
            yield name, tuple(dict.fromkeys(found))


def differences(
    source: Source, template: RepositoryCreationTemplateSettings | None
) -> Iterator[str]:
    """The settings in which a replica by the template differs from its source.

    :param template: nothing for AWS's own settings.
    """
    settings = source.settings
    made = template or RepositoryCreationTemplateSettings(
        applied_for=(AppliedFor.REPLICATION,), image_tag_mutability=TagMutability.MUTABLE
    )
    for name in (
        "image_tag_mutability",
        "image_tag_mutability_exclusion_filters",
        "encryption_type",
        "kms_key",
    ):
        if getattr(settings, name) != getattr(made, name):
            yield name
    if numbered(settings.lifecycle_rules) != numbered(made.lifecycle_rules):
        yield "lifecycle_rules"
    if _meaning(settings.policy_statements) != _meaning(made.policy_statements):
        yield "policy_statements"
    if dict(source.tags) != dict(made.resource_tags):
        yield "tags"


def _meaning(statements: Sequence[PolicyStatement]) -> set[tuple[object, ...]]:
    """Statements without their order, and without that of their principals and actions."""
    return {
        (s.sid, frozenset(s.principals), frozenset(s.actions), s.effect, str(s.conditions))
        for s in statements
    }
