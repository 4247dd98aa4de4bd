"""Lifecycle policy: which images of a repository expire or go to the archive, and when."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

from cdktf_cdktf_provider_aws.ecr_lifecycle_policy import EcrLifecyclePolicy
from constructs import Construct

from ecr_constructs.checks import (
    Problem,
    is_token,
    member,
    refuse,
    sent_length,
    sequence,
    shown,
    text,
    texts,
    unique,
    whole_number,
    within,
)
from ecr_constructs.registry import repository_name_problems
from ecr_constructs.terraform_text import json_text

MAX_RULES = 50
MAX_POLICY_LENGTH = 30_720
MAX_PATTERN_WILDCARDS = 4
MIN_DAYS_IN_ARCHIVE = 90
# Older providers send archive rules, but do not see later changes to them.
ARCHIVE_PROVIDER_VERSION = "6.29.0"

# Keyword -> AWS's countType.
_COUNT_TYPES = {
    "max_image_count": "imageCountMoreThan",
    "max_image_age_days": "sinceImagePushed",
    "max_days_since_image_pulled": "sinceImagePulled",
    "max_days_since_image_transitioned": "sinceImageTransitioned",
}


class TagStatus(StrEnum):
    """Which images a rule selects by their tags."""

    TAGGED = "tagged"
    """Images that have tags matching the rule's list."""
    UNTAGGED = "untagged"
    """Images without any tag."""
    ANY = "any"
    """All images."""


class LifecycleAction(StrEnum):
    """What a rule does to an image."""

    EXPIRE = "expire"
    """Delete it."""
    TRANSITION = "transition"
    """Move it to the archive, from where it cannot be pulled until it is restored."""


@dataclass(frozen=True, kw_only=True)
class LifecycleRule:
    """A rule of a lifecycle policy: which images it selects, how many or how long it keeps them.

    An image is selected by a list when *every* entry of the list matches some tag of the image.
    An image that a rule selects is out of reach of all rules with a higher priority number, also
    where the rule keeps it.

    :param max_image_count: keep this many of the selected images, the youngest; 1 or more.
    :param max_image_age_days: keep images until this many days after their push; 1 or more.
    :param max_days_since_image_pulled: archive images that nobody has pulled for this many days;
        1 or more. Implies the action `transition`.
    :param max_days_since_image_transitioned: expire images that have been in the archive for this
        many days; 90 or more, the archive's minimum.
    :param action: `expire` by default; `transition` archives instead.
    :param tag_status: by default `tagged` where a tag list is given, else `any`.
    :param tag_pattern_list: whole tags, in which `*` stands for any characters, at most four in
        one pattern.
    :param tag_prefix_list: beginnings of tags.
    :param rule_priority: 1 or more, lower numbers act first. By default the rules are numbered in
        the order given, after the highest number that is given, and a rule for all images last.
    :param description: for people.
    :raises ValueError: for anything that ECR would refuse.
    """

    max_image_count: int | None = None
    """Keep this many of the selected images, the youngest."""
    max_image_age_days: int | None = None
    """Keep images until this many days after their push."""
    max_days_since_image_pulled: int | None = None
    """Archive images that nobody has pulled for this many days."""
    max_days_since_image_transitioned: int | None = None
    """Expire images that have been in the archive for this many days (90 or more)."""
    action: LifecycleAction | None = None
    """What happens to the images: expire (default) or transition to the archive."""
    tag_status: TagStatus | None = None
    """By default tagged where a tag list is given, else any."""
    tag_pattern_list: tuple[str, ...] = ()
    """Select images of which every one of these patterns matches a tag; '*' is any characters."""
    tag_prefix_list: tuple[str, ...] = ()
    """Select images of which every one of these is the beginning of a tag."""
    rule_priority: int | None = None
    """Lower numbers act first. By default the rules are numbered in the order given."""
    description: str | None = None
    """For people."""

    def __post_init__(self) -> None:
        refuse(self._problems())
        tagged = self.tag_pattern_list or self.tag_prefix_list
        default_status = TagStatus.TAGGED if tagged else TagStatus.ANY
        pulled = self.max_days_since_image_pulled is not None
        default_action = LifecycleAction.TRANSITION if pulled else LifecycleAction.EXPIRE
        for name, value in {
            "tag_status": TagStatus(self.tag_status or default_status),
            "action": LifecycleAction(self.action or default_action),
            "tag_pattern_list": tuple(self.tag_pattern_list),
            "tag_prefix_list": tuple(self.tag_prefix_list),
        }.items():
            object.__setattr__(self, name, value)

    def _problems(self) -> Iterator[Problem]:
        yield from self._count_problems()
        yield from self._tag_problems()
        if self.action is not None:
            yield from within(("action",), member("action", self.action, list(LifecycleAction)))
        if self.rule_priority is not None:
            yield from within(
                ("rule_priority",), whole_number("rule_priority", self.rule_priority, minimum=1)
            )
        if self.description is not None:
            yield from within(("description",), text("description", self.description))

    def _count_problems(self) -> Iterator[Problem]:
        given = [name for name in _COUNT_TYPES if getattr(self, name) is not None]
        if len(given) != 1:
            *others, last = map(repr, _COUNT_TYPES)
            yield Problem(
                f"a lifecycle rule takes exactly one of {', '.join(others)} and {last},"
                f" got {' and '.join(map(repr, given)) or 'none'}"
            )
        for name in given:
            archive = name == "max_days_since_image_transitioned"
            minimum = MIN_DAYS_IN_ARCHIVE if archive else 1
            yield from within((name,), whole_number(name, getattr(self, name), minimum=minimum))
        if given == ["max_days_since_image_pulled"] and self.action == LifecycleAction.EXPIRE:
            yield Problem(
                "'max_days_since_image_pulled' can only archive images, got action 'expire';"
                " leave 'action' out, and expire them by 'max_days_since_image_transitioned'",
                ("action",),
            )
        transitioned = given == ["max_days_since_image_transitioned"]
        if transitioned and self.action == LifecycleAction.TRANSITION:
            yield Problem(
                "'max_days_since_image_transitioned' can only expire images,"
                " got action 'transition'",
                ("action",),
            )

    def _tag_problems(self) -> Iterator[Problem]:
        for name in ("tag_pattern_list", "tag_prefix_list"):
            yield from within((name,), texts(name, getattr(self, name)))
            yield from within((name,), unique(name, getattr(self, name)))
        if isinstance(self.tag_pattern_list, list | tuple):
            for index, pattern in enumerate(self.tag_pattern_list):
                if str(pattern).count("*") > MAX_PATTERN_WILDCARDS and not is_token(pattern):
                    yield Problem(
                        f"a tag pattern takes at most {MAX_PATTERN_WILDCARDS} '*',"
                        f" got {shown(pattern)} ({str(pattern).count('*')})",
                        ("tag_pattern_list", index),
                    )
        if self.tag_pattern_list and self.tag_prefix_list:
            yield Problem(
                "a lifecycle rule takes 'tag_pattern_list' or 'tag_prefix_list', got both;"
                " write two rules"
            )
        listed = bool(self.tag_pattern_list or self.tag_prefix_list)
        if self.tag_status is None:
            return
        yield from within(("tag_status",), member("tag_status", self.tag_status, list(TagStatus)))
        if self.tag_status == TagStatus.TAGGED and not listed:
            yield Problem(
                "tag_status 'tagged' needs 'tag_pattern_list' or 'tag_prefix_list', got neither;"
                " the pattern '*' matches every tag",
                ("tag_status",),
            )
        if self.tag_status in (TagStatus.UNTAGGED, TagStatus.ANY) and listed:
            yield Problem(
                "a tag list goes with tag_status 'tagged' only,"
                f" got tag_status {shown(self.tag_status)}",
                ("tag_status",),
            )

    @property
    def storage_class(self) -> str:
        """Where the selected images are: `archive` or `standard`."""
        return "standard" if self.max_days_since_image_transitioned is None else "archive"

    @property
    def required_provider_version(self) -> str | None:
        """The oldest AWS provider that handles the rule, where not every one does."""
        archive = self.storage_class == "archive" or self.action == LifecycleAction.TRANSITION
        return ARCHIVE_PROVIDER_VERSION if archive else None

    def render(self) -> dict[str, object]:
        """The rule as AWS writes it, in AWS's key order; what is not given is left out."""
        name = next(name for name in _COUNT_TYPES if getattr(self, name) is not None)
        selection = {
            "tagStatus": str(self.tag_status),
            "tagPatternList": list(self.tag_pattern_list),
            "tagPrefixList": list(self.tag_prefix_list),
            "storageClass": "archive" if self.storage_class == "archive" else None,
            "countType": _COUNT_TYPES[name],
            "countUnit": None if name == "max_image_count" else "days",
            "countNumber": getattr(self, name),
        }
        transition = self.action == LifecycleAction.TRANSITION
        rule = {
            "rulePriority": self.rule_priority,
            "description": self.description,
            "selection": {key: value for key, value in selection.items() if value},
            "action": {"type": str(self.action)}
            | ({"targetStorageClass": "archive"} if transition else {}),
        }
        return {key: value for key, value in rule.items() if value is not None}


def numbered(rules: Sequence[LifecycleRule]) -> tuple[LifecycleRule, ...]:
    """The rules with a priority each, in the order in which they act.

    Given numbers stay. The others follow in the order given, after the highest number that a rule
    for selected images has, past numbers that are taken, and rules for all images last.
    """
    ranked = zip(_priorities(rules), rules, strict=True)
    in_order = sorted(ranked, key=lambda pair: pair[0])
    return tuple(replace(rule, rule_priority=priority) for priority, rule in in_order)


def _priorities(rules: Sequence[LifecycleRule]) -> list[int]:
    """The priority of each rule, position by position."""
    given = {i: r.rule_priority for i, r in enumerate(rules) if r.rule_priority is not None}
    selective = [i for i, rule in enumerate(rules) if rule.tag_status != TagStatus.ANY]
    catch_all = [i for i, rule in enumerate(rules) if rule.tag_status == TagStatus.ANY]
    result = dict(given)
    for group, floor in ((selective, selective), (catch_all, range(len(rules)))):
        priority = max((result[i] for i in floor if i in result), default=0)
        for index in group:
            if index not in result:
                priority += 1
                while priority in result.values():
                    priority += 1
                result[index] = priority
    return [result[i] for i in range(len(rules))]


def lifecycle_policy_document(rules: Sequence[LifecycleRule]) -> dict[str, object]:
    """The lifecycle policy as AWS writes it."""
    return {"rules": [rule.render() for rule in numbered(rules)]}


@lru_cache(maxsize=1024)
def lifecycle_policy_text(rules: tuple[LifecycleRule, ...]) -> str:
    """The lifecycle policy as it is handed to Terraform. Most repositories share one."""
    return json_text(lifecycle_policy_document(rules))


def lifecycle_policy_problems(rules: Sequence[LifecycleRule]) -> Sequence[Problem]:
    """Check what the rules of one policy owe each other, per storage class where AWS does so."""
    wrong = tuple(sequence("lifecycle_rules", rules, LifecycleRule))
    return wrong or _problems_together(tuple(rules))


@lru_cache(maxsize=1024)
def _problems_together(rules: tuple[LifecycleRule, ...]) -> tuple[Problem, ...]:
    return tuple(_count_and_order_problems(rules))


def _count_and_order_problems(rules: tuple[LifecycleRule, ...]) -> Iterator[Problem]:
    if len(rules) > MAX_RULES:
        yield Problem(f"a lifecycle policy takes at most {MAX_RULES} rules, got {len(rules)}")
    seen: set[int] = set()
    for index, rule in enumerate(rules):
        if rule.rule_priority in seen:
            sentence = f"rule_priority {rule.rule_priority} is given twice"
            yield Problem(sentence, (index, "rule_priority"))
        if rule.rule_priority is not None:
            seen.add(rule.rule_priority)
    priorities = _priorities(rules)
    for storage_class in ("standard", "archive"):
        members = {i: rule for i, rule in enumerate(rules) if rule.storage_class == storage_class}
        yield from _selection_problems(members, priorities)
    length = sent_length(lifecycle_policy_document(rules))
    if length > MAX_POLICY_LENGTH:
        yield Problem(
            f"a lifecycle policy must be at most {MAX_POLICY_LENGTH} characters as JSON,"
            f" got {length}"
        )


def _selection_problems(
    rules: dict[int, LifecycleRule], priorities: list[int]
) -> Iterator[Problem]:
    """The rules of one storage class, by position (AWS's page on lifecycle policy properties)."""
    untagged = [index for index, rule in rules.items() if rule.tag_status == TagStatus.UNTAGGED]
    for index in untagged[1:]:
        yield Problem(
            f"only one rule of a storage class can select untagged images, got {len(untagged)}",
            (index,),
        )
    catch_all = [index for index, rule in rules.items() if rule.tag_status == TagStatus.ANY]
    for index in catch_all[1:]:
        yield Problem(
            f"only one rule of a storage class can select all images, got {len(catch_all)};"
            " give the others a 'tag_status' or a tag list",
            (index,),
        )
    last = max(rules, key=lambda index: priorities[index], default=None)
    if len(catch_all) == 1 and last is not None and last != catch_all[0]:
        yield Problem(
            "a rule for all images must have the highest rule_priority of its storage class,"
            f" got {priorities[catch_all[0]]} below {priorities[last]}",
            (catch_all[0],),
        )
    # AWS demands "a unique set of prefixes" without saying whether of strings or of lists; no
    # string twice is the reading that it can never refuse.
    prefixes = Counter(prefix for rule in rules.values() for prefix in rule.tag_prefix_list)
    for index, rule in rules.items():
        for prefix in rule.tag_prefix_list:
            if prefixes[prefix] > 1:
                yield Problem(
                    "the rules of one storage class must not share a tag prefix,"
                    f" got {shown(prefix)} in {prefixes[prefix]} rules; use 'tag_pattern_list'",
                    (index, "tag_prefix_list"),
                )


class LifecyclePolicy(Construct):
    """The lifecycle policy of a repository. A repository has at most one.

    :param repository_name: the name of the repository, or a token.
    :param rules: one to 50 rules. They are numbered in the order given, and a rule for all images
        comes last; numbers that are given stay.
    :raises ValueError: for a name that no repository has, and for rules that ECR would refuse
        together.
    """

    def __init__(
        self, scope: Construct, id_: str, *, repository_name: str, rules: Sequence[LifecycleRule]
    ) -> None:
        problems = [
            *repository_name_problems(repository_name),
            *lifecycle_policy_problems(rules),
        ]
        if not rules:
            problems.append(Problem("a lifecycle policy takes at least one rule, got none"))
        refuse(problems)
        super().__init__(scope, id_)
        EcrLifecyclePolicy(
            self,
            "Resource",
            repository=repository_name,
            policy=lifecycle_policy_text(tuple(rules)),
        )
