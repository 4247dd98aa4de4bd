"""Policy risk: what a repository policy lets happen that nobody can have meant.

It is read off the document as AWS has it, so that it holds for what is written by hand, too.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from ecr_constructs.checks import Check, Path, Problem, is_token, shown
from ecr_constructs.policy_json import listed
from ecr_constructs.registry import Registry
from ecr_constructs.repository_policy import (
    ALL_ACTIONS,
    PUSH_ACTIONS,
    REPOSITORY_ACTIONS,
    matching,
)

_PAGE = "IAM user guide, policy elements"
# What uploads an image; BatchCheckLayerAvailability is part of a pull, too.
_UPLOAD_ACTIONS = tuple(a for a in PUSH_ACTIONS if a != "ecr:BatchCheckLayerAvailability")
# What Terraform needs to read and to mend a policy.
_OWNER_ACTIONS = (
    "ecr:DeleteRepositoryPolicy",
    "ecr:DescribeRepositories",
    "ecr:GetRepositoryPolicy",
    "ecr:SetRepositoryPolicy",
)
_POSITIVE = re.compile(
    r"(?:ForAnyValue:)?(?P<base>StringEquals(?:IgnoreCase)?|StringLike|ArnEquals|ArnLike)"
)
# Condition keys that narrow a statement, in lowercase, with what a value has to start with.
_ACCOUNT = re.compile(r"[0-9]{12}")
_ARN = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]+:[^:]*:[0-9]{12}:.+")
_NARROW: Mapping[str, re.Pattern[str]] = {
    "aws:principalorgid": re.compile(r"o-[a-z0-9]{10,32}"),
    "aws:principalorgpaths": re.compile(r"o-[a-z0-9]{10,32}/.*"),
    "aws:principalaccount": _ACCOUNT,
    "aws:principalarn": _ARN,
    "aws:sourceaccount": _ACCOUNT,
    "aws:sourcearn": _ARN,
    "aws:sourceorgid": re.compile(r"o-[a-z0-9]{10,32}"),
    "aws:sourceorgpaths": re.compile(r"o-[a-z0-9]{10,32}/.*"),
    "aws:sourcevpc": re.compile(r"vpc-[0-9a-f]+"),
    "aws:sourcevpce": re.compile(r"vpce-[0-9a-f]+"),
}
_ROOT = re.compile(r"(?:arn:aws[a-z-]*:iam::)?(?P<account>[0-9]{12})(?::root)?")

EVERYBODY = Check(
    "everybody must be narrowed to an account, an organization, a VPC endpoint or a source ARN",
    f"{_PAGE}: Principal; this project: nothing is public by accident",
    "add a condition such as aws:PrincipalOrgID, or say 'public_access' and why",
)
SERVICE_FOR_EVERYBODY = Check(
    "a service must act for an account, an organization or a source ARN only",
    "IAM user guide, the confused deputy problem",
    "add a condition such as aws:SourceArn, or say 'public_access' and why",
)
NOT_PRINCIPAL = Check(
    "an allowance must not be for everybody but some: 'NotPrincipal' admits the whole world",
    f"{_PAGE}: NotPrincipal",
    "name whom it is for by 'Principal', or say 'public_access' and why",
)
FOREIGN_PUSH = Check(
    "another account as a whole must not push, or its administrators decide what runs here",
    "this project: least privilege",
    "name the role that pushes, or say 'public_access' and why",
)
NOT_ACTION = Check(
    "an allowance must not be for every action but some", f"{_PAGE}: NotAction", "list the actions"
)
LOCKOUT = Check(
    "a denial must not shut out the role that deploys",
    "ECR API, `SetRepositoryPolicy`: who cannot set the policy cannot mend it",
    "leave the role out by a condition such as ArnNotEquals of aws:PrincipalArn",
)
# What a reason makes good.
EXCUSABLE = (EVERYBODY, SERVICE_FOR_EVERYBODY, NOT_PRINCIPAL, FOREIGN_PUSH)


def policy_risks(
    document: Mapping[str, Any], *, registry: Registry | None = None, deployer: str | None = None
) -> Iterator[Problem]:
    """What is wrong with whom a policy admits and denies.

    :param document: the data of a policy as AWS takes it.
    :param registry: where the repository is; without it, no account is another one.
    :param deployer: the ARN of the role that deploys, where it is known.
    """
    for index, statement in enumerate(listed(document.get("Statement", []))):
        if isinstance(statement, Mapping):
            path: Path = ("Statement", index)
            found = _allowed(statement, registry)
            if statement.get("Effect") == "Deny":
                found = _denied(statement, deployer)
            yield from (problem._replace(path=path + problem.path) for problem in found)


def _allowed(statement: Mapping[str, Any], registry: Registry | None) -> Iterator[Problem]:
    principal = statement.get("Principal")
    if "NotPrincipal" in statement:
        yield NOT_PRINCIPAL.problem(path=("NotPrincipal",))
    if "NotAction" in statement:
        yield NOT_ACTION.problem(path=("NotAction",))
    actions = list(map(str, listed(statement.get("Action", []))))
    if len(_matched(actions)) == len(REPOSITORY_ACTIONS):
        yield ALL_ACTIONS.problem(", ".join(map(shown, actions)), ("Action",))
    narrowed = _narrowed_by(statement.get("Condition", {}))
    services = _identifiers(principal, "Service")
    if services and not any(key.startswith("aws:source") for key in narrowed):
        yield SERVICE_FOR_EVERYBODY.problem(", ".join(map(shown, services)), ("Principal",))
    people = _identifiers(principal, "AWS")
    if any("*" in identifier or "?" in identifier for identifier in people) and not narrowed:
        yield EVERYBODY.problem(
            shown(next(i for i in people if "*" in i or "?" in i)), ("Principal",)
        )
    uploads = [action for action in _matched(actions) if action in _UPLOAD_ACTIONS]
    for identifier in people:
        root = _ROOT.fullmatch(identifier)
        account = root["account"] if root else ""
        foreign = account and registry is not None and account != registry.account_id
        if foreign and uploads and "aws:principalarn" not in narrowed:
            yield FOREIGN_PUSH.problem(f"account {shown(account)}", ("Principal",))


def _denied(statement: Mapping[str, Any], deployer: str | None) -> Iterator[Problem]:
    if deployer is None or is_token(deployer) or statement.get("Condition"):
        return
    account = deployer.split(":")[4]
    own = {deployer, account, deployer.split("/")[0].rpartition(":")[0] + ":root", "*"}
    denied = own & {*_identifiers(statement.get("Principal"), "AWS")}
    if "NotPrincipal" in statement:
        denied = {deployer} - {*_identifiers(statement["NotPrincipal"], "AWS")}
    actions = _matched(map(str, listed(statement.get("Action", []))))
    if "NotAction" in statement:
        spared = _matched(map(str, listed(statement["NotAction"])))
        actions = [action for action in REPOSITORY_ACTIONS if action not in spared]
    owned = [action for action in actions if action in _OWNER_ACTIONS]
    if denied and owned:
        yield LOCKOUT.problem(f"{', '.join(owned)} for {shown(min(denied))}", ("Principal",))


def _identifiers(principal: object, kind: str) -> list[str]:
    """Who is named by a kind, such as `AWS`; a lone `*` is of that kind."""
    if isinstance(principal, str):
        return [principal] if kind == "AWS" else []
    if not isinstance(principal, Mapping):
        return []
    return [str(item) for item in listed(principal.get(kind, []))]


_BY_LOWERCASE = {action.lower(): action for action in REPOSITORY_ACTIONS}


def _matched(actions: Iterable[str]) -> list[str]:
    """The actions of a repository that these stand for; IAM reads them in any case."""
    return list(dict.fromkeys(name for action in actions for name in _matched_by(action)))


@lru_cache(maxsize=1024)
def _matched_by(action: str) -> tuple[str, ...]:
    return tuple(_BY_LOWERCASE[name] for name in matching(action.lower(), _BY_LOWERCASE))


def _narrowed_by(conditions: object) -> set[str]:
    """The condition keys, in lowercase, that narrow a statement to somebody."""
    found: set[str] = set()
    for operator, keys in conditions.items() if isinstance(conditions, Mapping) else ():
        positive = _POSITIVE.fullmatch(str(operator))
        for key, value in keys.items() if positive and isinstance(keys, Mapping) else ():
            form = _NARROW.get(str(key).lower())
            values = listed(value)
            if form is not None and values and all(form.fullmatch(str(item)) for item in values):
                found.add(str(key).lower())
    return found
