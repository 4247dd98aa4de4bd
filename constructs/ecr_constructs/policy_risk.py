"""Policy risk: what a policy lets happen that nobody can have meant.

It is read off the document as AWS has it, so that it holds for what is written by hand, too.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from ecr_constructs.checks import Check, Path, Problem, is_token, shown
from ecr_constructs.policy_json import listed
from ecr_constructs.registry import Registry
from ecr_constructs.repository_policy import (
    ALL_ACTIONS,
    POLICY_BY_WILDCARD,
    REPOSITORY_ACTIONS,
    matching,
    takes_in_policy,
)

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
_POSITIVE = re.compile(
    r"(?:ForAnyValue:)?(?P<base>StringEquals(?:IgnoreCase)?|StringLike|ArnEquals|ArnLike)"
)
_NEGATED = re.compile(r"StringNotEquals(?:IgnoreCase)?|StringNotLike|ArnNotEquals|ArnNotLike")
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
# For whom a service acts.
_SOURCES = {"aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths"}
_ROOT = re.compile(r"(?:arn:aws[a-z-]*:iam::)?(?P<account>[0-9]{12})(?::root)?")
_SESSION = re.compile(r"arn:aws[a-z-]*:sts::(?P<account>[0-9]{12}):assumed-role/(?P<role>[^/]+)/.*")
_VARIABLES = "2012-10-17"

_EXCUSE = "say 'public_access' and why"
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
# What is told only where the registry is known, or who deploys to it.
LOCAL = (FOREIGN_CHANGES, LOCKOUT)


class _Narrowed(NamedTuple):
    """What the conditions of a statement narrow it to: key, in lowercase -> values."""

    values: Mapping[str, Sequence[str]]

    @property
    def names_somebody(self) -> bool:
        """Whether it is narrowed to roles and users by their whole names."""
        arns = [_ARN.fullmatch(value) for value in self.values.get("aws:principalarn", ())]
        names = [arn["name"] if arn else "" for arn in arns]
        named = [n.startswith(("role/", "user/")) and not set(n) & {"*", "?"} for n in names]
        return bool(named) and all(named)

    def is_of(self, account: str) -> bool:
        """Whether it is narrowed to principals, or sources, of one account."""
        for key in _ACCOUNT_KEYS:
            values = self.values.get(key, ())
            if values and all(_account(value) in (account, "own") for value in values):
                return True
        return False


def _account(value: str) -> str:
    """The account that the value of a condition is about; `own` where it is the resource's."""
    arn = _ARN.fullmatch(value)
    if arn is not None:
        return arn["account"]
    return "own" if value.startswith("$") else value


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
    for index, statement in enumerate(listed(document.get("Statement", []))):
        if isinstance(statement, Mapping):
            path: Path = ("Statement", index)
            found = _allowed(statement, registry, spared, variables=variables)
            if statement.get("Effect") == "Deny":
                found = _denied(statement, registry, deployer)
            for problem in found:
                hint = f", or {_EXCUSE}" if excusable and problem.check in EXCUSABLE else ""
                sentence = problem.sentence + hint
                yield problem._replace(sentence=sentence, path=path + problem.path)
    yield from _all_together(document)


def _all_together(document: Mapping[str, Any]) -> Iterator[Problem]:
    """Everything that several statements allow somebody."""
    allowed: dict[str, set[str]] = {}
    for index, statement in enumerate(listed(document.get("Statement", []))):
        if not isinstance(statement, Mapping) or statement.get("Effect") != "Allow":
            continue
        actions = _matched(map(str, listed(statement.get("Action", []))))
        for who in _identifiers(statement.get("Principal"), "AWS"):
            before = len(allowed.setdefault(who, set()))
            allowed[who].update(actions)
            if before and len(actions) < len(allowed[who]) == len(REPOSITORY_ACTIONS) > before:
                yield ALL_ACTIONS.problem(f"them all for {shown(who)}", ("Statement", index))


def _allowed(
    statement: Mapping[str, Any],
    registry: Registry | None,
    spared: Sequence[str],
    *,
    variables: bool,
) -> Iterator[Problem]:
    principal = statement.get("Principal")
    if "NotPrincipal" in statement:
        yield NOT_PRINCIPAL.problem(path=("NotPrincipal",))
    if "NotAction" in statement:
        yield NOT_ACTION.problem(path=("NotAction",))
    actions = list(map(str, listed(statement.get("Action", []))))
    matched = _matched(actions)
    if len(matched) == len(REPOSITORY_ACTIONS):
        yield ALL_ACTIONS.problem(", ".join(map(shown, actions)), ("Action",))
    else:
        yield from (
            POLICY_BY_WILDCARD.problem(shown(action), ("Action",))
            for action in actions
            if takes_in_policy(action.lower(), _BY_LOWERCASE)
        )
    narrowed = _narrowed_by(statement.get("Condition", {}), variables=variables)
    services = _identifiers(principal, "Service")
    if services and not _SOURCES & narrowed.values.keys():
        yield SERVICE_FOR_EVERYBODY.problem(", ".join(map(shown, services)), ("Principal",))
    changes = [a for a in matched if a in CHANGING_ACTIONS and a not in spared]
    people = _identifiers(principal, "AWS")
    everybody = [who for who in people if "*" in who or "?" in who]
    if everybody and not narrowed.values:
        yield EVERYBODY.problem(shown(everybody[0]), ("Principal",))
    if changes and ((everybody and not narrowed.values) or "NotPrincipal" in statement):
        yield EVERYBODY_CHANGES.problem(", ".join(changes), ("Action",))
    elif changes and registry is not None and not narrowed.names_somebody:
        for who in _outsiders(people, narrowed, registry):
            yield FOREIGN_CHANGES.problem(who, ("Principal",))


def _outsiders(people: Iterable[str], narrowed: _Narrowed, registry: Registry) -> Iterator[str]:
    """Who is admitted without a name, and is not of the registry's account."""
    if narrowed.is_of(registry.account_id):
        return
    for who in people:
        root = _ROOT.fullmatch(who)
        if root is not None and root["account"] != registry.account_id:
            yield f"account {shown(root['account'])}"
        elif "*" in who or "?" in who:
            yield " and ".join(
                f"{key} {', '.join(map(shown, values))}" for key, values in narrowed.values.items()
            )


def _denied(
    statement: Mapping[str, Any], registry: Registry | None, deployer: str | None
) -> Iterator[Problem]:
    actions = _matched(map(str, listed(statement.get("Action", []))))
    if "NotAction" in statement:
        spared = _matched(map(str, listed(statement["NotAction"])))
        actions = [action for action in REPOSITORY_ACTIONS if action not in spared]
    owned = [action for action in actions if action in _OWNER_ACTIONS]
    if not owned:
        return
    role = None if deployer is None or is_token(deployer) else deployer
    account = role.split(":")[4] if role else registry.account_id if registry else ""
    shut_out = _shut_out(statement, role, account)
    if shut_out and _holds_for(statement.get("Condition", {}), role, account):
        yield LOCKOUT.problem(f"{', '.join(owned)} for {shown(shut_out)}", ("Principal",))


def _shut_out(statement: Mapping[str, Any], role: str | None, account: str) -> str:
    """By which name a denial is about whoever deploys; nothing where it is not."""
    if "NotPrincipal" in statement:
        # Who is spared has to be named, and the account that he is in as well.
        spared = _identifiers(statement["NotPrincipal"], "AWS")
        whole = [r["account"] for r in map(_ROOT.fullmatch, spared) if r is not None]
        missing = account and account not in whole
        return account if missing else role if role and role not in spared else ""
    for who in _identifiers(statement.get("Principal"), "AWS"):
        root, session = _ROOT.fullmatch(who), _SESSION.fullmatch(who)
        if who in ("*", role) or (account and root is not None and root["account"] == account):
            return who
        name = role.rpartition("/")[2] if role else ""
        if session is not None and (session["account"], session["role"]) == (account, name):
            return who
    return ""


def _holds_for(conditions: object, role: str | None, account: str) -> bool:
    """Whether all conditions hold for the role; not, where that is not known of one of them."""
    known = {"aws:principalaccount": account, "aws:principalarn": role or ""}
    for operator, keys in conditions.items() if isinstance(conditions, Mapping) else ():
        for key, value in keys.items() if isinstance(keys, Mapping) else ():
            actual = known.get(str(key).lower())
            negated = _NEGATED.fullmatch(str(operator))
            if not actual or not (negated or _POSITIVE.fullmatch(str(operator))):
                return False
            like = "Like" in str(operator) or "Arn" in str(operator)
            values = [str(item) for item in listed(value)]
            hit = _hit(values, actual) if like else actual in values
            if hit == bool(negated):
                return False
    return True


def _hit(patterns: Sequence[str], text: str) -> bool:
    return any(matching(pattern, [text]) for pattern in patterns)


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


def _narrowed_by(conditions: object, *, variables: bool) -> _Narrowed:
    """The conditions that narrow a statement to somebody.

    :param variables: whether the policy's version knows variables.
    """
    found: dict[str, Sequence[str]] = {}
    for operator, keys in conditions.items() if isinstance(conditions, Mapping) else ():
        positive = _POSITIVE.fullmatch(str(operator))
        for key, value in keys.items() if positive and isinstance(keys, Mapping) else ():
            name = str(key).lower()
            form, values = _NARROW.get(name), list(map(str, listed(value)))
            if form is _ARN and positive and positive["base"].startswith("String"):
                form = _ARN_AS_TEXT
            literal = variables or not any(item.startswith("$") for item in values)
            if form is not None and values and literal and all(map(form.fullmatch, values)):
                found[name] = values
    return _Narrowed(found)
