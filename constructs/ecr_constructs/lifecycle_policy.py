"""Lifecycle policy: the rules of one repository together, and as AWS writes them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from cdktf_cdktf_provider_aws.ecr_lifecycle_policy import EcrLifecyclePolicy
from constructs import Construct

from ecr_constructs.annotations import annotate
from ecr_constructs.checks import (
    MAX_WHOLE_NUMBER,
    Check,
    Problem,
    refuse,
    sent_length,
    sequence,
    shown,
)
from ecr_constructs.lifecycle_rule import LifecycleAction, LifecycleRule, TagStatus
from ecr_constructs.registry import REPOSITORY_NAME
from ecr_constructs.terraform_text import json_text

MAX_RULES = 50
MAX_POLICY_LENGTH = 30_720
_PAGE = "ECR user guide, lifecycle policy properties"

COUNT = Check(f"a lifecycle policy takes at most {MAX_RULES} rules", "ECR quotas")
NO_RULE = Check("a lifecycle policy takes at least one rule", "ECR API, `LifecyclePolicyText`")
PRIORITY_TWICE = Check("rule_priority must be unique", f"{_PAGE}, `rulePriority`")
NO_PRIORITY_LEFT = Check(
    "a rule without rule_priority is numbered after the highest that is given, which must leave"
    " one",
    f"at most {MAX_WHOLE_NUMBER}: unknown; 32 bits are the reading that AWS can never refuse",
    "lower that one, or number them all",
)
ONE_UNTAGGED = Check(
    "only one rule of a storage class can select untagged images",
    "ECR API error, 'Only one rule can select Untagged images per storage class'",
)
ONE_ANY = Check(
    "only one rule of a storage class can select all images",
    "ECR API error, 'Rule for tagStatus=ANY must have the lowest priority per storage class'",
    "give the others a 'tag_status' or a tag list",
)
ANY_LAST = Check(
    "a rule for all images must have the highest rule_priority of its storage class",
    "ECR API error, 'Rule for tagStatus=ANY must have the lowest priority per storage class'",
)
SHARED_PREFIX = Check(
    "the rules of one storage class must not share a tag prefix",
    f"{_PAGE}: 'a unique set of prefixes'; unknown whether of strings or of lists: no string twice",
    "use 'tag_pattern_list'",
)
POLICY_LENGTH = Check(
    f"a lifecycle policy must be at most {MAX_POLICY_LENGTH} characters as JSON",
    "ECR API, `LifecyclePolicyText`",
)
NEVER_ACTS = Check(
    "a lifecycle rule can never act where rules of a lower rule_priority select all its images",
    "ECR user guide, lifecycle policy evaluation rules",
    "take it away, or let the others select less",
    warning=True,
)
AGE_AFTER_ARCHIVE = Check(
    "an image that a rule archives is out of reach of a later one that would expire it by its age",
    "ECR user guide, lifecycle policy evaluation rules",
    "expire it by 'max_days_since_image_transitioned', counted from the day it was archived",
    warning=True,
)
NEVER_EXPIRES = Check(
    "a lifecycle rule can never expire by its age what a rule of a lower rule_priority archives",
    "ECR user guide, lifecycle policy evaluation rules",
    "expire it by 'max_days_since_image_transitioned', counted from the day it was archived",
    warning=True,
)
NEVER_ARCHIVED = Check(
    "a lifecycle rule can never archive what a rule of a lower rule_priority keeps, to expire it by"
    " its age",
    "ECR user guide, lifecycle policy evaluation rules",
    "expire it by 'max_days_since_image_transitioned', counted from the day it was archived",
    warning=True,
)

# The warnings of a rule to which the rules before it leave no image at all.
NEVER = (NEVER_ACTS, NEVER_EXPIRES, NEVER_ARCHIVED)


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
    result, taken = dict(given), set(given.values())
    for group, floor in ((selective, selective), (catch_all, range(len(rules)))):
        priority = max((result[i] for i in floor if i in result), default=0)
        for index in group:
            if index not in result:
                priority += 1
                while priority in taken:
                    priority += 1
                result[index] = priority
                taken.add(priority)
    return [result[i] for i in range(len(rules))]


def lifecycle_policy_document(rules: Sequence[LifecycleRule]) -> dict[str, object]:
    """The lifecycle policy as AWS writes it."""
    return {"rules": [rule.render() for rule in numbered(rules)]}


@lru_cache(maxsize=1024)
def lifecycle_policy_text(rules: tuple[LifecycleRule, ...]) -> str:
    """The lifecycle policy as it is handed to Terraform. Most repositories share one."""
    return json_text(lifecycle_policy_document(rules))


def lifecycle_policy_problems(rules: object) -> Sequence[Problem]:
    """Check what the rules of one policy owe each other, per storage class where AWS does so."""
    wrong = tuple(sequence("lifecycle_rules", rules, LifecycleRule))
    return wrong or _problems_together(tuple(rules))  # type: ignore[arg-type]


@lru_cache(maxsize=1024)
def _problems_together(rules: tuple[LifecycleRule, ...]) -> tuple[Problem, ...]:
    return tuple(_count_and_order_problems(rules))


def _count_and_order_problems(rules: tuple[LifecycleRule, ...]) -> Iterator[Problem]:
    if len(rules) > MAX_RULES:
        yield COUNT.problem(str(len(rules)))
    given = Counter(rule.rule_priority for rule in rules)
    for index, rule in enumerate(rules):
        if rule.rule_priority is not None and given[rule.rule_priority] > 1:
            got = f"{rule.rule_priority} in {given[rule.rule_priority]} rules"
            yield PRIORITY_TWICE.problem(got, (index, "rule_priority"))
    priorities = _priorities(rules)
    beyond = [index for index, number in enumerate(priorities) if number > MAX_WHOLE_NUMBER]
    yield from (NO_PRIORITY_LEFT.problem(str(priorities[i]), (i,)) for i in beyond)
    for storage_class in ("standard", "archive"):
        members = {i: rule for i, rule in enumerate(rules) if rule.storage_class == storage_class}
        yield from _selection_problems(members, priorities)
    if beyond:
        return
    length = sent_length(lifecycle_policy_document(rules))
    if length > MAX_POLICY_LENGTH:
        yield POLICY_LENGTH.problem(str(length))


def _selection_problems(
    rules: dict[int, LifecycleRule], priorities: list[int]
) -> Iterator[Problem]:
    """The rules of one storage class, by position."""
    untagged = [index for index, rule in rules.items() if rule.tag_status == TagStatus.UNTAGGED]
    for index in untagged[1:]:
        yield ONE_UNTAGGED.problem(str(len(untagged)), (index,))
    catch_all = [index for index, rule in rules.items() if rule.tag_status == TagStatus.ANY]
    for index in catch_all[1:]:
        yield ONE_ANY.problem(str(len(catch_all)), (index,))
    highest = max((priorities[index] for index in rules), default=0)
    if len(catch_all) == 1 and priorities[catch_all[0]] < highest:
        got = f"{priorities[catch_all[0]]} below {highest}"
        yield ANY_LAST.problem(got, (catch_all[0],))
    prefixes = Counter(prefix for rule in rules.values() for prefix in rule.tag_prefix_list)
    for index, rule in rules.items():
        for prefix in rule.tag_prefix_list:
            if prefixes[prefix] > 1:
                got = f"{shown(prefix)} in {prefixes[prefix]} rules"
                yield SHARED_PREFIX.problem(got, (index, "tag_prefix_list"))


@lru_cache(maxsize=1024)
def lifecycle_policy_warnings(rules: tuple[LifecycleRule, ...]) -> tuple[Problem, ...]:
    """Tell of rules that can never act, and of ages that an archived image never reaches."""
    ranked = sorted(zip(_priorities(rules), range(len(rules)), rules, strict=True))
    found = []
    for position, (priority, index, rule) in enumerate(ranked):
        before = [r for r in ranked[:position] if r[2].storage_class == rule.storage_class]
        shields = [
            next((other for other in before if other[2].selects(image)), None)
            for image in _images_of(rule)
        ]
        if None not in shields:
            after = sorted({shield for shield in shields if shield})
            found.append(_never_acts(priority, rule, after)._replace(path=(index,)))
        elif archived := _archived_before(rule, before, rules):
            found.append(AGE_AFTER_ARCHIVE.problem(_ages(rule, archived), (index,)))
    return tuple(found)


def _images_of(rule: LifecycleRule) -> list[tuple[str, ...]]:
    """The tags of images of which, where other rules select them all, they select every image.

    A character that no pattern holds stands for each `*`: another pattern matches it by a `*` of
    its own only, and so matches whatever else may stand there.
    """
    if rule.tag_status == TagStatus.TAGGED:
        return [tuple(pattern.replace("*", "\0") for pattern in rule.patterns)]
    return [()] if rule.tag_status == TagStatus.UNTAGGED else [(), ("\0",)]


_Ranked = tuple[int, int, LifecycleRule]


def _never_acts(priority: int, rule: LifecycleRule, after: Sequence[_Ranked]) -> Problem:
    if len(after) == 1:
        shield = after[0][2]
        if _expires_later(rule, shield):
            return NEVER_EXPIRES.problem(_ages(rule, shield))
        if _expires_later(shield, rule):
            return NEVER_ARCHIVED.problem(_ages(shield, rule))
    numbers = " and ".join(str(number) for number, _, _ in after)
    return NEVER_ACTS.problem(f"rule_priority {priority} after {numbers}")


def _archived_before(
    rule: LifecycleRule, before: Sequence[_Ranked], rules: Sequence[LifecycleRule]
) -> LifecycleRule | None:
    """A rule that archives images which this one selects, and nothing expires in the archive."""
    for _, _, other in before:
        images = _images_of(other)
        expired = any(r.storage_class == "archive" and all(map(r.selects, images)) for r in rules)
        if _expires_later(rule, other) and all(map(rule.selects, images)) and not expired:
            return other
    return None


def _expires_later(expire: LifecycleRule, archive: LifecycleRule) -> bool:
    return (
        expire.action == LifecycleAction.EXPIRE
        and archive.action == LifecycleAction.TRANSITION
        and expire.max_image_age_days is not None
        and archive.max_image_count is None
        and expire.count_number > archive.count_number
    )


def _ages(expire: LifecycleRule, archive: LifecycleRule) -> str:
    since = "push" if archive.max_image_age_days is not None else "last pull"
    return (
        f"{expire.count_number} days after the push, and archived"
        f" {archive.count_number} days after the {since}"
    )


class LifecyclePolicy(Construct):
    """The lifecycle policy of a repository. A repository has at most one.

    :param repository_name: the name of the repository, or a token.
    :param rules: one to 50 rules, together at most 30,720 characters as JSON. They are numbered in
        the order given, and a rule for all images comes last; numbers that are given stay. In one
        storage class, one rule at most selects untagged images and one all images, and no tag
        prefix is in two rules: AWS wants "a unique set of prefixes" and does not tell whether of
        texts or of lists, nor whether of patterns, too, so texts of prefixes are what is checked.
    :raises ValueError: for a name that no repository has, and for rules that ECR would refuse
        together.
    """

    def __init__(
        self, scope: Construct, id_: str, *, repository_name: str, rules: Sequence[LifecycleRule]
    ) -> None:
        problems = [
            *REPOSITORY_NAME.problems(repository_name),
            *lifecycle_policy_problems(rules),
        ]
        if rules in ((), []):
            problems.append(NO_RULE.problem("none"))
        refuse(problems)
        super().__init__(scope, id_)
        EcrLifecyclePolicy(
            self,
            "Resource",
            repository=repository_name,
            policy=lifecycle_policy_text(tuple(rules)),
        )
        annotate(self, lifecycle_policy_warnings(tuple(rules)))
