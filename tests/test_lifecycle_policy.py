import json
from itertools import combinations, product
from typing import Any

import pytest
from cdktf import TerraformStack
from conftest import Resources
from hypothesis import given
from hypothesis import strategies as st

from ecr_constructs import (
    InvalidValueError,
    LifecycleAction,
    LifecyclePolicy,
    LifecycleRule,
    TagStatus,
)
from ecr_constructs.checks import refuse
from ecr_constructs.lifecycle_policy import (
    NEVER,
    lifecycle_policy_document,
    lifecycle_policy_problems,
    lifecycle_policy_warnings,
    numbered,
)

LAST_TEN = LifecycleRule(max_image_count=10)
UNTAGGED = LifecycleRule(tag_status=TagStatus.UNTAGGED, max_image_age_days=7)
RELEASES = LifecycleRule(tag_pattern_list=("v*",), max_image_count=100)


@pytest.mark.parametrize(
    ("rule", "selection", "action"),
    [
        (
            LAST_TEN,
            {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 10},
            {"type": "expire"},
        ),
        (
            UNTAGGED,
            {
                "tagStatus": "untagged",
                "countType": "sinceImagePushed",
                "countUnit": "days",
                "countNumber": 7,
            },
            {"type": "expire"},
        ),
        (
            LifecycleRule(tag_prefix_list=("dev-", "pr-"), max_days_since_image_pulled=30),
            {
                "tagStatus": "tagged",
                "tagPrefixList": ["dev-", "pr-"],
                "countType": "sinceImagePulled",
                "countUnit": "days",
                "countNumber": 30,
            },
            {"type": "transition", "targetStorageClass": "archive"},
        ),
        (
            LifecycleRule(max_days_since_image_transitioned=90),
            {
                "tagStatus": "any",
                "storageClass": "archive",
                "countType": "sinceImageTransitioned",
                "countUnit": "days",
                "countNumber": 90,
            },
            {"type": "expire"},
        ),
        (
            LifecycleRule(
                tag_pattern_list=("v*",), max_image_count=5, action=LifecycleAction.TRANSITION
            ),
            {
                "tagStatus": "tagged",
                "tagPatternList": ["v*"],
                "countType": "imageCountMoreThan",
                "countNumber": 5,
            },
            {"type": "transition", "targetStorageClass": "archive"},
        ),
    ],
)
def test_renders(rule: LifecycleRule, selection: dict[str, Any], action: dict[str, Any]) -> None:
    expected = {"rulePriority": 1, "selection": selection, "action": action}
    [rendered] = [r.render() for r in numbered([rule])]
    # Compared as text: the order of the keys is AWS's, and nothing absent is null.
    assert json.dumps(rendered) == json.dumps(expected)


def test_renders_a_description_after_the_priority() -> None:
    rule = LifecycleRule(rule_priority=7, description="last ten", max_image_count=10)
    assert list(rule.render()) == ["rulePriority", "description", "selection", "action"]


def test_numbers_rules_in_the_order_given_and_the_catch_all_last() -> None:
    assert [(r.rule_priority, r.tag_status) for r in numbered([LAST_TEN, UNTAGGED, RELEASES])] == [
        (1, "untagged"),
        (2, "tagged"),
        (3, "any"),
    ]


def test_honours_numbers_that_are_given() -> None:
    catch_all = LifecycleRule(rule_priority=1000, max_image_count=10)
    release = LifecycleRule(rule_priority=20, tag_pattern_list=("v*",), max_image_count=100)
    priorities = [r.rule_priority for r in numbered([catch_all, UNTAGGED, release])]
    assert priorities == [20, 21, 1000]


def test_numbers_past_numbers_that_are_taken() -> None:
    catch_all = LifecycleRule(rule_priority=2, max_image_count=10)
    release = LifecycleRule(rule_priority=1, tag_pattern_list=("v*",), max_image_count=100)
    rules = [catch_all, release, UNTAGGED]
    assert [r.rule_priority for r in numbered(rules)] == [1, 2, 3]
    with pytest.raises(ValueError, match="storage class, got 2 below 3"):
        refuse(lifecycle_policy_problems(rules))


def test_a_catch_all_of_the_archive_is_beside_one_of_the_standard_class() -> None:
    archived = LifecycleRule(max_days_since_image_transitioned=365)
    assert list(lifecycle_policy_problems([LAST_TEN, archived])) == []


def test_fails_with_everything_that_is_wrong() -> None:
    with pytest.raises(InvalidValueError) as caught:
        LifecycleRule(max_image_count=0, action="delete", rule_priority=0)  # type: ignore[arg-type]
    assert [problem.path for problem in caught.value.problems] == [
        ("max_image_count",),
        ("action",),
        ("rule_priority",),
    ]


def test_an_archive_rule_needs_a_provider_that_sees_its_changes() -> None:
    assert LAST_TEN.required_provider_version is None
    archive = LifecycleRule(max_image_age_days=1, action=LifecycleAction.TRANSITION)
    assert archive.required_provider_version == "6.29.0"
    assert LifecycleRule(max_days_since_image_transitioned=90).required_provider_version


def test_policy_is_one_line_of_json(stack: TerraformStack, resources: Resources) -> None:
    LifecyclePolicy(stack, "Policy", repository_name="a/b", rules=[LAST_TEN])
    [resource] = resources("aws_ecr_lifecycle_policy")
    assert resource["repository"] == "a/b"
    assert resource["policy"] == json.dumps(
        lifecycle_policy_document([LAST_TEN]), separators=(",", ":")
    )


def test_policy_fails_without_rules(stack: TerraformStack) -> None:
    with pytest.raises(ValueError, match=r"repository name must .* takes at least one rule"):
        LifecyclePolicy(stack, "Policy", repository_name="BAD", rules=[])
    with pytest.raises(ValueError, match="must be a list, got LifecycleRule"):
        LifecyclePolicy(stack, "Policy", repository_name="a/b", rules=LAST_TEN)  # type: ignore[arg-type]
    assert stack.node.try_find_child("Policy") is None


@given(
    st.lists(
        st.builds(
            LifecycleRule,
            max_image_count=st.integers(1, 9),
            tag_pattern_list=st.sampled_from([(), ("v*",), ("a", "b")]),
            rule_priority=st.none() | st.integers(1, 6),
        ),
        max_size=6,
        unique_by=lambda rule: rule.rule_priority or object(),
    )
)
def test_numbering_is_distinct_and_keeps_what_is_given(rules: list[LifecycleRule]) -> None:
    priorities = [rule.rule_priority or 0 for rule in numbered(rules)]
    assert len(set(priorities)) == len(rules)
    assert priorities == sorted(priorities)
    assert all(rule in numbered(rules) for rule in rules if rule.rule_priority)
    ours = [p for p in priorities if p not in {rule.rule_priority for rule in rules}]
    kinds = [r.tag_status == TagStatus.ANY for r in numbered(rules) if r.rule_priority in ours]
    assert kinds == sorted(kinds)


_TAGS = st.lists(st.text("ab", min_size=1, max_size=3), max_size=3, unique=True)
_PATTERNS = st.lists(st.text("ab*", min_size=1, max_size=3), min_size=1, max_size=2, unique=True)
_RULES = st.one_of(
    st.just(LifecycleRule(max_image_count=1)),
    st.just(LifecycleRule(max_image_count=1, tag_status=TagStatus.UNTAGGED)),
    _PATTERNS.map(lambda p: LifecycleRule(max_image_count=1, tag_pattern_list=tuple(p))),
)
# Every image with at most two tags of at most four letters, one of them strange to every pattern.
_WORDS = ["".join(letters) for n in range(1, 5) for letters in product("abc", repeat=n)]
_IMAGES = [(), *((word,) for word in _WORDS), *combinations(_WORDS[:39], 2)]


@given(st.lists(_RULES, min_size=2, max_size=4).filter(lambda r: not lifecycle_policy_problems(r)))
def test_a_rule_is_dead_just_when_no_image_at_all_is_left_to_it(rules: list[LifecycleRule]) -> None:
    ordered = numbered(rules)
    dead = {w.path[0] for w in lifecycle_policy_warnings(ordered) if w.check in NEVER}
    for index, rule in enumerate(ordered):
        left = any(
            rule.selects(image) and not any(other.selects(image) for other in ordered[:index])
            for image in _IMAGES
        )
        assert (index in dead) != left
