"""Access: what a role or user may do, as its own side sees it."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from cdktf_cdktf_provider_aws.iam_policy import IamPolicy
from constructs import Construct

from ecr_constructs.action import (
    PUBLIC_PUSH_ACTIONS,
    PULL_ACTIONS,
    PUSH_ACTIONS,
    READ_ACTIONS,
    covered,
)
from ecr_constructs.checks import (
    Check,
    Problem,
    TextForm,
    refuse,
    sent_length,
    shown,
    tuple_of,
    unique,
    within,
    wrong_type,
)
from ecr_constructs.policy_json import NEWEST_VERSION, listed, named, pairs, policy_of, texts
from ecr_constructs.principal import ROLE_ARN, USER_ARN
from ecr_constructs.registry import ROOT, Registry
from ecr_constructs.registry_policy import CREATE_ACTION, IMPORT_ACTION
from ecr_constructs.terraform_text import json_text

MAX_POLICY_LENGTH = 6144
LOGIN_ACTION = "ecr:GetAuthorizationToken"
# From ECR Public's page on setting a policy: what pushing to any public repository takes.
PUBLIC_LOGIN_ACTIONS = ("ecr-public:GetAuthorizationToken", "sts:GetServiceBearerToken")
# What a client does that has logged in.
_WITH_TOKEN = (*PULL_ACTIONS, *PUSH_ACTIONS)
# Grant -> the name of its statement and its actions.
_GRANTS = {
    "pull": ("Pull", PULL_ACTIONS),
    "push": ("Push", PUSH_ACTIONS),
    "read": ("Read", READ_ACTIONS),
    "pull_through": ("PullThrough", (CREATE_ACTION, IMPORT_ACTION)),
    "import_upstream": ("ImportUpstream", (IMPORT_ACTION,)),
}

REPOSITORIES = TextForm(
    what="repository or namespace",
    source="ECR API, `RepositoryName`; a namespace is this library's",
    minimum=2,
    maximum=256,
    pattern=re.compile(r"[a-z0-9]+(?:(?:\.|__?|-+|/)[a-z0-9]+)*/?"),
    form="the name of a repository, or a namespace with '/' at its end, such as 'payments/'",
    meant={
        r"\*": "name each, or namespaces",
        r"([a-z0-9._/-]{2,255}/)\*": r"write '\1'",
    },
)
CACHED = TextForm(
    what="pull_through",
    source="ECR API, `PullThroughCacheRuleRepositoryPrefix`, `RepositoryName`",
    minimum=2,
    maximum=256,
    pattern=re.compile(r"[a-z0-9]+(?:(?:\.|__?|-+|/)[a-z0-9]+)*|ROOT"),
    form="the prefix of a cache rule or a namespace below it, without '/' at its end, or ROOT",
)
NOTHING = Check("access must be to something", "this library: a policy has a statement")
PULL_NEEDED = Check(
    "pull_through needs the same namespace in 'pull', or nothing is pulled",
    "ECR user guide, pull through cache: IAM permissions",
)
DUPLICATE = Check("{what} must not repeat a repository", "this library: it has no effect")
POLICY_LENGTH = Check(
    f"a managed policy must be at most {MAX_POLICY_LENGTH} characters, spaces aside",
    "IAM quotas, managed policies",
    "name namespaces, such as 'payments/'",
)
PART_LENGTH = Check(
    f"the other side of a statement must be at most {MAX_POLICY_LENGTH} characters as a managed"
    " policy, spaces aside",
    "IAM quotas, managed policies",
    "divide its conditions among several statements",
)
NAME = TextForm(
    what="policy_name",
    source="IAM API, `policyNameType`",
    maximum=128,
    pattern=re.compile(r"[\w+=,.@-]+", re.ASCII),
    form="letters, digits and any of _+=,.@-",
)


@dataclass(frozen=True, kw_only=True)
class Access:
    """Which repositories of a registry somebody uses, by name or by namespace (`payments/`).

    :param pull: whose images are pulled.
    :param push: to which images are pushed.
    :param read: of which metadata and scan findings are read.
    :param pull_through: the prefixes of pull-through cache rules, or namespaces below them, through
        which images are pulled for the first time, so that ECR makes their repositories. They have
        to be in `pull`, too.
    :param import_upstream: repositories below such a prefix that there are already, to which ECR
        brings an image of the upstream when it is pulled for the first time.
    :raises ValueError: for nothing at all, and for what no repository is called.
    """

    pull: tuple[str, ...] = ()
    """Whose images are pulled."""
    push: tuple[str, ...] = ()
    """To which images are pushed."""
    read: tuple[str, ...] = ()
    """Of which metadata and scan findings are read."""
    pull_through: tuple[str, ...] = ()
    """The prefixes of cache rules, or namespaces below them, through which images are pulled for
    the first time, so that ECR makes their repositories."""
    import_upstream: tuple[str, ...] = ()
    """Repositories below such a prefix that are there, to which ECR brings upstream's images."""

    def __post_init__(self) -> None:
        refuse(self._problems())
        for field in fields(self):
            object.__setattr__(self, field.name, tuple(getattr(self, field.name)))

    def _problems(self) -> Iterator[Problem]:
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        for name, values in given.items():
            if not isinstance(values, list | tuple):
                yield wrong_type(name, "a list", values)._replace(path=(name,))
                continue
            form = CACHED if name == "pull_through" else REPOSITORIES
            yield from within((name,), unique(DUPLICATE, values, name))
            wrong = [p for i, v in enumerate(values) for p in within((name, i), form.problems(v))]
            yield from wrong
        if isinstance(self.pull, list | tuple) and isinstance(self.pull_through, list | tuple):
            for index, prefix in enumerate(self.pull_through):
                named = any(prefix == ROOT or str(n).startswith(f"{prefix}/") for n in self.pull)
                if not named and not any(CACHED.problems(prefix)):
                    yield PULL_NEEDED.problem(shown(prefix), ("pull_through", index))
        if all(values in ((), []) for values in given.values()):
            yield NOTHING.problem("nothing")

    def render(self, registry: Registry) -> list[dict[str, Any]]:
        """The statements of an IAM policy: exactly these actions on exactly these repositories.

        Where images are pulled or pushed, the last one lets it get a token for `docker login`,
        which no repository can restrict.
        """
        return _statements(registry, {key: getattr(self, key) for key in _GRANTS})


def access_statement(sid: str, actions: Sequence[str], resources: Sequence[str]) -> dict[str, Any]:
    """A statement of an IAM policy that allows actions on repositories by their ARNs."""
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def login_statement() -> dict[str, Any]:
    """The statement that lets somebody get a token for `docker login`."""
    return {"Sid": "Login", "Effect": "Allow", "Action": [LOGIN_ACTION], "Resource": "*"}


def public_login_statement() -> dict[str, Any]:
    """The same for ECR Public, of which nobody needs one to pull."""
    actions = list(PUBLIC_LOGIN_ACTIONS)
    return {"Sid": "PublicLogin", "Effect": "Allow", "Action": actions, "Resource": "*"}


def allowing(actions: Sequence[str], resources: Sequence[str]) -> list[dict[str, Any]]:
    """The statements that allow actions on repositories by their ARNs, without names.

    Where some are of pulling or pushing, the last one is that of the token for `docker login`.
    """
    logins = [login_statement()] if covered(actions, _WITH_TOKEN) else []
    if covered(actions, PUBLIC_PUSH_ACTIONS):
        logins.append(public_login_statement())
    own = {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
    return [own, *logins]


def _statements(registry: Registry, given: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    statements = [
        access_statement(
            sid, actions, [registry.repository_arn(_pattern(name, key)) for name in given[key]]
        )
        for key, (sid, actions) in _GRANTS.items()
        if given[key]
    ]
    if given["pull"] or given["push"]:
        statements.append(login_statement())
    return statements


def _pattern(name: str, key: str) -> str:
    if key == "pull_through":
        return "*" if name == ROOT else f"{name}/*"
    return f"{name}*" if name.endswith("/") else name


def access_together(several: Iterable[Access]) -> Access:
    """What somebody may do who has each of several accesses; at least one."""
    found = list(several)
    return Access(
        **{
            field.name: tuple(dict.fromkeys(n for one in found for n in getattr(one, field.name)))
            for field in fields(Access)
        }
    )


def access_document(registry: Registry, access: Access) -> dict[str, Any]:
    """The IAM policy of whoever has the access, as AWS writes it."""
    return policy_of(access.render(registry))


def access_documents(registry: Registry, access: Access) -> list[dict[str, Any]]:
    """The same in several policies where one would be longer than the 6,144 characters of IAM."""
    return policies_of(access.render(registry))


def policies_of(statements: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Policies of IAM with these statements: one, or several where it would be too long.

    What is for everything, such as the token for `docker login`, is in each of them.
    """
    everywhere = [statement for statement in statements if statement["Resource"] == "*"]
    parts: list[dict[int, list[str]]] = [{}]
    whole = room = MAX_POLICY_LENGTH - sent_length(policy_of(everywhere)) + (not everywhere)
    for index, statement in enumerate(statements):
        # The comma after the statement is the one that its first resource has not.
        around = sent_length({**statement, "Resource": []})
        for resource in statement["Resource"] if statement["Resource"] != "*" else ():
            cost = sent_length(resource) + len(",")
            if cost + (0 if index in parts[-1] else around) > room and parts[-1]:
                parts.append({})
                room = whole
            room -= cost + (0 if index in parts[-1] else around)
            parts[-1].setdefault(index, []).append(resource)
    return [
        policy_of([{**statements[i], "Resource": some} for i, some in part.items()] + everywhere)
        for part in parts
    ]


def statements_together(statements: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The fewest statements that allow the same: those that differ in resources alone are one.

    Those of the tokens for `docker login` are the last.
    """
    logins = [one for one in (login_statement(), public_login_statement()) if one in statements]
    found: dict[str, tuple[Mapping[str, Any], dict[str, None]]] = {}
    for statement in statements:
        if statement not in logins:
            but = {name: name != "Resource" and value for name, value in statement.items()}
            key = json.dumps(but, sort_keys=True, default=dict)
            _, resources = found.setdefault(key, (statement, {}))
            resources.update(dict.fromkeys(texts(statement.get("Resource", []))))
    fewest = [
        {**first, **({"Resource": list(resources)} if resources else {})}
        for first, resources in found.values()
    ]
    return [*fewest, *logins]


def other_side(policy: Mapping[str, Any], resource: str) -> dict[str, list[dict[str, Any]]]:
    """What a policy of ECR's allows roles and users, as statements of their own by their ARNs.

    Each has the actions and the conditions of the statement that names him, and the token for
    `docker login` where some are of pulling or pushing. Whom conditions alone name is not there.

    :param policy: the data of a policy whose checks have passed.
    :param resource: the ARN of its repository, for statements that have none.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for statement in map(dict, map(pairs, listed(policy["Statement"]))):
        if statement["Effect"] != "Allow" or "Action" not in statement:
            continue
        resources = texts(statement.get("Resource", resource))
        own = allowing(texts(statement["Action"]), resources)
        if statement.get("Condition"):
            own[0]["Condition"] = _in_newest_version(statement["Condition"], policy.get("Version"))
        for name in named(statement.get("Principal"), "AWS"):
            if ROLE_ARN.pattern.fullmatch(name) or USER_ARN.pattern.fullmatch(name):
                found.setdefault(name, []).extend(own)
    return found


def _in_newest_version(conditions: object, version: object) -> object:
    """Conditions as the policies of this room say them, whose version knows variables."""
    if version == NEWEST_VERSION:
        return conditions
    return json.loads(json.dumps(conditions).replace("${", "${$}{"))


def access_problems(document: Mapping[str, Any]) -> Iterator[Problem]:
    """Check the length of a managed policy; IAM does not count white space."""
    length = sent_length(document)
    if length > MAX_POLICY_LENGTH:
        yield POLICY_LENGTH.problem(str(length))


def part_problems(who: str, statements: Sequence[dict[str, Any]]) -> Iterator[Problem]:
    """Check the length of the policies that somebody's statements become.

    :param who: the ARN of the role or user.
    """
    for length in map(sent_length, policies_of(statements)):
        if length > MAX_POLICY_LENGTH:
            yield PART_LENGTH.problem(f"{length} for {shown(who)}")


class AccessPolicy(Construct):
    """A managed policy of IAM for whoever pulls from repositories or pushes to them.

    It is the other side of a grant. A role or user of the repository's own account needs nothing
    else; one of another account needs the grant of the repository, too.

    :param registry: the registry of the repositories, whose account has the policy.
    :param pull: repositories by name or by namespace (`payments/`); so the others of `Access`.
    :param policy_name: 1 to 128 characters; by default Terraform makes one that starts with `ecr-`.
    :raises ValueError: as `Access`, and for more than 6,144 characters.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        registry: Registry,
        pull: Sequence[str] = (),
        push: Sequence[str] = (),
        read: Sequence[str] = (),
        pull_through: Sequence[str] = (),
        import_upstream: Sequence[str] = (),
        policy_name: str | None = None,
    ) -> None:
        access = Access(
            pull=tuple_of(pull),
            push=tuple_of(push),
            read=tuple_of(read),
            pull_through=tuple_of(pull_through),
            import_upstream=tuple_of(import_upstream),
        )
        document = access_document(registry, access)
        problems = list(access_problems(document))
        if policy_name is not None:
            problems += within(("policy_name",), NAME.problems(policy_name))
        refuse(problems)
        super().__init__(scope, id_)
        self.document = json_text(document)
        """The policy as JSON, for roles that are defined elsewhere."""
        policy = IamPolicy(
            self,
            "Resource",
            name=policy_name,
            name_prefix=None if policy_name else "ecr-",
            policy=self.document,
        )
        self.policy_arn: str = policy.arn
        """The ARN of the policy, a token."""
