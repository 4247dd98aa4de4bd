"""Who may do what, by the policies that are written: asked, not read."""

import fnmatch
import json
from collections.abc import Collection, Hashable
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import botocore.session
import cfnlint
import pytest
import yaml
from cdktf import TerraformStack
from conftest import Resources, new_stack, synthesized
from hypothesis import given, settings
from hypothesis import strategies as st
from iam import Request, allowed
from strategies import accounts, principals
from test_cases import made

from ecr_constructs import (
    Access,
    AccessPolicy,
    InvalidValueError,
    PolicyStatement,
    Principal,
    Registry,
    Repository,
    RepositorySettings,
    access_document,
    access_documents,
)
from ecr_constructs.access import (
    LOGIN_ACTION,
    PUBLIC_LOGIN_ACTIONS,
    login_statement,
    other_side,
    part_problems,
    policies_of,
    statements_together,
)
from ecr_constructs.action import (
    PUBLIC_PUSH_ACTIONS,
    PUBLIC_REPOSITORY_ACTIONS,
    PULL_ACTIONS,
    PUSH_ACTIONS,
    READ_ACTIONS,
    REPOSITORY_ACTIONS,
)
from ecr_constructs.checks import sent_length
from ecr_constructs.pull_through_cache import UPSTREAM_ACTIONS
from ecr_constructs.repository_key import ADMINISTRATION_ACTIONS, RECOVERY_ACTIONS
from ecr_constructs.repository_policy import grant_statements, repository_policy_document

CI = Principal(role="arn:aws:iam::111111111111:role/ci")
HOME = Registry(account_id="111111111111", region="ap-northeast-2")
LOGIN = login_statement()
MATRIX = Path(__file__).with_name("access_matrix.yaml")


class Question(NamedTuple):
    """A row of the matrix."""

    settings: dict[str, Any]
    answer: bool
    who: str
    action: str
    more: dict[str, Any]

    @property
    def principal(self) -> str:
        if ":" in self.who:
            account, _, name = self.who.partition(":")
            return f"arn:aws:iam::{account}:{name}"
        own = f"arn:aws:iam::{HOME.account_id}:{self.who}"
        return self.who if self.who.endswith(".amazonaws.com") else own


def questions() -> list[Question]:
    return [
        Question(group["settings"], answer, who, action, *(more or [{}]))
        for group in yaml.safe_load(MATRIX.read_text())
        for answer, who, action, *more in group["questions"]
    ]


@pytest.mark.parametrize("question", questions(), ids=lambda q: f"{q.answer} {q.who} {q.action}")
def test_answers(question: Question) -> None:
    settings = made(RepositorySettings, question.settings)
    assert not list(settings.problems_in(HOME))
    access = question.more.get("access")
    identity = [access_document(HOME, Access(**access))] if access else []
    resource = question.more.get("resource", "payments/api")
    request = Request(
        principal=question.principal,
        action=question.action,
        resource=resource if resource == "*" else HOME.repository_arn(resource),
        context=question.more.get("context", {}),
    )
    policy = json.loads(settings.policy_text) if settings.policy_text else None
    assert allowed(request, resource=policy, identity=identity) == question.answer


def test_there_are_enough_questions() -> None:
    answers = [question.answer for question in questions()]
    assert len(answers) >= 60
    assert answers.count(False) >= answers.count(True)


OWNER = "098765432109"
GRANTS = {"pull": PULL_ACTIONS, "push": PUSH_ACTIONS, "read": READ_ACTIONS}


# Of one kind, so that each kind has no statements of its own.
SEVERAL = [Principal(role=f"arn:aws:iam::111111111111:role/{name}") for name in "abcd"]


@given(
    st.dictionaries(
        st.sampled_from([*sorted(GRANTS), "pull_push"]), st.lists(principals, max_size=3).map(tuple)
    ),
    accounts,
)
def test_a_grant_gives_exactly_its_actions_and_nothing_else(
    grants: dict[str, tuple[Principal, ...]], stranger: str
) -> None:
    policy = repository_policy_document(grant_statements(**grants))
    both = grants.get("pull_push", ())
    granted = {
        grant: {*grants.get(grant, ()), *(both if grant != "read" else ())} for grant in GRANTS
    }
    known = {p for found in granted.values() for p in found}
    for principal in known:
        # Who is admitted in several ways may do what any of them says.
        expected = {
            action
            for grant, found in granted.items()
            if any(covers(other, principal) for other in found)
            for action in GRANTS[grant]
        }
        assert {a for a in REPOSITORY_ACTIONS if asks(principal, a, policy)} == expected
    if not any(stranger in (p.account, p.source_account, OWNER) for p in known) and known:
        nobody = Principal(role=f"arn:aws:iam::{stranger}:role/nobody")
        assert not any(asks(nobody, a, policy) for a in REPOSITORY_ACTIONS)


@given(
    st.dictionaries(
        st.sampled_from([*sorted(GRANTS), "pull_push"]),
        st.lists(st.sampled_from(SEVERAL), max_size=4).map(tuple),
    )
)
def test_grants_are_as_few_statements_as_there_can_be(
    grants: dict[str, tuple[Principal, ...]],
) -> None:
    both = grants.get("pull_push", ())
    pairs = {
        (principal, grant)
        for grant in GRANTS
        for principal in (*grants.get(grant, ()), *(both if grant != "read" else ()))
    }
    statements = grant_statements(**grants)
    assert len(statements) == fewest(pairs)
    assert len({statement.sid for statement in statements}) == len(statements)


def fewest(pairs: Collection[tuple[Hashable, str]]) -> int:
    """How many statements it takes to say who may do what: by trying them all.

    A statement is about whoever may do all of its actions.
    """
    whos = {who for who, _ in pairs}
    may = {who: {what for one, what in pairs if one == who} for who in whos}
    alike = {frozenset(who for who in whos if what in may[who]): what for _, what in pairs}
    names = sorted(alike.values())
    rectangles = [
        {(who, what) for who in whos if {*some} <= may[who] for what in some}
        for count in range(1, len(names) + 1)
        for some in combinations(names, count)
    ]
    wanted = {(who, what) for who, what in pairs if what in names}
    return next(
        count
        for count in range(len(names) + 1)
        if any(set().union(*some) == wanted for some in combinations(rectangles, count))
    )


def covers(one: Principal, other: Principal) -> bool:
    """Whether who is admitted by one is by the other, too."""
    if one.account and other.arn:
        return one.account == other.arn.split(":")[4]
    if one.organizational_unit and other.organizational_unit:
        whole = one.organizational_unit.endswith("*")
        start, path = (str(p.organizational_unit).removesuffix("*") for p in (one, other))
        return path.startswith(start) if whole else path == start
    if one.lambda_function and other.lambda_function:
        return fnmatch.fnmatchcase(other.lambda_function, one.lambda_function)
    if one.service and one.service == other.service:
        account = one.source_account in (None, other.source_account)
        return account and fnmatch.fnmatchcase(str(other.source_arn), one.source_arn or "*")
    return one == other


@settings(max_examples=20)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([CI, Principal(user="arn:aws:iam::111111111111:user/ann")]),
            st.lists(st.sampled_from(REPOSITORY_ACTIONS[:9]), min_size=1, max_size=3),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_a_grant_of_actions_gives_exactly_them(
    grants: list[tuple[Principal, list[str]]],
) -> None:
    stack = new_stack()
    api = Repository(stack, "Api", repository_name="payments/api")
    for principal, actions in grants:
        api.grant(principal, actions=actions)
    [policy] = synthesized(stack)["resource"]["aws_ecr_repository_policy"].values()
    statements = json.loads(policy["policy"])["Statement"]
    assert len(statements) == fewest({(p, a) for p, actions in grants for a in actions})
    for principal, _ in grants:
        expected = {a for who, actions in grants if who == principal for a in actions}
        resource = HOME.repository_arn("payments/api")
        for action in REPOSITORY_ACTIONS:
            request = Request(principal=str(principal.arn), action=action, resource=resource)
            answer = allowed(request, resource=json.loads(policy["policy"]))
            assert answer == (action in expected)


_NAMES = ["payments/api", "payments/web", "web/api", "docker-hub/library/nginx"]
_SPACES = [*_NAMES, "payments/", "docker-hub/"]


@given(
    st.fixed_dictionaries(
        {grant: st.lists(st.sampled_from(_SPACES), unique=True).map(tuple) for grant in GRANTS}
    ).filter(lambda grants: any(grants.values()))
)
def test_access_gives_exactly_its_actions_on_exactly_its_repositories(
    grants: dict[str, tuple[str, ...]],
) -> None:
    policy = access_document(HOME, Access(**grants))
    for name in (*_NAMES, "payments", "payments-api"):
        expected = {
            action
            for grant, names in grants.items()
            if any(name == n or (n.endswith("/") and name.startswith(n)) for n in names)
            for action in GRANTS[grant]
        }
        for action in (*REPOSITORY_ACTIONS, LOGIN_ACTION):
            request = Request(
                principal=str(CI.arn), action=action, resource=HOME.repository_arn(name)
            )
            login = action == LOGIN_ACTION and bool(grants["pull"] or grants["push"])
            answer = allowed(request, resource=None, identity=[policy])
            assert answer == (login or action in expected)


def asks(principal: Principal, action: str, policy: dict[str, Any]) -> bool:
    """Whether whom a principal stands for may do something, everything else allowing it."""
    context: dict[str, str | list[str]] = {}
    who = principal.arn or f"arn:aws:iam::{principal.account or '9' * 12}:role/x"
    if principal.organization:
        context["aws:PrincipalOrgID"] = principal.organization
    if principal.organizational_unit:
        context["aws:PrincipalOrgPaths"] = [principal.organizational_unit.removesuffix("*")]
    if principal.lambda_function:
        who = "lambda.amazonaws.com"
        context["aws:SourceArn"] = principal.lambda_function
    if principal.service:
        who = principal.service
        context["aws:SourceAccount"] = str(principal.source_account)
        context["aws:SourceArn"] = str(principal.source_arn)
    everything = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    resource = f"arn:aws:ecr:ap-northeast-2:{OWNER}:repository/ab"
    request = Request(principal=who, action=action, resource=resource, context=context)
    return allowed(request, resource=policy, identity=[everything])


NAMED = {
    *REPOSITORY_ACTIONS,
    *PULL_ACTIONS,
    *PUSH_ACTIONS,
    *READ_ACTIONS,
    *PUBLIC_REPOSITORY_ACTIONS,
    *PUBLIC_PUSH_ACTIONS,
    *UPSTREAM_ACTIONS,
    *ADMINISTRATION_ACTIONS,
    *RECOVERY_ACTIONS,
    LOGIN_ACTION,
    *PUBLIC_LOGIN_ACTIONS,
}
# What a policy allows and nobody calls -> what does it instead.
NO_OPERATIONS = {
    "ecr:BatchImportUpstreamImage": "a pull through a cache rule",
    "ecr:GetImageCopyStatus": "a cache rule, while it copies from a registry of ECR",
    "ecr:ReplicateImage": "the replication of the registry that sends",
    "sts:GetServiceBearerToken": "GetAuthorizationToken of ECR Public",
}


def test_every_action_that_is_named_is_one_of_iams() -> None:
    # cfn-lint's list, from IAM's service reference, in lowercase.
    lists = Path(cfnlint.__file__).with_name("data") / "AdditionalSpecs" / "Policies.json"
    services = json.loads(lists.read_text())
    for action in NAMED:
        service, _, name = action.partition(":")
        assert fnmatch.filter(services[service]["Actions"], name.lower()), action


def test_every_action_that_is_named_is_an_operation_or_known_to_be_none() -> None:
    session = botocore.session.get_session()
    known = {
        f"{service}:{operation}"
        for service in ("ecr", "ecr-public", "kms", "sts")
        for operation in session.get_service_model(service).operation_names
    }
    called = {action for action in NAMED if "*" not in action}
    assert called - known == set(NO_OPERATIONS)
    assert all(fnmatch.filter(known, action) for action in NAMED - called)


def test_the_references_grant_is_an_inline_policy(
    stack: TerraformStack, resources: Resources
) -> None:
    base = Repository.from_repository_arn(stack, "Base", HOME.repository_arn("platform/base"))
    base.grant_read(CI)
    base.grant(CI, actions=["ecr:StartImageScan"], sid="Scan")
    [policy] = resources("aws_iam_role_policy")
    [statement] = json.loads(policy["policy"])["Statement"]
    assert statement["Sid"] == "ReadScan"
    with pytest.raises(InvalidValueError, match="must not stand for all of ECR"):
        base.grant(CI, actions=["ecr:*"])


def test_a_repository_grants_any_action(stack: TerraformStack, resources: Resources) -> None:
    api = Repository(stack, "Api", repository_name="payments/api")
    api.grant_read(CI)
    api.grant(CI, actions=["ecr:BatchDeleteImage"], sid="Clean")
    [policy] = resources("aws_ecr_repository_policy")
    statements = json.loads(policy["policy"])["Statement"]
    assert [s["Sid"] for s in statements] == ["Read", "Clean"]
    assert statements[1]["Action"] == "ecr:BatchDeleteImage"


def test_what_is_granted_to_several_is_one_statement(
    stack: TerraformStack, resources: Resources
) -> None:
    api = Repository(stack, "Api", repository_name="payments/api")
    other = Principal(role="arn:aws:iam::111111111111:role/other")
    for principal in (CI, other, CI):
        api.grant(principal, actions=["ecr:BatchDeleteImage"])
    api.grant(CI, actions=["ecr:ListImages", "ecr:Describe*"])
    api.grant(other, actions=["ecr:Describe*", "ecr:ListImages"])
    api.grant(CI, actions=["ecr:BatchDeleteImage"], sid="Clean")
    [policy] = resources("aws_ecr_repository_policy")
    statements = json.loads(policy["policy"])["Statement"]
    assert [(s["Sid"], s["Principal"]["AWS"]) for s in statements] == [
        ("BatchDeleteImageAnd2More", [CI.identifier, other.identifier]),
        ("Clean", CI.identifier),
    ]


@pytest.mark.parametrize("sid", [None, "BatchDeleteImageAnd1More"])
def test_every_grant_of_actions_has_a_sid_of_its_own(
    stack: TerraformStack, resources: Resources, sid: str | None
) -> None:
    api = Repository(stack, "Api", repository_name="ab")
    one, other, another, last = SEVERAL
    name = "BatchDeleteImageAnd1More"
    api.grant(last, actions=["ecr:StartImageScan"], sid=f"{name}2")
    for who, action in ((one, "ecr:ListImages"), (other, "ecr:PutImage"), (another, "ecr:Tag*")):
        api.grant(who, actions=["ecr:BatchDeleteImage", action], sid=sid)
    [policy] = resources("aws_ecr_repository_policy")
    statements = json.loads(policy["policy"])["Statement"]
    assert [(s["Sid"], s["Principal"]["AWS"]) for s in statements] == [
        (f"{name}2", last.identifier),
        (name, one.identifier),
        (f"{name}3", other.identifier),
        (f"{name}4", another.identifier),
    ]


def test_what_one_may_do_is_one_statement(stack: TerraformStack, resources: Resources) -> None:
    api = Repository(stack, "Api", repository_name="payments/api")
    unit = Principal(organization="o-a1b2c3d4e5")
    api.grant(CI, actions=["ecr:BatchDeleteImage"])
    api.grant(unit, actions=["ecr:ListImages"])
    api.grant(CI, actions=["ecr:StartImageScan"])
    api.add_to_resource_policy(PolicyStatement(principals=(CI,), actions=("ecr:ListImages",)))
    api.grant(CI, unit, actions=["ecr:DescribeImages"])
    [policy] = resources("aws_ecr_repository_policy")
    statements = json.loads(policy["policy"])["Statement"]
    assert [(s.get("Sid"), s["Action"]) for s in statements] == [
        (None, "ecr:ListImages"),
        (
            "BatchDeleteImageAnd2More",
            ["ecr:BatchDeleteImage", "ecr:StartImageScan", "ecr:DescribeImages"],
        ),
        ("DescribeImagesAnd1MoreOrganization", ["ecr:ListImages", "ecr:DescribeImages"]),
    ]


def test_is_a_managed_policy(stack: TerraformStack, resources: Resources) -> None:
    policy = AccessPolicy(stack, "Ci", registry=HOME, push=["payments/"], policy_name="ci")
    [resource] = resources("aws_iam_policy")
    # The provider takes a name or its beginning, and not both.
    assert resource.keys() == {"name", "policy"}
    assert resource["name"] == "ci"
    assert json.loads(resource["policy"]) == json.loads(policy.document)
    assert json.loads(resource["policy"])["Statement"] == [
        {
            "Sid": "Push",
            "Effect": "Allow",
            "Action": list(PUSH_ACTIONS),
            "Resource": ["arn:aws:ecr:ap-northeast-2:111111111111:repository/payments/*"],
        },
        {
            "Sid": "Login",
            "Effect": "Allow",
            "Action": ["ecr:GetAuthorizationToken"],
            "Resource": "*",
        },
    ]


def test_fails_with_everything_at_once_and_defines_nothing(stack: TerraformStack) -> None:
    with pytest.raises(InvalidValueError) as caught:
        AccessPolicy(stack, "Ci", registry=HOME, pull=["A", "ab", "ab"], pull_through=["docker/"])
    assert [problem.path for problem in caught.value.problems] == [
        ("pull", 2),
        ("pull", 0),
        ("pull_through", 0),
    ]
    assert stack.node.try_find_child("Ci") is None


def test_without_a_name_terraform_makes_one(stack: TerraformStack, resources: Resources) -> None:
    AccessPolicy(stack, "Ci", registry=HOME, pull=["ab"])
    [resource] = resources("aws_iam_policy")
    assert resource.keys() == {"name_prefix", "policy"}
    assert resource["name_prefix"] == "ecr-"


def test_images_are_brought_to_repositories_that_are_there(stack: TerraformStack) -> None:
    policy = AccessPolicy(
        stack,
        "Node",
        registry=HOME,
        pull=["docker-hub/library/"],
        pull_through=["docker-hub/library"],
        import_upstream=["docker-hub/library/nginx"],
    )
    found = {s["Sid"]: s for s in json.loads(policy.document)["Statement"]}
    arn = HOME.repository_arn("docker-hub/library/")
    assert found["PullThrough"]["Resource"] == [f"{arn}*"]
    assert found["ImportUpstream"]["Resource"] == [f"{arn}nginx"]
    assert found["ImportUpstream"]["Action"] == ["ecr:BatchImportUpstreamImage"]


def test_fails_with_nothing(stack: TerraformStack) -> None:
    with pytest.raises(InvalidValueError, match="access must be to something"):
        AccessPolicy(stack, "Ci", registry=HOME)


def test_fails_where_it_is_too_long(stack: TerraformStack) -> None:
    names = [f"payments/service-number-{number}" for number in range(100)]
    with pytest.raises(InvalidValueError, match="name namespaces, such as 'payments/'"):
        AccessPolicy(stack, "Ci", registry=HOME, pull=names)
    with pytest.raises(InvalidValueError, match="policy_name must be letters"):
        AccessPolicy(stack, "Ci", registry=HOME, pull=["ab"], policy_name="c i")
    with pytest.raises(InvalidValueError, match="policy_name must be 1 to 128 characters"):
        AccessPolicy(stack, "Ci", registry=HOME, pull=["ab"], policy_name="x" * 129)
    AccessPolicy(stack, "Ci", registry=HOME, pull=["ab"], policy_name="x" * 128)


def test_what_is_too_long_is_several_documents() -> None:
    names = [f"payments/service-number-{number}" for number in range(250)]
    whole = Access(
        pull=(*names, "docker-hub/"),
        push=("payments/", *names[:7]),
        pull_through=("docker-hub",),
    )
    documents = access_documents(HOME, whole)
    assert len(documents) == 4
    lengths = [len(json.dumps(document, separators=(",", ":"))) for document in documents]
    assert max(lengths) <= 6144
    assert min(lengths[:-1]) > 5500
    found: dict[str, list[str]] = {}
    for document in documents:
        assert "Login" in [s["Sid"] for s in document["Statement"]]
        for statement in document["Statement"]:
            found.setdefault(statement["Sid"], []).extend(statement["Resource"])
    [expected] = [access_document(HOME, whole)]
    for statement in expected["Statement"]:
        if statement["Sid"] != "Login":
            assert sorted(found[statement["Sid"]]) == sorted(statement["Resource"])
    few = Access(pull=("ab",), push=("ab",))
    assert access_documents(HOME, few) == [access_document(HOME, few)]


@pytest.mark.parametrize("grant", ["pull", "read"])
@pytest.mark.parametrize("length", range(3, 90))
def test_documents_are_as_full_as_can_be(length: int, grant: str) -> None:
    names = [f"{number:0{length}}" for number in range(200)]
    cost = len(HOME.repository_arn(names[0])) + len('"",')
    *full, last = map(sent_length, access_documents(HOME, Access(**{grant: tuple(names)})))
    assert full
    assert all(6144 - cost < size <= 6144 for size in full)
    assert last <= 6144


@pytest.mark.parametrize("grant", ["pull", "read"])
def test_documents_are_full_to_the_last_character(grant: str) -> None:
    names = [f"{number:010}" for number in range(100)]
    firsts = [Access(**{grant: ("a" * length, *names)}) for length in range(3, 103)]
    assert max(sent_length(access_documents(HOME, access)[0]) for access in firsts) == 6144


def test_ids_are_pinned(stack: TerraformStack) -> None:
    # A new id makes Terraform replace the policy, and detach it for a moment.
    AccessPolicy(stack, "Ci", registry=HOME, pull=["ab"])
    assert list(synthesized(stack)["resource"]["aws_iam_policy"]) == ["Ci_A080E7EE"]


def test_the_other_side_of_an_older_policy_has_no_variables() -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": [str(CI.role), "arn:aws:iam::111111111111:root"]},
        "Action": "ecr:Describe*",
        "Condition": {"StringEquals": {"aws:PrincipalTag/team": "${aws:username}"}},
    }
    arn = HOME.repository_arn("ab")

    def value(version: str) -> tuple[str, str]:
        [(who, [found])] = other_side({"Version": version, "Statement": statement}, arn).items()
        return who, found["Condition"]["StringEquals"]["aws:PrincipalTag/team"]

    assert value("2012-10-17") == (CI.role, "${aws:username}")
    # IAM's variable of the sign itself, as the older version takes the text as it is.
    assert value("2008-10-17") == (CI.role, "${$}{aws:username}")


def test_conditions_go_with_every_part_of_what_is_too_long() -> None:
    condition = {"StringEquals": {"aws:SourceVpce": "vpce-" + "1" * 2000}}
    first, second = (
        {
            "Effect": "Allow",
            "Action": [action],
            "Resource": [HOME.repository_arn(f"payments/service-{number}") for number in range(60)],
            "Condition": condition,
        }
        for action in ("ecr:ListImages", "ecr:PutImage")
    )
    found = policies_of([first, second, LOGIN])
    assert all(len(json.dumps(p, separators=(",", ":"))) <= 6144 for p in found)
    assert all(p["Statement"][-1] == LOGIN for p in found)
    others = [s for p in found for s in p["Statement"][:-1]]
    assert statements_together([*others, LOGIN]) == [first, second, LOGIN]


def test_a_part_that_is_too_long_is_told() -> None:
    def problems(length: int) -> list[str]:
        condition = {"StringEquals": {"aws:SourceVpce": "x" * length}}
        own = {"Effect": "Allow", "Action": ["ecr:ListImages"], "Condition": condition}
        arns = [HOME.repository_arn(name) for name in ("ab", "ac")]
        several = [{**own, "Resource": arns}, LOGIN]
        lengths = [*map(sent_length, policies_of(several))]
        found = [problem.sentence for problem in part_problems(str(CI.role), several)]
        assert len(found) == sum(length > 6144 for length in lengths)
        return found

    assert problems(5000) == []
    [one, other] = problems(6000)
    assert f"for '{CI.role}'" in one
    assert one == other
