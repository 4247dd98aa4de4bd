"""Nothing that is wrong hides behind anything else that is."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given
from hypothesis import settings as how
from hypothesis import strategies as st

from stacks import InvalidEnvironmentsError, load_environments

ROLE = "arn:aws:iam::111111111111:role/"
OTHERS = "arn:aws:iam::222222222222:role/ci"
KEY = "arn:aws:kms:eu-west-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab"

FILE: dict[str, Any] = {
    "account": "111111111111",
    "region": "eu-west-1",
    "backend": {"s3": {"bucket": "states", "region": "eu-west-1"}},
    "assume_role": {"role_arn": f"{ROLE}terraform"},
    "required_providers": {"aws": "~> 6.20"},
    "tags": {"team": "platform"},
    "repository_key": {"tags": {"tier": "one"}, "administrators": [{"role": f"{ROLE}terraform"}]},
    "repository_defaults": {"pull": [{"role": f"{ROLE}ecs"}]},
    "grants": [{"repository_prefixes": ["payments/"], "pull": [{"role": f"{ROLE}reader"}]}],
    "repositories": {
        "payments/api": {
            "encryption_type": "KMS",
            "kms_key": KEY,
            "lifecycle_rules": [{"max_image_count": 10}, {"tag_status": "untagged"}],
            "push": [{"ci_role": f"{ROLE}build"}],
            "tags": {"tier": "one"},
        },
        "web": {"repository_policy_statements": []},
    },
    "oidc_providers": ["gitlab.example.com"],
    "ci_roles": {
        "build": {
            "github_actions": [{"repository": "acme/api", "branches": ["main"]}],
            "access": {"push": ["payments/api"]},
        },
        "deploy": {"gitlab": [{"project": "acme/api", "branches": ["main"]}]},
    },
    "registry": {
        "replication": {
            "rules": [
                {"destinations": [{"region": "eu-west-2"}], "repository_filters": ["payments/"]}
            ]
        },
        "scanning": {
            "scan_type": "ENHANCED",
            "rules": [{"scan_frequency": "CONTINUOUS_SCAN", "repository_filters": ["*"]}],
        },
        "policy_statements": [
            {
                "principals": [{"account": "222222222222"}],
                "actions": ["ecr:ReplicateImage"],
                "repository_prefixes": ["shared/"],
            }
        ],
        "pull_through_cache_rules": {"quay": {"upstream_registry": "quay"}},
        "creation_templates": {
            "quay": {"applied_for": ["PULL_THROUGH_CACHE"], "image_tag_mutability": "MUTABLE"}
        },
        "account_settings": {"BLOB_MOUNTING": "ENABLED"},
        "pull_time_update_exclusions": [f"{ROLE}scanner"],
        "public_repositories": {"acme/agent": {"description": "an agent"}},
    },
}
FILE["repositories"]["payments/api"]["lifecycle_rules"][1]["max_image_age_days"] = 7
ANYBODY = (
    '{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"}, %s]}'
)
FOREIGN = '{"Effect": "Allow", "Principal": {"AWS": "222222222222"}, "Action": "ecr:Foo"}'

RULES = ("repositories", "payments/api", "lifecycle_rules")
CACHE = ("registry", "pull_through_cache_rules")
EXCLUSIONS = ("registry", "pull_time_update_exclusions")
UPSTREAM = "222222222222.dkr.ecr.eu-west-1.amazonaws.com"

Place = tuple[str | int, ...]
Fault = tuple[Place, Any]

# Where something is put that is wrong by itself. A position past the end of a list adds to it.
FAULTS: list[Fault] = [
    (("backend", "s3", "bucket"), "Bad_Bucket"),
    (("assume_role", "role_arn"), f"{OTHERS}"),
    (("assume_role", "session_name"), "!"),
    (("required_providers", "aws"), ">= 7.0"),
    (("tags", "Environment"), "x"),
    (("repository_key", "deletion_window_in_days"), 3),
    (("repository_key", "tags", "aws:x"), "y"),
    (("repository_defaults", "scan_on_push"), "yes"),
    (("repository_defaults", "pull", 1), {"account": "1"}),
    (("grants", 1), {"repository_prefixes": ["web"]}),
    (("repositories", "BAD"), {}),
    ((*RULES, 0, "max_image_count"), 0),
    ((*RULES, 2), {"tag_status": "untagged", "max_image_count": 1}),
    (("repositories", "payments/api", "kms_key"), KEY.replace("eu-west-1", "eu-west-3")),
    (("repositories", "payments/api", "image_tag_mutability"), "IMMUTABL"),
    (("repositories", "payments/api", "tags", "aws:x"), "y"),
    (("repositories", "payments/api", "push", 1), {"account": "222222222222"}),
    (("repositories", "web", "policy_document"), "{}"),
    (("oidc_providers", 1), "https://gitlab.example.com"),
    (("ci_roles", "build", "max_session_duration"), 60),
    (("ci_roles", "build", "permissions_boundary"), OTHERS.replace("role", "policy")),
    (("ci_roles", "deploy", "gitlab", 1), {"project": "acme/web", "branches": "main"}),
    (("registry", "replication", "rules", 1), {"destinations": [{"region": "eu-west-1"}]}),
    (("registry", "replication", "rules", 0, "destinations", 1), {"region": "mars"}),
    (("registry", "scanning", "scan_type"), "ENHANCE"),
    (("registry", "policy_statements", 1), {"principals": [{"account": "2"}]}),
    ((*CACHE, "quay", "custom_role_arn"), OTHERS),
    ((*CACHE, "base"), {"upstream_registry_url": UPSTREAM, "custom_role_arn": OTHERS}),
    ((*CACHE, "hub"), {"upstream_registry": "dockerhub"}),
    (("registry", "creation_templates", "quay", "custom_role_arn"), OTHERS),
    (("registry", "creation_templates", "-"), {"applied_for": ["REPLICATION"]}),
    (("registry", "account_settings", "BLOB_MOUNT"), "ENABLED"),
    ((*EXCLUSIONS, 1), "arn:aws-cn:iam::111111111111:role/a"),
    (("registry", "public_repositories", "acme/agent", "architectures"), "ARM"),
    (("ci_roles", "deploy", "max_session_duration"), "abc"),
    (("ci_roles", "deploy", "acces"), {"pull": ["web"]}),
    (("ci_roles", "build", "github_actions", 1), FILE["ci_roles"]["build"]["github_actions"][0]),
    (("ci_roles", "deploy", "access"), {"import_upstream": ["ROOT"]}),
    (("unknown",), 1),
    (("registry", "unknown"), 1),
]


def put(data: Any, path: Place, value: Any) -> None:
    *way, last = path
    for step in way:
        data = data[step]
    if isinstance(data, list):
        data[int(last) :] = [value, *data[int(last) + 1 :]]
    else:
        data[last] = value


def told(folder: Path, *faults: Fault) -> set[str]:
    """The errors of the file with these faults, without the lines."""
    data = copy.deepcopy(FILE)
    for path, value in faults:
        put(data, path, copy.deepcopy(value))
    (folder / "dev.yaml").write_text(yaml.safe_dump(data, sort_keys=False))
    try:
        load_environments(folder)
    except InvalidEnvironmentsError as error:
        return {f"{p.path}: {p.sentence}" for p in error.problems if not p.check.warning}
    return set()


# What is wrong only as the account, or the Region, is what it is.
OF_ACCOUNT = [
    ("assume_role", "role_arn"),
    ("repositories", "payments/api", "push", 1),
    ("ci_roles", "build", "permissions_boundary"),
    ("registry", "replication", "rules", 1),
    (*CACHE, "base"),
    ("registry", "creation_templates", "quay", "custom_role_arn"),
]
OF_REGION = [
    ("repositories", "payments/api", "kms_key"),
    ("registry", "replication", "rules", 1),
    (*EXCLUSIONS, 1),
]


def test_the_file_itself_is_good(tmp_path: Path) -> None:
    assert not told(tmp_path)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[Place, set[str]]:
    """What is told of each fault by itself."""
    folder = tmp_path_factory.mktemp("alone")
    return {fault[0]: told(folder, fault) for fault in FAULTS}


def test_each_fault_is_told(alone: dict[Place, set[str]]) -> None:
    assert len(alone) == len(FAULTS)
    assert all(alone.values())


@how(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(faults=st.lists(st.sampled_from(FAULTS), min_size=2, unique_by=lambda fault: fault[0]))
@example(faults=FAULTS)
def test_what_is_told_of_several_faults_is_what_is_told_of_each(
    tmp_path: Path, alone: dict[Place, set[str]], faults: list[Fault]
) -> None:
    assert told(tmp_path, *faults) == set().union(*(alone[path] for path, _ in faults))


@pytest.mark.parametrize(
    ("fault", "dependent"),
    [
        ((("account",), 111111111111), OF_ACCOUNT),
        ((("account",), "x"), OF_ACCOUNT),
        ((("region",), "eu-west-9"), OF_REGION),
        ((("region",), None), OF_REGION),
    ],
)
def test_a_bad_account_or_region_hides_only_what_depends_on_it(
    tmp_path: Path, alone: dict[Place, set[str]], fault: Fault, dependent: list[Place]
) -> None:
    home = told(tmp_path, fault)
    assert len(home) == 1
    others = [one for one in FAULTS if one[0] not in dependent]
    assert told(tmp_path, fault, *others) == home.union(*(alone[path] for path, _ in others))
    for one in FAULTS:
        if one[0] in dependent:
            assert told(tmp_path, fault, one) < home | alone[one[0]]


def test_a_file_without_an_account_and_a_region_is_told_the_rest(tmp_path: Path) -> None:
    rest = {key: value for key, value in FILE.items() if key not in ("account", "region")}
    rest["registry"] = {"account_settings": {"x": "y"}}
    (tmp_path / "dev.yaml").write_text(yaml.safe_dump(rest))
    with pytest.raises(InvalidEnvironmentsError) as caught:
        load_environments(tmp_path)
    paths = [problem.path for problem in caught.value.problems]
    assert paths == ["", "", "registry.account_settings.x"]


def test_no_account_is_foreign_where_the_files_own_is_unknown(tmp_path: Path) -> None:
    fault: Fault = (("account",), "x")
    own: Fault = (("repositories", "payments/api", "push", 1), {"account": "111111111111"})
    assert told(tmp_path, fault, own) == told(tmp_path, fault)


def test_no_account_is_foreign_among_many(tmp_path: Path) -> None:
    others = [{"account": str(100_000_000_000 + number)} for number in range(70)]
    pulls: Fault = (("repositories", "payments/api", "pull"), others)
    pushes: Fault = (("repositories", "payments/api", "push", 1), {"account": "999999999999"})
    home: Fault = (("account",), "x")
    wrong: Fault = ((*RULES, 0, "max_image_count"), 0)
    assert told(tmp_path, home, pulls, pushes, wrong) == told(tmp_path, home, wrong)
    assert len(told(tmp_path, home, wrong)) == 2


@pytest.mark.parametrize(
    ("path", "more", "sentence"),
    [
        (CACHE, {f"q{n}": {"upstream_registry": "quay"} for n in range(50)}, "51"),
        (
            RULES,
            [{"tag_pattern_list": [f"v{n}"], "max_image_count": 1} for n in range(49)],
            "51",
        ),
    ],
    ids=["cache rules", "lifecycle rules"],
)
def test_too_many_are_too_many_where_one_of_them_is_wrong(
    tmp_path: Path, path: Place, more: Any, sentence: str
) -> None:
    data: Any = copy.deepcopy(FILE)
    for step in path[:-1]:
        data = data[step]
    have = data[path[-1]]
    many = [*have, *more] if isinstance(have, list) else {**have, **more}
    wrong: Place = (*path, 60) if isinstance(have, list) else (*path, "wrong")
    found = told(tmp_path, (path, many), (wrong, {"unknown": 1}))
    assert any(
        f"at most 50 {'' if isinstance(have, list) else 'pull-through cache '}rules, got"
        f" at least {sentence}" in one
        for one in found
    )


def test_what_is_wrong_in_one_file_hides_nothing_that_files_owe_each_other(
    tmp_path: Path,
) -> None:
    """The policies that many senders need together are longer than AWS takes."""
    home = {"account": "111111111111", "region": "eu-west-1"}
    rule = {"destinations": [{"environment": "dr"}], "repository_filters": []}
    for number in range(2):
        filters = [f"{'a' * 100}{number}{n:02}/" for n in range(60)]
        rules = [{**rule, "repository_filters": filters}]
        sender = {
            "account": f"{number:012}",
            "region": "eu-west-1",
            "registry": {"replication": {"rules": rules}},
        }
        (tmp_path / f"sender{number}.yaml").write_text(yaml.safe_dump(sender))
    (tmp_path / "dr.yaml").write_text(yaml.safe_dump({**home, "unknown": 1}))
    with pytest.raises(InvalidEnvironmentsError) as caught:
        load_environments(tmp_path)
    lines = str(caught.value).splitlines()
    assert len(lines) == 2, lines
    assert "a registry policy must be at most" in lines[0]


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (
            ("registry", "replication", "rules", 1),
            {"destination": [{"region": "eu-west-2"}]},
            "unknown key 'destination'; write 'destinations', a list",
        ),
        (
            ("registry", "replication"),
            {"rule": []},
            "unknown key 'rule'; write 'rules', a list",
        ),
    ],
)
def test_a_key_that_was_meant_is_not_missing_too(
    tmp_path: Path, path: Place, value: Any, sentence: str
) -> None:
    [told_of] = told(tmp_path, (path, value))
    assert told_of.endswith(sentence)


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (
            ("repositories", "web"),
            {"encryption_typo": "KMS", "kms_key": KEY},
            "unknown key 'encryption_typo'; did you mean 'encryption_type'?",
        ),
        (
            ("registry", "scanning"),
            {"scan_typ": "ENHANCED", "rules": FILE["registry"]["scanning"]["rules"]},
            "unknown key 'scan_typ'; did you mean 'scan_type'?",
        ),
        (
            (*CACHE, "hub"),
            {"upstream_registry": "docker-hub", "create_credential": "true"},
            "create_credential must be true or false, got 'true'; write true",
        ),
    ],
)
def test_a_mistake_is_told_without_what_comes_of_it(
    tmp_path: Path, path: Place, value: Any, sentence: str
) -> None:
    [told_of] = told(tmp_path, (path, value))
    assert sentence in told_of


def test_a_priority_that_is_there_twice_is_no_lower_one(tmp_path: Path) -> None:
    rules: list[dict[str, Any]]
    rules = [{"max_image_count": 1}, {"tag_status": "untagged", "max_image_count": 1}]
    found = told(tmp_path, (RULES, [{"rule_priority": 1, **rule} for rule in rules]))
    assert len(found) == 2
    assert all("rule_priority must be unique, got 1 in 2 rules" in one for one in found)


def test_a_statement_that_is_wrong_hides_no_risk_of_another(tmp_path: Path) -> None:
    document: Place = ("repositories", "web", "policy_document")
    defaults: Fault = (("repository_defaults", "pull"), [])
    found = told(tmp_path, defaults, (document, ANYBODY % FOREIGN))
    assert len(found) == 2
    assert sum("everybody must be narrowed" in one for one in found) == 1


def test_what_is_wrong_together_is_not_known_in_too_many_places(tmp_path: Path) -> None:
    together: Fault = (("repository_defaults", "public_access"), "a reason of some words")
    home: Fault = (("account",), "x")
    others = [{"account": str(100_000_000_000 + number)} for number in range(70)]
    pulls: Fault = (("repositories", "payments/api", "pull"), others)
    assert len(told(tmp_path, home)) == 1
    assert len(told(tmp_path, home, together)) == 2
    assert told(tmp_path, home, together, pulls) == told(tmp_path, home)


def test_a_secret_can_be_where_the_file_is_that_does_not_say(tmp_path: Path) -> None:
    arn = "arn:aws:secretsmanager:eu-west-2:222222222222:secret:ecr-pullthroughcache/hub-AbCdEf"
    rule = {"upstream_registry": "docker-hub", "credential_arn": arn}
    secret: Fault = ((*CACHE, "hub"), rule)
    assert len(told(tmp_path, secret)) == 1
    homes: list[Fault] = [(("account",), "x"), (("region",), "x")]
    assert told(tmp_path, *homes, secret) == told(tmp_path, *homes)


def test_a_condition_that_is_wrong_makes_its_statement_no_wider(tmp_path: Path) -> None:
    statement = {
        "principals": [{"account": "222222222222"}],
        "actions": ["ecr:PutImage"],
        "conditions": {"ArnEquals": {"aws:PrincipalArn": 5}},
    }
    [sentence] = told(
        tmp_path, (("repositories", "web", "repository_policy_statements"), [statement])
    )
    assert ".repository_policy_statements[0].conditions" in sentence


def test_what_is_wrong_in_a_file_is_not_told_again_with_the_others(tmp_path: Path) -> None:
    dr = {
        "account": "222222222222",
        "region": "eu-west-2",
        "required_providers": {"aws": ">= 7.0"},
    }
    rule = {"destinations": [{"environment": "dr"}], "repository_filters": ["payments/"]}
    filters = {
        "image_tag_mutability": "IMMUTABLE_WITH_EXCLUSION",
        "image_tag_mutability_exclusion_filters": ["dev-*"],
    }
    (tmp_path / "dr.yaml").write_text(yaml.safe_dump(dr))
    (tmp_path / "dev.yaml").write_text(
        yaml.safe_dump(
            {
                "account": "111111111111",
                "region": "eu-west-1",
                "repositories": {"payments/api": filters},
                "registry": {"replication": {"rules": [rule]}},
            }
        )
    )
    with pytest.raises(InvalidEnvironmentsError) as caught:
        load_environments(tmp_path)
    assert len(caught.value.problems) == 1


def test_an_item_without_what_is_wrong_with_it_is_not_taken_for_another(tmp_path: Path) -> None:
    jobs = [{"project": "acme/api", "branches": ["main", ""]}]
    more = {"project": "acme/api", "branches": ["main"]}
    [sentence] = told(tmp_path, (("ci_roles", "deploy", "gitlab"), [*jobs, more]))
    assert "gitlab[0].branches" in sentence
