"""Lifecycle document: a lifecycle policy in AWS's JSON, read back as rules."""

from collections.abc import Iterator, Mapping
from typing import Any

from ecr_constructs.checks import (
    Check,
    Choice,
    InvalidValueError,
    Path,
    Problem,
    is_token,
    refuse,
    shown,
    within,
)
from ecr_constructs.lifecycle_policy import NO_RULE, lifecycle_policy_problems
from ecr_constructs.lifecycle_rule import COUNT_TYPES, TAG_PATTERN, TAG_PREFIX, LifecycleRule
from ecr_constructs.policy_json import members, parsed, placed

_PAGE = "ECR user guide, lifecycle policy properties"
COUNT_TYPE = Choice(
    what="countType", source=f"{_PAGE}, `countType`", options=tuple(COUNT_TYPES.values())
)
COUNT_UNIT = Check(
    "countUnit must be {expected} with countType {count_type}", f"{_PAGE}, `countUnit`"
)
STORAGE_CLASS = Check(
    "storageClass must be {expected} with countType {count_type}", f"{_PAGE}, `storageClass`"
)
TARGET = Check(
    "targetStorageClass must be {expected} with action {action}", f"{_PAGE}, `targetStorageClass`"
)
LIST_EMPTY = Check("{key} must not be an empty list", f"{_PAGE}, `tagStatus`", "leave it out")

# Keyword -> where AWS's document has it.
_PLACES: dict[str, Path] = {
    **dict.fromkeys(COUNT_TYPES, ("selection", "countNumber")),
    "rule_priority": ("rulePriority",),
    "tag_status": ("selection", "tagStatus"),
    "tag_pattern_list": ("selection", "tagPatternList"),
    "tag_prefix_list": ("selection", "tagPrefixList"),
    "action": ("action", "type"),
}


def parse_lifecycle_policy(text: str) -> tuple[LifecycleRule, ...]:
    """The rules of a policy as AWS takes and returns it; the reverse of rendering them.

    :param text: the JSON, in any layout. It holds no tokens.
    :raises ValueError: for everything in which it is no lifecycle policy that this library would
        write; the problems' paths lead through the document.
    """
    problems: list[Problem] = []
    root = members(parsed(text), (), problems, required={"rules": list}, optional={})
    rules = [_rule(value, ("rules", i), problems) for i, value in enumerate(root.get("rules", ()))]
    refuse(problems)
    read = [rule for rule in rules if rule is not None]
    if not read:
        problems.append(NO_RULE.problem("none")._replace(path=("rules",)))
    for problem in lifecycle_policy_problems(read):
        index, *rest = problem.path or (None,)
        path: Path = ("rules",) if index is None else ("rules", index)
        problems += placed([problem._replace(path=tuple(rest))], path, _PLACES)
    refuse(problems)
    return tuple(read)


def _rule(value: object, path: Path, problems: list[Problem]) -> LifecycleRule | None:
    before = len(problems)
    rule = members(
        value,
        path,
        problems,
        required={"rulePriority": int, "selection": dict, "action": dict},
        optional={"description": str},
    )
    selection = members(
        rule.get("selection", {}),
        (*path, "selection"),
        problems if "selection" in rule else [],
        required={"tagStatus": str, "countType": str, "countNumber": int},
        optional={
            "tagPatternList": list,
            "tagPrefixList": list,
            "storageClass": str,
            "countUnit": str,
        },
    )
    action = members(
        rule.get("action", {}),
        (*path, "action"),
        problems if "action" in rule else [],
        required={"type": str},
        optional={"targetStorageClass": str},
    )
    if len(problems) > before:
        return None
    found = [*_pairing_problems(selection, action)]
    problems += within(path, found)
    if found:
        return None
    keyword = next(k for k, v in COUNT_TYPES.items() if v == selection["countType"])
    given = {
        keyword: selection["countNumber"],
        "rule_priority": rule["rulePriority"],
        "description": rule.get("description"),
        "tag_status": selection["tagStatus"],
        "tag_pattern_list": tuple(selection.get("tagPatternList", ())),
        "tag_prefix_list": tuple(selection.get("tagPrefixList", ())),
        "action": action["type"],
    }
    try:
        return LifecycleRule(**given)
    except InvalidValueError as error:
        problems += placed(error.problems, path, _PLACES)
        return None


def _pairing_problems(selection: Mapping[str, Any], action: Mapping[str, Any]) -> Iterator[Problem]:
    """What the keys of one rule owe each other, but for what `LifecycleRule` checks."""
    count_type = selection["countType"]
    wrong = list(within(("selection", "countType"), COUNT_TYPE.problems(count_type)))
    yield from wrong
    if wrong:
        return
    counts = count_type == "imageCountMoreThan"
    archive = count_type == "sinceImageTransitioned"
    transition = action["type"] == "transition"
    for check, holder, key, allowed in (
        (COUNT_UNIT, selection, "countUnit", (None,) if counts else ("days",)),
        (
            STORAGE_CLASS,
            selection,
            "storageClass",
            ("archive",) if archive else (None, "standard"),
        ),
        (TARGET, action, "targetStorageClass", ("archive",) if transition else (None,)),
    ):
        if holder.get(key) not in allowed:
            path = ("selection" if holder is selection else "action", key)
            expected = "absent" if allowed[0] is None else f"'{allowed[0]}'"
            yield check.problem(
                shown(holder.get(key)),
                path,
                expected=expected,
                count_type=count_type,
                action=action["type"],
            )
    for key, form in (("tagPatternList", TAG_PATTERN), ("tagPrefixList", TAG_PREFIX)):
        if selection.get(key) == []:
            yield LIST_EMPTY.problem("[]", ("selection", key), key=key)
        for index, tag in enumerate(selection.get(key, ())):
            # Tokens, which a rule may have; the rule checks the rest.
            if is_token(tag):
                yield from within(("selection", key, index), form.problems(tag, tokens=False))
