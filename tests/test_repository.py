import inspect
import json
from collections.abc import Callable
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest
from cdktf import App, TerraformStack
from cdktf_cdktf_provider_aws.iam_role import IamRole
from conftest import Resources, readable, resolved, synthesized

from ecr_constructs import (
    CiRole,
    Effect,
    EncryptionType,
    GitLab,
    InvalidValueError,
    LifecycleRule,
    PolicyStatement,
    Principal,
    Registry,
    Repository,
    RepositoryPolicy,
    RepositorySettings,
    TagMutability,
)
from ecr_constructs.action import PULL_ACTIONS, PUSH_ACTIONS, REPOSITORY_ACTIONS

ROLE = Principal(role="arn:aws:iam::111111111111:role/team/task")
USER = Principal(user="arn:aws:iam::111111111111:user/ann")
ACCOUNT = Principal(account="222222222222")
DIGEST = "sha256:" + "0123456789abcdef" * 4


def test_is_safe_by_default(stack: TerraformStack, resources: Resources) -> None:
    Repository(stack, "Api", repository_name="payments/api")
    [resource] = resources("aws_ecr_repository")
    assert readable(resource) == {
        "name": "payments/api",
        "image_tag_mutability": "IMMUTABLE",
        "image_scanning_configuration": {"scan_on_push": True},
        "encryption_configuration": [{"encryption_type": "AES256"}],
    }
    assert resources("aws_ecr_lifecycle_policy") == []
    assert resources("aws_ecr_repository_policy") == []


def test_takes_everything(stack: TerraformStack, resources: Resources) -> None:
    key = "arn:aws:kms:us-east-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    repository = Repository(
        stack,
        "Api",
        repository_name="payments/api",
        image_tag_mutability=TagMutability.IMMUTABLE_WITH_EXCLUSION,
        image_tag_mutability_exclusion_filters=["latest"],
        scan_on_push=False,
        encryption_type=EncryptionType.KMS,
        kms_key=key,
        force_delete=True,
        prevent_destroy=True,
        tags={"discount": "100%{x}"},
        lifecycle_rules=[LifecycleRule(max_image_count=10)],
        pull=[ROLE],
        push=[USER],
        pull_push=[ACCOUNT],
        repository_policy_statements=[
            PolicyStatement(principals=(ROLE,), actions=("ecr:ListImages",))
        ],
    )
    [resource] = resources("aws_ecr_repository")
    assert readable(resource) == {
        "name": "payments/api",
        "image_tag_mutability": "IMMUTABLE_WITH_EXCLUSION",
        "image_tag_mutability_exclusion_filter": [{"filter": "latest", "filter_type": "WILDCARD"}],
        "image_scanning_configuration": {"scan_on_push": False},
        "encryption_configuration": [{"encryption_type": "KMS", "kms_key": key}],
        "force_delete": True,
        "lifecycle": {"prevent_destroy": True},
        "tags": {"discount": "100%%{x}"},
    }
    [lifecycle] = resources("aws_ecr_lifecycle_policy")
    assert json.loads(lifecycle["policy"])["rules"][0]["selection"]["countNumber"] == 10
    assert repository.required_provider_versions == {"6.8.0"}


def statements(resources: Resources) -> list[dict[str, Any]]:
    [policy] = resources("aws_ecr_repository_policy")
    found: list[dict[str, Any]] = json.loads(policy["policy"])["Statement"]
    return found


def test_grants_are_merged_and_keep_their_order(
    stack: TerraformStack, resources: Resources
) -> None:
    repository = Repository(stack, "Api", repository_name="payments/api", pull=[ROLE])
    repository.grant_push(USER)
    repository.grant_pull_push(ACCOUNT)
    repository.grant_pull(ROLE)
    repository.add_to_resource_policy(
        PolicyStatement(principals=(USER,), actions=("ecr:ListImages",))
    )
    pull, push, listing = statements(resources)
    assert pull["Principal"]["AWS"] == [ROLE.role, "222222222222"]
    assert pull["Action"] == list(PULL_ACTIONS)
    assert push["Principal"]["AWS"] == [USER.user, "222222222222"]
    assert push["Action"] == list(PUSH_ACTIONS)
    assert listing["Action"] == "ecr:ListImages"
    assert not any("Resource" in s or "ecr:*" in s["Action"] for s in (pull, push, listing))


def test_lifecycle_rules_can_be_added(stack: TerraformStack, resources: Resources) -> None:
    repository = Repository(stack, "Api", repository_name="payments/api")
    repository.add_lifecycle_rule(LifecycleRule(max_image_count=10))
    repository.add_lifecycle_rule(LifecycleRule(tag_pattern_list=("v*",), max_image_count=100))
    [policy] = resources("aws_ecr_lifecycle_policy")
    statuses = [r["selection"]["tagStatus"] for r in json.loads(policy["policy"])["rules"]]
    assert statuses == ["tagged", "any"]


def test_a_rule_that_does_not_fit_is_not_added(stack: TerraformStack, resources: Resources) -> None:
    last_ten = LifecycleRule(max_image_count=10)
    repository = Repository(stack, "Api", repository_name="ab", lifecycle_rules=[last_ten])
    before = resources("aws_ecr_lifecycle_policy")
    with pytest.raises(ValueError, match="only one rule of a storage class"):
        repository.add_lifecycle_rule(last_ten)
    assert resources("aws_ecr_lifecycle_policy") == before


def test_tells_where_it_is(stack: TerraformStack) -> None:
    repository = Repository(stack, "Api", repository_name="payments/api")
    assert resolved(stack, repository.repository_arn).endswith(".arn}")
    assert resolved(stack, repository.repository_name).endswith(".name}")
    assert resolved(stack, repository.registry_id).endswith(".registry_id}")
    uri = resolved(stack, repository.repository_uri)
    assert uri.endswith(".repository_url}")
    assert (
        resolved(stack, repository.repository_uri_for_tag("v1.2.3-abc123"))
        == f"{uri}:v1.2.3-abc123"
    )
    assert resolved(stack, repository.repository_uri_for_digest(DIGEST)) == f"{uri}@{DIGEST}"
    inner = uri.removeprefix("${").removesuffix("}")
    assert resolved(stack, repository.registry_uri) == ('${element(split("/", ' + inner + "), 0)}")


@pytest.mark.parametrize("tag", ["", ".a", "-a", "a b", "a:b", "x" * 129])
def test_fails_with_a_tag_that_no_client_takes(stack: TerraformStack, tag: str) -> None:
    repository = Repository(stack, "Api", repository_name="payments/api")
    with pytest.raises(ValueError, match="image tag must"):
        repository.repository_uri_for_tag(tag)


@pytest.mark.parametrize("digest", ["", "sha256:abc", DIGEST.upper(), DIGEST[7:]])
def test_fails_with_a_digest_of_another_form(stack: TerraformStack, digest: str) -> None:
    repository = Repository(stack, "Api", repository_name="payments/api")
    with pytest.raises(ValueError, match="image digest must be 'sha256:'"):
        repository.repository_uri_for_digest(digest)


def test_fails_with_everything_at_once_and_defines_nothing(stack: TerraformStack) -> None:
    last_ten = LifecycleRule(max_image_count=10)
    with pytest.raises(InvalidValueError) as caught:
        Repository(
            stack,
            "Api",
            repository_name="BAD NAME!!",
            image_tag_mutability="immutable",  # type: ignore[arg-type]
            scan_on_push="yes",  # type: ignore[arg-type]
            kms_key="x",
            tags={"aws:x": "y"},
            lifecycle_rules=[last_ten, last_ten],
            pull=ROLE,  # type: ignore[arg-type]
        )
    assert [problem.path for problem in caught.value.problems] == [
        (),
        ("image_tag_mutability",),
        ("kms_key",),
        ("kms_key",),
        ("lifecycle_rules", 1),
        ("pull",),
        ("scan_on_push",),
        ("tags", "aws:x"),
    ]
    assert "\n" not in str(caught.value)
    assert stack.node.try_find_child("Api") is None


def test_deploy_time_values_pass(stack: TerraformStack, resources: Resources) -> None:
    first = Repository(stack, "First", repository_name="first")
    Repository(
        stack,
        "Second",
        repository_name=f"${{var.team}}/{first.repository_name}",
        tags={"source": first.repository_arn},
        pull=[Principal(role="${aws_iam_role.task.arn}")],
    )
    second = resources("aws_ecr_repository")[1]
    assert second["name"].startswith("${var.team}/${aws_ecr_repository.First")
    assert second["tags"]["source"].startswith("${aws_ecr_repository.First")


def test_attributes_cross_stacks(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path), skip_validation=True)
    one, other = TerraformStack(app, "one"), TerraformStack(app, "other")
    repository = Repository(one, "Api", repository_name="payments/api")
    Repository(other, "Copy", repository_name="ab", tags={"arn": repository.repository_arn})
    app.synth()
    written = json.loads((tmp_path / "stacks" / "other" / "cdk.tf.json").read_text())
    assert "terraform_remote_state" in written["data"]


def test_constructor_and_settings_are_one_vocabulary() -> None:
    parameters = inspect.signature(Repository.__init__).parameters
    keywords = [name for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY]
    settings = {field.name for field in fields(RepositorySettings)}
    assert set(keywords) == {"repository_name", "registry"} | settings
    for field in fields(RepositorySettings):
        if field.default is not MISSING:
            assert parameters[field.name].default == field.default


def test_ids_are_pinned(stack: TerraformStack) -> None:
    # A new id makes Terraform replace the repository, with its images.
    Repository(
        stack,
        "Api",
        repository_name="payments/api",
        lifecycle_rules=[LifecycleRule(max_image_count=10)],
        pull=[ROLE],
    )
    found = synthesized(stack)["resource"]
    assert {kind: list(resources) for kind, resources in found.items()} == {
        "aws_ecr_lifecycle_policy": ["Api_LifecyclePolicy_86C54216"],
        "aws_ecr_repository": ["Api_F70053CD"],
        "aws_ecr_repository_policy": ["Api_RepositoryPolicy_FABDE27E"],
    }


def test_reference_by_name_is_looked_up(stack: TerraformStack) -> None:
    reference = Repository.from_repository_name(stack, "Shared", "shared/base")
    assert resolved(stack, reference.repository_uri_for_tag("v1")).endswith(".repository_url}:v1")
    assert resolved(stack, reference.repository_arn).startswith("${data.aws_ecr_repository.")
    data = synthesized(stack)["data"]["aws_ecr_repository"]
    assert [readable(source) for source in data.values()] == [{"name": "shared/base"}]


def test_reference_by_arn_knows_everything(stack: TerraformStack) -> None:
    arn = "arn:aws-cn:ecr:cn-north-1:111111111111:repository/shared/base"
    reference = Repository.from_repository_arn(stack, "Shared", arn)
    assert reference.repository_arn == arn
    assert reference.repository_name == "shared/base"
    assert reference.registry_id == "111111111111"
    assert reference.registry_uri == "111111111111.dkr.ecr.cn-north-1.amazonaws.com.cn"
    assert reference.repository_uri_for_tag("v1") == f"{reference.registry_uri}/shared/base:v1"


@pytest.mark.parametrize(
    ("arn", "sentence"),
    [
        ("shared/base", "repository ARN must be arn:"),
        ("arn:aws:ecr:us-east-1:111111111111:repository/BAD", "repository name must be"),
        ("arn:aws:ecr:us-wst-9:111111111111:repository/ab", "must be a Region that has ECR"),
        (
            "arn:aws:ecr:cn-north-1:111111111111:repository/ab",
            "must be of the AWS partition of its Region",
        ),
    ],
)
def test_reference_fails_with(stack: TerraformStack, arn: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Repository.from_repository_arn(stack, "Shared", arn)
    with pytest.raises(ValueError, match="repository name must"):
        Repository.from_repository_name(stack, "Named", "BAD")


def test_reference_is_granted_on_the_side_of_the_principal(
    stack: TerraformStack, resources: Resources
) -> None:
    arn = "arn:aws:ecr:us-east-1:111111111111:repository/shared/base"
    reference = Repository.from_repository_arn(stack, "Shared", arn)
    reference.grant_pull(ROLE)
    reference.grant_pull_push(ROLE, USER)
    [of_role], [of_user] = resources("aws_iam_role_policy"), resources("aws_iam_user_policy")
    assert (of_role["role"], of_role["name_prefix"]) == ("task", "ecr-")
    both = list(dict.fromkeys((*PULL_ACTIONS, *PUSH_ACTIONS)))
    assert json.loads(of_role["policy"])["Statement"] == [
        {"Sid": "PullPush", "Effect": "Allow", "Action": both, "Resource": [arn]},
        {
            "Sid": "Login",
            "Effect": "Allow",
            "Action": ["ecr:GetAuthorizationToken"],
            "Resource": "*",
        },
    ]
    assert of_user == {"user": "ann", **{k: of_role[k] for k in ("name_prefix", "policy")}}
    assert resources("aws_ecr_repository_policy") == []


def test_reference_is_granted_to_a_role_that_is_known_at_deploy_time(
    stack: TerraformStack, resources: Resources
) -> None:
    role = IamRole(stack, "Role", name="task", assume_role_policy="{}")
    reference = Repository.from_repository_name(stack, "Shared", "shared/base")
    reference.grant_pull_push(Principal(role=role.arn))
    assert [policy["role"] for policy in resources("aws_iam_role_policy")] == [
        "${basename(aws_iam_role.Role.arn)}"
    ]


def test_reference_knows_a_role_by_whichever_token(
    stack: TerraformStack, resources: Resources
) -> None:
    role = IamRole(stack, "Role", name="task", assume_role_policy="{}")
    reference = Repository.from_repository_name(stack, "Shared", "shared/base")
    reference.grant(Principal(role=role.arn), actions=REPOSITORY_ACTIONS[:9])
    with pytest.raises(ValueError, match="must not stand for all of ECR"):
        reference.grant(Principal(role=role.arn), actions=REPOSITORY_ACTIONS[9:])
    reference.grant_read(Principal(role=role.arn))
    assert len(resources("aws_iam_role_policy")) == 1


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        ("${aws_iam_role.x.arn}", '${basename("${aws_iam_role.x.arn}")}'),
        ("arn:aws:iam::${local.account}:role/team/task", "task"),
    ],
)
def test_reference_is_granted_to_a_role_in_an_expression(
    stack: TerraformStack, resources: Resources, arn: str, name: str
) -> None:
    Repository.from_repository_name(stack, "Shared", "shared/base").grant_pull(Principal(role=arn))
    assert [policy["role"] for policy in resources("aws_iam_role_policy")] == [name]


def test_a_refused_grant_of_a_reference_leaves_nothing(stack: TerraformStack) -> None:
    reference = Repository.from_repository_name(stack, "Shared", "shared/base")
    reference.grant(ROLE, actions=["ecr:DescribeImages"])
    before = synthesized(stack)
    other = Principal(role="arn:aws:iam::222222222222:role/task")
    with pytest.raises(ValueError, match="of one account, got 111111111111, 222222222222"):
        reference.grant_pull_push(USER, other)
    assert synthesized(stack) == before
    rest = [action for action in REPOSITORY_ACTIONS if action != "ecr:DescribeImages"]
    with pytest.raises(ValueError, match="must not stand for all of ECR"):
        reference.grant(USER, ROLE, actions=rest)
    assert synthesized(stack) == before


@pytest.mark.parametrize(
    ("action", "logs_in"), [("ecr:BatchGetImage", True), ("ecr:DescribeImages", False)]
)
def test_reference_gives_the_token_to_whoever_pulls(
    stack: TerraformStack, resources: Resources, action: str, logs_in: bool
) -> None:
    reference = Repository.from_repository_name(stack, "Shared", "shared/base")
    jobs = GitLab(project="a/b", branches=("main",))
    ci = CiRole(stack, "Ci", registry=HOME, role_name="ci", trusted=[jobs])
    reference.grant(ROLE, ci, actions=[action], sid="X")
    policies = resources("aws_iam_role_policy")
    assert len(policies) == 2
    for policy in policies:
        own, *login = json.loads(policy["policy"])["Statement"]
        assert own["Action"] == [action]
        assert [one["Action"] for one in login] == [["ecr:GetAuthorizationToken"]] * logs_in


@pytest.mark.parametrize("grant", ["grant_pull", "grant_push", "add_to_resource_policy"])
def test_what_does_not_fit_is_not_added(
    stack: TerraformStack, resources: Resources, grant: str
) -> None:
    repository = Repository(stack, "Api", repository_name="ab", pull=[ROLE])
    before = resources("aws_ecr_repository_policy")
    with pytest.raises(ValueError, match="must be a list of"):
        getattr(repository, grant)("arn:aws:iam::111111111111:role/x")
    assert resources("aws_ecr_repository_policy") == before
    repository.grant_pull(USER)
    assert len(statements(resources)) == 1


def test_reference_is_not_granted_to_an_account(stack: TerraformStack) -> None:
    reference = Repository.from_repository_name(stack, "Shared", "shared/base")
    with pytest.raises(ValueError, match="to roles and users, got account '222222222222'"):
        reference.grant_pull(ROLE, ACCOUNT)
    assert len(reference.node.children) == 1


def test_all_grants_of_a_reference_to_somebody_are_one_statement(
    stack: TerraformStack, resources: Resources
) -> None:
    reference = Repository.from_repository_name(stack, "Shared", "shared/base")
    reference.grant(ROLE, actions=["ecr:StartImageScan"], sid="Scan")
    reference.grant(ROLE, actions=["ecr:StartImageScan", "ecr:BatchDeleteImage"], sid="Scan")
    reference.grant(ROLE, actions=["ecr:DescribeImages"])
    [policy] = resources("aws_iam_role_policy")
    [statement] = json.loads(policy["policy"])["Statement"]
    assert statement["Sid"] == "ScanGrant"
    assert statement["Action"] == [
        "ecr:StartImageScan",
        "ecr:BatchDeleteImage",
        "ecr:DescribeImages",
    ]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"actions": []}, "a policy statement needs at least one action"),
        ({"actions": ["ecr:ListImages"], "sid": "a b"}, "sid must be letters and digits"),
        ({"actions": ["ecr:ListImages"], "sid": "x" * 31}, "sid must be 1 to 30 characters"),
        ({"actions": ["ecr:*"]}, "must not stand for all of ECR"),
    ],
)
def test_reference_fails_with_a_grant(
    stack: TerraformStack, given: dict[str, Any], sentence: str
) -> None:
    reference = Repository.from_repository_name(stack, "Shared", "shared/base")
    with pytest.raises(ValueError, match=sentence):
        reference.grant(ROLE, **given)
    assert len(reference.node.children) == 1


def test_fails_with_a_document_that_admits_everybody(stack: TerraformStack) -> None:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"}
    document = json.dumps({"Statement": [statement]})
    with pytest.raises(ValueError, match="everybody must be narrowed to an account"):
        Repository(stack, "Api", repository_name="ab", policy_document=document)
    why = "the base images of our open source"
    Repository(stack, "Api", repository_name="ab", policy_document=document, public_access=why)


ORGANIZATION = Principal(organization="o-a1b2c3d4e5")
HALF = ("ecr:B*", "ecr:C*", "ecr:D*", "ecr:G*", "ecr:I*", "ecr:L*", "ecr:P*")
REST = ("ecr:R*", "ecr:SetRepositoryPolicy", "ecr:Start*", "ecr:T*", "ecr:U*")


def test_fails_where_an_organization_changes_anything(stack: TerraformStack) -> None:
    with pytest.raises(InvalidValueError, match="as a whole must not push") as caught:
        Repository(stack, "Api", repository_name="ab", push=[ROLE, ORGANIZATION])
    assert [problem.path for problem in caught.value.problems] == [("push", 1)]
    assert stack.node.try_find_child("Api") is None
    repository = Repository(stack, "Api", repository_name="ab")
    with pytest.raises(InvalidValueError, match="must not do more than read, pull and push"):
        repository.grant(ORGANIZATION, actions=["ecr:DeleteRepository"])
    allowed = Repository(
        stack, "Web", repository_name="ac", push=[ORGANIZATION], public_access="we all build it"
    )
    allowed.grant_push(ORGANIZATION)


def test_fails_where_grants_are_everything_together(stack: TerraformStack) -> None:
    repository = Repository(stack, "Api", repository_name="ab")
    repository.grant(ROLE, actions=HALF)
    with pytest.raises(InvalidValueError, match="must not stand for all of ECR"):
        repository.grant(ROLE, actions=REST)
    reference = Repository.from_repository_name(stack, "Shared", "shared/base")
    with pytest.raises(InvalidValueError, match="must not stand for all of ECR"):
        reference.grant(ROLE, actions=[*HALF, *REST])
    reference.grant(ROLE, actions=HALF, sid="Half")
    with pytest.raises(InvalidValueError, match="must not stand for all of ECR"):
        reference.grant(USER, ROLE, actions=REST, sid="Rest")
    reference.grant(USER, actions=REST, sid="Rest")
    assert len(list(reference.node.children)) == 3


HOME = Registry(account_id="111111111111", region="us-east-1")
SHUT_OUT = PolicyStatement(
    principals=(Principal(account="111111111111"),),
    actions=("ecr:SetRepositoryPolicy",),
    effect=Effect.DENY,
)
IN_CHINA = Principal(user="arn:aws-cn:iam::111111111111:user/ann")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"push": [ACCOUNT]}, "as a whole must not push"),
        ({"pull": [IN_CHINA]}, "of the AWS partition of the repository"),
        ({"repository_policy_statements": [SHUT_OUT]}, "must not shut out whoever deploys"),
        ({"encryption_type": "KMS_DSSE"}, "KMS_DSSE"),
    ],
)
def test_fails_with_what_its_registry_tells(
    stack: TerraformStack, given: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InvalidValueError, match=sentence):
        Repository(stack, "Api", repository_name="ab", registry=HOME, **given)
    assert stack.node.try_find_child("Api") is None
    Repository(stack, "Api", repository_name="ab", **given)


def test_tells_what_is_wrong_with_itself_and_its_registry_at_once(stack: TerraformStack) -> None:
    with pytest.raises(InvalidValueError, match=r"repository name must .* as a whole must not"):
        Repository(stack, "Api", repository_name="BAD", push=[ACCOUNT], registry=HOME)


@pytest.mark.parametrize(
    "add",
    [
        lambda repository: repository.grant_push(ACCOUNT),
        lambda repository: repository.grant_pull_push(ROLE, ACCOUNT),
        lambda repository: repository.grant(ACCOUNT, actions=["ecr:BatchDeleteImage"]),
        lambda repository: repository.grant_pull(IN_CHINA),
        lambda repository: repository.grant_read(IN_CHINA),
        lambda repository: repository.add_to_resource_policy(SHUT_OUT),
    ],
)
def test_what_its_registry_tells_is_not_added(
    stack: TerraformStack, resources: Resources, add: Callable[[Repository], None]
) -> None:
    repository = Repository(stack, "Api", repository_name="ab", pull=[ROLE], registry=HOME)
    before = resources("aws_ecr_repository_policy")
    with pytest.raises(InvalidValueError):
        add(repository)
    assert resources("aws_ecr_repository_policy") == before
    repository.grant_pull(ACCOUNT)
    repository.grant_push(Principal(account="111111111111"))
    add(Repository(stack, "Elsewhere", repository_name="ac"))


def test_a_registry_may_be_known_at_deploy_time_only(stack: TerraformStack) -> None:
    there = Registry(account_id="${data.aws_caller_identity.me.account_id}", region="us-east-1")
    others = PolicyStatement(
        principals=(Principal(account="222222222222"),),
        actions=("ecr:*",),
        effect=Effect.DENY,
        conditions={"StringNotEquals": {"aws:PrincipalAccount": "111111111111"}},
    )
    Repository(
        stack,
        "Api",
        repository_name="ab",
        encryption_type=EncryptionType.KMS,
        kms_key="arn:aws:kms:us-east-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        push=[ACCOUNT],
        repository_policy_statements=[others],
        registry=there,
    )


SOMEWHERE = Registry(account_id="111111111111", region="${data.aws_region.here.name}")
FOREIGN_KEY = "arn:aws-cn:kms:cn-north-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"push": [ACCOUNT]}, "as a whole must not push"),
        ({"repository_policy_statements": [SHUT_OUT]}, "must not shut out whoever deploys"),
        ({"encryption_type": "KMS", "kms_key": FOREIGN_KEY}, "of the account of the repository"),
    ],
)
def test_the_account_is_known_where_the_region_is_not(
    stack: TerraformStack, given: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InvalidValueError, match=sentence) as caught:
        Repository(stack, "Api", repository_name="ab", registry=SOMEWHERE, **given)
    assert len(caught.value.problems) == 1


def test_no_partition_is_another_one_where_the_region_is_not_known(stack: TerraformStack) -> None:
    function = "arn:aws-cn:lambda:cn-north-1:111111111111:function:f"
    china = [IN_CHINA, Principal(lambda_function=function)]
    Repository(
        stack,
        "Api",
        repository_name="ab",
        encryption_type=EncryptionType.KMS_DSSE,
        kms_key=FOREIGN_KEY.replace("222222222222", "111111111111"),
        pull=china,
        registry=SOMEWHERE,
    )
    read = PolicyStatement(principals=tuple(china), actions=("ecr:BatchGetImage",))
    RepositoryPolicy(stack, "Policy", repository_name="ac", statements=[read], registry=SOMEWHERE)
    document = json.dumps(
        {
            "Statement": {
                "Effect": "Allow",
                "Principal": {"AWS": IN_CHINA.user},
                "Action": "ecr:BatchGetImage",
            }
        }
    )
    Repository(stack, "Web", repository_name="ad", policy_document=document, registry=SOMEWHERE)


def test_a_reference_by_arn_is_granted_in_its_partition(stack: TerraformStack) -> None:
    arn = "arn:aws:ecr:us-east-1:222222222222:repository/shared/base"
    reference = Repository.from_repository_arn(stack, "Shared", arn)
    with pytest.raises(InvalidValueError, match="of the AWS partition of the repository"):
        reference.grant_pull(ROLE, IN_CHINA)
    assert list(reference.node.children) == []
    Repository.from_repository_name(stack, "Named", "shared/base").grant_pull(IN_CHINA)
