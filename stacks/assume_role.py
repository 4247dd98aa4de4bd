"""Assume role: the role that deploys an environment, or keeps its state."""

import re
from collections.abc import Iterator
from typing import Annotated

from ecr_constructs import Problem, Registry
from ecr_constructs.checks import Check, TextForm, is_token, shown
from ecr_constructs.principal import ROLE_ARN
from stacks.section import Section, of_form

_STS = "STS API, `AssumeRole`"
SESSION_NAME = TextForm(
    what="session_name",
    source=_STS,
    minimum=2,
    maximum=64,
    pattern=re.compile(r"[\w+=,.@-]+", re.ASCII),
    form="letters, digits and any of _+=,.@-",
)
EXTERNAL_ID = TextForm(
    what="external_id",
    source=_STS,
    minimum=2,
    maximum=1224,
    pattern=re.compile(r"[\w+=,.@:/-]+", re.ASCII),
    form="letters, digits and any of _+=,.@:/-",
)
ROLE_ELSEWHERE = Check(
    "the role must be of the environment's account and AWS partition",
    "this app: everything of an environment is in its account (`allowed_account_ids`)",
)


class AssumeRole(Section):
    """The role that deploys the environment."""

    role_arn: Annotated[str, of_form(ROLE_ARN, "role_arn")]
    """Its ARN."""
    session_name: Annotated[str, of_form(SESSION_NAME)] | None = None
    """The session's name in CloudTrail."""
    external_id: Annotated[str, of_form(EXTERNAL_ID)] | None = None
    """The external id that the role's trust policy requires."""

    def problems_in(self, registry: Registry) -> Iterator[Problem]:
        """Check that the role is of the environment's account."""
        if is_token(self.role_arn):
            return
        _, partition, _, _, account, _ = self.role_arn.split(":", 5)
        if account != registry.account_id:
            got = f"{shown(self.role_arn)} for account {registry.account_id}"
            yield ROLE_ELSEWHERE.problem(got, ("role_arn",))
        elif partition != registry.partition:
            got = f"{shown(self.role_arn)} for {registry.partition}"
            yield ROLE_ELSEWHERE.problem(got, ("role_arn",))
