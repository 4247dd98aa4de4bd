"""Principal: who a policy statement is about."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ecr_constructs.checks import Problem, refuse, text, within
from ecr_constructs.registry import account_id_problems

_PATH = r"[\w+=,.@-]+(?:/[\w+=,.@-]+)*"
_ROLE = re.compile(rf"arn:aws(?:-[a-z]+)*:iam::[0-9]{{12}}:role/{_PATH}", re.ASCII)
_USER = re.compile(rf"arn:aws(?:-[a-z]+)*:iam::[0-9]{{12}}:user/{_PATH}", re.ASCII)


def role_arn_problems(what: str, value: object) -> Iterator[Problem]:
    """Check the ARN of an IAM role, with or without a path."""
    form = "an IAM role's ARN (arn:aws:iam::<account>:role/<name>)"
    return text(what, value, pattern=_ROLE, form=form)


@dataclass(frozen=True, kw_only=True)
class Principal:
    """A role, a user or an account, by exactly one of the arguments.

    :param role: the ARN of an IAM role, `arn:aws:iam::<account>:role/<name>`. The role must exist
        when the policy is applied, or AWS refuses the policy.
    :param user: the ARN of an IAM user, `arn:aws:iam::<account>:user/<name>`; it must exist, too.
    :param account: the id of an account. Its administrators decide who in it is admitted.
    :raises ValueError: for none or several of them, or another form.
    """

    role: str | None = None
    """The ARN of an IAM role."""
    user: str | None = None
    """The ARN of an IAM user."""
    account: str | None = None
    """The 12 digits of an account; its administrators decide who in it is admitted."""

    def __post_init__(self) -> None:
        refuse(self._problems())

    def _problems(self) -> Iterator[Problem]:
        given = [name for name in ("role", "user", "account") if getattr(self, name) is not None]
        if len(given) != 1:
            yield Problem(
                "a principal takes exactly one of 'role', 'user' and 'account',"
                f" got {' and '.join(given) or 'none'}"
            )
        if self.role is not None:
            yield from within(("role",), role_arn_problems("role", self.role))
        if self.user is not None:
            form = "an IAM user's ARN (arn:aws:iam::<account>:user/<name>)"
            yield from within(("user",), text("user", self.user, pattern=_USER, form=form))
        if self.account is not None:
            yield from within(("account",), account_id_problems("account", self.account))

    @property
    def identifier(self) -> str:
        """What a policy document names: the ARN or the account id."""
        return next(value for value in (self.role, self.user, self.account) if value is not None)


def render_principals(principals: Sequence[Principal]) -> dict[str, str | list[str]]:
    """The `Principal` element: each once, in the given order, one alone as a plain string."""
    identifiers = list(dict.fromkeys(principal.identifier for principal in principals))
    return {"AWS": identifiers[0] if len(identifiers) == 1 else identifiers}
