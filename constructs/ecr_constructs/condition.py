"""Condition: when a policy statement applies."""

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from ecr_constructs.checks import (
    Check,
    Problem,
    TextForm,
    did_you_mean,
    is_token,
    readable,
    shown,
    with_strangers,
    wrong_type,
)

Conditions = Mapping[str, Mapping[str, str | tuple[str, ...]]]

_PAGE = "IAM user guide, condition operators"
_COMPARED = ("Equals", "NotEquals")
_ORDERED = (*_COMPARED, "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
_BASES = (
    *(f"String{how}{case}" for how in _COMPARED for case in ("", "IgnoreCase")),
    *("StringLike", "StringNotLike"),
    *(f"Numeric{how}" for how in _ORDERED),
    *(f"Date{how}" for how in _ORDERED),
    *("Bool", "BinaryEquals", "IpAddress", "NotIpAddress"),
    *("ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"),
)
_OPERATOR = re.compile(
    rf"(?:(?P<of>ForAllValues|ForAnyValue):)?"
    rf"(?:(?P<base>{'|'.join(_BASES)})(?P<if_exists>IfExists)?|(?P<null>Null))"
)

OPERATOR = Check("a condition operator must be one of IAM's", _PAGE)
KEY = TextForm(
    what="condition key",
    source="IAM user guide, condition keys; unknown which others pass: refused",
    pattern=re.compile(r"[A-Za-z0-9._-]+:[^\s\x00-\x1f\x7f-\x9f\ud800-\udfff]+"),
    form="a service and a name, such as 'aws:PrincipalOrgID' or 'ecr:ResourceTag/team'",
)
NO_KEYS = Check("a condition operator needs at least one condition key", _PAGE)
NO_VALUE = Check("a condition key needs at least one value", _PAGE)
VALUE = TextForm(
    what="value of a condition key",
    source="unknown whether control characters pass: refused",
    minimum=0,
)


class Operator(NamedTuple):
    """An operator of IAM's, in its parts."""

    base: str
    """Such as `StringNotEquals`, or `Null`."""
    of: str | None
    """Of which values it has to hold, for a key that has several."""
    if_exists: bool
    """Whether it holds where the request does not have the key."""

    @property
    def is_negated(self) -> bool:
        """Whether it holds for what none of the values is."""
        return "Not" in self.base

    @property
    def compared(self) -> str:
        """The operator that is not negated."""
        return self.base.replace("Not", "")

    @property
    def holds_without_the_key(self) -> bool:
        """Whether it holds for a request that does not have the key."""
        return self.if_exists or self.of == "ForAllValues" or (self.is_negated and not self.of)


def operator_of(text: str) -> Operator | None:
    """The operator that a text names; nothing for none of IAM's."""
    found = _OPERATOR.fullmatch(text)
    if found is None:
        return None
    return Operator(found["base"] or found["null"], found["of"], bool(found["if_exists"]))


def _number(value: str) -> None:
    if not re.fullmatch(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?", value):
        raise ValueError(value)


# The forms of W3C's profile of ISO 8601, and seconds since 1970.
_DATE = re.compile(
    r"[0-9]{1,18}|[0-9]{4}-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12][0-9]|3[01])"
    r"(?:T(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,9})?)?"
    r"(?:Z|[-+](?:[01][0-9]|2[0-3]):[0-5][0-9]))?)?"
)


def _date(value: str) -> None:
    if not _DATE.fullmatch(value):
        raise ValueError(value)


def _truth(value: str) -> None:
    if value not in ("true", "false"):
        raise ValueError(value)


def _network(value: str) -> None:
    address, slash, bits = value.partition("/")
    if "%" in address or (slash and not (bits.isascii() and bits.isdigit())):
        raise ValueError(value)
    ipaddress.ip_network(value, strict=False)


def _arn(value: str) -> None:
    parts = value.split(":", 5)
    if value != "*" and (len(parts) < 6 or not re.fullmatch(r"arn|.*[*?].*", parts[0])):
        raise ValueError(value)


def _binary(value: str) -> None:
    base64.b64decode(value, validate=True)


FORMS: Mapping[str, tuple[Callable[[str], None], Check]] = {
    start: (read, Check(f"a value of {{operator}} must be {form}", _PAGE))
    for start, read, form in (
        ("Numeric", _number, "a number"),
        ("Date", _date, "a date of ISO 8601 or seconds since 1970"),
        ("Bool", _truth, "'true' or 'false'"),
        ("Null", _truth, "'true' or 'false'"),
        ("IpAddress", _network, "an IP address or a range such as 203.0.113.0/24"),
        ("NotIpAddress", _network, "an IP address or a range such as 203.0.113.0/24"),
        ("Arn", _arn, "an ARN of six parts, in which '*' and '?' stand for any characters"),
        ("BinaryEquals", _binary, "base64"),
    )
}
FORM_CHECKS = tuple(dict.fromkeys(check for _, check in FORMS.values()))


def condition_problems(conditions: object) -> Iterator[Problem]:
    """Check the operators, that each has keys and values, and the form of the values."""
    if not isinstance(conditions, Mapping):
        yield wrong_type("conditions", "a mapping of operators", conditions)
        return
    for operator, keys in conditions.items():
        path = (str(operator),)
        found = operator_of(str(operator))
        if found is None:
            hint = did_you_mean(operator, (*_BASES, "Null"))
            yield OPERATOR.problem(with_strangers(operator), path, hint=hint)
        if not isinstance(keys, Mapping):
            yield wrong_type(
                f"operator {readable(str(operator))}", "a mapping of condition keys", keys
            )._replace(path=path)
            continue
        if not keys:
            yield NO_KEYS.problem(f"none for {shown(operator)}", path)
        base = found.base if found else ""
        for key, value in keys.items():
            for problem in (*KEY.problems(key), *_value_problems(base, key, value)):
                yield problem._replace(path=(*path, str(key), *problem.path))


def _value_problems(base: str, key: object, value: object) -> Iterator[Problem]:
    if value in ((), []):
        yield NO_VALUE.problem(f"none for {shown(key)}")
        return
    what = f"value of {readable(str(key))}"
    if not isinstance(value, str | list | tuple):
        yield wrong_type(what, "text or a list of text", value)
        return
    one = isinstance(value, str)
    for index, item in enumerate([value] if one else value):
        path = () if one else (index,)
        wrong = list(VALUE.problems(item, what))
        yield from (problem._replace(path=path) for problem in wrong)
        if not wrong and not is_token(item):
            yield from (p._replace(path=path) for p in _form_problems(base, item))


def _form_problems(base: str, value: str) -> Iterator[Problem]:
    for start, (read, check) in FORMS.items():
        if base.startswith(start):
            try:
                read(value)
            except (ValueError, binascii.Error):
                yield check.problem(shown(value), operator=base)


def frozen(conditions: Mapping[str, Mapping[str, object]]) -> Conditions:
    """Conditions that nobody can change, with tuples for lists."""
    return MappingProxyType(
        {
            operator: MappingProxyType({key: _frozen_value(value) for key, value in keys.items()})
            for operator, keys in conditions.items()
        }
    )


def _frozen_value(value: object) -> str | tuple[str, ...]:
    return value if isinstance(value, str) else tuple(value)  # type: ignore[arg-type]


def render_conditions(conditions: Conditions) -> dict[str, dict[str, str | list[str]]]:
    """The `Condition` element."""
    return {
        operator: {key: v if isinstance(v, str) else list(v) for key, v in keys.items()}
        for operator, keys in conditions.items()
    }
