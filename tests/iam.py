"""IAM: an evaluator of the policies that this project writes, for questions and answers.

It knows what they use: `Allow` and `Deny`, roles, users, accounts, services and everybody as
principals, `*` and `?` in actions and resources, and a few condition operators. What it does not
know it refuses to answer. The rules are those of IAM's user guide, policy evaluation logic.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

Policy = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Request:
    """Somebody who wants to do something."""

    principal: str
    """The ARN of a role or user, or a service."""
    action: str
    resource: str
    """The ARN of the repository, or `*` where an action has none."""
    context: Mapping[str, str | list[str]] = field(default_factory=dict)

    @property
    def account(self) -> str:
        return self.principal.split(":")[4] if self.principal.startswith("arn:") else ""

    @property
    def owner(self) -> str:
        return self.resource.split(":")[4] if self.resource.startswith("arn:") else self.account


def allowed(request: Request, *, resource: Policy | None, identity: Iterable[Policy] = ()) -> bool:
    """Whether it is allowed, by the policy of the repository and those of the principal."""
    of_resource = list(_matching(request, [resource] if resource else [], identity=False))
    of_identity = list(_matching(request, identity, identity=True))
    if any(s["Effect"] == "Deny" for s in (*of_resource, *of_identity)):
        return False
    if not request.account:
        return bool(of_resource)
    if request.account == request.owner:
        # An account as a principal leaves it to the policies of its principals.
        direct = [s for s in of_resource if not _names_account_only(s, request)]
        # A key is for nobody whom its own policy does not admit, or leave to his account.
        needed = of_resource if request.action.startswith("kms:") else [True]
        return bool(direct or (needed and of_identity))
    return bool(of_resource and of_identity)


def _matching(
    request: Request, policies: Iterable[Policy], *, identity: bool
) -> Iterable[Mapping[str, Any]]:
    for policy in policies:
        statements = policy["Statement"]
        for statement in [statements] if isinstance(statements, dict) else statements:
            known = {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction"}
            assert set(statement) <= {*known, "Resource", "Condition"}, statement
            whom = identity or _is_about(statement, request)
            what = _acts(statement, request.action) and _covers(statement, request.resource)
            if whom and what and holds_for(statement.get("Condition", {}), request):
                yield statement


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _named(element: Any, request: Request) -> bool:
    if element == "*":
        return True
    account = request.account
    people = {request.principal, account, f"arn:aws:iam::{account}:root", "*"}
    assert set(element) <= {"AWS", "Service", "Federated"}, element
    found = [name for name in _listed(element.get("AWS", [])) if account and name in people]
    others = (*_listed(element.get("Service", [])), *_listed(element.get("Federated", [])))
    return bool(found) or request.principal in others


def _is_about(statement: Mapping[str, Any], request: Request) -> bool:
    if "NotPrincipal" in statement:
        # AWS supports it with a denial only. Who is spared has to be named, his account as well,
        # and of a role each session, which no request here tells: a role is never spared for sure.
        assert statement["Effect"] == "Deny", statement
        spared = _listed(statement["NotPrincipal"].get("AWS", []))
        whole = {request.account, f"arn:aws:iam::{request.account}:root"}
        is_user = request.principal.split(":")[-1].startswith("user/")
        return not (is_user and request.principal in spared and whole & {*spared})
    return _named(statement["Principal"], request)


def _names_account_only(statement: Mapping[str, Any], request: Request) -> bool:
    element = statement.get("Principal")
    kinds = element if isinstance(element, dict) else {"AWS": "*"}
    names = [name for kind in kinds.values() for name in _listed(kind)]
    return "*" not in names and request.principal not in names


def _acts(statement: Mapping[str, Any], action: str) -> bool:
    if "NotAction" in statement:
        return not _any(statement["NotAction"], action)
    return _any(statement["Action"], action)


def _any(patterns: Any, action: str) -> bool:
    return any(_like(action.lower(), pattern.lower()) for pattern in _listed(patterns))


def _like(text: str, pattern: str) -> bool:
    """Whether a pattern is like a text; `*` and `?` alone stand for something."""
    assert "${" not in pattern, pattern
    return fnmatchcase(text, pattern.replace("[", "[[]"))


def _arn_like(text: str, pattern: str) -> bool:
    """The same of ARNs, whose six parts are each like one."""
    parts, patterns = text.split(":", 5), pattern.split(":", 5)
    return len(parts) == len(patterns) == 6 and all(map(_like, parts, patterns))


def _covers(statement: Mapping[str, Any], resource: str) -> bool:
    patterns = _listed(statement.get("Resource", "*"))
    return any(_like(resource, pattern) for pattern in patterns)


def holds_for(conditions: Mapping[str, Any], request: Request) -> bool:
    """Whether all conditions hold for a request."""
    return all(
        _test(operator, key, _listed(wanted), request.context)
        for operator, keys in conditions.items()
        for key, wanted in keys.items()
    )


def _test(
    operator: str, key: str, wanted: list[str], context: Mapping[str, str | list[str]]
) -> bool:
    by_lowercase = {name.lower(): value for name, value in context.items()}
    values = _listed(by_lowercase.get(key.lower(), []))
    assert not any("${" in item for item in wanted), wanted
    if operator == "Null":
        return any((item == "true") == (not values) for item in wanted)
    of, _, named = operator.rpartition(":")
    base = named.removesuffix("IfExists")
    compare, negated = _COMPARE[base.replace("Not", "")], "Not" in base
    if not values:
        return named != base or of == "ForAllValues" or (negated and not of)
    answers = [any(compare(value, item) for item in wanted) != negated for value in values]
    every = of == "ForAllValues" or (negated and not of)
    return all(answers) if every else any(answers)


_COMPARE: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": str.__eq__,
    "StringEqualsIgnoreCase": lambda value, item: value.lower() == item.lower(),
    "StringLike": _like,
    "ArnEquals": _arn_like,
    "ArnLike": _arn_like,
    "Bool": str.__eq__,
}
