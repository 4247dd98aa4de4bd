"""Replicas: what the repositories are like that replication makes in another registry.

ECR copies images and nothing else: a replica gets the mutability, encryption, policies and tags of
a creation template of its own registry, or none. A template is about all of a namespace. Where the
repositories of a namespace differ, it holds what they share, so that it never deletes an image that
its source keeps, and never admits whom its source does not.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from ecr_constructs import (
    AppliedFor,
    Effect,
    EncryptionType,
    LifecycleRule,
    PolicyStatement,
    Principal,
    Registry,
    RepositoryCreationTemplateSettings,
    TagMutability,
    template_prefix_of,
)
from ecr_constructs.condition import render_conditions
from ecr_constructs.creation_template_settings import PREFIX
from ecr_constructs.encryption import AWS_MANAGED_KEY
from ecr_constructs.image_settings import GRANTS, ImageSettings
from ecr_constructs.lifecycle_policy import numbered
from ecr_constructs.registry import ROOT
from ecr_constructs.repository_policy import grant_statements, repository_policy_problems
from stacks.arrivals import NO_TEMPLATE, Arrival, Source, namespace_of

T = TypeVar("T")

DESCRIPTION = "replicas are like their sources"
# From the weakest to the strongest.
_ENCRYPTION = (EncryptionType.AES256, EncryptionType.KMS, EncryptionType.KMS_DSSE)

_NO_POLICY: Mapping[str, Any] = {
    **dict.fromkeys((*GRANTS, "repository_policy_statements"), ()),
    "policy_document": None,
    "public_access": None,
}

Templates = Mapping[str, RepositoryCreationTemplateSettings]


def templates_for(
    arrivals: Sequence[Arrival],
    existing: Templates,
    *,
    registry: Registry,
    deployer: str | None = None,
) -> Templates:
    """The creation templates that a registry needs for what is replicated to it, by prefix.

    One for each replicated namespace, and one for each namespace below it whose repositories have
    something else in common. Each is what everything shares that is made by it; where that is
    nothing yet, it is like what ECR itself makes at the source, or like all that is below.

    :param existing: the templates that the registry has; their prefixes are left to them.
    :param registry: where they are replicated to.
    :param deployer: the ARN of the role that deploys there, where it is known.
    """
    bases: dict[str, dict[Source, None]] = {}
    further: dict[str, dict[Source, None]] = {}
    sources: dict[Source, None] = {}
    for arrival in arrivals:
        sources |= dict.fromkeys(arrival.sources)
        for source in arrival.sources:
            base = _base(_namespaces(source.name), arrival.prefix)
            if base or not arrival.prefix:
                bases.setdefault(base, {})[source] = None
                further.setdefault(base, {}).update(dict.fromkeys(arrival.origin.made_in(base)))
    own = {_namespaces(source.name)[-1] for source in sources} - {""}
    prefixes = {_prefix(namespace) for namespace in {*own, *bases}}
    free = {p for p in prefixes if p not in existing and not list(PREFIX.problems(p))}
    made_by: dict[str, list[Source]] = {}
    resolved = free | _replicating(existing).keys()
    for source in sources:
        prefix = template_prefix_of(source.name, resolved)
        if prefix is not None:
            made_by.setdefault(prefix, []).append(source)
    wanted: dict[str, list[Source]] = {p: made_by[p] for p in free if p in made_by}
    for namespace, below in bases.items():
        prefix = _prefix(namespace)
        if prefix in free:
            wanted.setdefault(prefix, list(further[namespace] or below))
    return _without_repeats(
        {p: shared(wanted[p], registry=registry, deployer=deployer) for p in sorted(wanted)},
        {_prefix(namespace) for namespace in bases},
        _replicating(existing),
    )


def _without_repeats(found: Templates, bases: set[str], existing: Templates) -> Templates:
    """The templates without those that say what the one above them says."""
    kept: dict[str, RepositoryCreationTemplateSettings] = {}
    # A prefix comes after those that it starts with, and everything first.
    for prefix in sorted(found, key=lambda p: "" if p == ROOT else p):
        known = kept.keys() | existing.keys()
        above = template_prefix_of(prefix, known)
        same = above in kept and kept[above] == found[prefix]
        if prefix in bases or not same:
            kept[prefix] = found[prefix]
    return kept


def _prefix(namespace: str) -> str:
    return namespace.removesuffix("/") or ROOT


def _namespaces(name: str) -> list[str]:
    """The namespaces that a repository is in, each with a `/` at its end; the first is everything.

    For `a/b/c` these are ``, `a/` and `a/b/`.
    """
    cuts = [index + 1 for index, letter in enumerate(name) if letter == "/"]
    return ["", *(name[:cut] for cut in cuts)]


def _base(namespaces: Sequence[str], prefix: str) -> str:
    """The first namespace that a replicated prefix selects the whole of, or else the last."""
    return next((n for n in namespaces if len(n) >= len(prefix)), namespaces[-1])


def _replicating(templates: Templates) -> Templates:
    return {p: t for p, t in templates.items() if AppliedFor.REPLICATION in t.applied_for}


def shared(
    sources: Sequence[Source], *, registry: Registry, deployer: str | None = None
) -> RepositoryCreationTemplateSettings:
    """A template of what repositories have in common, on the safe side where they differ.

    - Tags can be moved unless no source lets them: a replica with a tag that cannot be moved would
      miss the image.
    - The strongest encryption, by the key that the destination has for it: a key is of one Region.
      By AWS's own, where all of them name that.
    - The lifecycle rules that act first in all of them, as long as they mean the same for a
      replica.
    - Whom all of them admit, and everything that one of them denies; nobody, where the policy does
      not hold at the destination, such as for a Lambda function of the source's Region.
    - The tags that all of them have.
    """
    settings = [source.settings for source in sources]
    mutabilities = {
        (s.image_tag_mutability, s.image_tag_mutability_exclusion_filters) for s in settings
    }
    mutability, filters = (
        mutabilities.pop() if len(mutabilities) == 1 else (TagMutability.MUTABLE, ())
    )
    names = [source.name for source in sources]
    merged = len(set(names)) < len(names)
    pull, push, read, statements = _shared_policy(settings)
    documents = {s.policy_document for s in settings}
    keys = {s.kms_key for s in settings if s.encryption_type != EncryptionType.AES256}
    tags = sources[0].tags.items()
    template = RepositoryCreationTemplateSettings(
        applied_for=(AppliedFor.REPLICATION,),
        description=DESCRIPTION,
        image_tag_mutability=mutability,
        image_tag_mutability_exclusion_filters=filters,
        encryption_type=max((s.encryption_type for s in settings), key=_ENCRYPTION.index),
        kms_key=AWS_MANAGED_KEY if keys == {AWS_MANAGED_KEY} else None,
        lifecycle_rules=_shared_rules([s.lifecycle_rules for s in settings], merged=merged),
        pull=pull,
        push=push,
        read=read,
        repository_policy_statements=statements,
        policy_document=documents.pop() if len(documents) == 1 else None,
        public_access=next((s.public_access for s in settings if s.public_access), None),
        resource_tags={k: v for k, v in tags if all(s.tags.get(k) == v for s in sources)},
    )
    # What is denied must not be left out alone.
    holds = not list(template.problems_in(registry, deployer))
    return template if holds else replace(template, **_NO_POLICY)


def _shared_rules(
    policies: Sequence[Sequence[LifecycleRule]], *, merged: bool
) -> tuple[LifecycleRule, ...]:
    """The rules with which all policies start, in the order in which they act.

    They end before one that means something else for a replica: nobody may ever pull it, so the
    days since the last pull run on; and the images of several repositories in one replica are more
    than a count is meant for.
    """
    found = []
    for rules in zip(*(numbered(policy) for policy in policies), strict=False):
        rule = rules[0]
        counts = merged and rule.max_image_count is not None
        if len(set(rules)) > 1 or rule.max_days_since_image_pulled is not None or counts:
            break
        found.append(rule)
    return tuple(found)


_Principals = tuple[Principal, ...]
_Policy = tuple[_Principals, _Principals, _Principals, tuple[PolicyStatement, ...]]


def _shared_policy(settings: Sequence[ImageSettings]) -> _Policy:
    """Who may pull, push and read, and the further statements.

    Nobody, where one of several policies is a document: what it admits and denies is not taken
    apart.
    """
    if any(s.policy_document is not None for s in settings):
        return (), (), (), ()
    pull = _in_all((*s.pull, *s.pull_push) for s in settings)
    push = _in_all((*s.push, *s.pull_push) for s in settings)
    read = _in_all(s.read for s in settings)
    policies = [s.repository_policy_statements for s in settings]
    allowed = [s for s in _in_all(policies) if s.effect == Effect.ALLOW]
    denied = [s for policy in policies for s in policy if s.effect == Effect.DENY]
    together = tuple(dict.fromkeys((*allowed, *denied)))
    whole = (*grant_statements(pull=pull, push=push, read=read), *together)
    # What is denied must not be left out alone: too long together, nobody is admitted.
    wrong = list(repository_policy_problems(whole))
    return ((), (), (), ()) if wrong else (pull, push, read, together)


def _in_all(lists: Iterable[tuple[T, ...]]) -> tuple[T, ...]:
    first, *others = lists
    return tuple(dict.fromkeys(item for item in first if all(item in other for other in others)))


def replicas_of(
    arrivals: Sequence[Arrival], made: Templates, existing: Templates
) -> Iterator[tuple[Source, RepositoryCreationTemplateSettings]]:
    """The replicas that templates make and give a policy: the source of each, and its template.

    :param made: the templates that `templates_for` found.
    :param existing: the templates that the destination has besides.
    """
    replicating = _replicating({**existing, **made})
    for source in dict.fromkeys(s for arrival in arrivals for s in arrival.sources):
        template = made.get(template_prefix_of(source.name, replicating) or "")
        if template is not None and template.policy_text is not None and source.name:
            yield source, template


def uncovered(
    arrivals: Sequence[Arrival], templates: Templates, existing: Mapping[str, ImageSettings]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The repositories whose replicas differ from them, each with the settings that do.

    What ECR itself makes at the source is told by its namespace, and by each one in it of which
    the destination has a template.

    :param templates: the templates of the destination.
    :param existing: the repositories of the destination, which stay as they are defined there.
    """
    replicating = _replicating(templates)
    namespaces = list(map(namespace_of, replicating))
    sources: dict[str, dict[Source, None]] = {}
    for arrival in arrivals:
        inside = [n for n in namespaces if n.startswith(arrival.prefix)]
        made = (s for n in (arrival.namespace, *inside) for s in arrival.origin.made_in(n))
        for source in (*arrival.sources, *made):
            sources.setdefault(source.name, {})[source] = None
    for name in sorted(sources):
        prefix = template_prefix_of(name, replicating)
        template = NO_TEMPLATE if prefix is None else replicating[prefix]
        found = [
            setting
            for source in sources[name]
            for setting in (
                differences(source, existing[name])
                if name in existing
                else differences(source, template, template.resource_tags)
            )
        ]
        if found:
            yield name or ROOT, tuple(dict.fromkeys(found))


def differences(
    source: Source, replica: ImageSettings, tags: Mapping[str, str] | None = None
) -> Iterator[str]:
    """The settings in which a replica differs from its source.

    :param tags: those of the replica; `None` where they are its own environment's matter.
    """
    settings = source.settings
    for name in (
        "image_tag_mutability",
        "image_tag_mutability_exclusion_filters",
        "encryption_type",
        "kms_key",
    ):
        if getattr(settings, name) != getattr(replica, name):
            yield name
    if numbered(settings.lifecycle_rules) != numbered(replica.lifecycle_rules):
        yield "lifecycle_rules"
    if _meaning(settings.policy_statements) != _meaning(replica.policy_statements) or (
        settings.policy_document != replica.policy_document
    ):
        yield "policy_statements"
    if tags is not None and dict(source.tags) != dict(tags):
        yield "tags"


def _meaning(statements: Sequence[PolicyStatement]) -> set[tuple[object, ...]]:
    """Statements without their order, and without that of what is in them."""
    return {
        (
            s.sid,
            frozenset(s.principals),
            frozenset(s.actions),
            s.effect,
            json.dumps(render_conditions(s.conditions), sort_keys=True),
        )
        for s in statements
    }
