"""Policy risk: what a policy lets happen that nobody can have meant.

It is read off the document as AWS has it, so that it holds for what is written by hand, too.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ecr_constructs.action import (
    ALL_ACTIONS,
    REPOSITORY_ACTIONS,
    allowance_problems,
    together,
)
from ecr_constructs.checks import Check, Problem, is_token, shown, within
from ecr_constructs.condition import operator_of
from ecr_constructs.policy_json import listed, pairs, texts
from ecr_constructs.registry import Registry
from ecr_constructs.request import deployers_request, holds
from ecr_constructs.wildcard import is_like

_PAGE = "IAM user guide, policy elements"
# What tells of images, and what downloads them. Everything else changes something.
_READING = re.compile(r"ecr:(?:BatchCheck|BatchGet|Describe|Get|List|StartLifecyclePolicyPreview)")
CHANGING_ACTIONS = tuple(action for action in REPOSITORY_ACTIONS if not _READING.match(action))
# What Terraform needs to read and to mend a policy.
_OWNER_ACTIONS = (
    "ecr:DeleteRepositoryPolicy",
    "ecr:DescribeRepositories",
    "ecr:GetRepositoryPolicy",
    "ecr:SetRepositoryPolicy",
)
# Condition keys that narrow a statement, in lowercase, with what a value has to look like.
_ORGANIZATION = re.compile(r"o-[a-z0-9]{10,32}|\$\{aws:ResourceOrgID\}", re.IGNORECASE)
_UNITS = re.compile(r"o-[a-z0-9]{10,32}/.*")
_ACCOUNT = re.compile(r"[0-9]{12}|\$\{aws:ResourceAccount\}", re.IGNORECASE)
# Its account is what narrows it. A `*` of the operators on ARNs stays in its part; of those on
# texts it does not.
_ARN = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]+:[^:]*:(?P<account>[0-9]{12}):(?P<name>.+)")
_ARN_AS_TEXT = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:[0-9]{12}:.+")
_NARROW: Mapping[str, re.Pattern[str]] = {
    "aws:principalorgid": _ORGANIZATION,
    "aws:principalorgpaths": _UNITS,
    "aws:principalaccount": _ACCOUNT,
    "aws:principalarn": _ARN,
    "aws:sourceaccount": _ACCOUNT,
    "aws:sourcearn": _ARN,
    "aws:sourceorgid": _ORGANIZATION,
    "aws:sourceorgpaths": _UNITS,
    "aws:sourcevpc": re.compile(r"vpc-[0-9a-f]+"),
    "aws:sourcevpce": re.compile(r"vpce-[0-9a-f]+"),
    "aws:vpceaccount": _ACCOUNT,
    "aws:vpceorgid": _ORGANIZATION,
    "aws:vpceorgpaths": _UNITS,
}
# What says of which account somebody is.
_ACCOUNT_KEYS = ("aws:principalaccount", "aws:principalarn", "aws:sourceaccount", "aws:sourcearn")
# What names somebody, and how his ARN begins.
_NAME_KEYS = {"aws:principalarn": ("role/", "user/"), "aws:sourcearn": ("",)}
# For whom a service acts.
_SOURCES = {"aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths"}
_OWN = "${aws:resourceaccount}"
_ROOT = re.compile(r"(?:arn:aws[a-z-]*:iam::)?(?P<account>[0-9]{12})(?::root)?")
_SESSION = re.compile(r"arn:aws[a-z-]*:sts::(?P<account>[0-9]{12}):assumed-role/(?P<role>[^/]+)/.*")
_VARIABLES = "2012-10-17"

_EXCUSE = ", or say 'public_access' and why"
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
NOT_PRINCIPAL = Check(
    "an allowance must not be for everybody but some: 'NotPrincipal' admits the whole world",
    f"{_PAGE}: NotPrincipal",
    "name whom it is for by 'Principal'",
)
FOREIGN_CHANGES = Check(
    "another account, an organization or a network as a whole must not push or change anything, or"
    " its administrators decide what runs here",
    "this project: least privilege",
    "name the role that does",
)
NOT_ACTION = Check(
    "an allowance must not be for every action but some", f"{_PAGE}: NotAction", "list the actions"
)
LOCKOUT = Check(
    "a denial must not shut out whoever deploys",
    "ECR API, `SetRepositoryPolicy`: who cannot set the policy cannot mend it",
    "leave the role out by a condition such as ArnNotEquals of aws:PrincipalArn",
)
# What a reason makes good.
EXCUSABLE = (EVERYBODY, SERVICE_FOR_EVERYBODY, NOT_PRINCIPAL, FOREIGN_CHANGES)

# What narrows a statement to somebody: condition key, in lowercase -> values.
_Narrowed = Mapping[str, Sequence[str]]


def policy_risks(
    document: Mapping[str, Any],
    *,
    registry: Registry | None = None,
    deployer: str | None = None,
    spared: Sequence[str] = (),
    excusable: bool = True,
) -> Iterator[Problem]:
    """What is wrong with whom a policy admits and denies.

    :param document: the data of a policy as AWS takes it.
    :param registry: where the repository is; without it, no account is another one.
    :param deployer: the ARN of the role that deploys, where it is known.
    :param spared: actions that other accounts may have as a whole.
    :param excusable: whether a reason can be given for it, `public_access`.
    """
    variables = document.get("Version") == _VARIABLES
    for index, statement in _statements(document):
        if statement.get("Effect") == "Deny":
            found = _denied(statement, registry, deployer, variables=variables)
        else:
            found = _allowed(statement, registry, spared, variables=variables)
        for problem in within(("Statement", index), found):
            excuse = _EXCUSE if excusable and problem.check in EXCUSABLE else ""
            yield problem._replace(sentence=problem.sentence + excuse)
    yield from _allowed_together(document, variables=variables)


def identity_risks(
    statements: Sequence[Mapping[str, Any]], who: Mapping[str, Any]
) -> Iterator[Problem]:
    """What is wrong with the policy of somebody's own: that it allows him all of ECR.

    :param statements: of a policy of IAM, which name nobody.
    :param who: the `Principal` that would be him.
    """
    named = [{**statement, "Principal": who} for statement in statements]
    for problem in policy_risks({"Version": _VARIABLES, "Statement": named}, excusable=False):
        yield problem._replace(path=problem.path[1:])


def _statements(document: Mapping[str, Any]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for index, statement in enumerate(listed(document.get("Statement", []))):
        if isinstance(statement, Mapping):
            yield index, statement


def _actions_of(statement: Mapping[str, Any]) -> list[str]:
    return texts(statement.get("Action", []))


def _allowed_together(document: Mapping[str, Any], *, variables: bool) -> Iterator[Problem]:
    """Everything that several statements allow somebody, with one repository at least."""
    allowed: dict[str, list[tuple[int, list[str], list[str]]]] = {}
    for index, statement in _statements(document):
        if statement.get("Effect") == "Allow":
            narrowed, _ = _narrowed_by(statement.get("Condition"), variables=variables)
            resources = texts(statement.get("Resource", "*"))
            for who in _whom(statement.get("Principal"), narrowed):
                allowed.setdefault(who, []).append((index, resources, _actions_of(statement)))
    for who, found in allowed.items():
        for resource in dict.fromkeys(one for _, resources, _ in found for one in resources):
            of_it = [
                (index, actions)
                for index, resources, actions in found
                if any(is_like(resource, pattern) for pattern in resources)
            ]
            alone = [together(actions) for _, actions in of_it]
            whole = {action for actions in alone for action in actions}
            if max(map(len, alone)) < len(whole) == len(REPOSITORY_ACTIONS):
                got = f"them all for {shown(who)}"
                yield ALL_ACTIONS.problem(got, ("Statement", of_it[-1][0]))
                break


def _whom(principal: object, narrowed: _Narrowed) -> list[str]:
    """Whom a statement is about, with one name for each: an account has two."""
    names = [*_identifiers(principal, "AWS"), *_identifiers(principal, "Service")]
    roots = [(name, _ROOT.fullmatch(name)) for name in names]
    about = [root["account"] if root else name for name, root in roots]
    return [f"{name} of {json.dumps(narrowed)}" if name == "*" else name for name in about]


def _allowed(
    statement: Mapping[str, Any],
    registry: Registry | None,
    spared: Sequence[str],
    *,
    variables: bool,
) -> Iterator[Problem]:
    principal, actions = statement.get("Principal"), _actions_of(statement)
    if "NotPrincipal" in statement:
        yield NOT_PRINCIPAL.problem(path=("NotPrincipal",))
    if "NotAction" in statement:
        yield NOT_ACTION.problem(path=("NotAction",))
    yield from (p._replace(path=("Action",)) for p in allowance_problems(actions))
    narrowed, almost = _narrowed_by(statement.get("Condition"), variables=variables)
    hint = _ARN_LIKE if almost else ""
    services = [] if _SOURCES & narrowed.keys() else _identifiers(principal, "Service")
    if services:
        got = ", ".join(map(shown, services))
        yield SERVICE_FOR_EVERYBODY.problem(got, ("Principal",), hint=hint)
    everybody = [] if narrowed else list(filter(_is_wild, _identifiers(principal, "AWS")))
    if everybody:
        yield EVERYBODY.problem(shown(everybody[0]), ("Principal",), hint=hint)
    changes = [a for a in together(actions) if a in CHANGING_ACTIONS and a not in spared]
    if changes and (everybody or services or "NotPrincipal" in statement):
        yield EVERYBODY_CHANGES.problem(", ".join(changes), ("Action",))
    elif changes:
        for who in dict.fromkeys(_outsiders(principal, narrowed, registry)):
            yield FOREIGN_CHANGES.problem(who, ("Principal",))


def _is_wild(name: str) -> bool:
    return "*" in name or "?" in name


def _outsiders(principal: object, narrowed: _Narrowed, registry: Registry | None) -> Iterator[str]:
    """Who is admitted without a name, and is not of the registry's account."""
    account = registry.known_account_id if registry else None
    accounts = [set(map(_account, narrowed[key])) for key in _ACCOUNT_KEYS if key in narrowed]
    is_own = any(found <= {account, _OWN} for found in accounts)
    # Whose account another one is, is not known without a registry.
    if is_own or _names_somebody(narrowed) or (accounts and account is None):
        return
    several = [*filter(_is_wild, _identifiers(principal, "AWS"))]
    if several or _identifiers(principal, "Service"):
        yield " and ".join(f"{key} {', '.join(map(shown, v))}" for key, v in narrowed.items())
    for root in map(_ROOT.fullmatch, _identifiers(principal, "AWS")):
        if root is not None and account not in (None, root["account"]):
            yield f"account {shown(root['account'])}"


def _account(value: str) -> str:
    """The account that the value of a condition is about."""
    arn = _ARN.fullmatch(value)
    return arn["account"] if arn is not None else value.lower()


def _names_somebody(narrowed: _Narrowed) -> bool:
    """Whether a statement is narrowed to roles, users or sources by their whole names."""
    for key, starts in _NAME_KEYS.items():
        arns = [_ARN.fullmatch(value) for value in narrowed.get(key, ())]
        names = [arn["name"] if arn else "*" for arn in arns]
        if names and all(n.startswith(starts) and not set(n) & {*"*?$"} for n in names):
            return True
    return False


def _denied(
    statement: Mapping[str, Any],
    registry: Registry | None,
    deployer: str | None,
    *,
    variables: bool,
) -> Iterator[Problem]:
    actions = together(_actions_of(statement))
    if "NotAction" in statement:
        spared = together(texts(statement["NotAction"]))
        actions = [action for action in REPOSITORY_ACTIONS if action not in spared]
    owned = [action for action in actions if action in _OWNER_ACTIONS]
    if not owned:
        return
    role = None if deployer is None or is_token(deployer) else deployer
    account = role.split(":")[4] if role else registry.known_account_id if registry else None
    shut_out = _shut_out(statement, role, account)
    known = deployers_request(registry, role)
    if shut_out and holds(statement.get("Condition"), known, variables=variables):
        yield LOCKOUT.problem(f"{', '.join(owned)} for {shown(shut_out)}", ("Principal",))


def _shut_out(statement: Mapping[str, Any], role: str | None, account: str | None) -> str:
    """By which name a denial is about whoever deploys; nothing where it is not."""
    if "NotPrincipal" in statement:
        # Who is spared has to be named, and the account that he is in as well.
        spared = _identifiers(statement["NotPrincipal"], "AWS")
        whole = [r["account"] for r in map(_ROOT.fullmatch, spared) if r is not None]
        if account and account not in whole:
            return account
        return role if role and role not in spared else ""
    for who in _identifiers(statement.get("Principal"), "AWS"):
        root, session = _ROOT.fullmatch(who), _SESSION.fullmatch(who)
        if who in ("*", role) or (account and root is not None and root["account"] == account):
            return who
        name = role.rpartition("/")[2] if role else ""
        if session is not None and (session["account"], session["role"]) == (account, name):
            return who
    return ""


def _identifiers(principal: object, kind: str) -> list[str]:
    """Who is named by a kind, such as `AWS`; a lone `*` is of that kind."""
    if isinstance(principal, str):
        return [principal] if kind == "AWS" else []
    return texts(principal.get(kind, [])) if isinstance(principal, Mapping) else []


def _narrowed_by(conditions: object, *, variables: bool) -> tuple[_Narrowed, bool]:
    """The conditions that narrow a statement to somebody, and whether one would as an ARN.

    :param variables: whether the policy's version knows variables.
    """
    found: dict[str, Sequence[str]] = {}
    almost = False
    for operator, keys in pairs(conditions):
        read = operator_of(operator)
        if read is None or read.if_exists or read.of == "ForAllValues" or read.is_negated:
            continue
        is_text = read.base.startswith("String")
        for key, value in pairs(keys) if is_text or read.base.startswith("Arn") else ():
            form, values = _NARROW.get(key.lower()), texts(value)
            literal = variables or not any("${" in item for item in values)
            if form is None or not values or not literal or not all(map(form.fullmatch, values)):
                continue
            # In a text `*` stands for ':', too.
            if form is _ARN and is_text and not all(map(_ARN_AS_TEXT.fullmatch, values)):
                almost = True
            else:
                found[key.lower()] = values
    return found, almost
