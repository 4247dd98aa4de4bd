"""Policy document: a repository policy that somebody wrote by hand, in AWS's JSON."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from ecr_constructs.action import action_problems
from ecr_constructs.checks import (
    Check,
    Choice,
    InvalidValueError,
    Path,
    Problem,
    TextForm,
    is_token,
    sent_length,
    shown,
    within,
)
from ecr_constructs.condition import condition_problems
from ecr_constructs.policy_json import (
    NEWEST_VERSION,
    conditions_as_text,
    listed,
    meant_keys,
    members,
    named,
    pairs,
    parsed,
)
from ecr_constructs.principal import NAMED, PARTITION, SERVICE
from ecr_constructs.registry import Registry
from ecr_constructs.repository_policy import (
    EFFECT,
    MAX_POLICY_LENGTH,
    NO_STATEMENT,
    POLICY_LENGTH,
    SID,
)
from ecr_constructs.terraform_text import json_text

_PAGE = "IAM user guide, policy elements"
VERSION = Choice(
    what="Version",
    source=f"{_PAGE}: Version; the older one knows no policy variables",
    options=(NEWEST_VERSION, "2008-10-17"),
)
ONE_OF = Check("a statement takes exactly one of {one} and {other}", _PAGE)
ELEMENT = Check(
    "{key} must be '*' or an object of 'AWS' and 'Service' with text or a list of text",
    f"{_PAGE}: Principal; 'Federated' is for roles and 'CanonicalUser' for S3: unknown whether ECR"
    " takes them: refused",
)
TEXTS = Check("{key} must be text or a list of text, and not an empty one", _PAGE)
_ELEMENTS = ("Principal", "NotPrincipal")
_ACTIONS = ("Action", "NotAction")
# AWS's pages are of two minds on whether ECR takes one.
_NO_RESOURCE = dict.fromkeys(
    ("Resource", "NotResource"),
    "; leave it out: a repository's policy is about the repository, and ECR may refuse it with one",
)
_FORMS: Mapping[str, TextForm] = {"AWS": NAMED, "Service": SERVICE}


def read_policy(text: str) -> Mapping[str, Any]:
    """The data of a policy whose checks have passed."""
    found: Mapping[str, Any] = parsed(text)
    return found


def without_statements(document: Mapping[str, Any], left_out: Collection[int]) -> dict[str, Any]:
    """The policy with nothing for some statements, so that the others keep their positions."""
    statements = enumerate(listed(document["Statement"]))
    kept = [None if index in left_out else statement for index, statement in statements]
    return {**document, "Statement": kept}


def with_principals_named(text: str, name: Callable[[str], str]) -> str:
    """The policy with other names for whom its statements are about.

    :param name: the name of a principal -> what is written instead.
    """
    document = dict(read_policy(text))
    statements = [
        {key: _named(value, name) if key in _ELEMENTS else value for key, value in pairs(statement)}
        for statement in listed(document["Statement"])
    ]
    alone = isinstance(document["Statement"], Mapping)
    document["Statement"] = statements[0] if alone else statements
    return json.dumps(document, ensure_ascii=False)


def _named(element: object, name: Callable[[str], str]) -> object:
    """The `Principal` element with other names; one alone stays alone."""
    if not isinstance(element, Mapping):
        return element
    return {
        kind: [name(each) for each in names] if isinstance(names, list) else name(names)
        for kind, names in element.items()
    }


def policy_document_text(text: str) -> str:
    """The policy as it is handed to Terraform: the same in one line."""
    return json_text(read_policy(text))


def policy_document_problems(text: object) -> Iterator[Problem]:
    """Check a policy as AWS's schema has it: the elements, their types, actions and conditions.

    It has no `Resource`: that is the repository, and whether ECR takes one is unknown.
    """
    problems: list[Problem] = []
    try:
        root = parsed(text)  # type: ignore[arg-type]
    except InvalidValueError as error:
        yield from error.problems
        return
    found = members(
        root,
        (),
        problems,
        required={"Statement": object},
        optional={"Version": str, "Id": str},
    )
    if "Version" in found:
        problems += within(("Version",), VERSION.problems(found["Version"]))
    if "Id" in found:
        problems += within(("Id",), SID.problems(found["Id"], "Id"))
    statements = listed(found.get("Statement", []))
    if not statements and "Statement" in found:
        problems.append(NO_STATEMENT.problem("none", ("Statement",)))
    for index, value in enumerate(statements):
        _check_statement(value, ("Statement", index), problems)
    yield from problems
    length = sent_length(root)
    if length > MAX_POLICY_LENGTH:
        yield POLICY_LENGTH.problem(str(length))


def _check_statement(value: object, path: Path, problems: list[Problem]) -> None:
    found = members(
        value,
        path,
        problems,
        required={"Effect": str},
        optional={
            "Sid": str,
            "Principal": object,
            "NotPrincipal": object,
            "Action": object,
            "NotAction": object,
            "Condition": dict,
        },
        others=_NO_RESOURCE,
    )
    if not isinstance(value, dict):
        return
    if "Effect" in found:
        problems += within((*path, "Effect"), EFFECT.problems(found["Effect"]))
    meant = meant_keys(value, ("Effect", "Sid", *_ELEMENTS, *_ACTIONS, "Condition"))
    for one, other in (_ELEMENTS, _ACTIONS):
        given = [key for key in (one, other) if key in meant]
        if len(given) != 1:
            got = "both" if given else "none"
            problems.append(ONE_OF.problem(got, path, one=shown(one), other=shown(other)))
    for key in _ELEMENTS:
        if key in found:
            problems += within((*path, key), _element_problems(key, found[key]))
    if "Sid" in found:
        problems += within((*path, "Sid"), SID.problems(found["Sid"]))
    for key in _ACTIONS:
        if key in found:
            problems += within((*path, key), _action_problems(key, found))
    written = conditions_as_text(found.get("Condition", {}))
    problems += within((*path, "Condition"), condition_problems(written))


def _action_problems(key: str, found: Mapping[str, Any]) -> Iterator[Problem]:
    if not _is_texts(found[key]):
        yield TEXTS.problem(shown(found[key]), key=key)
        return
    for index, action in enumerate(listed(found[key])):
        yield from within((index,), action_problems(action))


def _is_texts(value: object) -> bool:
    items = listed(value)
    return bool(items) and all(isinstance(item, str) and item for item in items)


def _element_problems(key: str, value: object) -> Iterator[Problem]:
    """Check whom a statement is about: that AWS can know each."""
    if value == "*":
        return
    kinds = value if isinstance(value, dict) else {}
    if not kinds or not all(k in _FORMS and _is_texts(v) for k, v in kinds.items()):
        yield ELEMENT.problem(shown(value), key=key)
        return
    for kind, names in kinds.items():
        for index, name in enumerate(listed(names)):
            path = (kind, index) if isinstance(names, list) else (kind,)
            yield from within(path, _FORMS[kind].problems(name))


def document_problems_in(registry: Registry, document: Mapping[str, Any]) -> Iterator[Problem]:
    """Check what depends on where the repository is: the partition of whom a policy is about."""
    if is_token(registry.region):
        return
    for index, statement in enumerate(listed(document["Statement"])):
        for key in _ELEMENTS:
            for name in named(dict(pairs(statement)).get(key), "AWS"):
                parts = name.split(":")
                if parts[0] == "arn" and parts[1] != registry.partition and not is_token(name):
                    got = f"{shown(name)} for {registry.partition}"
                    yield PARTITION.problem(got, ("Statement", index, key))
