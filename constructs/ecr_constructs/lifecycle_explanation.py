"""Lifecycle explanation: what a lifecycle policy does, in plain sentences."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ecr_constructs.checks import Problem, refuse
from ecr_constructs.lifecycle_policy import (
    NEVER,
    lifecycle_policy_problems,
    lifecycle_policy_warnings,
    numbered,
)
from ecr_constructs.lifecycle_rule import LifecycleAction, LifecycleRule, TagStatus


class Explanation(NamedTuple):
    """What a rule does."""

    rule: LifecycleRule
    """The rule, with its priority."""
    sentence: str
    """What it does to which images."""
    warnings: tuple[str, ...]
    """What is certainly a mistake of it, such as that it can never act."""
    never_acts: bool
    """Whether the rules before it leave it no image at all."""


def explain_lifecycle_policy(rules: Sequence[LifecycleRule]) -> list[Explanation]:
    """What each rule of a policy does, in the order in which they act.

    :raises ValueError: for rules that ECR would refuse together.
    """
    refuse(lifecycle_policy_problems(rules))
    ranked = numbered(rules)
    warnings: dict[object, list[Problem]] = {}
    for problem in lifecycle_policy_warnings(ranked):
        warnings.setdefault(problem.path[0], []).append(problem)
    return [
        Explanation(
            rule,
            _sentence(rule, ranked[:index]),
            tuple(problem.sentence for problem in warnings.get(index, ())),
            any(problem.check in NEVER for problem in warnings.get(index, ())),
        )
        for index, rule in enumerate(ranked)
    ]


def left_alone(rules: Sequence[LifecycleRule]) -> Iterator[str]:
    """Which images stay for ever, as no rule of a policy is for them."""
    standard = [rule for rule in rules if rule.storage_class == "standard"]
    if not standard:
        yield "Images in standard storage stay for ever."
    elif all(rule.tag_status != TagStatus.ANY for rule in standard):
        yield "Images that no rule selects stay for ever."
    archiving = any(rule.action is LifecycleAction.TRANSITION for rule in rules)
    deleting = [rule for rule in rules if rule.storage_class == "archive"]
    if archiving and not deleting:
        yield "Archived images stay for ever."
    elif deleting and all(rule.tag_status != TagStatus.ANY for rule in deleting):
        yield "Archived images that no rule selects stay for ever."


def _sentence(rule: LifecycleRule, before: Sequence[LifecycleRule]) -> str:
    which, number = _images(rule), rule.count_number
    days = f"{number} day{'' if number == 1 else 's'}"
    done = "archived" if rule.action is LifecycleAction.TRANSITION else "deleted"
    youngest = f"the youngest of all {which}" if number == 1 else f"the {number} youngest {which}"
    said = {
        "max_image_count": f"All but {youngest} are {done}",
        "max_image_age_days": f"{_capital(which)} are {done} {days} after their push",
        "max_days_since_image_pulled": f"{_capital(which)} are {done} when nobody has pulled them"
        f" for {days}",
        "max_days_since_image_transitioned": f"Archived {which} are {done} after {days} there",
    }[rule.count_type]
    earlier = [str(other.rule_priority) for other in before if _overlap(rule, other)]
    if not earlier:
        return f"{said}."
    counted = ", which count all the same" if rule.count_type == "max_image_count" else ""
    named = {1: f"rule {earlier[0]} selects", 2: f"rules {' and '.join(earlier)} select"}
    return (
        f"{said}, but for those that {named.get(len(earlier), 'an earlier rule selects')}{counted}."
    )


def _overlap(rule: LifecycleRule, other: LifecycleRule) -> bool:
    """Whether two rules may select one image, but for what their lists say."""
    apart = {rule.tag_status, other.tag_status} == {TagStatus.TAGGED, TagStatus.UNTAGGED}
    return rule.storage_class == other.storage_class and not apart


def _images(rule: LifecycleRule) -> str:
    if rule.tag_status == TagStatus.UNTAGGED:
        return "untagged images"
    if rule.tag_status == TagStatus.ANY:
        return "images"
    if rule.tag_prefix_list:
        return f"images with a tag that starts with {_and_one('that starts with', rule)}"
    if "*" not in rule.tag_pattern_list[0]:
        return f"images with the tag {_and_one('like', rule)}"
    return f"images with a tag like {_and_one('like', rule)}"


def _and_one(like: str, rule: LifecycleRule) -> str:
    """The entries of a rule's list, each of which has to match."""
    entries = rule.tag_prefix_list or rule.tag_pattern_list
    return f" and one {like} ".join(map(repr, entries))


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
