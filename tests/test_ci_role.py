import json
import re
from typing import Any

import botocore.session
import pytest
from cdktf import TerraformStack
from conftest import Resources, resolved, synthesized
from hypothesis import given
from hypothesis import strategies as st
from iam import Request, allowed
from test_ci_jobs import github, gitlab

from ecr_constructs import (
    Access,
    CiRole,
    GitHubActions,
    GitLab,
    InvalidValueError,
    OidcProvider,
    Principal,
    Registry,
    Repository,
)
from ecr_constructs.action import PULL_ACTIONS, PUSH_ACTIONS, READ_ACTIONS, REPOSITORY_ACTIONS
from ecr_constructs.checks import sent_length
from ecr_constructs.ci_role import (
    DESCRIPTION,
    MAX_SESSION_DURATION,
    MIN_SESSION_DURATION,
    ROLE_NAME,
    trust_policy_document,
)
from ecr_constructs.oidc_provider import HOST

HOME = Registry(account_id="111111111111", region="ap-northeast-2")
CHINA = Registry(account_id="111111111111", region="cn-north-1")
GITHUB = "token.actions.githubusercontent.com"
GITHUB_ARN = f"arn:aws:iam::111111111111:oidc-provider/{GITHUB}"
GITLAB_ARN = "arn:aws:iam::111111111111:oidc-provider/gitlab.com"
BOUNDARY = "arn:aws:iam::111111111111:policy/team/ci"
MAIN = GitHubActions(repository="acme/api", branches=("main",))
MIRROR = GitHubActions(repository="acme/mirror", pull_requests=True)
LOGIN = {"Effect": "Allow", "Action": ["ecr:GetAuthorizationToken"], "Resource": "*"}


def ci_role(stack: TerraformStack, **said: Any) -> CiRole:
    """A role of which the test says what it is about."""
    return CiRole(stack, "Ci", **{"registry": HOME, "role_name": "ci", "trusted": [MAIN], **said})


def statement(provider_arn: str, condition: dict[str, Any]) -> dict[str, Any]:
    """A statement of a trust policy."""
    return {
        "Effect": "Allow",
        "Principal": {"Federated": provider_arn},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": condition,
    }


def trusts(document: dict[str, object]) -> list[dict[str, Any]]:
    """The statements of a trust policy."""
    found: list[dict[str, Any]] = json.loads(json.dumps(document))["Statement"]
    return found


def test_jobs_of_a_branch_assume_the_role(stack: TerraformStack, resources: Resources) -> None:
    role = ci_role(stack)
    [resource] = resources("aws_iam_role")
    assert json.loads(resource.pop("assume_role_policy")) == {
        "Version": "2012-10-17",
        "Statement": [
            statement(
                GITHUB_ARN,
                {
                    "StringEquals": {
                        f"{GITHUB}:aud": "sts.amazonaws.com",
                        f"{GITHUB}:sub": "repo:acme/api:ref:refs/heads/main",
                    }
                },
            )
        ],
    }
    assert resource == {"name": "ci", "max_session_duration": 3600}
    assert resources("aws_iam_role_policy") == []
    assert role.role_name == "ci"
    assert role.principal == Principal(role="arn:aws:iam::111111111111:role/ci")
    arn = resolved(stack, role.role_arn)
    assert re.fullmatch(r"\$\{aws_iam_role\.Ci_\w+\.arn\}", arn)


def test_patterns_and_exact_subjects_are_statements_of_their_own(
    stack: TerraformStack, resources: Resources
) -> None:
    ci_role(
        stack,
        trusted=[
            GitHubActions(
                repository="acme/api",
                branches=("main", "release/*"),
                tags=("v*",),
                environments=("Production:V1", "a b"),
                pull_requests=True,
            ),
            GitHubActions(repository="acme@123456/web@456789", branches=("main",)),
        ],
    )
    [resource] = resources("aws_iam_role")
    assert json.loads(resource["assume_role_policy"])["Statement"] == [
        statement(
            GITHUB_ARN,
            {
                "StringEquals": {
                    f"{GITHUB}:aud": "sts.amazonaws.com",
                    f"{GITHUB}:sub": [
                        "repo:acme/api:ref:refs/heads/main",
                        "repo:acme/api:environment:Production%3AV1",
                        "repo:acme/api:environment:a b",
                        "repo:acme/api:pull_request",
                        "repo:acme@123456/web@456789:ref:refs/heads/main",
                    ],
                }
            },
        ),
        statement(
            GITHUB_ARN,
            {
                "StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com"},
                "StringLike": {
                    f"{GITHUB}:sub": [
                        "repo:acme/api:ref:refs/heads/release/*",
                        "repo:acme/api:ref:refs/tags/v*",
                    ]
                },
            },
        ),
    ]


def test_jobs_of_gitlab_assume_the_role(stack: TerraformStack, resources: Resources) -> None:
    ci_role(
        stack,
        trusted=[
            GitLab(project="acme/shop/api", branches=("main",), tags=("v1.0",)),
            GitLab(project="acme/web", tags=("v*",), host="gitlab.example.com"),
        ],
    )
    [resource] = resources("aws_iam_role")
    assert json.loads(resource["assume_role_policy"])["Statement"] == [
        statement(
            GITLAB_ARN,
            {
                "StringEquals": {
                    "gitlab.com:aud": "https://gitlab.com",
                    "gitlab.com:sub": [
                        "project_path:acme/shop/api:ref_type:branch:ref:main",
                        "project_path:acme/shop/api:ref_type:tag:ref:v1.0",
                    ],
                }
            },
        ),
        statement(
            "arn:aws:iam::111111111111:oidc-provider/gitlab.example.com",
            {
                "StringEquals": {"gitlab.example.com:aud": "https://gitlab.example.com"},
                "StringLike": {
                    "gitlab.example.com:sub": "project_path:acme/web:ref_type:tag:ref:v*"
                },
            },
        ),
    ]


PROVIDER = "arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com"


@pytest.mark.parametrize(
    ("answer", "subject", "audience"),
    [
        (True, "repo:acme/payments:ref:refs/heads/main", "sts.amazonaws.com"),
        (True, "repo:acme/payments:ref:refs/tags/v1.2.3", "sts.amazonaws.com"),
        (True, "repo:acme/payments:environment:production", "sts.amazonaws.com"),
        (False, "repo:acme/payments:ref:refs/heads/main2", "sts.amazonaws.com"),
        (False, "repo:acme/payments:ref:refs/heads/feature", "sts.amazonaws.com"),
        (False, "repo:acme/payments:ref:refs/tags/w1", "sts.amazonaws.com"),
        (False, "repo:acme/payments:environment:staging", "sts.amazonaws.com"),
        (False, "repo:acme/payments:pull_request", "sts.amazonaws.com"),
        (False, "repo:acme/payments-fork:ref:refs/heads/main", "sts.amazonaws.com"),
        (False, "repo:evil/payments:ref:refs/heads/main", "sts.amazonaws.com"),
        (False, "repo:acme/payments:ref:refs/heads/main", "https://example.com"),
    ],
)
def test_who_assumes_the_role(answer: bool, subject: str, audience: str) -> None:
    jobs = GitHubActions(
        repository="acme/payments", branches=("main",), tags=("v*",), environments=("production",)
    )
    host = "token.actions.githubusercontent.com"
    request = Request(
        principal=PROVIDER,
        action="sts:AssumeRoleWithWebIdentity",
        resource="*",
        context={f"{host}:sub": subject, f"{host}:aud": audience},
    )
    policy = trust_policy_document(HOME, [jobs], {})
    assert allowed(request, resource=policy) == answer


def test_both_at_once_have_statements_of_their_own(
    stack: TerraformStack, resources: Resources
) -> None:
    ci_role(stack, trusted=[MAIN, GitLab(project="acme/api", branches=("main",)), MIRROR])
    [resource] = resources("aws_iam_role")
    assert json.loads(resource["assume_role_policy"])["Statement"] == [
        statement(
            GITHUB_ARN,
            {
                "StringEquals": {
                    f"{GITHUB}:aud": "sts.amazonaws.com",
                    f"{GITHUB}:sub": [
                        "repo:acme/api:ref:refs/heads/main",
                        "repo:acme/mirror:pull_request",
                    ],
                }
            },
        ),
        statement(
            GITLAB_ARN,
            {
                "StringEquals": {
                    "gitlab.com:aud": "https://gitlab.com",
                    "gitlab.com:sub": "project_path:acme/api:ref_type:branch:ref:main",
                }
            },
        ),
    ]


def test_a_subject_is_named_once() -> None:
    again = GitHubActions(repository="acme/api", branches=("main",), tags=("v1",))
    [found] = trusts(trust_policy_document(HOME, [MAIN, again]))
    assert found["Condition"]["StringEquals"][f"{GITHUB}:sub"] == [
        "repo:acme/api:ref:refs/heads/main",
        "repo:acme/api:ref:refs/tags/v1",
    ]


def test_a_provider_is_made_first(stack: TerraformStack, resources: Resources) -> None:
    github = OidcProvider(stack, "GitHub", issuer=MAIN.issuer)
    gitlab = OidcProvider(stack, "GitLab", issuer="gitlab.com")
    ci_role(
        stack,
        trusted=[MAIN, GitLab(project="acme/api", branches=("main",))],
        provider_arns={GITHUB: github.provider_arn, gitlab.issuer: GITLAB_ARN},
    )
    # AWS checks the certificates itself: no thumbprints.
    assert resources("aws_iam_openid_connect_provider") == [
        {"url": f"https://{GITHUB}", "client_id_list": ["sts.amazonaws.com"]},
        {"url": "https://gitlab.com", "client_id_list": ["https://gitlab.com"]},
    ]
    [role] = resources("aws_iam_role")
    arns = [
        found["Principal"]["Federated"] for found in trusts(json.loads(role["assume_role_policy"]))
    ]
    assert re.fullmatch(r"\$\{aws_iam_openid_connect_provider\.GitHub_\w+\.arn\}", arns[0])
    assert arns[1] == GITLAB_ARN


def test_everything_else_is_handed_over(stack: TerraformStack, resources: Resources) -> None:
    ci_role(
        stack,
        max_session_duration=7200,
        permissions_boundary=BOUNDARY,
        description="pushes ${aws:username} and %{if}",
        statements=[
            LOGIN,
            {
                "Effect": "Allow",
                "Action": ["ecr:PutImage"],
                "Resource": HOME.repository_arn("payments/${aws:PrincipalTag/team}"),
            },
        ],
    )
    [role] = resources("aws_iam_role")
    del role["assume_role_policy"]
    assert role == {
        "name": "ci",
        "description": "pushes $${aws:username} and %%{if}",
        "max_session_duration": 7200,
        "permissions_boundary": BOUNDARY,
    }
    [policy] = resources("aws_iam_role_policy")
    assert re.fullmatch(r"\$\{aws_iam_role\.Ci_\w+\.name\}", policy.pop("role"))
    assert json.loads(policy.pop("policy")) == {
        "Version": "2012-10-17",
        "Statement": [
            LOGIN,
            {
                "Effect": "Allow",
                "Action": ["ecr:PutImage"],
                "Resource": "arn:aws:ecr:ap-northeast-2:111111111111:repository/payments/"
                "$${aws:PrincipalTag/team}",
            },
        ],
    }
    assert policy == {"name": "ecr"}


@pytest.mark.parametrize(
    "boundary", [BOUNDARY, "arn:aws:iam::aws:policy/PowerUserAccess", "${aws_iam_policy.ci.arn}"]
)
def test_a_boundary_is_of_the_account_or_of_aws(
    stack: TerraformStack, resources: Resources, boundary: str
) -> None:
    ci_role(stack, permissions_boundary=boundary)
    assert resources("aws_iam_role")[0]["permissions_boundary"] == boundary


def test_another_partition_has_arns_of_its_own(stack: TerraformStack) -> None:
    role = ci_role(stack, registry=CHINA)
    assert role.principal.identifier == "arn:aws-cn:iam::111111111111:role/ci"
    [found] = trusts(trust_policy_document(CHINA, [MAIN]))
    assert found["Principal"]["Federated"].startswith("arn:aws-cn:iam::111111111111:oidc-provider/")


def test_a_branch_that_terraform_would_read_as_a_template_is_escaped(
    stack: TerraformStack, resources: Resources
) -> None:
    ci_role(stack, trusted=[GitHubActions(repository="acme/api", branches=('%{if}"<é',))])
    [role] = resources("aws_iam_role")
    assert r'refs/heads/%%{if}\"<é"' in role["assume_role_policy"]


@pytest.mark.parametrize("text", ["${var.x}", "a${aws:username}", "${*}", "${TfToken[TOKEN.1]}"])
def test_fails_with_what_is_known_at_deploy_time_alone(stack: TerraformStack, text: str) -> None:
    for make, wrong in (
        (github, {"repository": text}),
        (github, {"branches": (text,)}),
        (github, {"tags": (text,)}),
        (github, {"environments": (text,)}),
        (gitlab, {"project": text}),
        (gitlab, {"host": text}),
        (ci_role, {"stack": stack, "role_name": text}),
        (OidcProvider, {"scope": stack, "id_": "Bad", "issuer": text}),
    ):
        with pytest.raises(InvalidValueError, match="must not hold a token or a variable of IAM"):
            make(**wrong)


ELSEWHERE = f"arn:aws:iam::222222222222:oidc-provider/{GITHUB}"


@pytest.mark.parametrize(
    ("wrong", "path", "sentence"),
    [
        (
            {"role_name": "a b"},
            ("role_name",),
            "role_name must be letters, digits and any of _ + = , . @ -, got 'a b'",
        ),
        (
            {"role_name": "a" * 65},
            ("role_name",),
            f"role_name must be 1 to 64 characters, got '{'a' * 65}' (65)",
        ),
        ({"trusted": []}, ("trusted",), "a CI role must trust somebody, got none"),
        (
            {"trusted": MAIN},
            ("trusted",),
            "trusted must be a list of GitHubActions and GitLab values, got GitHubActions(",
        ),
        (
            {"trusted": [MAIN, "acme/api"]},
            ("trusted", 1),
            "trusted must be a list of GitHubActions and GitLab values, got 'acme/api'",
        ),
        (
            {"trusted": [MAIN, MIRROR, MAIN]},
            ("trusted", 2),
            "whose jobs a role trusts must not repeat a value, got 'repo:",
        ),
        (
            {"provider_arns": GITHUB_ARN},
            ("provider_arns",),
            "provider_arns must be a mapping of issuers to ARNs, got 'arn:aws:iam::",
        ),
        (
            {"provider_arns": {"gitlab.com": GITLAB_ARN}},
            ("provider_arns", "gitlab.com"),
            "provider_arns must name issuers that the role trusts, got 'gitlab.com'",
        ),
        (
            {"provider_arns": {GITHUB: ELSEWHERE}},
            ("provider_arns", GITHUB),
            "the provider must be that of its issuer in the account and AWS partition of the role,"
            f" got '{ELSEWHERE}'; write {GITHUB_ARN}",
        ),
        (
            {"provider_arns": {GITHUB: None}},
            ("provider_arns", GITHUB),
            "the provider must be that of its issuer in the account and AWS partition of the role,"
            " got null",
        ),
        (
            {"max_session_duration": 3599},
            ("max_session_duration",),
            "max_session_duration must be 3600 to 43200 seconds, got 3599",
        ),
        (
            {"max_session_duration": 43201},
            ("max_session_duration",),
            "max_session_duration must be 3600 to 43200 seconds, got 43201",
        ),
        (
            {"max_session_duration": True},
            ("max_session_duration",),
            "max_session_duration must be a whole number, got true",
        ),
        (
            {"permissions_boundary": "ci"},
            ("permissions_boundary",),
            "permissions_boundary must be an IAM policy's ARN"
            " (arn:aws:iam::<account>:policy/<name>), got 'ci'",
        ),
        (
            {"permissions_boundary": f"{BOUNDARY}/{'a/' * 1024}b"},
            ("permissions_boundary",),
            "permissions_boundary must be at most 2048 characters, got",
        ),
        (
            {"permissions_boundary": "arn:aws:iam::222222222222:policy/ci"},
            ("permissions_boundary",),
            "the permissions boundary must be AWS's, or of the account of the role, and of its AWS"
            " partition, got 'arn:aws:iam::222222222222:policy/ci'",
        ),
        (
            {"permissions_boundary": "arn:aws-cn:iam::aws:policy/ReadOnlyAccess"},
            ("permissions_boundary",),
            "the permissions boundary must be AWS's, or of the account",
        ),
        (
            {"description": "배포"},
            ("description",),
            "description must be text of Latin letters (U+0020 to U+00FF), got '배포'",
        ),
        (
            {"description": "a" * 1001},
            ("description",),
            "description must be at most 1000 characters, got",
        ),
        (
            {"statements": LOGIN},
            ("statements",),
            "statements must be a list, got a mapping with",
        ),
        (
            {"statements": [LOGIN, "Allow"]},
            ("statements", 1),
            "statements must be a list of Mapping values, got 'Allow'",
        ),
        (
            {"statements": [LOGIN] * 150},
            ("statements",),
            "the policy of a CI role must be at most 10240 characters as JSON, got 10988",
        ),
        (
            {"statements": [LOGIN, {"Effect": "Allow", "Action": "*", "Resource": "*"}]},
            ("statements", 1, "Action"),
            "an allowed action must not stand for all of ECR, got '*'; list the actions",
        ),
        (
            {"statements": [{**LOGIN, "Action": ["s3:GetObject", "ecr:Set*"]}]},
            ("statements", 0, "Action"),
            "an allowance must not take in SetRepositoryPolicy by a wildcard",
        ),
        (
            {"statements": [{"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}]},
            ("statements", 0, "NotAction"),
            "an allowance must not be for every action but some",
        ),
        (
            {
                "statements": [
                    {**LOGIN, "Action": ["ecr:B*", "ecr:C*", "ecr:D*", "ecr:G*", "ecr:I*"]},
                    {**LOGIN, "Action": ["ecr:L*", "ecr:P*", "ecr:R*", "ecr:SetRepositoryPolicy"]},
                    {**LOGIN, "Action": ["ecr:St*", "ecr:T*", "ecr:U*"]},
                ]
            },
            ("statements", 2),
            "an allowed action must not stand for all of ECR, got them all for 'ci'",
        ),
    ],
)
def test_fails_with_another_role(
    stack: TerraformStack, wrong: dict[str, Any], path: tuple[str | int, ...], sentence: str
) -> None:
    with pytest.raises(InvalidValueError) as caught:
        ci_role(stack, **wrong)
    [problem] = caught.value.problems
    assert problem.path == path
    assert problem.sentence.startswith(sentence)


def test_a_trust_policy_has_2048_characters_at_most(stack: TerraformStack) -> None:
    def trusted(length: int) -> list[GitHubActions]:
        return [
            GitHubActions(repository="acme/api", tags=tuple(f"{n}{'x' * 199}" for n in range(7))),
            GitHubActions(repository="acme/api", branches=("b" * length,)),
        ]

    size = len(json.dumps(trust_policy_document(HOME, trusted(1)), separators=(",", ":")))
    fits = 2048 - size + 1
    # A provider's ARN counts as it will be, and not as a token.
    arns = {GITHUB: f"${{aws_iam_openid_connect_provider.{'long' * 99}.arn}}"}
    ci_role(stack, trusted=trusted(fits), provider_arns=arns)
    with pytest.raises(InvalidValueError) as caught:
        ci_role(stack, trusted=trusted(fits + 1))
    assert str(caught.value) == (
        "a trust policy must be at most 2048 characters as JSON, got 2049; use patterns, or define"
        " another role"
    )


def test_fails_with_everything_at_once_and_defines_nothing(stack: TerraformStack) -> None:
    with pytest.raises(InvalidValueError) as caught:
        GitHubActions(
            repository="acme",
            branches=("*", "a b", "main", "main"),
            tags="v1",  # type: ignore[arg-type]
            environments=("prod*",),
            pull_requests=1,  # type: ignore[arg-type]
        )
    assert [problem.path for problem in caught.value.problems] == [
        ("repository",),
        ("branches", 3),
        ("branches", 0),
        ("branches", 1),
        ("tags",),
        ("environments", 0),
        ("pull_requests",),
    ]
    with pytest.raises(InvalidValueError) as caught:
        GitLab(project="acme", host="https://gitlab.com")
    assert [problem.path for problem in caught.value.problems] == [("project",), ("host",), ()]
    with pytest.raises(InvalidValueError) as caught:
        ci_role(
            stack,
            role_name="a/b",
            trusted=[],
            provider_arns={"gitlab.com": "x"},
            max_session_duration=0,
            permissions_boundary="ci",
            description="\x00",
            statements=["Allow"],
        )
    assert [problem.path for problem in caught.value.problems] == [
        ("role_name",),
        ("trusted",),
        ("provider_arns", "gitlab.com"),
        ("max_session_duration",),
        ("statements", 0),
        ("permissions_boundary",),
        ("description",),
    ]
    assert stack.node.children == []


def test_limits_are_those_of_the_iam_api() -> None:
    iam = botocore.session.get_session().get_service_model("iam")

    def limits(name: str) -> tuple[int | None, int | None]:
        found = iam.shape_for(name).metadata
        return found.get("min"), found.get("max")

    assert limits("roleNameType") == (ROLE_NAME.minimum, ROLE_NAME.maximum)
    assert limits("roleMaxSessionDurationType") == (MIN_SESSION_DURATION, MAX_SESSION_DURATION)
    assert limits("roleDescriptionType")[1] == DESCRIPTION.maximum
    url = limits("OpenIDConnectProviderUrlType")[1]
    assert url == len("https://") + (HOST.maximum or 0)


def test_ids_are_pinned(stack: TerraformStack) -> None:
    # A new id makes Terraform replace the role or the provider: its name is taken until the old one
    # is gone, no job can push in between, and a repository's policy that names the role then names
    # one that is no more.
    OidcProvider(stack, "GitHub", issuer=GITHUB)
    ci_role(stack, statements=[LOGIN])
    found = synthesized(stack)["resource"]
    assert {kind: list(resources) for kind, resources in found.items()} == {
        "aws_iam_openid_connect_provider": ["GitHub_38B7EEC4"],
        "aws_iam_role": ["Ci_A080E7EE"],
        "aws_iam_role_policy": ["Ci_Policy_37D0CB66"],
    }


def sides(stack: TerraformStack) -> tuple[dict[str, Any], dict[str, Any]]:
    """The policies of a repository and of a role, with what their expressions will be."""
    resources = synthesized(stack)["resource"]
    known = {
        r"\$\{aws_iam_role\.\w+\.arn\}": "arn:aws:iam::111111111111:role/ci",
        r"\$\{aws_ecr_repository\.\w+\.arn\}": HOME.repository_arn("payments/api"),
    }
    found = []
    for kind in ("aws_ecr_repository_policy", "aws_iam_role_policy"):
        [policy] = resources.get(kind, {"": {"policy": '{"Statement": []}'}}).values()
        for expression, value in known.items():
            policy["policy"] = re.sub(expression, value, policy["policy"])
        found.append(json.loads(policy["policy"]))
    return found[0], found[1]


def may(action: str, *, resource: dict[str, Any] | None, identity: dict[str, Any]) -> bool:
    """Whether the role may do something, with the repository or with all."""
    about = "*" if action == LOGIN["Action"][0] else HOME.repository_arn("payments/api")
    who = "arn:aws:iam::111111111111:role/ci"
    request = Request(principal=who, action=action, resource=about)
    return allowed(request, resource=resource, identity=[identity])


@pytest.mark.parametrize(
    ("grant", "expected"),
    [
        ("grant_pull", {*PULL_ACTIONS, LOGIN["Action"][0]}),
        ("grant_push", {*PUSH_ACTIONS, LOGIN["Action"][0]}),
        ("grant_pull_push", {*PULL_ACTIONS, *PUSH_ACTIONS, LOGIN["Action"][0]}),
        ("grant_read", {*READ_ACTIONS}),
    ],
)
@pytest.mark.parametrize("is_ours", [True, False])
def test_a_grant_to_the_role_gives_both_sides(
    stack: TerraformStack, grant: str, expected: set[str], is_ours: bool
) -> None:
    arn = HOME.repository_arn("payments/api")
    api = (
        Repository(stack, "Api", repository_name="payments/api")
        if is_ours
        else Repository.from_repository_arn(stack, "Api", arn)
    )
    getattr(api, grant)(ci_role(stack))
    of_repository, of_role = sides(stack)
    for action in (*REPOSITORY_ACTIONS, LOGIN["Action"][0]):
        assert may(action, resource=None, identity=of_role) == (action in expected)
        by_repository = may(action, resource=of_repository, identity={"Statement": []})
        assert by_repository == (is_ours and action in expected and action not in LOGIN["Action"])


def test_grants_to_the_role_are_the_fewest_statements_of_one_policy(stack: TerraformStack) -> None:
    role = ci_role(stack, statements=Access(pull=("base",)).render(HOME))
    for name in ("ab", "ac"):
        repository = Repository(stack, name, repository_name=name)
        repository.grant_pull(role)
        repository.grant_pull(role)
        repository.grant(role, actions=["ecr:StartImageScan"])
    [policy] = synthesized(stack)["resource"]["aws_iam_role_policy"].values()
    given, login, pull, scan = json.loads(policy["policy"])["Statement"]
    assert (given["Sid"], login["Sid"]) == ("Pull", "Login")
    assert "Sid" not in pull
    assert pull["Action"] == list(PULL_ACTIONS)
    assert len(pull["Resource"]) == 2
    assert scan == {**pull, "Action": ["ecr:StartImageScan"]}


def test_a_repository_waits_for_the_role_that_is_granted(stack: TerraformStack) -> None:
    role = ci_role(stack)
    Repository(stack, "Api", repository_name="payments/api").grant_push(role)
    resources = synthesized(stack)["resource"]
    [policy] = resources["aws_ecr_repository_policy"].values()
    [of_role] = resources["aws_iam_role_policy"].values()
    [id_] = resources["aws_iam_role"]
    assert f"${{aws_iam_role.{id_}.arn}}" in policy["policy"]
    assert of_role["role"] == f"${{aws_iam_role.{id_}.name}}"


def test_a_grant_that_makes_its_policy_too_long_is_refused(stack: TerraformStack) -> None:
    role = ci_role(stack, statements=[{**LOGIN, "Sid": f"n{n}"} for n in range(117)])
    api = Repository(stack, "Api", repository_name="payments/api")
    with pytest.raises(InvalidValueError, match="policy of a CI role must be at most 10240"):
        api.grant_push(role)


def test_the_policy_is_as_long_as_with_the_arns_that_its_tokens_will_be(
    stack: TerraformStack,
) -> None:
    role, taken = ci_role(stack), list[str]()

    def grant_all() -> None:
        for number in range(200):
            name = f"payments/service-{number:04}"
            # Without a registry, a repository is where the role is.
            registry = HOME if number % 2 else None
            Repository(stack, name, repository_name=name, registry=registry).grant_pull(role)
            taken.append(HOME.repository_arn(name))

    with pytest.raises(InvalidValueError, match="must be at most 10240 characters") as caught:
        grant_all()
    [policy] = synthesized(stack)["resource"]["aws_iam_role_policy"].values()
    document = json.loads(policy["policy"])
    assert len(document["Statement"][0]["Resource"]) == len(taken)
    document["Statement"][0]["Resource"] = taken
    length, more = sent_length(document), len(taken[0]) + len('"",')
    assert length <= 10_240 < length + more
    assert caught.value.problems[0].sentence.endswith(f"got {length + more}")


def test_what_several_statements_allow_is_looked_at_with_the_arns(stack: TerraformStack) -> None:
    half = REPOSITORY_ACTIONS[:18]
    others = {**LOGIN, "Action": [*half], "Resource": HOME.repository_arn("payments/*")}
    role = ci_role(stack, statements=[others])
    api = Repository(stack, "Api", repository_name="payments/api")
    with pytest.raises(InvalidValueError, match="stand for all of ECR, got them all for 'ci';"):
        api.grant(role, actions=REPOSITORY_ACTIONS[18:])
    Repository(stack, "Web", repository_name="web").grant(role, actions=REPOSITORY_ACTIONS[18:])


@pytest.mark.parametrize("grant", ["grant_pull", "grant_push", "grant_pull_push", "grant_read"])
@pytest.mark.parametrize("is_ours", [True, False])
def test_a_grant_that_one_role_refuses_gives_nobody_anything(
    stack: TerraformStack, grant: str, is_ours: bool
) -> None:
    one = ci_role(stack)
    full = CiRole(
        stack,
        "Full",
        registry=HOME,
        role_name="full",
        trusted=[MAIN],
        statements=[{**LOGIN, "Sid": f"n{n}"} for n in range(117)],
    )
    api = (
        Repository(stack, "Api", repository_name="payments/api")
        if is_ours
        else Repository.from_repository_name(stack, "Api", "payments/api")
    )
    before = synthesized(stack)
    user = Principal(user="arn:aws:iam::111111111111:user/ann")
    with pytest.raises(InvalidValueError, match="policy of a CI role must be at most 10240"):
        getattr(api, grant)(user, one, full)
    with pytest.raises(InvalidValueError, match="policy of a CI role must be at most 10240"):
        api.grant(user, one, full, actions=[*REPOSITORY_ACTIONS[:30]])
    assert synthesized(stack) == before
    getattr(api, grant)(one)
    assert synthesized(stack) != before


def test_statements_of_any_resources_are_added_to_the_policy(stack: TerraformStack) -> None:
    role = ci_role(stack, statements=[LOGIN])
    everything_but = {"Effect": "Deny", "Action": "ecr:*", "NotResource": "arn:aws:ecr:*:*:a"}
    without = {"Effect": "Deny", "Action": "ecr:PutImage"}
    role.add_to_policy(everything_but, without)
    role.add_to_policy({**without, "Resource": "*"}, without)
    [policy] = synthesized(stack)["resource"]["aws_iam_role_policy"].values()
    assert json.loads(policy["policy"])["Statement"] == [
        LOGIN,
        everything_but,
        without,
        {**without, "Resource": ["*"]},
    ]


def test_fails_with_what_is_no_statement_and_adds_nothing(stack: TerraformStack) -> None:
    role = ci_role(stack)
    with pytest.raises(InvalidValueError, match="statements must be a list of Mapping values"):
        role.add_to_policy(LOGIN, "ecr:PutImage")  # type: ignore[arg-type]
    with pytest.raises(InvalidValueError, match="must not stand for all of ECR"):
        role.add_to_policy({**LOGIN, "Action": "ecr:*"})
    assert "aws_iam_role_policy" not in synthesized(stack)["resource"]


_Names = st.SearchStrategy[str]


def asked_for(projects: _Names, names: _Names, hosts: _Names) -> st.SearchStrategy[Any]:
    """Jobs as somebody may ask for them: a class with its arguments."""
    some = st.lists(names, min_size=1, max_size=2)
    by_github = {"tags": some, "environments": some, "pull_requests": st.booleans()}
    by_gitlab = {"tags": some, "host": hosts}
    return st.one_of(
        st.tuples(
            st.just(GitHubActions),
            st.fixed_dictionaries(
                {"repository": projects, "branches": some | st.just([])}, optional=by_github
            ),
        ),
        st.tuples(
            st.just(GitLab),
            st.fixed_dictionaries(
                {"project": projects, "branches": some | st.just([])}, optional=by_gitlab
            ),
        ),
    )


# Letters, and what git, IAM, JSON and Terraform treat in their own way.
_TEXT = st.text('ab1-_./*?:@${}%~[\\ "<é가\n', max_size=12)
_PROJECTS = st.sampled_from(["acme/api", "acme/web"])
_NAMES = st.sampled_from(["main", "v1", "release/*", "*a*"])
_BAD_NAMES = st.sampled_from(["*", "**", "${x}", "a?", "refs/a"])
_JOBS = st.one_of(
    asked_for(_PROJECTS, st.sampled_from(["main", "v1"]), st.just("git.example.com")),
    asked_for(_PROJECTS, _NAMES, st.just("gitlab.com")),
    asked_for(_PROJECTS, _NAMES | _BAD_NAMES, st.just("gitlab.com")),
    asked_for(st.sampled_from(["acme@1/api@2", "acme/*", "*/*"]), _NAMES, st.just("gitlab.com")),
    asked_for(_TEXT, _TEXT, _TEXT | st.just(GITHUB)),
)


def accepted(wanted: list[tuple[Any, dict[str, Any]]]) -> list[GitHubActions | GitLab]:
    """Those of the jobs that the library takes."""
    found = []
    for kind, arguments in wanted:
        try:
            found.append(kind(**arguments))
        except InvalidValueError:
            continue
    return found


@given(st.lists(_JOBS, min_size=1, max_size=4))
def test_whoever_is_trusted_is_restricted(wanted: list[tuple[Any, dict[str, Any]]]) -> None:
    trusted = accepted(wanted)
    statements = trusts(trust_policy_document(HOME, trusted))
    assert bool(statements) is bool(trusted)
    seen = set()
    for found in statements:
        [issuer] = re.findall("oidc-provider/(.+)$", found["Principal"]["Federated"])
        condition = found["Condition"]
        assert condition["StringEquals"][f"{issuer}:aud"] in {
            j.audience for j in trusted if j.issuer == issuer
        }
        assert {k for keys in condition.values() for k in keys} == {
            f"{issuer}:aud",
            f"{issuer}:sub",
        }
        like = "StringLike" in condition
        value = condition["StringLike" if like else "StringEquals"][f"{issuer}:sub"]
        for subject in [value] if isinstance(value, str) else value:
            assert ("*" in subject) is like
            assert "${" not in subject
            assert not like or "?" not in subject
            [rest] = {rest_of(subject, jobs) for jobs in trusted if jobs.issuer == issuer} - {None}
            assert rest is not None
            assert rest.strip("*")
            assert "*" not in subject.removesuffix(rest)
            seen.add((issuer, subject))
    assert seen == {(jobs.issuer, subject) for jobs in trusted for subject in jobs.subjects}


def rest_of(subject: str, jobs: GitHubActions | GitLab) -> str | None:
    """What a subject says after the repository or project and the kind of the jobs, if it is it."""
    if isinstance(jobs, GitHubActions):
        start = re.escape(f"repo:{jobs.repository}:")
        kinds = "ref:refs/heads/|ref:refs/tags/|environment:|(?=pull_request$)"
    else:
        start = re.escape(f"project_path:{jobs.project}:")
        kinds = "ref_type:branch:ref:|ref_type:tag:ref:"
    found = re.fullmatch(f"{start}(?:{kinds})([^:]+)", subject)
    return found[1] if found else None


def test_several_are_a_list_or_a_tuple(stack: TerraformStack) -> None:
    """AWS's JSON has lists; Python's callers have tuples, too."""
    arns = (HOME.repository_arn("aa"), HOME.repository_arn("bb"))
    ci = CiRole(stack, "Ci", registry=HOME, role_name="ci", trusted=[MAIN])
    ci.add_to_policy({"Effect": "Allow", "Action": ("ecr:BatchGetImage",), "Resource": arns})
    [policy] = synthesized(stack)["resource"]["aws_iam_role_policy"].values()
    [statement] = json.loads(policy["policy"])["Statement"]
    assert statement["Resource"] == list(arns)
    with pytest.raises(InvalidValueError, match="must not stand for all of ECR"):
        ci.add_to_policy({"Effect": "Allow", "Action": ("ecr:*",), "Resource": "*"})


@pytest.mark.parametrize("defined", [True, False])
def test_a_grant_is_to_somebody_one_by_one(stack: TerraformStack, defined: bool) -> None:
    repository = (
        Repository(stack, "Api", repository_name="ab")
        if defined
        else Repository.from_repository_name(stack, "Api", "ab")
    )
    role = Principal(role="arn:aws:iam::111111111111:role/x")
    with pytest.raises(InvalidValueError, match="a grant must be to somebody, got none"):
        repository.grant_pull()
    with pytest.raises(InvalidValueError, match="one by one, got a list of 1; write '\\*' before"):
        repository.grant_pull([role])  # type: ignore[arg-type]
