"""Lockout: how a policy shuts out whoever deploys it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ecr_constructs.action import PRIVATE, ActionSet, covered
from ecr_constructs.checks import Check, Problem, is_token, shown
from ecr_constructs.policy_json import named, texts
from ecr_constructs.principal import account_of
from ecr_constructs.registry import Registry
from ecr_constructs.request import deployers_request, holds

SESSION = re.compile(r"arn:aws[a-z-]*:sts::(?P<account>[0-9]{12}):assumed-role/(?P<role>[^/]+)/.*")

LOCKOUT = Check(
    "a denial must not shut out whoever deploys",
    "ECR API, `SetRepositoryPolicy`: who cannot set the policy cannot mend it",
    "leave the role out by a condition such as ArnNotEquals of aws:PrincipalArn",
)
DENIED_BUT = Check(
    "a denial over the policy itself must not be by 'NotPrincipal', which may deny the roles that"
    " it names, too",
    "IAM user guide, policy elements: NotPrincipal; a session of a role is another principal, and"
    " whom a permissions boundary limits is always denied",
    "write 'Principal' of '*', and leave the role out by a condition such as ArnNotEquals of"
    " aws:PrincipalArn",
)


def lockouts(
    denial: Mapping[str, Any],
    registry: Registry | None,
    deployer: str | None,
    *,
    variables: bool,
    actions: ActionSet = PRIVATE,
) -> Iterator[Problem]:
    """How a denial shuts out whoever deploys, as far as its conditions are known to hold.

    :param registry: where the repository is; without it, no account is one's own.
    :param deployer: the ARN of the role that deploys, where it is known.
    :param variables: whether the policy's version knows variables.
    :param actions: those that the repository has.
    """
    key = "NotAction" if "NotAction" in denial else "Action"
    listed = covered(texts(denial.get(key, [])), actions.owner)
    owned = [action for action in actions.owner if (action in listed) == (key == "Action")]
    role = None if is_token(deployer) else deployer
    known = deployers_request(registry, role)
    if not owned or not holds(denial.get("Condition"), known, variables=variables):
        return
    got = ", ".join(owned)
    if "NotPrincipal" in denial:
        yield DENIED_BUT.problem(got, ("NotPrincipal",))
    account = known.get("aws:principalaccount")
    own = account.text if account else None
    whom = [name for name in named(denial.get("Principal"), "AWS") if _is_about(name, role, own)]
    if whom:
        yield LOCKOUT.problem(f"{got} for {shown(whom[0])}", ("Principal",))


def _is_about(name: str, role: str | None, account: str | None) -> bool:
    """Whether a principal by `AWS` is, or takes in, whoever deploys."""
    session = SESSION.fullmatch(name)
    if session is not None and role is not None:
        return (session["account"], session["role"]) == (account, role.rpartition("/")[2])
    return name in ("*", role) or (account is not None and account_of(name) == account)
