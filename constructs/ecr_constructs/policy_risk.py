"""Policy risk: what a policy lets happen that nobody can have meant.

It is read off the document as AWS has it, so that it holds for what is written by hand, too.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ecr_constructs.action import (
    ALL_ACTIONS,
    PRIVATE,
    ActionSet,
    allowance_problems,
    covered,
)
from ecr_constructs.checks import Check, Problem, shown, within
from ecr_constructs.lockout import SESSION, lockouts
from ecr_constructs.narrowing import Narrowing, narrowed_by
from ecr_constructs.policy_json import NEWEST_VERSION, listed, named, policy_of, texts
from ecr_constructs.principal import SERVICE, account_of, is_wild
from ecr_constructs.registry import Registry
from ecr_constructs.wildcard import is_like

_PAGE = "IAM user guide, policy elements"

_ARN_LIKE = ", or write ArnLike, whose '*' stays in its part of the ARN"
EVERYBODY = Check(
    "everybody must be narrowed to an account, an organization, a VPC endpoint or a source ARN",
    f"{_PAGE}: Principal; this project: nothing is public by accident",
    "add a condition such as aws:PrincipalOrgID",
)
EVERYBODY_CHANGES = Check(
    "everybody must not push or change anything",
    "this project: an image that anybody can replace is nobody's",
    "leave the actions out that do not pull or read",
)
SERVICE_FOR_EVERYBODY = Check(
    "a service must act for an account, an organization or a source ARN only",
    "IAM user guide, the confused deputy problem",
    "add a condition such as aws:SourceArn",
)
ALLOWED_BUT = Check(
    "an allowance must not be for everybody but some: 'NotPrincipal' admits the whole world",
    f"{_PAGE}: NotPrincipal; AWS does not support it with Allow",
    "name whom it is for by 'Principal'",
)
FOREIGN_PUSH = Check(
    "another account, an organization or a network as a whole must not push",
    "this project: least privilege; its administrators would decide what runs here",
    "name the role that does",
)
FOREIGN_CHANGES = Check(
    "another account, an organization or a network as a whole must not do more than read, pull and"
    " push",
    "this project: least privilege",
    "name the role that does",
)
NOT_ACTION = Check(
    "an allowance must not be for every action but some", f"{_PAGE}: NotAction", "list the actions"
)
# What a reason makes good, `public_access`. It is for who is admitted to read, pull and push.
EXCUSABLE = (EVERYBODY, SERVICE_FOR_EVERYBODY, FOREIGN_PUSH)


def policy_risks(
    document: Mapping[str, Any],
    *,
    registry: Registry | None = None,
    deployer: str | None = None,
    spared: Sequence[str] = (),
    actions: ActionSet = PRIVATE,
) -> Iterator[Problem]:
    """What is wrong with whom a policy admits and denies.

    :param document: the data of a policy as AWS takes it.
    :param registry: where the repository is; without it, no account is another one.
    :param deployer: the ARN of the role that deploys, where it is known.
    :param spared: actions that other accounts may have as a whole.
    :param actions: those that the repository has.
    """
    variables = document.get("Version") == NEWEST_VERSION
    for index, statement in _statements(document):
        if statement.get("Effect") == "Deny":
            found = lockouts(statement, registry, deployer, variables=variables, actions=actions)
        else:
            narrowing = narrowed_by(statement.get("Condition"), variables=variables)
            found = _allowed(statement, narrowing, registry, actions, spared)
        yield from within(("Statement", index), found)
    yield from _allowed_together(document, actions.every, variables=variables)


def identity_risks(
    statements: Sequence[Mapping[str, Any]], who: Mapping[str, Any]
) -> Iterator[Problem]:
    """What is wrong with the policy of somebody's own: that it allows him all of ECR.

    :param statements: of a policy of IAM, which name nobody.
    :param who: the `Principal` that would be him.
    """
    own = [{**statement, "Principal": who} for statement in statements]
    for problem in policy_risks(policy_of(own)):
        yield problem._replace(path=problem.path[1:])


def _statements(document: Mapping[str, Any]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for index, statement in enumerate(listed(document.get("Statement", []))):
        if isinstance(statement, Mapping):
            yield index, statement


def _actions_of(statement: Mapping[str, Any]) -> list[str]:
    return texts(statement.get("Action", []))


def _allowed_together(
    document: Mapping[str, Any], every: tuple[str, ...], *, variables: bool
) -> Iterator[Problem]:
    """Everything that several statements allow somebody, with one repository at least."""
    allowed: dict[tuple[str, str], list[tuple[int, list[str], Sequence[str]]]] = {}
    for index, statement in _statements(document):
        if statement.get("Effect") == "Allow":
            narrowing = narrowed_by(statement.get("Condition"), variables=variables)
            resources = texts(statement.get("Resource", "*"))
            for name in _whom(statement.get("Principal")):
                who, narrowed = narrowing.of_everybody() if name == "*" else (name, str(narrowing))
                one = (index, resources, covered(_actions_of(statement), every))
                allowed.setdefault((who, narrowed), []).append(one)
    names = dict.fromkeys(who for who, _ in allowed)
    for who, narrowed in allowed:
        # Who is narrowed has what others are allowed.
        others = _others_of(who, names)
        keys = dict.fromkeys((name, of) for name in (*others, who) for of in ("", narrowed))
        found = [one for key in keys for one in allowed.get(key, ())]
        if len({action for *_, actions in found for action in actions}) < len(every):
            continue
        for resource in dict.fromkeys(one for _, resources, _ in found for one in resources):
            of_it = [
                (index, actions)
                for index, resources, actions in found
                if any(is_like(resource, pattern) for pattern in resources)
            ]
            whole = {action for _, actions in of_it for action in actions}
            alone = max(len(actions) for _, actions in of_it)
            if alone < len(whole) == len(every):
                got = f"them all for {shown(who)}{narrowed and f' of {narrowed}'}"
                last = max(index for index, _ in of_it)
                yield ALL_ACTIONS.problem(got, ("Statement", last))
                break


def _whom(principal: object) -> list[str]:
    """Whom a statement is about, with one name for each: an account has two."""
    names = [*named(principal, "AWS"), *named(principal, "Service")]
    return [account_of(name) or name for name in names]


def _others_of(who: str, names: Iterable[str]) -> list[str]:
    """By what other names somebody is allowed something: his account's, his role's, everybody's."""
    if SERVICE.pattern.fullmatch(who):
        return []
    account = who.split(":")[4] if who.startswith("arn:") else who
    session = SESSION.fullmatch(who)
    if session is None:
        return ["*", account]
    # A session does not tell the path of its role.
    role = re.compile(rf"[^:]*:[^:]*:iam::{account}:role/(?:.*/)?{re.escape(session['role'])}")
    return ["*", account, *filter(role.fullmatch, names)]


def _allowed(
    statement: Mapping[str, Any],
    narrowing: Narrowing,
    registry: Registry | None,
    known: ActionSet,
    spared: Sequence[str],
) -> Iterator[Problem]:
    principal, actions = statement.get("Principal"), _actions_of(statement)
    if "NotPrincipal" in statement:
        yield ALLOWED_BUT.problem(path=("NotPrincipal",))
    if "NotAction" in statement:
        yield NOT_ACTION.problem(path=("NotAction",))
    yield from (p._replace(path=("Action",)) for p in allowance_problems(actions, known.every))
    hint = _ARN_LIKE if narrowing.is_almost else ""
    services = [] if narrowing.has_source else named(principal, "Service")
    if services:
        got = ", ".join(map(shown, services))
        yield SERVICE_FOR_EVERYBODY.problem(got, ("Principal",), hint=hint)
    everybody = [] if narrowing.values else [*filter(is_wild, named(principal, "AWS"))]
    if everybody:
        yield EVERYBODY.problem(shown(everybody[0]), ("Principal",), hint=hint)
    changes = [action for action in covered(actions, known.changing) if action not in spared]
    if changes and (everybody or services or "NotPrincipal" in statement):
        yield EVERYBODY_CHANGES.problem(", ".join(changes), ("Action",))
    elif changes:
        others = [action for action in changes if action not in known.pushing]
        for who in dict.fromkeys(_outsiders(principal, narrowing, registry)):
            if others:
                yield FOREIGN_CHANGES.problem(f"{', '.join(others)} for {who}", ("Principal",))
            else:
                yield FOREIGN_PUSH.problem(who, ("Principal",))


def _outsiders(principal: object, narrowing: Narrowing, registry: Registry | None) -> Iterator[str]:
    """Who is admitted without a name, and is not of the registry's account."""
    account = registry.known_account_id if registry else None
    if not narrowing.is_foreign(account):
        return
    if any(map(is_wild, named(principal, "AWS"))) or named(principal, "Service"):
        yield str(narrowing)
    for root in map(account_of, named(principal, "AWS")):
        if root is not None and account not in (None, root):
            yield f"account {shown(root)}"
