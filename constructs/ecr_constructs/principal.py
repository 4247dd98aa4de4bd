"""Principal: who a policy statement is about."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ecr_constructs.checks import Check, Problem, TextForm, is_token, refuse, shown, within
from ecr_constructs.policy_json import one_or_all
from ecr_constructs.registry import ACCOUNT_ID, Registry

# Kind -> whether whoever it is only pulls.
_ROLES = {
    "role": False,
    "ecs_task_execution_role": True,
    "eks_node_role": True,
    "eks_pod_role": False,
    "ci_role": False,
}
_KINDS = (
    *_ROLES,
    "user",
    "account",
    "organization",
    "organizational_unit",
    "lambda_function",
    "service",
)
LAMBDA = "lambda.amazonaws.com"


# A session of a role -> what is said of it.
SESSION_MEANT = {
    r"arn:(aws[a-z-]{0,20}):sts::([0-9]{12}):assumed-role/([\w+=,.@-]{1,64})/.*": (
        r"that is a session, write its role: arn:\1:iam::\2:role/\3, with the role's path if it has"
        " one"
    ),
}
# What is no role, or no user -> what is said of it.
_OTHER_ARNS = {
    **SESSION_MEANT,
    r"(?:arn:aws[a-z-]*:iam::)?([0-9]{12})(?::root)?": (
        r'that is a whole account; a principal has it as account: "\1"'
    ),
    r"arn:aws[a-z-]*:iam::[0-9]{12}:[^*]*\*.*": (
        "policies take no wildcards; name each, or the 'account' or 'organization'"
    ),
    r"arn:aws[a-z-]*:iam::[0-9]{12}:user/.*": "that is a user; a principal has it as 'user'",
    r"arn:aws[a-z-]*:iam::[0-9]{12}:role/.*": "that is a role; a principal has it as 'role'",
    r"arn:aws[a-z-]*:iam::[0-9]{12}:instance-profile/.*": "write the ARN of the role in it",
    r"arn:aws[a-z-]*:iam::[0-9]{12}:group/.*": "policies know no groups; name its users",
    r"\*": "name who it is; everybody is for a 'policy_document', with 'public_access'",
}


def _arn_form(kind: str, what: str = "") -> TextForm:
    # Any character but those that stand for others, and the one that ends a text.
    path = r"(?:[!#-)+->@-~]+/)?"
    return TextForm(
        what=what or kind,
        source="IAM API, `arnType`, `pathType` and a name of at most 64 characters",
        minimum=0,
        maximum=2048,
        pattern=re.compile(
            rf"arn:aws(?:-[a-z]+)*:iam::[0-9]{{12}}:{kind}/{path}[\w+=,.@-]{{1,64}}", re.ASCII
        ),
        form=f"an IAM {kind}'s ARN (arn:aws:iam::<account>:{kind}/<name>)",
        meant={
            **{form: said for form, said in _OTHER_ARNS.items() if f":{kind}/" not in form},
            rf"(?:{kind}/)?([\w+=,.@-]{{1,64}})": rf"write arn:aws:iam::<account>:{kind}/\1",
        },
    )


ROOT_ARN = re.compile(r"arn:aws(?:-[a-z]+)*:iam::[0-9]{12}:root")
ROLE_ARN = _arn_form("role")
USER_ARN = _arn_form("user")
_ORGANIZATION = r"o-[a-z0-9]{10,32}"
ORGANIZATION = TextForm(
    what="organization",
    source="Organizations API, `OrganizationId`",
    minimum=0,
    pattern=re.compile(_ORGANIZATION),
    form="the id of an organization (o- and 10 to 32 letters and digits)",
    meant={
        rf"arn:aws[a-z-]*:organizations::[0-9]{{12}}:organization/({_ORGANIZATION})": r"write '\1'"
    },
)
_UNIT = r"ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}"
ORGANIZATIONAL_UNIT = TextForm(
    what="organizational_unit",
    source="IAM user guide, `aws:PrincipalOrgPaths`; Organizations API, ids",
    minimum=0,
    pattern=re.compile(rf"{_ORGANIZATION}/r-[0-9a-z]{{4,32}}/(?:{_UNIT}/)+\*?"),
    form="the path of a unit, with '/' at its end for it alone or '/*' with what is below it"
    " (o-<id>/r-<id>/ou-<id>/*)",
)
LAMBDA_FUNCTION = TextForm(
    what="lambda_function",
    source="Lambda API, `FunctionArn`; '*' in the name stands for any characters",
    minimum=0,
    pattern=re.compile(
        r"arn:aws(?:-[a-z]+)*:lambda:[a-z0-9-]+:[0-9]{12}:function:[a-zA-Z0-9_*-]{1,140}"
    ),
    form="the ARN of a Lambda function, without a version"
    " (arn:aws:lambda:<region>:<account>:function:<name>)",
    meant={
        r"(arn:[a-z-]{3,20}:lambda:[a-z0-9-]{1,30}:[0-9]{12}:function:[\w*-]{1,140}):.*": (
            r"write '\1'"
        )
    },
)
SERVICE = TextForm(
    what="service",
    source="IAM user guide, policy elements: Principal, AWS services",
    minimum=0,
    pattern=re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.amazonaws\.com(?:\.cn)?"),
    form="a service principal such as 'codebuild.amazonaws.com'",
    meant={
        "lambda": "Lambda is a principal by the ARNs of its functions, as 'lambda_function'",
        r"[a-z0-9-]{1,60}": r"write '\g<0>.amazonaws.com'",
    },
)
SOURCE_ARN = TextForm(
    what="source_arn",
    source="IAM user guide, `aws:SourceArn`: its account is what narrows it",
    minimum=0,
    pattern=re.compile(r"arn:aws(?:-[a-z]+)*:[a-z0-9-]+:[a-z0-9-]*:[0-9]{12}:[!-~]+"),
    form="the ARN of what the service acts for, with its account; '*' in its last part stands for"
    " any characters",
)
NAMED = TextForm(
    what="a principal by 'AWS'",
    source="IAM user guide, policy elements: Principal; ECR API error, 'Invalid repository policy"
    " provided', for what nobody can be",
    minimum=0,
    maximum=2048,
    pattern=re.compile(
        rf"\*|[0-9]{{12}}|{ROLE_ARN.pattern.pattern}|{USER_ARN.pattern.pattern}"
        rf"|{ROOT_ARN.pattern}"
        r"|arn:aws(?:-[a-z]+)*:sts::[0-9]{12}:"
        r"(?:assumed-role/[\w+=,.@-]{1,64}/[\w+=,.@-]{2,64}|federated-user/[\w+=,.@-]{2,32})",
        re.ASCII,
    ),
    form="'*', an account id of 12 digits or its root, or the ARN of an IAM role or user, of a"
    " session of a role or of a federated user",
)
ONE_KIND = Check(
    f"a principal takes exactly one of {', '.join(map(repr, _KINDS[:-1]))} and {_KINDS[-1]!r}",
    "this library's `Principal`",
)
SOURCE_NEEDED = Check(
    "a service as a principal needs 'source_account' or 'source_arn', or it acts for everybody",
    "IAM user guide, the confused deputy problem",
)
SOURCE_UNUSED = Check(
    "'source_account' and 'source_arn' go with a service", "this library's `Principal`"
)
LAMBDA_SERVICE = Check(
    "Lambda is a principal by the ARNs of its functions, 'lambda_function'",
    "Lambda developer guide, permissions for images: the function is the source",
)
PARTITION = Check(
    "a principal must be of the AWS partition of the repository",
    "IAM user guide, ARNs: a partition has accounts of its own; ECR refuses who does not exist",
)
PULLS_ONLY = Check(
    "what runs containers should pull only, and its role not push",
    "ECS developer guide, task execution IAM role; EKS user guide, node IAM role",
    "grant 'pull', and 'push' to whoever builds the images",
    warning=True,
)
LAMBDA_ELSEWHERE = Check(
    "a Lambda function must be in the Region of the repository",
    "Lambda developer guide, container images: the registry is in the function's Region",
)


@dataclass(frozen=True, kw_only=True)
class Principal:
    """Who a statement is about, by exactly one of the arguments.

    :param role: the ARN of an IAM role, `arn:aws:iam::<account>:role/<name>`; at most 2,048
        characters, the name at most 64 (IAM API). The role must exist when the policy is applied,
        or AWS refuses the policy.
    :param ecs_task_execution_role: the same of the role by which ECS pulls the images of tasks. It
        is not the task's own role, which the containers have and which pulls nothing.
    :param eks_node_role: the same of the role of EKS nodes, whose kubelet pulls the images of pods.
    :param eks_pod_role: the same of the role that a pod has by EKS Pod Identity or IRSA, for what
        itself pulls or pushes, such as a scanner or a builder.
    :param ci_role: the same of the role of a CI system's jobs.
    :param user: the ARN of an IAM user, `arn:aws:iam::<account>:user/<name>`; it must exist, too.
    :param account: the id of an account. Its administrators decide who in it is admitted.
    :param organization: the id of an organization, `o-a1b2c3d4e5`: everybody in its accounts whose
        administrators let him.
    :param organizational_unit: the path of a unit, `o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/*` with
        the units below it, or with `/` at its end without them.
    :param lambda_function: the ARN of a Lambda function of any account in the repository's Region;
        `*` in its name stands for any characters. Lambda pulls for it, and nobody else in its
        account is admitted: whoever makes or updates a function of another account needs `pull`,
        too. (Lambda developer guide, permissions for images.)
    :param service: the principal of another AWS service, such as `codebuild.amazonaws.com`, with
        whom it acts for:
    :param source_account: everything in an account,
    :param source_arn: or what an ARN names, in which `*` stands for any characters.
    :raises ValueError: for none or several of them, or another form.
    """

    role: str | None = None
    """The ARN of an IAM role."""
    ecs_task_execution_role: str | None = None
    """The ARN of the role by which ECS pulls the images of tasks."""
    eks_node_role: str | None = None
    """The ARN of the role of EKS nodes, which pull the images of pods."""
    eks_pod_role: str | None = None
    """The ARN of the role that a pod of EKS has."""
    ci_role: str | None = None
    """The ARN of the role of a CI system's jobs."""
    user: str | None = None
    """The ARN of an IAM user."""
    account: str | None = None
    """The 12 digits of an account; its administrators decide who in it is admitted."""
    organization: str | None = None
    """The id of an organization: everybody in its accounts whose administrators let him."""
    organizational_unit: str | None = None
    """The path of an organizational unit, such as o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/*."""
    lambda_function: str | None = None
    """The ARN of a Lambda function in the repository's Region; '*' is any characters."""
    service: str | None = None
    """The principal of an AWS service, with source_account or source_arn."""
    source_account: str | None = None
    """The account that a service acts for."""
    source_arn: str | None = None
    """What a service acts for; '*' in its last part is any characters."""

    def __post_init__(self) -> None:
        refuse(self._problems())

    def _problems(self) -> Iterator[Problem]:
        given = [name for name in _KINDS if getattr(self, name) is not None]
        if len(given) != 1:
            yield ONE_KIND.problem(" and ".join(given) or "none")
        for name, form in _FORMS.items():
            if getattr(self, name) is not None:
                yield from within((name,), form.problems(getattr(self, name), name))
        sources = [n for n in ("source_account", "source_arn") if getattr(self, n) is not None]
        if self.service is None:
            if given:
                yield from (SOURCE_UNUSED.problem(shown(n), (n,)) for n in sources)
        elif self.service == LAMBDA:
            yield LAMBDA_SERVICE.problem(shown(self.service), ("service",))
        elif not sources and self.service != "lambda":
            yield SOURCE_NEEDED.problem(shown(self.service), ("service",))

    @property
    def kind(self) -> str:
        """Which of the arguments says who it is."""
        return next(name for name in _KINDS if getattr(self, name) is not None)

    @property
    def identifier(self) -> str:
        """What names it: an ARN, an id, a path or a service."""
        return str(getattr(self, self.kind))

    @property
    def role_arn(self) -> str | None:
        """The ARN of a role, whatever it is for."""
        return self.identifier if self.kind in _ROLES else None

    @property
    def arn(self) -> str | None:
        """The ARN of a role or user, which alone can have a policy of its own."""
        return self.role_arn or self.user

    @property
    def only_pulls(self) -> bool:
        """Whether it runs containers, so that it has no images to push."""
        return _ROLES.get(self.kind, False)

    def problems_in(self, registry: Registry) -> Iterator[Problem]:
        """Check what depends on where the repository is."""
        if is_token(registry.region):
            return
        for name in (*_ROLES, "user", "lambda_function", "source_arn"):
            arn = getattr(self, name)
            if arn is None or is_token(arn):
                continue
            if arn.split(":")[1] != registry.partition:
                yield PARTITION.problem(f"{shown(arn)} for {registry.partition}", (name,))
            elif name == "lambda_function" and arn.split(":")[3] != registry.region:
                yield LAMBDA_ELSEWHERE.problem(f"{shown(arn)} for {registry.region}", (name,))


_FORMS: Mapping[str, TextForm] = {
    **{name: _arn_form("role", name) for name in _ROLES},
    "user": USER_ARN,
    "account": ACCOUNT_ID,
    "organization": ORGANIZATION,
    "organizational_unit": ORGANIZATIONAL_UNIT,
    "lambda_function": LAMBDA_FUNCTION,
    "service": SERVICE,
    "source_account": ACCOUNT_ID,
    "source_arn": SOURCE_ARN,
}
# Argument -> the condition that it is: operator and key.
CONDITIONS = {
    "organization": ("StringEquals", "aws:PrincipalOrgID"),
    "organizational_unit": ("ForAnyValue:StringLike", "aws:PrincipalOrgPaths"),
    "lambda_function": ("ArnLike", "aws:SourceArn"),
    "source_account": ("StringEquals", "aws:SourceAccount"),
    "source_arn": ("ArnLike", "aws:SourceArn"),
}


def account_of(name: str) -> str | None:
    """The account that a principal by `AWS` is the whole of, by its id or by its root's ARN."""
    is_whole = ACCOUNT_ID.pattern.fullmatch(name) or ROOT_ARN.fullmatch(name)
    return name.removesuffix(":root")[-12:] if is_whole else None


def is_wild(name: str) -> bool:
    """Whether a principal by `AWS` stands for more than its name says."""
    return ("*" in name or "?" in name) and not is_token(name)


# The kinds of which each has a statement of its own.
_APART = ("organization", "organizational_unit", "lambda_function", "service")

_Element = str | dict[str, str | list[str]]


class Together(NamedTuple):
    """Principals that one statement can be about."""

    kind: str
    """Such as `Organization`, for a readable Sid; nothing for roles, users and accounts."""
    element: _Element
    """The `Principal` element."""
    conditions: Mapping[str, Mapping[str, str | tuple[str, ...]]]
    """What narrows it: operator -> key -> value or values."""
    members: tuple[Principal, ...]
    """The principals."""


def together(principals: Sequence[Principal]) -> list[Together]:
    """The principals in the fewest statements, in the given order."""
    groups: dict[tuple[str, str | None, str | None], list[Principal]] = {}
    for principal in dict.fromkeys(principals):
        kind = principal.kind if principal.kind in _APART else ""
        key = (kind, principal.source_account, principal.source_arn)
        groups.setdefault(key, []).append(principal)
    return [_together(kind, members) for (kind, _, _), members in groups.items()]


def _together(kind: str, members: Sequence[Principal]) -> Together:
    # A role has one ARN, whatever it is for.
    identifiers = one_or_all(dict.fromkeys(member.identifier for member in members))
    element: _Element = {"Service" if kind == "service" else "AWS": identifiers}
    if kind == "lambda_function":
        element = {"Service": LAMBDA}
    elif kind in CONDITIONS:
        element = "*"
    conditions = {}
    for name, (operator, key) in CONDITIONS.items():
        values = dict.fromkeys(v for v in (getattr(one, name) for one in members) if v is not None)
        if values:
            found = one_or_all(values)
            conditions[operator] = {key: found if isinstance(found, str) else tuple(found)}
    name = "".join(part.capitalize() for part in kind.split("_"))
    return Together(name, element, conditions, tuple(members))
