from typing import Any

import pytest
from hypothesis import given
from strategies import lifecycle_policies

from ecr_constructs import (
    InvalidValueError,
    LifecycleRule,
    explain_lifecycle_policy,
)
from ecr_constructs.lifecycle_explanation import left_alone


def sentences(*rules: dict[str, Any]) -> list[str]:
    return [e.sentence for e in explain_lifecycle_policy([LifecycleRule(**r) for r in rules])]


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ({"max_image_count": 10}, "All but the 10 youngest images are deleted."),
        ({"max_image_count": 1}, "All but the youngest of all images are deleted."),
        ({"max_image_age_days": 1}, "Images are deleted 1 day after their push."),
        (
            {"max_image_age_days": 30, "tag_status": "untagged"},
            "Untagged images are deleted 30 days after their push.",
        ),
        (
            {"max_image_count": 5, "tag_pattern_list": ["v*"]},
            "All but the 5 youngest images with a tag like 'v*' are deleted.",
        ),
        (
            {"max_image_age_days": 5, "tag_pattern_list": ["latest"]},
            "Images with the tag 'latest' are deleted 5 days after their push.",
        ),
        (
            {"max_image_age_days": 5, "tag_prefix_list": ["v", "w"]},
            "Images with a tag that starts with 'v' and one that starts with 'w' are deleted 5 days"
            " after their push.",
        ),
        (
            {"max_image_age_days": 5, "tag_pattern_list": ["v*", "*-rc"]},
            "Images with a tag like 'v*' and one like '*-rc' are deleted 5 days after their push.",
        ),
        (
            {"max_image_age_days": 5, "action": "transition"},
            "Images are archived 5 days after their push.",
        ),
        (
            {"max_days_since_image_pulled": 90},
            "Images are archived when nobody has pulled them for 90 days.",
        ),
        (
            {"max_days_since_image_transitioned": 180},
            "Archived images are deleted after 180 days there.",
        ),
    ],
)
def test_says_what_a_rule_does(rule: dict[str, Any], sentence: str) -> None:
    assert sentences(rule) == [sentence]


def test_says_which_images_earlier_rules_take() -> None:
    tagged = [{"max_image_count": 5, "tag_pattern_list": [pattern]} for pattern in "abc"]
    untagged = {"max_image_age_days": 7, "tag_status": "untagged"}
    archived = {"max_days_since_image_transitioned": 180}
    everything = {"max_image_count": 9}
    found = sentences(*tagged, untagged, archived, everything)
    taken = [s.partition(", but for those that ")[2] for s in found]
    assert taken == [
        "",
        "rule 1 selects, which count all the same.",
        "rules 1 and 2 select, which count all the same.",
        # No untagged image is one that a rule for tags selects, and the archive is apart.
        "",
        "",
        "an earlier rule selects, which count all the same.",
    ]


def test_tells_which_rules_are_dead() -> None:
    rules = [
        LifecycleRule(tag_pattern_list=("v*",), max_image_count=5),
        LifecycleRule(tag_pattern_list=("v1*",), max_image_count=1),
    ]
    alive, dead = explain_lifecycle_policy(rules)
    assert alive.warnings == ()
    assert dead.warnings[0].startswith("a lifecycle rule can never act")


@pytest.mark.parametrize(
    ("first", "second", "never", "sentence"),
    [
        # Both select the same images: the second has none left.
        (
            {"tag_pattern_list": ["v*"], "max_image_age_days": 30, "action": "transition"},
            {"tag_pattern_list": ["v1*"], "max_image_age_days": 90},
            True,
            "can never expire by its age what a rule of a lower rule_priority archives",
        ),
        (
            {"tag_pattern_list": ["v*"], "max_image_age_days": 90},
            {"tag_pattern_list": ["v1*"], "max_days_since_image_pulled": 30},
            True,
            "can never archive what a rule",
        ),
        # The second has all the others left.
        (
            {"tag_pattern_list": ["v*"], "max_image_age_days": 30, "action": "transition"},
            {"max_image_age_days": 90},
            False,
            "an image that a rule archives is out of reach of a later one",
        ),
    ],
)
def test_a_rule_that_acts_on_some_images_is_not_dead(
    first: dict[str, Any], second: dict[str, Any], never: bool, sentence: str
) -> None:
    rules = [LifecycleRule(**first), LifecycleRule(**second)]
    alive, told = explain_lifecycle_policy(rules)
    assert (alive.never_acts, told.never_acts) == (False, never)
    [warning] = told.warnings
    assert sentence in warning
    assert ("never" in warning) == never


@pytest.mark.parametrize(
    ("rules", "left"),
    [
        ([], ["Images in standard storage stay for ever."]),
        ([{"max_image_count": 1}], []),
        (
            [{"max_image_count": 1, "tag_status": "untagged"}],
            ["Images that no rule selects stay for ever."],
        ),
        ([{"max_days_since_image_pulled": 9}], ["Archived images stay for ever."]),
        (
            [
                {"max_days_since_image_pulled": 9},
                {"max_days_since_image_transitioned": 90, "tag_pattern_list": ["v*"]},
            ],
            ["Archived images that no rule selects stay for ever."],
        ),
        (
            [{"max_days_since_image_transitioned": 90}],
            ["Images in standard storage stay for ever."],
        ),
    ],
)
def test_says_what_is_left_alone(rules: list[dict[str, Any]], left: list[str]) -> None:
    assert list(left_alone([LifecycleRule(**rule) for rule in rules])) == left


@given(lifecycle_policies())
def test_has_a_sentence_for_every_rule(rules: tuple[LifecycleRule, ...]) -> None:
    found = explain_lifecycle_policy(rules)
    assert [e.rule for e in found] == list(rules)
    assert len({e.sentence for e in found}) >= len({(r.count_type, r.patterns) for r in rules})
    for explained in found:
        assert explained.sentence[0].isupper()
        assert str(explained.rule.count_number) in explained.sentence or (
            explained.rule.max_image_count == 1
        )


def test_fails_with_rules_that_ecr_would_refuse() -> None:
    with pytest.raises(InvalidValueError, match="only one rule of a storage class"):
        explain_lifecycle_policy([LifecycleRule(max_image_count=1)] * 2)
