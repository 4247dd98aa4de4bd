import json
from typing import Any

import pytest
from hypothesis import given
from strategies import lifecycle_policies

from ecr_constructs import InvalidValueError, LifecycleRule, TagStatus, parse_lifecycle_policy
from ecr_constructs.lifecycle_policy import lifecycle_policy_text

RULE = {
    "rulePriority": 1,
    "selection": {
        "tagStatus": "untagged",
        "countType": "sinceImagePushed",
        "countUnit": "days",
        "countNumber": 14,
    },
    "action": {"type": "expire"},
}


def rule(**changes: Any) -> str:
    """A policy of one rule, changed: a key and its value, `None` to leave it out."""
    changed: dict[str, Any] = json.loads(json.dumps(RULE))
    for name, value in changes.items():
        *part, key = name.split("_")
        holder = changed[part[0]] if part else changed
        if value is None:
            holder.pop(key, None)
        else:
            holder[key] = value
    return json.dumps({"rules": [changed]})


@given(lifecycle_policies())
def test_reads_what_is_rendered(rules: tuple[LifecycleRule, ...]) -> None:
    assert parse_lifecycle_policy(lifecycle_policy_text(rules).replace("%%{", "%{")) == rules


def test_reads_the_example_of_aws() -> None:
    text = (
        '{"rules":[{"rulePriority":1,"description":"Expire images older than 14 days",'
        '"selection":{"tagStatus":"untagged","countType":"sinceImagePushed","countUnit":"days",'
        '"countNumber":14},"action":{"type":"expire"}}]}'
    )
    assert parse_lifecycle_policy(text) == (
        LifecycleRule(
            rule_priority=1,
            description="Expire images older than 14 days",
            tag_status=TagStatus.UNTAGGED,
            max_image_age_days=14,
        ),
    )
    # In its own order, this is what the library writes, too.
    assert lifecycle_policy_text(parse_lifecycle_policy(text)) == text


def test_takes_the_storage_class_that_is_the_default() -> None:
    assert parse_lifecycle_policy(rule(selection_storageClass="standard")) == (
        parse_lifecycle_policy(rule())
    )


@pytest.mark.parametrize(
    ("text", "path", "sentence"),
    [
        ("", (), "a policy must be JSON, got line 1: Expecting value"),
        ("[" * 100_000, (), "a policy must be JSON, got values that are nested too deep"),
        ('{"rules": [' + "1" * 5000 + "]}", (), "numbers that are too long"),
        ('{"rules": []}', ("rules",), "takes at least one rule, got none"),
        ("[]", (), "a policy must be an object, got a list of 0"),
        ("{}", (), "a policy needs the key 'rules' here"),
        ('{"rules": [], "rules": []}', (), "a policy must not repeat a key, got 'rules'"),
        ('{"rules": [], "x": 1}', ("x",), "a policy takes no key 'x' here"),
        ('{"rules": {}}', ("rules",), "rules must be a list, got an empty mapping"),
        ('{"rules": [1]}', ("rules", 0), "rules must be an object, got 1"),
        (rule(rulePriority=None), ("rules", 0), "a policy needs the key 'rulePriority' here"),
        (rule(rulePriority="1"), ("rules", 0, "rulePriority"), "must be a whole number, got '1'"),
        (rule(rulePriority=0), ("rules", 0, "rulePriority"), "must be at least 1, got 0"),
        (rule(rulePriority=True), ("rules", 0, "rulePriority"), "must be a whole number, got true"),
        (rule(selection=7), ("rules", 0, "selection"), "selection must be an object, got 7"),
        (
            rule(selection_countType="imagesMoreThan"),
            ("rules", 0, "selection", "countType"),
            "countType must be one of imageCountMoreThan,",
        ),
        (
            rule(selection_countUnit=None),
            ("rules", 0, "selection", "countUnit"),
            "countUnit must be 'days' with countType sinceImagePushed, got null",
        ),
        (
            rule(selection_countType="imageCountMoreThan"),
            ("rules", 0, "selection", "countUnit"),
            "countUnit must be absent with countType imageCountMoreThan, got 'days'",
        ),
        (
            rule(selection_storageClass="archive"),
            ("rules", 0, "selection", "storageClass"),
            "storageClass must be absent with countType sinceImagePushed, got 'archive'",
        ),
        (
            rule(action_type="transition"),
            ("rules", 0, "action", "targetStorageClass"),
            "targetStorageClass must be 'archive' with action transition, got null",
        ),
        (
            rule(selection_tagPrefixList=[]),
            ("rules", 0, "selection", "tagPrefixList"),
            "tagPrefixList must not be an empty list, got []; leave it out",
        ),
        # What AWS returns holds nothing that is known only at deploy time.
        (
            rule(selection_tagStatus="tagged", selection_tagPatternList=["v*", "${var.x}"]),
            ("rules", 0, "selection", "tagPatternList", 1),
            "tag pattern must be letters, digits, '_', '.', '-' and '*', got '${var.x}'",
        ),
        (
            rule(selection_tagStatus="tagged", selection_tagPrefixList=["${TfToken[TOKEN.1]}"]),
            ("rules", 0, "selection", "tagPrefixList", 0),
            "got '${TfToken[TOKEN.1]}'",
        ),
        (
            rule(selection_tagStatus="tagged"),
            ("rules", 0, "selection", "tagStatus"),
            "tag_status 'tagged' needs",
        ),
        (
            rule(selection_countNumber=0),
            ("rules", 0, "selection", "countNumber"),
            "max_image_age_days must be at least 1, got 0",
        ),
        (
            json.dumps({"rules": [RULE, RULE]}),
            ("rules", 0, "rulePriority"),
            "rule_priority must be unique, got 1 in 2 rules",
        ),
    ],
)
def test_fails_with(text: str, path: tuple[object, ...], sentence: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse_lifecycle_policy(text)
    assert sentence in caught.value.problems[0].sentence
    assert caught.value.problems[0].path == path
