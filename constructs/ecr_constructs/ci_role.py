"""CI role: what jobs of GitHub Actions and GitLab assume by OpenID Connect, without stored keys."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from constructs import Construct

from ecr_constructs.access import statements_together
from ecr_constructs.annotations import annotate
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
    unique,
    within,
    wrong_type,
)
from ecr_constructs.ci_jobs import TWICE, GitHubActions, GitLab
from ecr_constructs.oidc_provider import audience_of, literal_problems, oidc_provider_arn
from ecr_constructs.policy_json import one_or_all, policy_of, texts
from ecr_constructs.policy_risk import identity_risks
from ecr_constructs.principal import Principal
from ecr_constructs.registry import Registry
from ecr_constructs.terraform_text import escaped, json_text

MIN_SESSION_DURATION, MAX_SESSION_DURATION = 3_600, 43_200
MAX_TRUST_POLICY_LENGTH = 2_048
MAX_POLICY_LENGTH = 10_240
_QUOTAS = "IAM quotas"
ROLE_NAME = TextForm(
    what="role_name",
    meant={
        r"arn:aws[a-z-]*:iam::[0-9]{12}:role/(?:.*/)?([\w+=,.@-]{1,64})": r"write '\1'",
        r"[\w+=,.@-]+(?: [\w+=,.@-]+)+": "write '-' where it has a space",
    },
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
NO_GRANTEE = Check("a grant must be to somebody", "this library: it has no effect")
ONE_BY_ONE = Check(
    "a grant takes whom it is to one by one", "Python: '*' before a list", "write '*' before it"
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
    return policy_of(statements)


def _trust_statement(
    issuer: str, provider_arn: str, operator: str, subjects: Sequence[str]
) -> dict[str, object]:
    condition: dict[str, dict[str, object]] = {
        "StringEquals": {f"{issuer}:aud": audience_of(issuer)}
    }
    condition.setdefault(operator, {})[f"{issuer}:sub"] = one_or_all(subjects)
    return {
        "Effect": "Allow",
        "Principal": {"Federated": provider_arn},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": condition,
    }


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
        self._role_name = role.name
        self._statements, self._added = tuple(statements), list[dict[str, Any]]()
        self._arns = dict[str, str]()
        self._policy: IamRolePolicy | None = None
        self._write_policy()
        annotate(
            self,
            (
                problem
                for index, jobs in enumerate(trusted)
                for problem in within(("trusted", index), jobs.warnings)
            ),
        )
        self.role_arn = role.arn
        """The ARN of the role, with a token. What names it is made after the role."""
        self.role_name = role_name
        """The name of the role."""
        self.registry = registry
        """The registry whose account it is in."""
        self.principal = Principal(role=ci_role_arn(registry, role_name))
        """The role as statements name it, by its known ARN. Terraform does not see the role in it:
        a grant takes the role itself, and gives it the other side, too."""

    def add_to_policy(
        self, *statements: Mapping[str, Any], arns: Mapping[str, str] | None = None
    ) -> None:
        """Let the role do what statements say, beside what it may do already.

        :param statements: of a policy of IAM.
        :param arns: token -> the ARN that it will be, where that is known: the policy is as long as
            with these.
        :raises ValueError: for all of ECR, and where the policy would become too long.
        """
        refuse(self.policy_problems(*statements, arns=arns))
        self._arns.update(arns or {})
        self._added = statements_together([*self._added, *statements])
        self._write_policy()

    def policy_problems(
        self, *statements: Mapping[str, Any], arns: Mapping[str, str] | None = None
    ) -> Iterator[Problem]:
        """Check what `add_to_policy` would refuse, and add nothing."""
        wrong = list(sequence("statements", statements, Mapping))
        yield from wrong
        if not wrong:
            known = {**self._arns, **(arns or {})}
            together = self._with(statements_together([*self._added, *statements]))
            found = [_with_arns(statement, known) for statement in together]
            yield from statements_problems(found, self.role_name)

    def _with(self, added: Sequence[dict[str, Any]]) -> list[Mapping[str, object]]:
        """All statements. What is added has no name, as one that is given could be the same."""
        new = (statement for statement in added if statement not in self._statements)
        unnamed = ({key: value for key, value in s.items() if key != "Sid"} for s in new)
        return [*self._statements, *unnamed]

    def _write_policy(self) -> None:
        statements = self._with(self._added)
        text = json_text(policy_of(statements))
        if self._policy is not None:
            self._policy.policy = text
        elif statements:
            self._policy = IamRolePolicy(
                self, "Policy", name="ecr", role=self._role_name, policy=text
            )


def _with_arns(statement: Mapping[str, Any], arns: Mapping[str, str]) -> Mapping[str, Any]:
    """A statement with the ARNs that its tokens will be."""
    resources = statement.get("Resource")
    if not isinstance(resources, list | tuple):
        return statement
    return {**statement, "Resource": [arns.get(one, one) for one in texts(resources)]}


Grantee = Principal | CiRole
"""Who is granted something: a principal, or a role of the app's own, which gets both sides."""


def refuse_nobody(grantees: Sequence[Grantee]) -> None:
    """Refuse a grant to nobody, and one to a list."""
    refuse([] if grantees else [NO_GRANTEE.problem("none")])
    lists = (one for one in grantees if isinstance(one, list | tuple))
    refuse(ONE_BY_ONE.problem(shown(one)) for one in lists)


def principals_of(grantees: Sequence[Grantee]) -> tuple[Principal, ...]:
    """Grantees as statements name them: a role by its token, so that it is made before them."""
    refuse_nobody(grantees)
    return tuple(
        Principal(ci_role=one.role_arn) if isinstance(one, CiRole) else one for one in grantees
    )


def ci_role_arn(registry: Registry, role_name: str) -> str:
    """The ARN of the role of this name."""
    return registry.iam_arn(f"role/{role_name}")


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
    wrong = list(within(("role_name",), literal_problems(ROLE_NAME, role_name)))
    yield from wrong
    who = "the role" if wrong else role_name
    yield from _trust_problems(registry, trusted, {} if provider_arns is None else provider_arns)
    yield from within(("max_session_duration",), _duration_problems(max_session_duration))
    yield from within(("statements",), statements_problems(statements, who))
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
    subjects = [", ".join(one.subjects) if one in jobs else object() for one in trusted]
    yield from within(("trusted",), unique(TWICE, subjects, "whose jobs a role trusts"))
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


def statements_problems(
    statements: Sequence[Mapping[str, object]], who: str, of: str = ""
) -> Iterator[Problem]:
    """Check the statements of a role's policy together.

    :param who: the name of the role.
    :param of: what the sentence says of whom they are.
    """
    wrong = list(sequence("statements", statements, Mapping))
    yield from wrong or identity_risks(statements, {"AWS": who})
    length = 0 if wrong else sent_length(policy_of(statements))
    if length > MAX_POLICY_LENGTH:
        yield POLICY_LENGTH.problem(f"{length}{of}")
