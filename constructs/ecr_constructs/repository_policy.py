"""Repository policy: who may do what with a repository, as the repository's side sees it."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from itertools import chain, count
from typing import ClassVar

from cdktf_cdktf_provider_aws.ecr_repository_policy import EcrRepositoryPolicy
from constructs import Construct

from ecr_constructs.action import (
    NO_ACTION,
    PULL_ACTIONS,
    PUSH_ACTIONS,
    READ_ACTIONS,
    REPOSITORY_ACTIONS,
    action_problems,
    allowance_problems,
)
from ecr_constructs.checks import (
    Check,
    Choice,
    Problem,
    TextForm,
    refuse,
    sent_length,
    sequence,
    shown,
    within,
    wrong_type,
)
from ecr_constructs.condition import (
    Conditions,
    condition_problems,
    frozen,
    render_conditions,
)
from ecr_constructs.policy_json import one_or_all, policy_of
from ecr_constructs.policy_risk import policy_risks
from ecr_constructs.principal import Principal, Together, together
from ecr_constructs.registry import REPOSITORY_NAME, Registry
from ecr_constructs.terraform_text import json_text

MAX_POLICY_LENGTH = 10_240
_GRANTED = {"Pull": PULL_ACTIONS, "Push": PUSH_ACTIONS, "Read": READ_ACTIONS}


class Effect(StrEnum):
    """Whether a statement allows or denies."""

    ALLOW = "Allow"
    DENY = "Deny"


EFFECT = Choice(
    what="effect", source="IAM user guide, policy elements: Effect", options=list(Effect)
)
SID = TextForm(
    what="sid",
    source="ECR user guide: a repository's policy takes spaces, which IAM's does not; unknown"
    " whether an empty text and control characters pass: refused",
)
NO_PRINCIPAL = Check(
    "a policy statement needs at least one principal", "IAM user guide, policy elements: Principal"
)
CONDITION_TWICE = Check(
    "a condition must not be the one by which a principal is narrowed",
    "IAM user guide, policy elements: Condition; a key is there once for each operator",
    "leave it to the principal",
)
POLICY_LENGTH = Check(
    f"a repository policy must be at most {MAX_POLICY_LENGTH} characters as JSON",
    "ECR API, `RepositoryPolicyText`",
)
NO_STATEMENT = Check(
    "a repository policy takes at least one statement", "IAM user guide, policy elements: Statement"
)


@dataclass(frozen=True, kw_only=True)
class Statement:
    """What every statement of a policy of ECR's says. `PolicyStatement` tells of each."""

    principals: tuple[Principal, ...]
    """Whom the statement is about; at least one."""
    actions: tuple[str, ...]
    """Actions on a repository, such as ecr:DescribeImages."""
    effect: Effect = Effect.ALLOW
    """Whether it allows or denies."""
    conditions: Conditions = field(default_factory=dict, hash=False)
    """Operator, then condition key, then value or values, as in a policy document."""
    sid: str | None = None
    """A name, for people."""

    known_actions: ClassVar[tuple[str, ...]] = REPOSITORY_ACTIONS

    def __post_init__(self) -> None:
        refuse(self._problems())
        object.__setattr__(self, "principals", tuple(self.principals))
        object.__setattr__(self, "actions", tuple(self.actions))
        object.__setattr__(self, "effect", Effect(self.effect))
        object.__setattr__(self, "conditions", frozen(self.conditions))

    def _problems(self) -> Iterator[Problem]:
        yield from within(("principals",), sequence("principals", self.principals, Principal))
        if self.principals in ((), []):
            yield NO_PRINCIPAL.problem("none", ("principals",))
        if self.actions in ((), []):
            yield NO_ACTION.problem("none", ("actions",))
        yield from within(("effect",), EFFECT.problems(self.effect))
        if self.sid is not None:
            yield from within(("sid",), SID.problems(self.sid))
        wrong = list(within(("conditions",), condition_problems(self.conditions)))
        yield from wrong
        if not wrong and isinstance(self.principals, list | tuple):
            yield from within(("conditions",), self._repeated_conditions())
        if not isinstance(self.actions, list | tuple):
            yield wrong_type("actions", "a list", self.actions)._replace(path=("actions",))
            return
        for index, action in enumerate(self.actions):
            found = action_problems(action, self.known_actions)
            yield from within(("actions", index), found)
        if self.effect == Effect.ALLOW:
            several = [action for action in self.actions if isinstance(action, str)]
            found = allowance_problems(several, self.known_actions)
            yield from within(("actions",), found)

    def _repeated_conditions(self) -> Iterator[Problem]:
        known = [p for p in self.principals if isinstance(p, Principal)]
        for group in together(known):
            for operator, keys in group.conditions.items():
                lowered = {key.lower(): key for key in self.conditions.get(operator, {})}
                for key in keys:
                    if key.lower() in lowered:
                        path = (operator, lowered[key.lower()])
                        yield CONDITION_TWICE.problem(shown(lowered[key.lower()]), path)

    def problems_in(self, registry: Registry) -> Iterator[Problem]:
        """Check what depends on where the registry is."""
        for index, principal in enumerate(self.principals):
            yield from within(("principals", index), principal.problems_in(registry))

    def _rendered(self, resources: Sequence[str] = ()) -> list[dict[str, object]]:
        """The statement as AWS writes it, in AWS's key order: one for each kind of principals."""
        return [
            {
                key: value
                for key, value in {
                    "Sid": self.sid,
                    "Effect": str(self.effect),
                    "Principal": group.element,
                    "Action": one_or_all(self.actions),
                    "Resource": one_or_all(resources),
                    "Condition": render_conditions(_both(self.conditions, group.conditions)),
                }.items()
                if value
            }
            for group in together(self.principals)
        ]


def _both(one: Conditions, other: Conditions) -> Conditions:
    """Two conditions, of which each has to hold."""
    operators = dict.fromkeys((*one, *other))
    return {name: {**one.get(name, {}), **other.get(name, {})} for name in operators}


@dataclass(frozen=True, kw_only=True)
class PolicyStatement(Statement):
    """A statement of a repository policy. It never has a `Resource`: that is the repository.

    :param principals: whom it is about; at least one.
    :param actions: actions on a repository, such as `ecr:DescribeImages`, in AWS's spelling; `*`
        and `?` stand for any characters. At least one. Allowing every action is refused.
    :param effect: `Allow` by default.
    :param conditions: operator -> condition key -> value or values, as in a policy document: IAM's
        operators, and values of the form that the operator takes.
    :param sid: a name, for people.
    :raises ValueError: for an action that no repository has, one that stands for all of ECR, and
        conditions that IAM would refuse. Whether ECR takes an action in another spelling, or one
        that no repository has, is unknown, so it is refused.
    """

    def render(self) -> list[dict[str, object]]:
        """The statement as AWS writes it, in AWS's key order: one for each kind of principals."""
        return self._rendered()


def repository_policy_document(statements: Sequence[PolicyStatement]) -> dict[str, object]:
    """The repository policy as AWS writes it."""
    rendered = [part for statement in statements for part in statement.render()]
    return policy_of(rendered)


def repository_policy_text(statements: Sequence[PolicyStatement]) -> str:
    """The repository policy as it is handed to Terraform."""
    return json_text(repository_policy_document(statements))


def repository_policy_problems(statements: Sequence[PolicyStatement]) -> Iterator[Problem]:
    """Check what the statements of one policy owe each other: their length as JSON."""
    wrong = list(sequence("repository_policy_statements", statements, PolicyStatement))
    yield from wrong
    if wrong:
        return
    length = sent_length(repository_policy_document(statements))
    if length > MAX_POLICY_LENGTH:
        yield POLICY_LENGTH.problem(str(length))


def _granted_together(
    granted: Mapping[str, Sequence[Principal]],
) -> Iterator[tuple[Together, list[str]]]:
    """Who is granted what by its name, in few statements.

    What is granted to the same principals is one, and what is granted to all those of several
    smaller ones is a part of each. No fewer are possible for up to three names or two principals.
    """
    found: dict[frozenset[Principal], tuple[Together, list[str]]] = {}
    for name, principals in granted.items():
        for group in together(principals):
            found.setdefault(frozenset(group.members), (group, []))[1].append(name)
    parts = {whole: [part for part in found if part < whole] for whole in found}
    split = [whole for whole in found if whole == frozenset().union(*parts[whole])]
    for members, (group, own) in found.items():
        if members not in split:
            shared = [name for whole in split if members < whole for name in found[whole][1]]
            yield group, [name for name in granted if name in {*own, *shared}]


@lru_cache(maxsize=1024)
def grant_statements(
    *,
    pull: tuple[Principal, ...] = (),
    push: tuple[Principal, ...] = (),
    pull_push: tuple[Principal, ...] = (),
    read: tuple[Principal, ...] = (),
) -> tuple[PolicyStatement, ...]:
    """The statements that let principals pull, push, both or read: as few as there can be.

    A Sid names the grants and, where they are narrowed by a condition, the kind of the principals:
    `PullPush`, `ReadOrganization`.
    """
    granted = {"Pull": (*pull, *pull_push), "Push": (*push, *pull_push), "Read": read}
    return tuple(
        PolicyStatement(
            sid="".join((*names, group.kind)),
            principals=group.members,
            actions=tuple(dict.fromkeys(one for name in names for one in _GRANTED[name])),
        )
        for group, names in _granted_together(granted)
    )


def merged(grants: Iterable[PolicyStatement]) -> Iterator[PolicyStatement]:
    """The statements of several grants of actions, in few statements for each sid.

    Without a sid, it is made of the actions: `BatchDeleteImage`, `BatchDeleteImageAnd2More`. What
    would have the same as one before is numbered: `BatchDeleteImageAnd2More2`.
    """
    sids = set[str]()
    granted: dict[str | None, dict[str, list[Principal]]] = {}
    for grant in grants:
        for action in grant.actions:
            of = granted.setdefault(grant.sid, {})
            of.setdefault(action, []).extend(grant.principals)
    for sid, of in granted.items():
        for group, actions in _granted_together(of):
            wanted = _sid_of(actions) + group.kind if sid is None else sid
            numbered = chain([wanted], (f"{wanted}{number}" for number in count(2)))
            own = next(one for one in numbered if one not in sids)
            sids.add(own)
            yield PolicyStatement(sid=own, principals=group.members, actions=tuple(actions))


def _sid_of(actions: Iterable[str]) -> str:
    first, *more = [re.sub("[^A-Za-z]", "", action.partition(":")[2]) for action in sorted(actions)]
    return f"{first}And{len(more)}More" if more else first


class RepositoryPolicy(Construct):
    """The policy of a repository. A repository has at most one.

    :param repository_name: the name of the repository, or a token.
    :param statements: at least one; together at most 10,240 characters as JSON.
    :param registry: where the repository is, to know other accounts and one's own. Without it,
        neither that another account as a whole changes anything nor that its own is shut out is
        told, nor that a principal is of another partition.
    :raises ValueError: for a name that no repository has, for statements that ECR would refuse
        together, and for those that let happen what nobody can have meant.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        repository_name: str,
        statements: Sequence[PolicyStatement],
        registry: Registry | None = None,
    ) -> None:
        problems = list(repository_policy_problems(statements))
        if not problems:
            document = repository_policy_document(statements)
            problems += policy_risks(document, registry=registry)
            for index, statement in enumerate(statements):
                here = statement.problems_in(registry) if registry else ()
                problems += within(("statements", index), here)
        if statements in ((), []):
            problems.append(NO_STATEMENT.problem("none"))
        refuse([*REPOSITORY_NAME.problems(repository_name), *problems])
        super().__init__(scope, id_)
        EcrRepositoryPolicy(
            self,
            "Resource",
            repository=repository_name,
            policy=repository_policy_text(statements),
        )
