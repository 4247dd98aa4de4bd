"""Repository policy document: a repository policy in AWS's JSON, read back as statements."""

import re
from collections.abc import Mapping
from typing import Any

from ecr_constructs.checks import (
    Check,
    Choice,
    InvalidValueError,
    Path,
    Problem,
    refuse,
    shown,
    within,
)
from ecr_constructs.policy_json import listed, members, parsed, placed
from ecr_constructs.principal import Principal
from ecr_constructs.repository_policy import (
    NO_STATEMENT,
    PolicyStatement,
    repository_policy_problems,
)

_PAGE = "IAM user guide, policy elements"
VERSION = Choice(what="Version", source=f"{_PAGE}: Version", options=("2012-10-17",))
NOT_TEXT = Check("{key} must be text or a list of text", _PAGE)
_ROOT = re.compile(r"arn:aws[a-z-]*:iam::([0-9]{12}):root")

# Keyword -> what AWS's document calls it.
_PLACES: dict[str, Path] = {
    "sid": ("Sid",),
    "effect": ("Effect",),
    "principals": ("Principal",),
    "actions": ("Action",),
    "conditions": ("Condition",),
}


def parse_repository_policy(text: str) -> tuple[PolicyStatement, ...]:
    """The statements of a policy as AWS takes and returns it; the reverse of rendering them.

    :param text: the JSON, in any layout.
    :raises ValueError: for everything in which it is no policy that this library would write,
        such as a `Resource`, an `Id`, another `Version` than 2012-10-17, or a principal that is no
        role, user or account; the problems' paths lead through the document.
    """
    problems: list[Problem] = []
    root = members(
        parsed(text),
        (),
        problems,
        required={"Statement": object},
        optional={"Version": str},
    )
    if "Version" in root:
        problems += within(("Version",), VERSION.problems(root["Version"]))
    statements = [
        _statement(value, ("Statement", index), problems)
        for index, value in enumerate(listed(root.get("Statement", [])))
    ]
    refuse(problems)
    read = [statement for statement in statements if statement is not None]
    if not read:
        problems.append(NO_STATEMENT.problem("none")._replace(path=("Statement",)))
    refuse([*problems, *repository_policy_problems(read)])
    return tuple(read)


def _statement(value: object, path: Path, problems: list[Problem]) -> PolicyStatement | None:
    before = len(problems)
    found = members(
        value,
        path,
        problems,
        required={"Effect": str, "Principal": dict, "Action": object},
        optional={"Sid": str, "Condition": dict},
    )
    principal = members(
        found.get("Principal", {}),
        (*path, "Principal"),
        problems if "Principal" in found else [],
        required={"AWS": object},
        optional={},
    )
    for holder, key, place in ((found, "Action", path), (principal, "AWS", (*path, "Principal"))):
        if key in holder and not all(isinstance(item, str) for item in listed(holder[key])):
            problems.append(NOT_TEXT.problem(shown(holder[key]), (*place, key), key=key))
    if len(problems) > before:
        return None
    try:
        return PolicyStatement(
            sid=found.get("Sid"),
            effect=found["Effect"],
            principals=_principals(principal["AWS"]),
            actions=tuple(map(str, listed(found["Action"]))),
            conditions=_conditions(found.get("Condition", {})),
        )
    except InvalidValueError as error:
        problems += placed(error.problems, path, _PLACES)
        return None


def _principals(value: object) -> tuple[Principal, ...]:
    problems: list[Problem] = []
    found = []
    for index, identifier in enumerate(listed(value)):
        try:
            found.append(_principal(str(identifier)))
        except InvalidValueError as error:
            problems += (p._replace(path=("principals", "AWS", index)) for p in error.problems)
    refuse(problems)
    return tuple(found)


def _principal(identifier: str) -> Principal:
    root = _ROOT.fullmatch(identifier)
    if root:
        return Principal(account=root[1])
    if ":user/" in identifier:
        return Principal(user=identifier)
    if identifier.startswith("arn:"):
        return Principal(role=identifier)
    return Principal(account=identifier)


def _conditions(value: Mapping[str, Any]) -> dict[str, Any]:
    return {
        operator: {
            key: tuple(item) if isinstance(item, list) else item for key, item in keys.items()
        }
        if isinstance(keys, dict)
        else keys
        for operator, keys in value.items()
    }
