"""Narrowing: which conditions narrow a policy statement to somebody."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ecr_constructs.checks import is_token, shown
from ecr_constructs.condition import operator_of
from ecr_constructs.policy_json import pairs, texts
from ecr_constructs.principal import ORGANIZATION, ROOT_ARN
from ecr_constructs.registry import ACCOUNT_ID

# What the value of a condition key has to look like, so that it narrows a statement.
_OWN = "${aws:ResourceAccount}"
_ACCOUNT = re.compile(rf"{ACCOUNT_ID.pattern.pattern}|{re.escape(_OWN)}", re.IGNORECASE)
_ORGANIZATION = re.compile(
    rf"{ORGANIZATION.pattern.pattern}|\$\{{aws:ResourceOrgID\}}", re.IGNORECASE
)
_UNITS = re.compile(rf"{ORGANIZATION.pattern.pattern}/.*")
# Its account is what narrows it. A `*` of the operators on ARNs stays in its part; of those on
# texts it does not.
_ARN = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]+:[^:]*:(?P<account>[0-9]{12}):.+")
_ARN_AS_TEXT = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:[0-9]{12}:.+")
# No service acts for the root of an account.
_SOURCE_ARN = re.compile(rf"(?!{ROOT_ARN.pattern}$){_ARN.pattern}")
# IAM user guide, global condition keys, in lowercase.
_FORMS: Mapping[str, re.Pattern[str]] = {
    "aws:principalorgid": _ORGANIZATION,
    "aws:principalorgpaths": _UNITS,
    "aws:principalaccount": _ACCOUNT,
    "aws:principalarn": _ARN,
    "aws:sourceaccount": _ACCOUNT,
    "aws:sourcearn": _SOURCE_ARN,
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
# What names somebody: an ARN in which nothing at the end stands for anything else.
_NAMES = {
    "aws:principalarn": re.compile(r"(?:[^:]*:){5}(?:role|user)/[^*?$]+"),
    "aws:sourcearn": re.compile(r"(?:[^:]*:){5}[^*?$]+"),
}
# What leaves one of everybody.
_ONE = {"aws:principalarn": _NAMES["aws:principalarn"], "aws:principalaccount": ACCOUNT_ID.pattern}
# For whom a service acts.
_SOURCE_KEYS = ("aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths")


class Narrowing(NamedTuple):
    """To whom the conditions of a statement narrow it; a value known at deploy time counts."""

    values: Sequence[tuple[str, tuple[str, ...]]]
    """Condition keys, in lowercase, each with its values, which all hold. A key that several
    operators compare is there for each of them."""
    is_almost: bool
    """Whether a value would narrow it with an operator on ARNs."""

    def __str__(self) -> str:
        return " and ".join(f"{key} {', '.join(map(shown, v))}" for key, v in self.values)

    @property
    def has_source(self) -> bool:
        """Whether it is told for whom a service acts."""
        return any(key in _SOURCE_KEYS for key, _ in self.values)

    def is_foreign(self, account: str | None) -> bool:
        """Whether it leaves more than what is named, of others than an account.

        :param account: without it, no account is another one.
        """
        accounts = [
            {_account(value) for value in values}
            for key, values in self._known()
            if key in _ACCOUNT_KEYS
        ]
        is_own = any(found <= {account, _OWN.lower()} for found in accounts)
        return not is_own and not (accounts and account is None) and not self._is_by_name()

    def of_everybody(self) -> tuple[str, str]:
        """The one whom it leaves of everybody, or everybody still, and what else narrows him."""
        for name, form in _ONE.items():
            for key, values in self.values:
                if key == name and len(values) == 1 and form.fullmatch(values[0]):
                    rest = [one for one in self.values if one != (key, values)]
                    return values[0], str(self._replace(values=rest))
        return "*", str(self)

    def _is_by_name(self) -> bool:
        """Whether it is to roles, users or sources by their whole names."""
        known = self._known()
        return any(all(map(_NAMES[k].fullmatch, values)) for k, values in known if k in _NAMES)

    def _known(self) -> Iterator[tuple[str, list[str]]]:
        """The values without those that are known at deploy time only."""
        for key, values in self.values:
            yield key, [value for value in values if not is_token(value)]


def _account(value: str) -> str:
    """The account that the value of a condition is about."""
    arn = _ARN.fullmatch(value)
    return arn["account"] if arn else value.lower()


def narrowed_by(conditions: object, *, variables: bool) -> Narrowing:
    """To whom the conditions of a statement narrow it.

    :param variables: whether the policy's version knows variables.
    """
    found = set[tuple[str, tuple[str, ...]]]()
    is_almost = False
    for operator, keys in pairs(conditions):
        read = operator_of(operator)
        if read is None or read.if_exists or read.of == "ForAllValues" or read.is_negated:
            continue
        is_text = read.base.startswith("String")
        for key, value in pairs(keys) if is_text or read.base.startswith("Arn") else ():
            form, values = _FORMS.get(key.lower()), texts(value)
            known = [item for item in values if not is_token(item)]
            literal = variables or not any("${" in item for item in known)
            if form is None or not values or not literal or not all(map(form.fullmatch, known)):
                continue
            # In a text `*` stands for ':', too.
            is_arn = form in (_ARN, _SOURCE_ARN)
            if is_arn and is_text and not all(map(_ARN_AS_TEXT.fullmatch, known)):
                is_almost = True
            else:
                found.add((key.lower(), tuple(values)))
    return Narrowing(sorted(found), is_almost)
