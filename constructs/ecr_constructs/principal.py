"""Principal: who a policy statement is about."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ecr_constructs.checks import Check, Problem, TextForm, is_token, refuse, shown, within
from ecr_constructs.registry import ACCOUNT_ID, Registry

_KINDS = ("role", "user", "account")


def _arn_form(kind: str) -> TextForm:
    path = r"(?:[\x21-\x7e]+/)?"
    return TextForm(
        what=kind,
        source="IAM API, `arnType`, `pathType` and a name of at most 64 characters",
        minimum=0,
        maximum=2048,
        pattern=re.compile(
            rf"arn:aws(?:-[a-z]+)*:iam::[0-9]{{12}}:{kind}/{path}[\w+=,.@-]{{1,64}}", re.ASCII
        ),
        form=f"an IAM {kind}'s ARN (arn:aws:iam::<account>:{kind}/<name>)",
    )


ROLE_ARN = _arn_form("role")
USER_ARN = _arn_form("user")
ONE_KIND = Check(
    "a principal takes exactly one of 'role', 'user' and 'account'", "this library's `Principal`"
)
PARTITION = Check(
    "a principal must be of the AWS partition of the repository",
    "IAM user guide, ARNs: a partition has accounts of its own; ECR refuses who does not exist",
)


@dataclass(frozen=True, kw_only=True)
class Principal:
    """A role, a user or an account, by exactly one of the arguments.

    :param role: the ARN of an IAM role, `arn:aws:iam::<account>:role/<name>`; at most 2,048
        characters, the name at most 64 (IAM API). The role must exist when the policy is applied,
        or AWS refuses the policy.
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
        given = [name for name in _KINDS if getattr(self, name) is not None]
        if len(given) != 1:
            yield ONE_KIND.problem(" and ".join(given) or "none")
        for name, form in zip(_KINDS, (ROLE_ARN, USER_ARN, ACCOUNT_ID), strict=True):
            if name in given:
                yield from within((name,), form.problems(getattr(self, name), name))

    @property
    def identifier(self) -> str:
        """What a policy document names: the ARN or the account id."""
        return next(value for value in (self.role, self.user, self.account) if value is not None)

    def problems_in(self, registry: Registry) -> Iterator[Problem]:
        """Check what depends on where the repository is."""
        for name in ("role", "user"):
            arn = getattr(self, name)
            if arn is None or is_token(arn):
                continue
            if arn.split(":")[1] != registry.partition:
                yield PARTITION.problem(f"{shown(arn)} for {registry.partition}", (name,))


def render_principals(principals: Sequence[Principal]) -> dict[str, str | list[str]]:
    """The `Principal` element: each once, in the given order, one alone as a plain string."""
    identifiers = list(dict.fromkeys(principal.identifier for principal in principals))
    return {"AWS": identifiers[0] if len(identifiers) == 1 else identifiers}
