import json
from pathlib import Path
from typing import Any

import pytest
from conftest import new_app, readable, synthesized
from iam import Request, allowed
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from local.terraform import synthesize
from stacks import Environment, EnvironmentStack, load_environments
from stacks.environment_warnings import environment_warnings

PROJECT = Path(__file__).parent.parent
HEAD = {"account": "111111111111", "region": "ap-northeast-2"}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the app writes for the environments of this repository."""
    folder = tmp_path_factory.mktemp("app") / "cdktf.out"
    synthesize(PROJECT, folder)
    return folder


@pytest.mark.parametrize("name", ["dev", "prod", "staging"])
def test_environment(name: str, out: Path, snapshot: SnapshotAssertion) -> None:
    written = json.loads((out / "stacks" / f"ecr-{name}" / "cdk.tf.json").read_text())
    assert readable(written) == snapshot(extension_class=JSONSnapshotExtension)


@pytest.mark.parametrize("name", ["dr", "shared"])
def test_example(name: str, tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    synthesize(PROJECT, tmp_path, PROJECT / "examples" / "company")
    written = json.loads((tmp_path / "stacks" / f"ecr-{name}" / "cdk.tf.json").read_text())
    assert readable(written) == snapshot(extension_class=JSONSnapshotExtension)


def test_every_environment_of_the_project_has_a_snapshot() -> None:
    assert sorted(load_environments(PROJECT / "environments")) == ["dev", "prod", "staging"]


def stack_of(**file: Any) -> dict[str, Any]:
    environment = Environment.model_validate_json(json.dumps(HEAD | file))
    stack = EnvironmentStack(new_app(), name="test", environment=environment)
    return synthesized(stack)


def test_deploys_to_its_own_account_only() -> None:
    [provider] = stack_of()["provider"]["aws"]
    assert provider["allowed_account_ids"] == ["111111111111"]
    assert provider["region"] == "ap-northeast-2"
    assert "assume_role" not in provider


def test_assumes_a_role() -> None:
    role = {"role_arn": "arn:aws:iam::111111111111:role/x", "external_id": "yz"}
    [provider] = stack_of(assume_role=role)["provider"]["aws"]
    assert provider["assume_role"] == [role]


def test_tags_everything_with_its_name_and_with_who_manages_it() -> None:
    [provider] = stack_of(tags={"team": "platform"})["provider"]["aws"]
    assert provider["default_tags"] == [
        {"tags": {"team": "platform", "environment": "test", "managed-by": "cdktf"}}
    ]


def test_tags_are_text_and_no_templates() -> None:
    [provider] = stack_of(tags={"discount": "100%{x}"})["provider"]["aws"]
    assert provider["default_tags"][0]["tags"]["discount"] == "100%%{x}"


def test_keeps_its_state_beside_the_output_by_default() -> None:
    backend = stack_of()["terraform"]["backend"]
    assert backend == {"local": {"path": "../../../terraform.ecr-test.tfstate"}}
    named = stack_of(backend={"local": {"path": "/var/state"}})["terraform"]["backend"]
    assert named == {"local": {"path": "/var/state"}}


def test_keeps_its_state_in_a_bucket_with_a_lock() -> None:
    s3: dict[str, Any] = {"bucket": "state", "region": "us-east-1"}
    assert stack_of(backend={"s3": s3})["terraform"]["backend"] == {
        "s3": {
            "bucket": "state",
            "region": "us-east-1",
            "key": "ecr/test.tfstate",
            "encrypt": True,
            "skip_region_validation": True,
            "use_lockfile": True,
        }
    }
    role = {"role_arn": "arn:aws:iam::222222222222:role/state"}
    s3 |= {
        "key": "k",
        "kms_key_id": "arn:aws:kms:us-east-1:222222222222:key/1",
        "assume_role": role,
    }
    written = stack_of(backend={"s3": s3})["terraform"]["backend"]["s3"]
    ours = {"encrypt": True, "skip_region_validation": True, "use_lockfile": True}
    assert written == s3 | ours


def test_admits_the_providers_that_its_settings_allow() -> None:
    def version(**file: Any) -> str:
        found: str = stack_of(**file)["terraform"]["required_providers"]["aws"]["version"]
        return found

    excluding = {
        "image_tag_mutability": "IMMUTABLE_WITH_EXCLUSION",
        "image_tag_mutability_exclusion_filters": ["latest"],
    }
    archiving = {"lifecycle_rules": [{"max_days_since_image_pulled": 90}]}
    assert version() == ">= 5.100.0, < 7.0.0"
    assert version(repositories={"aa": excluding}) == ">= 6.8.0, < 7.0.0"
    assert version(repositories={"aa": excluding, "bb": archiving}) == ">= 6.29.0, < 7.0.0"
    assert version(required_providers={"aws": "~> 6.8"}) == ">= 5.100.0, < 7.0.0, ~> 6.8"


def test_repositories_may_be_called_like_anything_of_ours() -> None:
    names = [
        "backend",
        "registry_uri",
        "repository_urls",
        "aws",
        "resource",
        "replication",
        "default",
    ]
    written = stack_of(repositories={name: {} for name in names})
    repositories = written["resource"]["aws_ecr_repository"]
    assert sorted(r["name"] for r in repositories.values()) == sorted(names)
    assert sorted(written["output"]["repository_urls"]["value"]) == sorted(names)


def test_adding_a_repository_changes_nothing_of_another() -> None:
    one = {"aa/bb": {"lifecycle_rules": [{"max_image_count": 1}], "pull": [{"account": "2" * 12}]}}
    before = stack_of(repositories=one)["resource"]
    after = stack_of(repositories={"aa--bb": {}, **one, "aa": {}})["resource"]
    for kind, resources in before.items():
        for id_, resource in resources.items():
            assert after[kind][id_] == resource


def test_outputs_what_consumers_need() -> None:
    output = stack_of(repositories={"payments/api": {}})["output"]
    address = "aws_ecr_repository.payments--api_2825C1CC"
    assert {name: part["value"] for name, part in output.items()} == {
        "registry_uri": "111111111111.dkr.ecr.ap-northeast-2.amazonaws.com",
        "repository_arns": {"payments/api": f"${{{address}.arn}}"},
        "repository_urls": {"payments/api": f"${{{address}.repository_url}}"},
    }


def test_state_in_a_file_is_seen_from_the_root_of_the_project() -> None:
    def written(**backend: Any) -> str:
        path: str = stack_of(**backend)["terraform"]["backend"]["local"]["path"]
        return path

    assert written() == "../../../terraform.ecr-test.tfstate"
    assert written(backend={"local": {"path": "state/x"}}) == "../../../state/x"
    assert written(backend={"local": {"path": "/srv/x"}}) == "/srv/x"


def test_a_grant_is_to_the_repositories_of_its_namespaces(tmp_path: Path) -> None:
    role = {"role": "arn:aws:iam::111111111111:role/ecs-task"}
    grant = {"repository_prefixes": ["payments/"], "pull": [{"account": "222222222222"}]}
    file = {"repositories": {"payments/api": {"pull": [role]}, "web/x": {}}, "grants": [grant]}
    (tmp_path / "test.yaml").write_text(json.dumps(HEAD | file))
    [environment] = load_environments(tmp_path).values()
    stack = synthesized(EnvironmentStack(new_app(), name="test", environment=environment))
    [policy] = stack["resource"]["aws_ecr_repository_policy"].values()
    [statement] = json.loads(policy["policy"])["Statement"]
    # Merged into the statement that is there.
    assert statement["Principal"] == {"AWS": [role["role"], "222222222222"]}
    assert "payments--api" in policy["repository"]


def test_the_other_side_of_every_grant_is_an_output() -> None:
    ci = {"role": "arn:aws:iam::111111111111:role/ci"}
    stack = stack_of(
        repositories={"ab": {"pull_push": [ci]}, "ac": {"pull": [ci, {"account": "2" * 12}]}}
    )
    policies = stack["output"]["access_policies"]["value"]
    assert set(policies) == {ci["role"]}
    [policy] = policies[ci["role"]]
    pull, push, login = json.loads(policy)["Statement"]
    arn = "arn:aws:ecr:ap-northeast-2:111111111111:repository"
    assert pull["Resource"] == [f"{arn}/ab", f"{arn}/ac"]
    assert push["Resource"] == [f"{arn}/ab"]
    assert login["Action"] == ["ecr:GetAuthorizationToken"]


def test_a_policy_waits_for_the_role_that_it_names() -> None:
    ci = {"role": "arn:aws:iam::111111111111:role/ci"}
    jobs = [{"repository": "acme/x", "branches": ["main"]}]
    stack = stack_of(
        ci_roles={"ci": {"github_actions": jobs, "access": {"push": ["ab"]}}},
        repositories={
            "ab": {
                "push": [ci],
                "repository_policy_statements": [
                    {"principals": [ci], "actions": ["ecr:BatchDeleteImage"]}
                ],
            }
        },
    )
    [role] = stack["resource"]["aws_iam_role"]
    [policy] = stack["resource"]["aws_ecr_repository_policy"].values()
    named = [s["Principal"] for s in json.loads(policy["policy"])["Statement"]]
    assert named == [{"AWS": f"${{aws_iam_role.{role}.arn}}"}] * 2


CI = "arn:aws:iam::111111111111:role/ci"
CI_ROLES = {"ci": {"github_actions": [{"repository": "acme/x", "branches": ["main"]}]}}


def test_documents_wait_for_the_role_that_they_name() -> None:
    session = "arn:aws:sts::111111111111:assumed-role/ci/job"
    others = ["arn:aws:iam::111111111111:role/ci2", "111111111111"]
    document = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"AWS": CI}, "Action": "ecr:ListImages"},
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": [session, *others], "Service": "ecr.amazonaws.com"},
                    "Action": "ecr:ListImages",
                    "Condition": {"ArnLike": {"aws:SourceArn": CI}},
                },
                {
                    "Effect": "Deny",
                    "NotPrincipal": {"AWS": [CI, "111111111111"]},
                    "Action": "ecr:BatchDeleteImage",
                },
            ],
        }
    )
    resources = stack_of(
        ci_roles=CI_ROLES,
        repositories={"ab": {"policy_document": document}},
        registry={
            "creation_templates": {
                "cd": {"applied_for": ["CREATE_ON_PUSH"], "policy_document": document}
            }
        },
    )["resource"]
    roles = {role["name"]: id_ for id_, role in resources["aws_iam_role"].items() if "name" in role}
    role = f"aws_iam_role.{roles['ci']}.arn"
    [policy] = resources["aws_ecr_repository_policy"].values()
    [template] = resources["aws_ecr_repository_creation_template"].values()
    assert template["repository_policy"] == policy["policy"]
    first, second, third = json.loads(policy["policy"])["Statement"]
    assert first["Principal"] == {"AWS": f"${{{role}}}"}
    assert second["Principal"] == {
        "AWS": [f"arn:aws:sts::111111111111:assumed-role/${{basename({role})}}/job", *others],
        "Service": "ecr.amazonaws.com",
    }
    assert second["Condition"] == {"ArnLike": {"aws:SourceArn": CI}}
    assert third["NotPrincipal"] == {"AWS": [f"${{{role}}}", "111111111111"]}


def test_what_is_outside_of_the_registry_waits_for_the_role_that_it_names() -> None:
    named: dict[str, Any] = {"principals": [{"role": CI}], "actions": ["ecr-public:PutImage"]}
    resources = stack_of(
        ci_roles=CI_ROLES,
        registry={
            "public_repositories": {
                "agent": {"push": [{"ci_role": CI}], "repository_policy_statements": [named]}
            },
            "pull_time_update_exclusions": [CI],
        },
    )["resource"]
    [role] = (f"${{aws_iam_role.{id_}.arn}}" for id_ in resources["aws_iam_role"])
    [policy] = resources["aws_ecrpublic_repository_policy"].values()
    found = [s["Principal"] for s in json.loads(policy["policy"])["Statement"]]
    assert found == [{"AWS": role}] * 2
    [exclusion] = resources["aws_ecr_pull_time_update_exclusion"].values()
    assert exclusion["principal_arn"] == role


def keys_of(**file: Any) -> tuple[dict[str, Any], list[Any]]:
    """The keys of an environment by alias, and with which one each repository is encrypted."""
    resources = stack_of(**file)["resource"]
    aliases = {
        alias["target_key_id"].removesuffix(".key_id}").removeprefix("${"): alias["name"]
        for alias in resources.get("aws_kms_alias", {}).values()
    }
    keys = {
        aliases[f"aws_kms_key.{name}"]: key
        for name, key in resources.get("aws_kms_key", {}).items()
    }
    used = [
        repository["encryption_configuration"][0].get("kms_key")
        for repository in resources["aws_ecr_repository"].values()
    ]
    return keys, [key and aliases[key.removesuffix(".arn}").removeprefix("${")] for key in used]


def test_repositories_share_a_key_of_the_environment() -> None:
    kms = {"encryption_type": "KMS"}
    keys, used = keys_of(repositories={"ab": kms, "ac": kms, "ad": {}})
    assert list(keys) == ["alias/ecr-test"]
    assert used == ["alias/ecr-test", "alias/ecr-test", None]
    named, _ = keys_of(repositories={"ab": kms}, repository_key={"alias": "images"})
    assert list(named) == ["alias/images"]


def test_there_is_no_key_where_nobody_wants_one() -> None:
    awss = {"encryption_type": "KMS", "kms_key": "alias/aws/ecr"}
    assert keys_of(repositories={"ab": {}, "ac": awss}) == ({}, [None, None])


def test_what_the_stack_makes_itself_is_named_by_token() -> None:
    ci = {"role": "arn:aws:iam::111111111111:role/ci"}
    resources = stack_of(
        ci_roles={
            "ci": {
                "github_actions": [{"repository": "acme/payments", "branches": ["main"]}],
                "access": {"push": ["ab"]},
            }
        },
        repositories={"ab": {"encryption_type": "KMS"}},
        repository_key={"administrators": [ci], "creators": [ci]},
        registry={"policy_statements": [{"principals": [ci], "actions": ["ecr:CreateRepository"]}]},
    )["resource"]
    [role] = resources["aws_iam_role"]
    [key], [policy] = (
        resources[kind].values() for kind in ("aws_kms_key", "aws_ecr_registry_policy")
    )
    for document in (key["policy"], policy["policy"]):
        assert f"${{aws_iam_role.{role}.arn}}" in document
        assert ci["role"] not in document


def test_the_other_side_of_a_template_is_an_output_too() -> None:
    node = {"eks_node_role": "arn:aws:iam::111111111111:role/node"}
    stack = stack_of(
        registry={
            "pull_through_cache_rules": {"k8s": {"upstream_registry": "kubernetes"}},
            "creation_templates": {"k8s": {"applied_for": ["PULL_THROUGH_CACHE"], "pull": [node]}},
        }
    )
    [policy] = stack["output"]["access_policies"]["value"][node["eks_node_role"]]
    sids = {s["Sid"]: s["Resource"] for s in json.loads(policy)["Statement"]}
    arn = "arn:aws:ecr:ap-northeast-2:111111111111:repository/k8s/*"
    assert sids == {"Pull": [arn], "PullThrough": [arn], "Login": "*"}


def statements_for(arn: str, **file: Any) -> dict[str, Any]:
    """The policy that the output has for a role: name of the statement to its resources' names."""
    [policy] = stack_of(**file)["output"]["access_policies"]["value"][arn]
    start = "arn:aws:ecr:ap-northeast-2:111111111111:repository/"
    return {
        s["Sid"]: ([r.removeprefix(start) for r in s["Resource"]], s["Action"])
        for s in json.loads(policy)["Statement"]
        if s["Sid"] != "Login"
    }


NODE = "arn:aws:iam::111111111111:role/node"
PULLS = {"pull": [{"eks_node_role": NODE}]}
CACHE = {"docker-hub": {"upstream_registry": "docker-hub", "create_credential": True}}
MAKES = ["ecr:CreateRepository", "ecr:BatchImportUpstreamImage"]


def test_who_pulls_what_a_template_makes_of_a_cache_rule_may_have_it_made() -> None:
    cached = {**PULLS, "applied_for": ["PULL_THROUGH_CACHE"]}
    found = statements_for(
        NODE,
        registry={
            "pull_through_cache_rules": CACHE,
            "creation_templates": {"docker-hub/library": cached},
        },
    )
    assert found["Pull"][0] == ["docker-hub/library/*"]
    assert found["PullThrough"] == (["docker-hub/library/*"], MAKES)


def test_who_pulls_a_repository_below_a_cache_rule_may_have_images_brought_to_it() -> None:
    found = statements_for(
        NODE,
        registry={"pull_through_cache_rules": CACHE},
        repositories={"docker-hub/library/nginx": PULLS, "docker-hub": PULLS, "docker-hubs": PULLS},
    )
    assert found["Pull"][0] == ["docker-hub/library/nginx", "docker-hub", "docker-hubs"]
    assert found["ImportUpstream"] == (["docker-hub/library/nginx"], [MAKES[1]])
    assert "PullThrough" not in found


@pytest.mark.parametrize(
    ("rules", "applied_for"),
    [
        ({}, "CREATE_ON_PUSH"),
        ({}, "PULL_THROUGH_CACHE"),
        (CACHE, "REPLICATION"),
        (CACHE, "CREATE_ON_PUSH"),
    ],
)
def test_nobody_may_have_repositories_made_without_a_cache_rule(
    rules: dict[str, Any], applied_for: str
) -> None:
    prefix = "docker-hub/library" if rules else "payments"
    template = {**PULLS, "applied_for": [applied_for]}
    found = statements_for(
        NODE,
        registry={"pull_through_cache_rules": rules, "creation_templates": {prefix: template}},
    )
    assert list(found) == ["Pull"]


def test_a_cache_rule_of_everything_brings_images_to_no_repository_of_ours() -> None:
    rules = {"ROOT": {"upstream_registry": "kubernetes"}}
    found = statements_for(
        NODE, registry={"pull_through_cache_rules": rules}, repositories={"payments/api": PULLS}
    )
    assert list(found) == ["Pull"]


def test_a_role_of_the_stack_has_what_grants_give_it() -> None:
    jobs = [{"repository": "acme/x", "branches": ["main"]}]
    ci, ann = (f"arn:aws:iam::111111111111:{name}" for name in ("role/ci", "user/ann"))
    stack = stack_of(
        ci_roles={
            "ci": {"github_actions": jobs, "access": {"read": ["payments/"]}},
            "idle": {"github_actions": jobs},
        },
        repositories={"payments/api": {"push": [{"ci_role": ci}], "pull": [{"user": ann}]}},
    )
    [policy] = stack["resource"]["aws_iam_role_policy"].values()
    statements = json.loads(policy["policy"])["Statement"]
    assert [s["Sid"] for s in statements] == ["Push", "Read", "Login"]
    assert statements[0]["Resource"] == [
        "arn:aws:ecr:ap-northeast-2:111111111111:repository/payments/api"
    ]
    assert set(stack["output"]["access_policies"]["value"]) == {ann}
    alone = stack_of(
        ci_roles={"ci": {"github_actions": jobs}}, repositories={"ab": {"push": [{"ci_role": ci}]}}
    )
    assert "access_policies" not in alone["output"]


CLEANER = "arn:aws:iam::222222222222:role/cleaner"
NETWORK = {"StringEquals": {"aws:SourceVpce": "vpce-1a2b"}}
CLEAN = ["ecr:ListImages", "ecr:BatchDeleteImage"]
PULL = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
WRITTEN = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": [CI, CLEANER]},
                "Action": CLEAN,
                "Condition": NETWORK,
            },
            {"Effect": "Allow", "Principal": {"AWS": [CI, "222222222222"]}, "Action": PULL},
            {"Effect": "Deny", "Principal": {"AWS": CI}, "Action": "ecr:PutImage"},
        ],
    }
)
TYPED = [
    {
        "principals": [{"ci_role": CI}, {"role": CLEANER}],
        "actions": CLEAN,
        "conditions": NETWORK,
    },
    {"principals": [{"ci_role": CI}, {"account": "222222222222"}], "actions": PULL},
    {"principals": [{"ci_role": CI}], "actions": ["ecr:PutImage"], "effect": "Deny"},
]


@pytest.mark.parametrize(
    "policy", [{"policy_document": WRITTEN}, {"repository_policy_statements": TYPED}]
)
def test_the_other_side_of_a_statement_is_what_it_allows_and_no_more(
    policy: dict[str, Any],
) -> None:
    stack = stack_of(
        ci_roles=CI_ROLES,
        repositories={"payments/api": policy, "web": {}},
        registry={"creation_templates": {"k8s": {**policy, "applied_for": ["CREATE_ON_PUSH"]}}},
    )
    attached = next(
        policy
        for policy in stack["resource"]["aws_iam_role_policy"].values()
        if "CiRole" in policy["role"]
    )
    policies = stack["output"]["access_policies"]["value"]
    assert set(policies) == {CLEANER}
    [cleaner] = map(json.loads, policies[CLEANER])

    def may(who: dict[str, Any], action: str, name: str = "payments/api", vpce: str = "") -> bool:
        resource = f"arn:aws:ecr:ap-northeast-2:111111111111:repository/{name}"
        context = {"aws:SourceVpce": vpce}
        login = action == "ecr:GetAuthorizationToken"
        request = Request(
            principal=CI, action=action, resource="*" if login else resource, context=context
        )
        return allowed(request, resource=None, identity=[who])

    ci = json.loads(attached["policy"])
    for who in (ci, cleaner):
        for name in ("payments/api", "k8s/pause"):
            assert may(who, "ecr:BatchDeleteImage", name, vpce="vpce-1a2b")
            assert not may(who, "ecr:BatchDeleteImage", name)
        assert not may(who, "ecr:BatchDeleteImage", "web", vpce="vpce-1a2b")
        assert not may(who, "ecr:PutImage")
    assert may(ci, "ecr:BatchGetImage")
    assert may(ci, "ecr:GetAuthorizationToken")
    assert not may(cleaner, "ecr:BatchGetImage")
    # Who does not pull or push logs in nowhere.
    assert not may(cleaner, "ecr:GetAuthorizationToken")


def test_the_other_side_of_the_same_statement_of_many_repositories_is_one() -> None:
    named = {"principals": [{"role": CI}], "actions": ["ecr:StartImageScan"]}
    settings = {"repository_policy_statements": [named], "push": [{"ci_role": CI}]}
    stack = stack_of(
        ci_roles=CI_ROLES,
        repositories={"ab": settings, "ac": settings},
        registry={"policy_statements": [{**named, "actions": ["ecr:CreateRepository"]}]},
    )
    [attached] = stack["resource"]["aws_iam_role_policy"].values()
    push, scan, create, login = json.loads(attached["policy"])["Statement"]
    arn = "arn:aws:ecr:ap-northeast-2:111111111111:repository/"
    assert (push["Sid"], login["Sid"]) == ("Push", "Login")
    assert push["Resource"] == scan["Resource"] == [f"{arn}ab", f"{arn}ac"]
    assert create == {
        "Effect": "Allow",
        "Action": ["ecr:CreateRepository"],
        "Resource": [f"{arn}*"],
    }


def test_a_role_that_a_document_alone_names_has_access() -> None:
    file = HEAD | {"ci_roles": CI_ROLES, "repositories": {"ab": {"policy_document": WRITTEN}}}
    environment = Environment.model_validate_json(json.dumps(file))
    assert not [str(warning.sentence) for warning in environment_warnings(environment)]


def test_the_other_side_of_a_public_push_is_to_push_there_and_nothing_else() -> None:
    agent = {"push": [{"ci_role": CI}, {"user": f"arn:aws:iam::{'2' * 12}:user/ann"}]}
    registry = {"public_repositories": {"acme/agent": agent}}
    file = HEAD | {"ci_roles": CI_ROLES, "registry": registry}
    environment = Environment.model_validate_json(json.dumps(file))
    assert not [str(warning.sentence) for warning in environment_warnings(environment)]
    stack = stack_of(ci_roles=CI_ROLES, registry=registry)
    [attached] = stack["resource"]["aws_iam_role_policy"].values()
    [(user, [output])] = stack["output"]["access_policies"]["value"].items()
    assert user.endswith(":user/ann")
    for policy in map(json.loads, (attached["policy"], output)):
        push, login = policy["Statement"]
        assert push == {
            "Effect": "Allow",
            "Action": [
                "ecr-public:BatchCheckLayerAvailability",
                "ecr-public:CompleteLayerUpload",
                "ecr-public:InitiateLayerUpload",
                "ecr-public:PutImage",
                "ecr-public:UploadLayerPart",
            ],
            "Resource": ["arn:aws:ecr-public::111111111111:repository/acme/agent"],
        }
        assert login == {
            "Sid": "PublicLogin",
            "Effect": "Allow",
            "Action": ["ecr-public:GetAuthorizationToken", "sts:GetServiceBearerToken"],
            "Resource": "*",
        }


def test_who_pushes_to_private_and_public_repositories_has_both_tokens() -> None:
    stack = stack_of(
        ci_roles=CI_ROLES,
        repositories={"ab": {"push": [{"ci_role": CI}]}},
        registry={"public_repositories": {f"acme/{n}": {"push": [{"role": CI}]} for n in "ab"}},
    )
    [attached] = stack["resource"]["aws_iam_role_policy"].values()
    push, public, *logins = json.loads(attached["policy"])["Statement"]
    assert push["Sid"] == "Push"
    assert [arn[-6:] for arn in public["Resource"]] == ["acme/a", "acme/b"]
    assert [login["Sid"] for login in logins] == ["Login", "PublicLogin"]
