"""CI role: what jobs of GitHub Actions and GitLab assume by OpenID Connect, without stored keys."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from cdktf_cdktf_provider_aws.iam_openid_connect_provider import IamOpenidConnectProvider
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from constructs import Construct

from ecr_constructs.checks import (
    Check,
    Problem,
    TextForm,
    did_you_mean,
    is_token,
    refuse,
    sent_length,
    sequence,
    shown,
    truth,
    unique,
    within,
    wrong_type,
)
from ecr_constructs.policy_risk import identity_risks
from ecr_constructs.principal import Principal
from ecr_constructs.registry import Registry
from ecr_constructs.terraform_text import escaped, json_text

GITHUB_ISSUER = "token.actions.githubusercontent.com"
GITHUB_AUDIENCE = "sts.amazonaws.com"
MIN_SESSION_DURATION, MAX_SESSION_DURATION = 3_600, 43_200
MAX_TRUST_POLICY_LENGTH = 2_048
MAX_POLICY_LENGTH = 10_240
_GITHUB = "GitHub Actions, OpenID Connect reference"
_GITLAB = "GitLab, ID token authentication"
_QUOTAS = "IAM quotas"
# What a policy document may hold is U+0020 to U+00FF; without spaces and control characters.
_VISIBLE = r"\x21-\x7e\xa1-\xff"


def _repository_pattern() -> re.Pattern[str]:
    owner = r"(?=[^/@]{1,39}[/@])[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*"
    name = r"(?!\.\.?(?:@|\Z))[A-Za-z0-9._-]{1,100}"
    number = r"@[0-9]{1,19}"
    return re.compile(f"{owner}/{name}|{owner}{number}/{name}{number}")


def _ref_form(what: str) -> TextForm:
    return TextForm(
        what=what,
        source="git, check-ref-format; GitHub blocks names that begin with refs/; IAM API,"
        " `policyDocumentType`",
        maximum=255,
        pattern=re.compile(rf"(?!/|refs/)(?:(?![~^:?\[\\])[{_VISIBLE}])+"),
        form=f"the name of a {what} without spaces, any of ~ ^ : ? [ \\ and a '/' or 'refs/' at its"
        " start, in characters that IAM takes (up to U+00FF); '*' stands for any of them",
    )


REPOSITORY = TextForm(
    what="repository",
    source=f"{_GITHUB}, immutable subject claims; GitHub, names of accounts and repositories",
    minimum=0,
    pattern=_repository_pattern(),
    form="'<owner>/<repository>', or '<owner>@<id>/<repository>@<id>' where GitHub puts ids into"
    " the subject, without wildcards",
)
PROJECT = TextForm(
    what="project",
    source="GitLab, limitations on project and group names",
    minimum=0,
    pattern=re.compile(r"[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)+"),
    form="'<group>/<project>', with subgroups between them, without wildcards",
)
BRANCH = _ref_form("branch")
TAG = _ref_form("tag")
ENVIRONMENT = TextForm(
    what="environment",
    source="GitHub, managing environments: at most 255 characters; IAM API, `policyDocumentType`",
    maximum=255,
    pattern=re.compile(r"[\x20-\x29\x2b-\x7e\xa1-\xff]+"),
    form="the name of an environment without '*' and control characters, in characters that IAM"
    " takes (up to U+00FF)",
)
HOST = TextForm(
    what="host",
    source="IAM API, `CreateOpenIDConnectProvider`: 255 characters with 'https://', and no port",
    maximum=247,
    pattern=re.compile(r"[a-z0-9]+(?:-+[a-z0-9]+)*(?:\.[a-z0-9]+(?:-+[a-z0-9]+)*)+"),
    form="a host such as 'gitlab.example.com', in lowercase, without 'https://', port and path",
)
ROLE_NAME = TextForm(
    what="role_name",
    source="IAM API, `roleNameType`",
    maximum=64,
    pattern=re.compile(r"[\w+=,.@-]+", re.ASCII),
    form="letters, digits and any of _ + = , . @ -",
)
DESCRIPTION = TextForm(
    what="description",
    source="IAM API, `roleDescriptionType`",
    minimum=0,
    maximum=1_000,
    pattern=re.compile(r"[\t\n\r\x20-\x7e\xa1-\xff]*"),
    form="text of Latin letters (U+0020 to U+00FF)",
)
PERMISSIONS_BOUNDARY = TextForm(
    what="permissions_boundary",
    source="IAM API, `arnType`, `policyPathType`, `policyNameType`",
    minimum=0,
    maximum=2_048,
    pattern=re.compile(
        r"arn:aws(?:-[a-z]+)*:iam::(?:[0-9]{12}|aws):policy/(?:[\x21-\x7e]+/)?[\w+=,.@-]{1,128}",
        re.ASCII,
    ),
    form="an IAM policy's ARN (arn:aws:iam::<account>:policy/<name>)",
)
VARIABLE = Check(
    "{what} must not hold a token or a variable of IAM",
    "IAM user guide, policy variables; this library: who is trusted is known at synth",
    "write the name itself",
)
EVERY = Check(
    "{what} must not be '*' alone, which restricts nothing",
    "this library: whoever can open a branch could push",
)
UNRESTRICTED = Check(
    "who is trusted must be restricted to {restrictions}",
    "this library: whoever can open a branch could push",
)
TWICE = Check("{what} must not repeat a value", "this library: a repeated one has no effect")
GITLAB_HOST = Check(
    "the host of GitLab must not be that of GitHub Actions",
    "this library: they have audiences of their own",
    "write a GitHubActions",
)
NOBODY = Check("a CI role must trust somebody", "this library: nobody could assume it")
UNTRUSTED_ISSUER = Check(
    "provider_arns must name issuers that the role trusts",
    "this library: nothing would be done with another",
)
PROVIDER_ARN = Check(
    "the provider must be that of its issuer in the account and AWS partition of the role",
    "IAM API, `CreateOpenIDConnectProvider`; EKS user guide, cross-account access",
    "write {expected}",
)
SESSION_DURATION = Check(
    f"max_session_duration must be {MIN_SESSION_DURATION} to {MAX_SESSION_DURATION} seconds",
    "IAM API, `roleMaxSessionDurationType`",
)
BOUNDARY_ELSEWHERE = Check(
    "the permissions boundary must be AWS's, or of the account of the role, and of its AWS"
    " partition",
    "IAM API, `PutRolePermissionsBoundary`",
)
TRUST_POLICY_LENGTH = Check(
    f"a trust policy must be at most {MAX_TRUST_POLICY_LENGTH} characters as JSON",
    f"{_QUOTAS}: role trust policy length, of an account that has not raised it",
    "use patterns, or define another role",
)
POLICY_LENGTH = Check(
    f"the policy of a CI role must be at most {MAX_POLICY_LENGTH} characters as JSON",
    f"{_QUOTAS}: inline policies of a role",
)


@dataclass(frozen=True, kw_only=True)
class GitHubActions:
    """Jobs of GitHub Actions in one repository, restricted to some of them.

    A job with an environment is trusted by `environments` alone, whatever its branch, and one of a
    pull request by `pull_requests`. Letters count as GitHub writes them, large or small. A
    repository with a subject claim of its own is not matched.

    :param repository: `org/repo`; or `org@<id>/repo@<id>` for one that was created, renamed or
        transferred after July 15, 2026, or has opted in, as GitHub then puts the ids of both into
        the subject. No wildcards.
    :param branches: the branches whose jobs are trusted, at most 255 characters each; `*` stands
        for any characters, as in `release/*`, but not alone. None by default.
    :param tags: the same for tags, as in `v*`. None by default.
    :param environments: the environments whose jobs are trusted, at most 255 characters each,
        without `*`; what may deploy to them is a setting of GitHub. None by default.
    :param pull_requests: whether jobs of pull requests are trusted, from any branch of the
        repository. Not by default.
    :raises ValueError: for another form, and where nothing restricts it.
    """

    repository: str
    """org/repo, or org@<id>/repo@<id> for one with immutable subject claims."""
    branches: tuple[str, ...] = ()
    """The branches whose jobs are trusted; '*' is any characters."""
    tags: tuple[str, ...] = ()
    """The tags whose jobs are trusted; '*' is any characters."""
    environments: tuple[str, ...] = ()
    """The environments whose jobs are trusted."""
    pull_requests: bool = False
    """Whether jobs of pull requests are trusted."""

    issuer: ClassVar[str] = GITHUB_ISSUER
    """The host of who signs the tokens."""
    audience: ClassVar[str] = GITHUB_AUDIENCE
    """Whom the tokens are for, as AWS's action for credentials asks for it."""

    def __post_init__(self) -> None:
        refuse(self._problems())
        for name in ("branches", "tags", "environments"):
            object.__setattr__(self, name, tuple(getattr(self, name)))

    def _problems(self) -> Iterator[Problem]:
        yield from within(("repository",), _literal_problems(REPOSITORY, self.repository))
        yield from _names_problems("branches", BRANCH, self.branches)
        yield from _names_problems("tags", TAG, self.tags)
        yield from _names_problems("environments", ENVIRONMENT, self.environments)
        yield from within(("pull_requests",), truth("pull_requests", self.pull_requests))
        if not (self.branches or self.tags or self.environments or self.pull_requests):
            choice = "branches, tags, environments or pull requests"
            yield UNRESTRICTED.problem("none", restrictions=choice)

    @property
    def subjects(self) -> tuple[str, ...]:
        """The `sub` claims that are trusted; `*` stands for any characters."""
        start = f"repo:{self.repository}"
        return (
            *(f"{start}:ref:refs/heads/{branch}" for branch in self.branches),
            *(f"{start}:ref:refs/tags/{tag}" for tag in self.tags),
            # GitHub writes a colon of a name so, and nothing else.
            *(f"{start}:environment:{name.replace(':', '%3A')}" for name in self.environments),
            *((f"{start}:pull_request",) if self.pull_requests else ()),
        )


@dataclass(frozen=True, kw_only=True)
class GitLab:
    """Jobs of GitLab CI in one project, restricted to some of them.

    A pipeline of a merge request has the branch that is to be merged. Letters count as GitLab
    writes them, large or small. A project with a subject claim of its own is not matched.

    :param project: `group/project`, with subgroups between them. No wildcards.
    :param branches: the branches whose jobs are trusted, at most 255 characters each; `*` stands
        for any characters, as in `release/*`, but not alone. None by default.
    :param tags: the same for tags, as in `v*`. None by default.
    :param host: the host of GitLab, without port and path; `gitlab.com` by default.
    :raises ValueError: for another form, and where nothing restricts it.
    """

    project: str
    """group/project, with subgroups between them."""
    branches: tuple[str, ...] = ()
    """The branches whose jobs are trusted; '*' is any characters."""
    tags: tuple[str, ...] = ()
    """The tags whose jobs are trusted; '*' is any characters."""
    host: str = "gitlab.com"
    """The host of GitLab."""

    def __post_init__(self) -> None:
        refuse(self._problems())
        for name in ("branches", "tags"):
            object.__setattr__(self, name, tuple(getattr(self, name)))

    def _problems(self) -> Iterator[Problem]:
        yield from within(("project",), _literal_problems(PROJECT, self.project))
        yield from _names_problems("branches", BRANCH, self.branches)
        yield from _names_problems("tags", TAG, self.tags)
        yield from within(("host",), _literal_problems(HOST, self.host))
        if self.host == GITHUB_ISSUER:
            yield GITLAB_HOST.problem(shown(self.host), ("host",))
        if not (self.branches or self.tags):
            yield UNRESTRICTED.problem("none", restrictions="branches or tags")

    @property
    def issuer(self) -> str:
        """The host of who signs the tokens."""
        return self.host

    @property
    def audience(self) -> str:
        """Whom the tokens are for, as a job names it in `id_tokens`."""
        return _audience(self.host)

    @property
    def subjects(self) -> tuple[str, ...]:
        """The `sub` claims that are trusted; `*` stands for any characters."""
        start = f"project_path:{self.project}:ref_type"
        return (
            *(f"{start}:branch:ref:{branch}" for branch in self.branches),
            *(f"{start}:tag:ref:{tag}" for tag in self.tags),
        )


def _literal_problems(form: TextForm, value: object, what: str = "") -> Iterator[Problem]:
    """Check a text that has to be known at synth."""
    if isinstance(value, str) and "${" in value:
        yield VARIABLE.problem(shown(value), what=what or form.what)
    else:
        yield from form.problems(value, what)


def _names_problems(keyword: str, form: TextForm, names: object) -> Iterator[Problem]:
    """Check branches, tags or environments."""
    if not isinstance(names, list | tuple):
        yield wrong_type(keyword, "a list of text", names)._replace(path=(keyword,))
        return
    yield from within((keyword,), unique(TWICE, names, keyword))
    for index, name in enumerate(names):
        if isinstance(name, str) and set(name) == {"*"}:
            yield EVERY.problem(shown(name), (keyword, index), what=form.what)
        else:
            yield from within((keyword, index), _literal_problems(form, name))


def _audience(issuer: str) -> str:
    return GITHUB_AUDIENCE if issuer == GITHUB_ISSUER else f"https://{issuer}"


def oidc_provider_arn(registry: Registry, issuer: str) -> str:
    """The ARN that the provider of an issuer has in the account of a registry."""
    return f"arn:{registry.partition}:iam::{registry.account_id}:oidc-provider/{issuer}"


def trust_policy_document(
    registry: Registry,
    trusted: Sequence[GitHubActions | GitLab],
    provider_arns: Mapping[str, str] | None = None,
) -> dict[str, object]:
    """The trust policy of a role: for each issuer its exact subjects, then its patterns."""
    arns = provider_arns or {}
    statements = []
    for issuer in dict.fromkeys(jobs.issuer for jobs in trusted):
        subjects = dict.fromkeys(
            s for jobs in trusted if jobs.issuer == issuer for s in jobs.subjects
        )
        arn = arns.get(issuer, oidc_provider_arn(registry, issuer))
        for operator, is_pattern in (("StringEquals", False), ("StringLike", True)):
            some = [subject for subject in subjects if ("*" in subject) is is_pattern]
            if some:
                statements.append(_trust_statement(issuer, arn, operator, some))
    return _document(statements)


def _trust_statement(
    issuer: str, provider_arn: str, operator: str, subjects: Sequence[str]
) -> dict[str, object]:
    condition: dict[str, dict[str, object]] = {"StringEquals": {f"{issuer}:aud": _audience(issuer)}}
    one_or_all = subjects[0] if len(subjects) == 1 else subjects
    condition.setdefault(operator, {})[f"{issuer}:sub"] = one_or_all
    return {
        "Effect": "Allow",
        "Principal": {"Federated": provider_arn},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": condition,
    }


def _document(statements: Sequence[Mapping[str, object]]) -> dict[str, object]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


class OidcProvider(Construct):
    """What makes AWS accept the tokens of an issuer. An account has one for each issuer.

    AWS checks the certificate of the issuer itself, so that no thumbprint is named.

    :param issuer: the host of who signs the tokens, such as `token.actions.githubusercontent.com`
        or `gitlab.com`: the `issuer` of who is trusted. At most 247 characters; without port and
        path. Another one replaces the provider.
    :raises ValueError: for another form.
    """

    def __init__(self, scope: Construct, id_: str, *, issuer: str) -> None:
        refuse(within(("issuer",), _literal_problems(HOST, issuer, "issuer")))
        super().__init__(scope, id_)
        provider = IamOpenidConnectProvider(
            self, "Resource", url=f"https://{issuer}", client_id_list=[_audience(issuer)]
        )
        self.issuer = issuer
        """The host of who signs the tokens: the key of `provider_arns`."""
        self.provider_arn = provider.arn
        """The ARN of the provider, with a token."""


class CiRole(Construct):
    """An IAM role that jobs of a CI system assume, and nobody else.

    :param registry: the registry whose account it is in.
    :param role_name: 1 to 64 letters, digits and any of `_+=,.@-`; unique in the account. Another
        name replaces the role.
    :param trusted: whose jobs assume it, at least one. The trust policy takes at most 2,048
        characters.
    :param provider_arns: issuer -> ARN of its provider, such as the two attributes of an
        `OidcProvider`, which is then made first. By default the ARN that such a provider has in
        the account; it must exist.
    :param max_session_duration: for how long a job may ask to have it, 3600 to 43200 seconds; an
        hour by default.
    :param permissions_boundary: the ARN of a policy that bounds what the role may do; none by
        default.
    :param description: for people; at most 1,000 Latin letters. None by default.
    :param statements: of a policy that says what it may do, as AWS writes them; at most 10,240
        characters. None by default. All of ECR is refused.
    :raises ValueError: for what AWS would refuse, and for what trusts nobody.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        registry: Registry,
        role_name: str,
        trusted: Sequence[GitHubActions | GitLab],
        provider_arns: Mapping[str, str] | None = None,
        max_session_duration: int = MIN_SESSION_DURATION,
        permissions_boundary: str | None = None,
        description: str | None = None,
        statements: Sequence[Mapping[str, object]] = (),
    ) -> None:
        problems = list(
            ci_role_problems(
                registry,
                role_name=role_name,
                trusted=trusted,
                provider_arns=provider_arns,
                max_session_duration=max_session_duration,
                permissions_boundary=permissions_boundary,
                statements=statements,
            )
        )
        if description is not None:
            problems += within(("description",), DESCRIPTION.problems(description))
        refuse(problems)
        super().__init__(scope, id_)
        role = IamRole(
            self,
            "Resource",
            name=role_name,
            description=None if description is None else escaped(description),
            assume_role_policy=json_text(trust_policy_document(registry, trusted, provider_arns)),
            max_session_duration=max_session_duration,
            permissions_boundary=permissions_boundary,
        )
        if statements:
            IamRolePolicy(
                self,
                "Policy",
                name="ecr",
                role=role.name,
                policy=json_text(_document(statements)),
            )
        self.role_arn = role.arn
        """The ARN of the role, with a token. What names it is made after the role."""
        self.role_name = role_name
        """The name of the role."""
        self.principal = Principal(role=ci_role_arn(registry, role_name))
        """The role as grants name it, by its known ARN. Terraform does not see the role in it."""


def ci_role_arn(registry: Registry, role_name: str) -> str:
    """The ARN of the role of this name."""
    return f"arn:{registry.partition}:iam::{registry.account_id}:role/{role_name}"


def ci_role_problems(
    registry: Registry,
    *,
    role_name: str,
    trusted: Sequence[GitHubActions | GitLab],
    provider_arns: Mapping[str, str] | None = None,
    max_session_duration: int = MIN_SESSION_DURATION,
    permissions_boundary: str | None = None,
    statements: Sequence[Mapping[str, object]] = (),
) -> Iterator[Problem]:
    """Check what a role says, by the arguments of `CiRole`."""
    yield from within(("role_name",), _literal_problems(ROLE_NAME, role_name))
    yield from _trust_problems(registry, trusted, {} if provider_arns is None else provider_arns)
    yield from within(("max_session_duration",), _duration_problems(max_session_duration))
    yield from within(("statements",), _statements_problems(statements))
    if permissions_boundary is not None:
        found = _boundary_problems(registry, permissions_boundary)
        yield from within(("permissions_boundary",), found)


def _trust_problems(
    registry: Registry, trusted: object, provider_arns: object
) -> Iterator[Problem]:
    """Check who is trusted, by which providers, and the length of the policy that says so."""
    expected = "a list of GitHubActions and GitLab values"
    if not isinstance(trusted, list | tuple):
        yield wrong_type("trusted", expected, trusted)._replace(path=("trusted",))
        return
    jobs = []
    for index, value in enumerate(trusted):
        if isinstance(value, GitHubActions | GitLab):
            jobs.append(value)
        else:
            yield wrong_type("trusted", expected, value)._replace(path=("trusted", index))
    if not trusted:
        yield NOBODY.problem("none", ("trusted",))
    yield from within(("trusted",), unique(TWICE, trusted, "trusted"))
    issuers = [one.issuer for one in jobs]
    yield from within(("provider_arns",), _provider_problems(registry, issuers, provider_arns))
    # With the ARNs that the providers have, as a token is longer or shorter.
    length = sent_length(trust_policy_document(registry, jobs))
    if length > MAX_TRUST_POLICY_LENGTH:
        yield TRUST_POLICY_LENGTH.problem(str(length), ("trusted",))


def _provider_problems(
    registry: Registry, issuers: Sequence[str], provider_arns: object
) -> Iterator[Problem]:
    if not isinstance(provider_arns, Mapping):
        yield wrong_type("provider_arns", "a mapping of issuers to ARNs", provider_arns)
        return
    for issuer, arn in provider_arns.items():
        expected = oidc_provider_arn(registry, issuer)
        if issuer not in issuers:
            hint = did_you_mean(issuer, issuers)
            yield UNTRUSTED_ISSUER.problem(shown(issuer), (str(issuer),), hint=hint)
        elif arn != expected and not is_token(arn):
            yield PROVIDER_ARN.problem(shown(arn), (issuer,), expected=expected)


def _duration_problems(value: object) -> Iterator[Problem]:
    if not isinstance(value, int) or isinstance(value, bool):
        yield wrong_type("max_session_duration", "a whole number", value)
    elif not MIN_SESSION_DURATION <= value <= MAX_SESSION_DURATION:
        yield SESSION_DURATION.problem(shown(value))


def _boundary_problems(registry: Registry, arn: str) -> Iterator[Problem]:
    wrong = list(PERMISSIONS_BOUNDARY.problems(arn))
    yield from wrong
    start = f"arn:{registry.partition}:iam::"
    here = (f"{start}{registry.account_id}:", f"{start}aws:")
    if not wrong and not is_token(arn) and not arn.startswith(here):
        yield BOUNDARY_ELSEWHERE.problem(shown(arn))


def _statements_problems(statements: Sequence[Mapping[str, object]]) -> Iterator[Problem]:
    wrong = list(sequence("statements", statements, Mapping))
    yield from wrong or identity_risks(statements, {"AWS": "the role"})
    length = 0 if wrong else sent_length(_document(statements))
    if length > MAX_POLICY_LENGTH:
        yield POLICY_LENGTH.problem(str(length))
