import json
from dataclasses import MISSING, fields
from fnmatch import fnmatchcase
from importlib.resources import files
from inspect import signature
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from cdktf import TerraformStack
from cdktf_cdktf_provider_aws.provider import AwsProvider
from conftest import Resources, resolved, synthesized
from iam import Request, allowed
from test_annotations import told

from ecr_constructs import EncryptionType, InvalidValueError, Principal, Registry, Repository
from ecr_constructs.repository_key import (
    ALIAS,
    ALIAS_RESERVED,
    ALIAS_TWICE,
    DELETION_WINDOW,
    DESCRIPTION,
    MAX_POLICY_LENGTH,
    POLICY_LENGTH,
    PRINCIPAL_ELSEWHERE,
    ROLE_OR_USER,
    ROTATION_PERIOD,
    ROTATION_PERIODS,
    RepositoryKey,
    RepositoryKeySettings,
    key_policy_document,
)

HOME = Registry(account_id="111111111111", region="ap-northeast-2")
CHINA = Registry(account_id="111111111111", region="cn-north-1")
ROOT = "arn:aws:iam::111111111111:root"
ADMIN = Principal(role="arn:aws:iam::111111111111:role/security/keys")
OPERATOR = Principal(user="arn:aws:iam::111111111111:user/operator")
CI = Principal(role="arn:aws:iam::111111111111:role/ci")
TOKEN = Principal(role="${aws_iam_role.ci.arn}")

ADMINISTER = [
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:Delete*",
    "kms:Describe*",
    "kms:Disable*",
    "kms:Enable*",
    "kms:Get*",
    "kms:List*",
    "kms:Put*",
    "kms:Revoke*",
    "kms:RotateKeyOnDemand",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:Update*",
]
THROUGH_ECR = {"kms:ViaService": "ecr.ap-northeast-2.amazonaws.com"}


def policy(resources: Resources) -> dict[str, Any]:
    [key] = resources("aws_kms_key")
    found: dict[str, Any] = json.loads(key["policy"])
    return found


def by_sid(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {statement["Sid"]: statement for statement in document["Statement"]}


def test_is_rotated_and_kept_by_default(stack: TerraformStack, resources: Resources) -> None:
    RepositoryKey(stack, "Key", registry=HOME)
    [key] = resources("aws_kms_key")
    del key["policy"]
    assert key == {
        "deletion_window_in_days": 30,
        "enable_key_rotation": True,
        "lifecycle": {"prevent_destroy": True},
    }
    assert resources("aws_kms_alias") == []


def test_the_iam_policies_of_the_account_decide_by_default(
    stack: TerraformStack, resources: Resources
) -> None:
    RepositoryKey(stack, "Key", registry=HOME)
    assert policy(resources) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Administer",
                "Effect": "Allow",
                "Principal": {"AWS": ROOT},
                "Action": ADMINISTER,
                "Resource": "*",
            },
            {
                "Sid": "Repositories",
                "Effect": "Allow",
                "Principal": {"AWS": ROOT},
                "Action": ["kms:CreateGrant"],
                "Resource": "*",
                "Condition": {
                    "StringEquals": THROUGH_ECR,
                    "Bool": {"kms:GrantIsForAWSResource": "true"},
                },
            },
            {
                "Sid": "RepositoriesRead",
                "Effect": "Allow",
                "Principal": {"AWS": ROOT},
                "Action": ["kms:DescribeKey", "kms:RetireGrant"],
                "Resource": "*",
                "Condition": {"StringEquals": THROUGH_ECR},
            },
        ],
    }


def test_a_key_is_not_lost_with_its_administrators(
    stack: TerraformStack, resources: Resources
) -> None:
    RepositoryKey(
        stack,
        "Key",
        registry=HOME,
        administrators=[ADMIN, OPERATOR, ADMIN],
        creators=[CI],
    )
    document = policy(resources)
    assert [statement["Sid"] for statement in document["Statement"]] == [
        "Administer",
        "Recover",
        "Repositories",
        "RepositoriesRead",
        "Templates",
        "TemplatesRead",
    ]
    statements = by_sid(document)
    assert statements["Administer"]["Principal"] == {"AWS": [ADMIN.role, OPERATOR.user]}
    assert statements["Administer"]["Action"] == ADMINISTER
    assert statements["Recover"] == {
        "Sid": "Recover",
        "Effect": "Allow",
        "Principal": {"AWS": ROOT},
        "Action": ["kms:DescribeKey", "kms:GetKeyPolicy", "kms:PutKeyPolicy"],
        "Resource": "*",
    }
    assert statements["Repositories"]["Principal"] == {"AWS": CI.role}
    assert statements["RepositoriesRead"]["Principal"] == {"AWS": CI.role}


def test_creators_alone_leave_the_administration_to_the_account(
    stack: TerraformStack, resources: Resources
) -> None:
    RepositoryKey(stack, "Key", registry=HOME, creators=[CI, TOKEN])
    statements = by_sid(policy(resources))
    assert statements["Administer"]["Principal"] == {"AWS": ROOT}
    assert statements["Repositories"]["Principal"] == {"AWS": [CI.role, TOKEN.role]}
    assert "Recover" not in statements


def test_an_account_of_another_partition_has_an_arn_of_its_own() -> None:
    statements = by_sid(key_policy_document(CHINA, RepositoryKeySettings()))
    assert statements["Administer"]["Principal"] == {"AWS": "arn:aws-cn:iam::111111111111:root"}
    through = statements["RepositoriesRead"]["Condition"]["StringEquals"]["kms:ViaService"]
    assert through == "ecr.cn-north-1.amazonaws.com"


def test_has_everything_that_is_asked_for(stack: TerraformStack, resources: Resources) -> None:
    RepositoryKey(
        stack,
        "Key",
        registry=HOME,
        alias="ecr/payments_1-a",
        description="images of 100%{x}",
        deletion_window_in_days=7,
        rotation_period_in_days=90,
        prevent_destroy=False,
        tags={"team": "%{payments}"},
    )
    [key] = resources("aws_kms_key")
    del key["policy"]
    assert key == {
        "description": "images of 100%%{x}",
        "deletion_window_in_days": 7,
        "enable_key_rotation": True,
        "rotation_period_in_days": 90,
        "tags": {"team": "%%{payments}"},
    }
    [alias] = resources("aws_kms_alias")
    assert alias["name"] == "alias/ecr/payments_1-a"
    assert alias["target_key_id"].startswith("${aws_kms_key.Key_")
    assert alias["target_key_id"].endswith(".key_id}")


def test_tells_its_arn_and_alias(stack: TerraformStack) -> None:
    key = RepositoryKey(stack, "Key", registry=HOME, alias="ecr")
    assert resolved(stack, key.key_arn).endswith(".arn}")
    assert key.alias_name is not None
    found = resolved(stack, key.alias_name)
    assert found.startswith("${aws_kms_alias.Key_Alias_")
    assert found.endswith(".name}")


def test_has_no_alias_without_one(stack: TerraformStack) -> None:
    assert RepositoryKey(stack, "Key", registry=HOME).alias_name is None


def test_a_repository_takes_its_arn(stack: TerraformStack, resources: Resources) -> None:
    key = RepositoryKey(stack, "Key", registry=HOME)
    Repository(
        stack,
        "Api",
        repository_name="payments/api",
        encryption_type=EncryptionType.KMS,
        kms_key=key.key_arn,
    )
    [repository] = resources("aws_ecr_repository")
    [encryption] = repository["encryption_configuration"]
    assert encryption["kms_key"].startswith("${aws_kms_key.Key_")


def test_lives_in_the_region_of_its_provider(stack: TerraformStack, resources: Resources) -> None:
    abroad = AwsProvider(stack, "AWS:west", alias="west", region="us-west-2")
    west = Registry(account_id="111111111111", region="us-west-2")
    RepositoryKey(stack, "Key", registry=west, alias="ecr", provider=abroad)
    for kind in ("aws_kms_key", "aws_kms_alias"):
        [found] = resources(kind)
        assert found["provider"] == "aws.west"


def test_what_is_known_at_deploy_time_only_passes(
    stack: TerraformStack, resources: Resources
) -> None:
    RepositoryKey(
        stack,
        "Key",
        registry=HOME,
        alias="${var.alias}",
        description="${var.description}",
        administrators=[TOKEN],
        creators=[TOKEN],
        tags={"team": "${var.team}"},
    )
    [key] = resources("aws_kms_key")
    assert (key["description"], key["tags"]) == ("${var.description}", {"team": "${var.team}"})
    statements = by_sid(policy(resources))
    for sid in ("Administer", "Repositories", "RepositoriesRead"):
        assert statements[sid]["Principal"] == {"AWS": "${aws_iam_role.ci.arn}"}
    [alias] = resources("aws_kms_alias")
    assert alias["name"] == "alias/${var.alias}"


def test_nobody_is_elsewhere_where_the_account_is_known_at_deploy_time_only() -> None:
    somewhere = Registry(account_id="${local.account}", region="ap-northeast-2")
    settings = RepositoryKeySettings(administrators=(ADMIN,))
    assert list(settings.problems_in(somewhere)) == []
    recover = by_sid(key_policy_document(somewhere, settings))["Recover"]
    assert recover["Principal"] == {"AWS": "arn:aws:iam::${local.account}:root"}


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({"alias": ""}, ALIAS.length),
        ({"alias": "a" * 251}, ALIAS.length),
        ({"alias": "ecr:payments"}, ALIAS.whole),
        ({"alias": "ecr\n"}, ALIAS.whole),
        ({"alias": "aws/ecr"}, ALIAS_RESERVED),
        ({"description": "a" * 8193}, DESCRIPTION.length),
        ({"description": "one\ntwo"}, DESCRIPTION.whole),
        ({"administrators": (Principal(account="111111111111"),)}, ROLE_OR_USER),
        ({"creators": (CI, Principal(organization="o-a1b2c3d4e5"))}, ROLE_OR_USER),
        ({"deletion_window_in_days": 6}, DELETION_WINDOW),
        ({"deletion_window_in_days": 31}, DELETION_WINDOW),
        ({"rotation_period_in_days": 89}, ROTATION_PERIOD),
        ({"rotation_period_in_days": 2561}, ROTATION_PERIOD),
    ],
)
def test_fails_with_what_kms_would_refuse(given: dict[str, Any], rule: object) -> None:
    with pytest.raises(InvalidValueError) as caught:
        RepositoryKeySettings(**given)
    [problem] = caught.value.problems
    [name] = given
    assert (problem.check, problem.path[0]) == (rule, name)


@pytest.mark.parametrize(
    "given",
    [
        {"alias": "a"},
        {"alias": "a" * 250},
        {"alias": "awsome"},
        {"description": ""},
        {"description": "a" * 8192},
        {"deletion_window_in_days": 7},
        {"deletion_window_in_days": 30},
        {"rotation_period_in_days": 90},
        {"rotation_period_in_days": 2560},
    ],
)
def test_takes_what_is_just_within_the_limits(given: dict[str, Any]) -> None:
    RepositoryKeySettings(**given)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"alias": 1}, "alias must be text, got 1"),
        ({"description": 1}, "description must be text, got 1"),
        (
            {"administrators": CI.role},
            f"administrators must be a list, got '{CI.role}'",
        ),
        ({"creators": ["x"]}, "creators must be a list of Principal values, got 'x'"),
        (
            {"deletion_window_in_days": True},
            "deletion_window_in_days must be a whole number, got true",
        ),
        (
            {"rotation_period_in_days": "365"},
            "rotation_period_in_days must be a whole number, got '365'",
        ),
        ({"prevent_destroy": "yes"}, "prevent_destroy must be true or false, got 'yes'"),
        ({"tags": ["a"]}, "tags must be a mapping of text to text, got a list of 1"),
    ],
)
def test_fails_with_another_type(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        RepositoryKeySettings(**given)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    "principal",
    [
        Principal(role="arn:aws:iam::222222222222:role/ci"),
        Principal(user="arn:aws-cn:iam::111111111111:user/ci"),
    ],
)
@pytest.mark.parametrize("name", ["administrators", "creators"])
def test_fails_with_who_is_elsewhere(
    stack: TerraformStack, name: str, principal: Principal
) -> None:
    given: dict[str, Any] = {name: [CI, principal]}
    with pytest.raises(InvalidValueError) as caught:
        RepositoryKey(stack, "Bad", registry=HOME, **given)
    [problem] = caught.value.problems
    assert (problem.check, problem.path) == (PRINCIPAL_ELSEWHERE, (name, 1))
    assert problem.sentence == (
        f"{name} must be of the account and AWS partition of the key, got '{principal.arn}'"
    )
    assert stack.node.try_find_child("Bad") is None


def test_fails_where_the_policy_gets_longer_than_kms_takes(stack: TerraformStack) -> None:
    start = "arn:aws:iam::111111111111:role/"
    many = [Principal(role=f"{start}{number:064}") for number in range(350)]
    settings = RepositoryKeySettings(administrators=tuple(many))
    [problem] = settings.problems_in(HOME)
    length = len(json.dumps(key_policy_document(HOME, settings), separators=(",", ":")))
    assert problem.check == POLICY_LENGTH
    assert problem.sentence == (
        f"a key policy must be at most 32768 characters as JSON, got {length}; name fewer"
        " administrators and creators"
    )
    # One fewer is 98 characters fewer: the ARN, its quotes and a comma.
    fitting = 350 - -(-(length - MAX_POLICY_LENGTH) // 98)
    RepositoryKey(stack, "Key", registry=HOME, administrators=many[:fitting])
    with pytest.raises(InvalidValueError, match="a key policy must be at most"):
        RepositoryKey(stack, "Bad", registry=HOME, administrators=many[: fitting + 1])
    assert stack.node.try_find_child("Bad") is None


def test_fails_with_everything_at_once_and_defines_nothing(stack: TerraformStack) -> None:
    with pytest.raises(InvalidValueError) as caught:
        RepositoryKey(
            stack,
            "Bad",
            registry=HOME,
            alias="aws/e.r",
            description="\n",
            administrators=[Principal(account="111111111111")],
            creators=[CI, Principal(account="222222222222")],
            deletion_window_in_days=0,
            rotation_period_in_days=1,
            tags={"aws:x": "y"},
        )
    assert [problem.path for problem in caught.value.problems] == [
        ("alias",),
        ("alias",),
        ("description",),
        ("administrators", 0),
        ("creators", 1),
        ("deletion_window_in_days",),
        ("rotation_period_in_days",),
        ("tags", "aws:x"),
    ]
    assert (
        "administrators must be roles and users, got account '111111111111'; leave it empty to"
        " have the IAM policies of the key's account decide" in str(caught.value)
    )
    assert stack.node.try_find_child("Bad") is None


def test_an_alias_with_alias_before_it_is_told_of(tmp_path: Path) -> None:
    def define(stack: TerraformStack) -> None:
        RepositoryKey(stack, "Key", registry=HOME, alias="alias/ecr")

    [warning] = told(tmp_path, define)
    assert warning == f"stack/Key: {ALIAS_TWICE.rule}, got 'alias/ecr'"
    assert list(RepositoryKeySettings(alias="ecr").warnings) == []


def test_constructor_and_settings_are_one_vocabulary() -> None:
    parameters = signature(RepositoryKey.__init__).parameters
    keywords = {name for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY}
    settings = fields(RepositoryKeySettings)
    assert keywords == {"registry", "provider"} | {field.name for field in settings}
    for field in settings:
        if field.default is not MISSING:
            assert parameters[field.name].default == field.default


def test_ids_are_pinned(stack: TerraformStack) -> None:
    # A new id makes Terraform replace the key, and with a key go the images that it encrypts.
    RepositoryKey(stack, "Key", registry=HOME, alias="ecr")
    found = synthesized(stack)["resource"]
    assert {kind: list(resources) for kind, resources in found.items()} == {
        "aws_kms_alias": ["Key_Alias_6C2E2031"],
        "aws_kms_key": ["Key_961B73FD"],
    }


# What cfn-lint knows of KMS, from AWS's own list of actions.
POLICIES = files("cfnlint") / "data" / "AdditionalSpecs" / "Policies.json"
KNOWN = frozenset(json.loads(POLICIES.read_text())["kms"]["Actions"])
USE = frozenset(
    action
    for action in KNOWN
    if action.startswith(("encrypt", "decrypt", "generate", "reencrypt", "sign", "verify"))
)
DOCUMENTS: list[dict[str, Any]] = [
    key_policy_document(registry, settings)
    for registry, settings in (
        (HOME, RepositoryKeySettings()),
        (CHINA, RepositoryKeySettings()),
        (HOME, RepositoryKeySettings(administrators=(ADMIN, OPERATOR), creators=(CI,))),
        (HOME, RepositoryKeySettings(administrators=(TOKEN,), creators=(TOKEN,))),
    )
]


def meant(action: str) -> set[str]:
    """The actions of KMS that one with '*' for any characters stands for."""
    service, _, name = action.lower().partition(":")
    assert service == "kms"
    return {known for known in KNOWN if fnmatchcase(known, name)}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_action_is_one_of_kms_and_none_uses_the_key(document: dict[str, Any]) -> None:
    assert {"encrypt", "decrypt", "generatedatakey", "reencryptfrom", "reencryptto"} <= USE
    for statement in document["Statement"]:
        for action in statement["Action"]:
            assert meant(action), action
            assert not meant(action) & USE, action


@pytest.mark.parametrize("document", DOCUMENTS)
def test_nobody_is_meant_by_a_wildcard_and_nothing_is_all_of_kms(document: dict[str, Any]) -> None:
    for statement in document["Statement"]:
        assert list(statement["Principal"]) == ["AWS"]
        assert "*" not in json.dumps(statement["Principal"])
        assert not {"*", "kms:*"} & set(statement["Action"])


@pytest.mark.parametrize("document", DOCUMENTS)
def test_grants_are_made_through_ecr_alone(document: dict[str, Any]) -> None:
    granting = [
        statement["Sid"]
        for statement in document["Statement"]
        if any("creategrant" in meant(action) for action in statement["Action"])
    ]
    assert granting in (["Repositories"], ["Repositories", "Templates"])
    for sid in granting:
        condition = by_sid(document)[sid]["Condition"]
        assert condition["StringEquals"]["kms:ViaService"].startswith("ecr.")
        assert condition["Bool"] == {"kms:GrantIsForAWSResource": "true"}


USE_BY_ECR = {"kms:ViaService": "ecr.ap-northeast-2.amazonaws.com"}
EVERYTHING = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
TEMPLATE = "arn:aws:iam::111111111111:role/ecr-creation-template-20261124"


@pytest.mark.parametrize(
    ("who", "action", "context", "by_default", "with_creators"),
    [
        # For ECR, whoever has the right by IAM makes repositories, or the creators alone do.
        (CI.role, "kms:CreateGrant", {**USE_BY_ECR, "kms:GrantIsForAWSResource": "true"}, 1, 1),
        (ADMIN.role, "kms:CreateGrant", {**USE_BY_ECR, "kms:GrantIsForAWSResource": "true"}, 1, 0),
        (TEMPLATE, "kms:CreateGrant", {**USE_BY_ECR, "kms:GrantIsForAWSResource": "true"}, 1, 1),
        (TEMPLATE, "kms:DescribeKey", USE_BY_ECR, 1, 1),
        # Not without ECR, and not to use it oneself.
        (CI.role, "kms:CreateGrant", {}, 0, 0),
        (TEMPLATE, "kms:CreateGrant", {}, 0, 0),
        (CI.role, "kms:CreateGrant", USE_BY_ECR, 0, 0),
        (CI.role, "kms:Decrypt", USE_BY_ECR, 0, 0),
        (ADMIN.role, "kms:Decrypt", {}, 0, 0),
        # The administrators administer; the others may still mend the policy.
        (ADMIN.role, "kms:ScheduleKeyDeletion", {}, 1, 1),
        (CI.role, "kms:ScheduleKeyDeletion", {}, 1, 0),
        (CI.role, "kms:PutKeyPolicy", {}, 1, 1),
        ("arn:aws:iam::222222222222:role/admin", "kms:PutKeyPolicy", {}, 0, 0),
    ],
)
def test_who_may_do_what_with_the_key(
    who: str, action: str, context: dict[str, str], by_default: int, with_creators: int
) -> None:
    named = RepositoryKeySettings(administrators=(ADMIN,), creators=(CI,))
    key = "arn:aws:kms:ap-northeast-2:111111111111:key/1"
    arn = {"aws:PrincipalArn": who}
    request = Request(principal=who, action=action, resource=key, context={**context, **arn})
    for settings, answer in ((RepositoryKeySettings(), by_default), (named, with_creators)):
        policy = key_policy_document(HOME, settings)
        assert allowed(request, resource=policy, identity=[EVERYTHING]) == bool(answer)


def test_somebody_can_always_change_the_policy_again() -> None:
    for document in DOCUMENTS:
        roots = [
            statement
            for statement in document["Statement"]
            if str(statement["Principal"]["AWS"]).endswith(":root")
        ]
        assert any("putkeypolicy" in meant(a) for s in roots for a in s["Action"])


def test_the_limits_are_those_of_botocores_model() -> None:
    model = botocore.session.get_session().get_service_model("kms")
    rotation = model.shape_for("RotationPeriodInDaysType").metadata
    assert (rotation["min"], rotation["max"]) == (ROTATION_PERIODS[0], ROTATION_PERIODS[-1])
    description = model.shape_for("DescriptionType").metadata
    assert (description["min"], description["max"]) == (DESCRIPTION.minimum, DESCRIPTION.maximum)
    assert model.shape_for("AliasNameType").metadata["max"] == len("alias/") + (ALIAS.maximum or 0)
