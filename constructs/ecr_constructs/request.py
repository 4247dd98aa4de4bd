"""Request: what is known of a call of AWS before it is made, and which conditions hold for it."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from ecr_constructs.checks import is_token
from ecr_constructs.condition import Operator, operator_of
from ecr_constructs.policy_json import pairs, texts
from ecr_constructs.registry import Registry
from ecr_constructs.wildcard import is_like


class Value(NamedTuple):
    """The value of a condition key, or how it begins."""

    text: str
    whole: bool = True


# Condition key, in lowercase -> its value, or nothing where the request does not have it. What is
# not here is unknown.
Known = Mapping[str, Value | None]

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_ANYWHERE = "0.0.0.0/0"
_ARN_PARTS = 6
# IAM user guide, global condition keys: there only where a service calls, for itself or for others.
_OF_SERVICES = (
    "aws:calledvia",
    "aws:calledviafirst",
    "aws:calledvialast",
    "aws:principalservicename",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
)
# Whose values hold neither `*` nor `?`, but for the path of a role, before the last '/'.
_PLAIN = {
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:resourceaccount",
    "aws:resourceorgid",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:userid",
    "aws:username",
}


def deployers_request(registry: Registry | None, role: str | None) -> Known:
    """What is known of the calls of whoever deploys to a registry.

    :param role: the ARN of the role that deploys; without it, anybody of the registry's account.
    """
    account = role.split(":")[4] if role else registry.known_account_id if registry else None
    start = f"arn:{registry.partition}:iam::" if registry else "arn:"
    if account and registry:
        start += f"{account}:"
    known: dict[str, Value | None] = {
        "aws:principalarn": Value(role) if role else Value(start, whole=False),
        "aws:principalisawsservice": Value("false"),
        "aws:securetransport": Value("true"),
        # It has one of IPv4, as far as anybody knows.
        "aws:sourceip": Value("", whole=False),
        "aws:viaawsservice": Value("false"),
        **dict.fromkeys(_OF_SERVICES),
    }
    if registry and not is_token(registry.region):
        known["aws:requestedregion"] = Value(registry.region)
    if role:
        known["aws:principaltype"] = Value("AssumedRole")
        # IAM user guide, global condition keys: users alone have one.
        known["aws:username"] = None
    if account:
        known["aws:principalaccount"] = known["aws:resourceaccount"] = Value(account)
    return known


def holds(conditions: object, known: Known, *, variables: bool) -> bool | None:
    """Whether all conditions hold for a request; nothing where what is known does not tell.

    :param variables: whether the policy's version knows variables.
    """
    return _every(
        _holds(operator_of(operator), key.lower(), texts(wanted), known, variables=variables)
        for operator, keys in pairs(conditions)
        for key, wanted in pairs(keys)
    )


def _every(answers: Iterable[bool | None]) -> bool | None:
    found = list(answers)
    return False if False in found else None if None in found else True


def _some(answers: Iterable[bool | None]) -> bool | None:
    found = list(answers)
    return True if True in found else None if None in found else False


def _holds(
    operator: Operator | None, key: str, wanted: Sequence[str], known: Known, *, variables: bool
) -> bool | None:
    if operator is None:
        return None
    if operator.base == "Null":
        return _is_null(key, wanted, known)
    without = operator.holds_without_the_key
    value = known.get(key)
    if key in known and value is None:
        return without
    # A request has one value of each key that is known, so that any and all of them are the same;
    # and so they are of others where no value can be what is wanted.
    filled = (_filled(item, known) if variables else item for item in wanted)
    hit = _some(_hit(operator, key, value, item) for item in filled)
    having = not hit if operator.is_negated and hit is not None else hit
    # Whether the request has another key is unknown.
    return having if key in known or having == without else None


def _is_null(key: str, wanted: Sequence[str], known: Known) -> bool | None:
    if key in known:
        return _some((item == "true") == (known[key] is None) for item in wanted)
    return True if {"true", "false"} <= {*wanted} else None


def _hit(operator: Operator, key: str, value: Value | None, wanted: str | None) -> bool | None:
    """Whether a value is what is wanted; without the value, whether any can be."""
    if wanted is None:
        return None
    is_equal = operator.compared in ("StringEquals", "StringEqualsIgnoreCase")
    if is_equal and key in _PLAIN and re.search(r"[*?]", wanted.rpartition("/")[2]):
        return False
    compare = _COMPARE.get(operator.compared)
    return None if value is None or compare is None else compare(value, wanted)


def _filled(text: str, known: Known) -> str | None:
    """A text with its variables filled in; nothing where one of them is unknown."""
    for name in _VARIABLE.findall(text):
        value = known.get(name.lower())
        if value is None or not value.whole:
            return None
        text = text.replace(f"${{{name}}}", value.text)
    return text


def _is_text(value: Value, wanted: str) -> bool | None:
    if value.whole:
        return value.text == wanted
    return None if wanted.startswith(value.text) else False


def _is_text_in_any_case(value: Value, wanted: str) -> bool | None:
    return _is_text(value._replace(text=value.text.lower()), wanted.lower())


def _is_like(value: Value, pattern: str) -> bool | None:
    if value.whole:
        return is_like(value.text, pattern)
    # What a `*` at the end takes, it takes whatever follows, too.
    if pattern.endswith("*") and is_like(value.text, pattern):
        return True
    literal = re.split(r"[*?]", pattern, maxsplit=1)[0]
    one, other = sorted((literal, value.text), key=len)
    return None if other.startswith(one) else False


def _is_arn(value: Value, pattern: str) -> bool | None:
    """The same of ARNs, whose six parts are each like one."""
    parts, patterns = value.text.split(":", 5), pattern.split(":", 5)
    if pattern == "*" or len(patterns) < _ARN_PARTS:
        return pattern == "*"
    if len(parts) < _ARN_PARTS:
        return None
    *middle, last = zip(parts, patterns, strict=True)
    return _every(
        [is_like(*pair) for pair in middle] + [_is_like(value._replace(text=last[0]), last[1])]
    )


def _is_address(_value: Value, network: str) -> bool | None:
    return True if network == _ANYWHERE else None


_COMPARE: Mapping[str, Callable[[Value, str], bool | None]] = {
    "StringEquals": _is_text,
    "StringEqualsIgnoreCase": _is_text_in_any_case,
    "StringLike": _is_like,
    "ArnEquals": _is_arn,
    "ArnLike": _is_arn,
    "Bool": _is_text,
    "IpAddress": _is_address,
}
