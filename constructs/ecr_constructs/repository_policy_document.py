"""Repository policy document: a repository policy in AWS's JSON, read back as statements."""

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
from ecr_constructs.policy_document import policy_document_problems
from ecr_constructs.policy_json import (
    NEWEST_VERSION,
    conditions_as_text,
    listed,
    members,
    parsed,
    placed,
    texts,
)
from ecr_constructs.principal import (
    CONDITIONS,
    LAMBDA,
    Principal,
    account_of,
)
from ecr_constructs.repository_policy import PolicyStatement, repository_policy_problems

_PAGE = "IAM user guide, policy elements"
NEWER_VERSION = Choice(what="Version", source=f"{_PAGE}: Version", options=(NEWEST_VERSION,))
ONE_ELEMENT = Check(
    "a principal must be by 'AWS' or by 'Service' here",
    "this library: a statement is about one kind of principals",
)
ONE_SOURCE = Check(
    "a service must act for one source here", "this library's `Principal`", "write a statement each"
)
ORGANIZATION_NEEDED = Check(
    "everybody as a principal must be narrowed by an organization or an organizational unit",
    "this project: nothing is public by accident",
)

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
        such as a `Resource`, an `Id`, another `Version` than 2012-10-17, or everybody as a
        principal; the problems' paths lead through the document.
    """
    refuse(policy_document_problems(text))
    problems: list[Problem] = []
    root = members(
        parsed(text), (), problems, required={"Statement": object}, optional={"Version": str}
    )
    if "Version" in root:
        problems += within(("Version",), NEWER_VERSION.problems(root["Version"]))
    statements = [
        _statement(value, ("Statement", index), problems)
        for index, value in enumerate(listed(root["Statement"]))
    ]
    refuse(problems)
    read = [statement for statement in statements if statement is not None]
    refuse(repository_policy_problems(read))
    return tuple(read)


def _statement(value: object, path: Path, problems: list[Problem]) -> PolicyStatement | None:
    """A statement of which the elements have their forms already."""
    before = len(problems)
    found = members(
        value,
        path,
        problems,
        required={"Effect": str, "Principal": object, "Action": object},
        optional={"Sid": str, "Condition": dict},
    )
    element = {"AWS": "*"} if found.get("Principal") == "*" else found.get("Principal", {})
    if len(element) > 1:
        got = " and ".join(element)
        problems.append(ONE_ELEMENT.problem(got, (*path, "Principal")))
    if len(problems) > before:
        return None
    try:
        written = conditions_as_text(found.get("Condition", {}))
        principals, rest = _principals(element, written)
        return PolicyStatement(
            sid=found.get("Sid"),
            effect=found["Effect"],
            principals=principals,
            actions=tuple(texts(found["Action"])),
            conditions=rest,
        )
    except InvalidValueError as error:
        problems += placed(error.problems, path, _PLACES)
        return None


_Conditions = dict[str, Any]


def _principals(
    element: Mapping[str, Any], conditions: _Conditions
) -> tuple[tuple[Principal, ...], _Conditions]:
    """The principals of an element, and the conditions but for those that narrow them."""
    [(name, value)] = element.items()
    identifiers = tuple(map(str, listed(value)))
    if name == "Service":
        return _services(identifiers, conditions)
    if "*" in identifiers:
        for kind in ("organization", "organizational_unit"):
            values, rest = _taken(conditions, *CONDITIONS[kind])
            if values and identifiers == ("*",):
                return tuple(Principal(**{kind: text}) for text in values), rest
        raise InvalidValueError([ORGANIZATION_NEEDED.problem("'*'", ("principals",))])
    problems: list[Problem] = []
    found = []
    for index, identifier in enumerate(identifiers):
        try:
            found.append(_principal(identifier))
        except InvalidValueError as error:
            problems += (p._replace(path=("principals", "AWS", index)) for p in error.problems)
    refuse(problems)
    return tuple(found), conditions


def _services(
    identifiers: tuple[str, ...], conditions: _Conditions
) -> tuple[tuple[Principal, ...], _Conditions]:
    arns, rest = _taken(conditions, *CONDITIONS["lambda_function"])
    if identifiers == (LAMBDA,) and arns:
        return tuple(Principal(lambda_function=arn) for arn in arns), rest
    accounts, rest = _taken(rest, *CONDITIONS["source_account"])
    if len(arns) > 1 or len(accounts) > 1:
        raise InvalidValueError([ONE_SOURCE.problem(shown([*arns, *accounts]), ("conditions",))])
    return (
        tuple(
            Principal(
                service=service,
                source_account=accounts[0] if accounts else None,
                source_arn=arns[0] if arns else None,
            )
            for service in identifiers
        ),
        rest,
    )


def _taken(conditions: _Conditions, operator: str, key: str) -> tuple[tuple[str, ...], _Conditions]:
    """The values of a condition, and the conditions without it; keys are in any case."""
    keys = conditions.get(operator)
    name = next((k for k in keys or () if k.lower() == key.lower()), None)
    if not isinstance(keys, dict) or name is None:
        return (), conditions
    left = {k: v for k, v in keys.items() if k != name}
    rest = {**conditions, operator: left}
    if not left:
        del rest[operator]
    value = keys[name]
    return (value,) if isinstance(value, str) else tuple(value), rest


def _principal(identifier: str) -> Principal:
    account = account_of(identifier)
    if account:
        return Principal(account=account)
    if ":user/" in identifier:
        return Principal(user=identifier)
    if identifier.startswith("arn:"):
        return Principal(role=identifier)
    return Principal(account=identifier)
