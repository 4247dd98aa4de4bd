import json
from pathlib import Path

import pytest
from environment_file import HEAD, sentences, write

from ecr_constructs import LifecycleRule, TagMutability
from stacks import InvalidEnvironmentsError, load_environments


def test_the_smallest_file_is_an_environment(tmp_path: Path) -> None:
    environments = load_environments(write(tmp_path, dev=HEAD))
    assert list(environments) == ["dev"]
    assert environments["dev"].repositories == {}
    assert environments["dev"].home.registry_uri.startswith("111111111111.dkr.ecr.")


def test_a_section_of_which_everything_is_commented_out_holds_nothing(tmp_path: Path) -> None:
    text = HEAD + "tags:\nrepository_defaults:\nrepositories:\n#  payments/api: {}\nregistry:\n"
    assert load_environments(write(tmp_path, dev=text))["dev"].repositories == {}


def test_a_repository_is_three_lines(tmp_path: Path) -> None:
    text = HEAD + "repositories:\n  payments/api:\n    scan_on_push: false\n  web:\n"
    repositories = load_environments(write(tmp_path, dev=text))["dev"].repositories
    assert repositories["payments/api"].scan_on_push is False
    assert repositories["web"].scan_on_push is True


def test_what_a_repository_writes_replaces_the_default_whole_but_tags_are_merged(
    tmp_path: Path,
) -> None:
    text = (
        HEAD
        + """
repository_defaults:
  image_tag_mutability: MUTABLE
  tags: {team: platform, tier: one}
  lifecycle_rules:
    - max_image_count: 10
    - {tag_status: untagged, max_image_age_days: 3}
repositories:
  own:
    image_tag_mutability: IMMUTABLE
    tags: {tier: two}
    lifecycle_rules:
      - max_image_count: 5
  default: {}
  none:
    lifecycle_rules: []
"""
    )
    found = load_environments(write(tmp_path, dev=text))["dev"].repositories
    assert found["own"].image_tag_mutability is TagMutability.IMMUTABLE
    assert found["own"].tags == {"team": "platform", "tier": "two"}
    assert found["own"].lifecycle_rules == (LifecycleRule(max_image_count=5),)
    assert found["default"].image_tag_mutability is TagMutability.MUTABLE
    assert len(found["default"].lifecycle_rules) == 2
    assert found["none"].lifecycle_rules == ()


def test_reports_all_problems_of_all_files_with_their_lines(tmp_path: Path) -> None:
    prod = """\
account: 012345678901
region: ap-notheast-2
asume_role: {}
repository_defaults:
  scan_on_psh: true
  lifecycle_rules:
    - max_image_count: 0
repositories:
  payments/api:
    prevent_destroy: yes
  web:
    lifecycle_rules:
      - description: nothing to count
      - tag_status: untaged
        max_image_age_days: "7"
  BAD NAME!!: {}
"""
    write(tmp_path, dev="account: [\n", prod=prod, staging="")
    mutability = "payments/api.prevent_destroy"
    assert sentences(tmp_path) == [
        "dev.yaml:1: a file must be YAML, got 'account: ['; close the bracket, and write ','"
        " between what is in it",
        "prod.yaml:1: account: account must be text, got 12345678901; write it in quotes:"
        ' "012345678901"',
        "prod.yaml:2: region: region must be a Region that has ECR, got 'ap-notheast-2';"
        " did you mean 'ap-northeast-2'?",
        "prod.yaml:3: asume_role: unknown key 'asume_role'; did you mean 'assume_role'?",
        "prod.yaml:3: asume_role: 'role_arn' is missing",
        "prod.yaml:5: repository_defaults.scan_on_psh: unknown key 'scan_on_psh';"
        " did you mean 'scan_on_push'?",
        "prod.yaml:7: repository_defaults.lifecycle_rules[0].max_image_count:"
        " max_image_count must be at least 1, got 0",
        f"prod.yaml:10: repositories.{mutability}:"
        " prevent_destroy must be true or false, got 'yes'; write true",
        "prod.yaml:13: repositories.web.lifecycle_rules[0]: a lifecycle rule takes exactly one of"
        " 'max_image_count', 'max_image_age_days', 'max_days_since_image_pulled' and"
        " 'max_days_since_image_transitioned', got none",
        "prod.yaml:14: repositories.web.lifecycle_rules[1].tag_status:"
        " tag_status must be one of tagged, untagged, any, got 'untaged';"
        " did you mean 'untagged'?",
        "prod.yaml:15: repositories.web.lifecycle_rules[1].max_image_age_days:"
        " max_image_age_days must be a whole number, got '7'; write it without quotes: 7",
        "prod.yaml:16: repositories.BAD NAME!!: repository name must be lowercase letters and"
        " digits, with single '.', '_', '__', '/' or a run of '-' between them, got 'BAD NAME!!'",
        "staging.yaml:1: an environment file must hold a mapping, got nothing",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("region: us-east-1\n", "1: 'account' is missing"),
        (HEAD + "assume_role: {}\n", "3: assume_role: 'role_arn' is missing"),
        (HEAD + "backend: {s3: }\n", "3: backend: s3 must be a mapping, got null"),
        (HEAD + '"a\\nb": 1\n', "3: 'a\\nb': unknown key 'a\\nb'"),
        (
            HEAD + "repositories:\n  ab:\n    tags:\n      a: ${var.x}\n    lifecycle_rules: []\n",
            "6: repositories.ab.tags.a: an environment file takes no expressions ('${'),"
            " got '${var.x}'; write the value itself",
        ),
        (
            HEAD + "repositories:\n  ab:\n    encryption_type: KMS_DSSE\n",
            "5: repositories.ab.encryption_type: encryption_type KMS_DSSE is offered in AWS"
            " GovCloud (US) Regions only, got Region ap-northeast-2; use KMS",
        ),
        (
            HEAD + "registry:\n  replication:\n    rules:\n"
            "      - destinations:\n          - region: ap-northeast-2\n",
            "7: registry.replication.rules[0].destinations[0]: a registry cannot replicate to"
            " itself, got Region 'ap-northeast-2' of account 111111111111",
        ),
        (
            HEAD + "repositories:\n  ab:\n    pull: [{roll: arn:aws:iam::111111111111:role/x}]\n",
            "5: repositories.ab.pull[0].roll: unknown key 'roll'; did you mean 'role'?",
        ),
        (
            HEAD + "repositories:\n  ab:\n    repository_policy_statements:\n"
            "      - principals: [{account: '222222222222'}]\n"
            "        actions: [1]\n"
            "        conditions: {Bool: {'aws:SecureTransport': true}}\n",
            "7: repositories.ab.repository_policy_statements[0].actions[0]: action must be text,"
            ' got 1; write it in quotes: "1"\n'
            "dev.yaml:8: repositories.ab.repository_policy_statements[0].conditions.Bool."
            "aws:SecureTransport: value of aws:SecureTransport must be text or a list of text,"
            ' got true; write it in quotes: "true"',
        ),
        (
            HEAD + "repositories:\n  ab: [1]\n",
            "4: repositories.ab: a repository must be a mapping, got a list of 1;"
            " below 'repositories' go names, and below each, indented, its settings",
        ),
        (
            HEAD + "repositories: {ab: }\nrepositories: {cd: }\n",
            "4: repositories: a key must not be there twice, got 'repositories', first on line 3",
        ),
    ],
)
def test_fails_with(tmp_path: Path, text: str, expected: str) -> None:
    assert "\n".join(sentences(write(tmp_path, dev=text))) == f"dev.yaml:{expected}"


def test_a_problem_of_the_defaults_is_told_once_where_it_is_written(tmp_path: Path) -> None:
    text = HEAD + "repository_defaults:\n  kms_key: x\nrepositories: {aa: , bb: , cc: }\n"
    assert sentences(write(tmp_path, dev=text)) == [
        "dev.yaml:4: repository_defaults.kms_key: kms_key must be the full ARN of a KMS key"
        " (arn:aws:kms:<region>:<account>:key/<id>), got 'x'",
        "dev.yaml:4: repository_defaults.kms_key: 'kms_key' needs encryption_type KMS or"
        " KMS_DSSE, got AES256; write KMS",
    ]


def test_a_problem_that_a_repository_makes_of_a_default_is_told_at_the_repository(
    tmp_path: Path,
) -> None:
    key = "arn:aws:kms:ap-northeast-2:111111111111:key/1"
    defaults = f"repository_defaults: {{encryption_type: KMS, kms_key: '{key}'}}\n"
    text = HEAD + defaults + "repositories:\n  aa: {}\n  bb: {encryption_type: AES256}\n"
    assert sentences(write(tmp_path, dev=text)) == [
        "dev.yaml:6: repositories.bb.kms_key: 'kms_key' needs encryption_type KMS or KMS_DSSE,"
        " got AES256; write KMS; 'kms_key: null' here takes the default's back"
    ]


_DOCUMENT = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ecr:BatchGetImage",'
    ' "Principal": {"AWS": "111111111111"}}]}'
)
_PULL = "[{account: '222222222222'}]"


@pytest.mark.parametrize(
    ("default", "own", "nothing"),
    [
        (
            "encryption_type: KMS, kms_key: alias/aws/ecr",
            "encryption_type: AES256",
            "kms_key: null",
        ),
        (
            "image_tag_mutability: IMMUTABLE_WITH_EXCLUSION,"
            " image_tag_mutability_exclusion_filters: [latest]",
            "image_tag_mutability: MUTABLE",
            "image_tag_mutability_exclusion_filters: []",
        ),
        (f"pull: {_PULL}", f"policy_document: '{_DOCUMENT}'", "pull: []"),
        (f"policy_document: '{_DOCUMENT}'", f"pull: {_PULL}", "policy_document: null"),
    ],
)
def test_a_repository_is_told_how_it_takes_a_default_back(
    tmp_path: Path, default: str, own: str, nothing: str
) -> None:
    text = HEAD + f"repository_defaults: {{{default}}}\nrepositories:\n  aa: {{{own}"
    [sentence] = sentences(write(tmp_path, dev=f"{text}}}\n"))
    assert sentence.startswith("dev.yaml:5: repositories.aa.")
    assert sentence.endswith(f"; '{nothing}' here takes the default's back")
    assert load_environments(write(tmp_path, dev=f"{text}, {nothing}}}\n"))


def test_a_problem_that_a_repository_makes_of_an_alias_is_told_at_the_repository(
    tmp_path: Path,
) -> None:
    key = "arn:aws:kms:ap-northeast-2:111111111111:key/1"
    text = HEAD + (
        f"repositories:\n  aa: &aa\n    encryption_type: KMS\n    kms_key: {key}\n"
        "  bb:\n    <<: *aa\n    encryption_type: AES256\n"
    )
    assert sentences(write(tmp_path, dev=text)) == [
        "dev.yaml:7: repositories.bb.kms_key: 'kms_key' needs encryption_type KMS or KMS_DSSE,"
        " got AES256; write KMS"
    ]


def test_a_problem_behind_an_alias_is_told_once_where_it_is_written(tmp_path: Path) -> None:
    text = HEAD + "repositories:\n  aa: &aa\n    scan_on_push: 3\n  bb:\n    <<: *aa\n"
    assert sentences(write(tmp_path, dev=text)) == [
        "dev.yaml:5: repositories.aa.scan_on_push: scan_on_push must be true or false, got 3"
    ]


def test_a_repository_is_told_how_it_takes_a_default_behind_an_alias_back(tmp_path: Path) -> None:
    text = HEAD + (
        "repositories:\n  aa: &d {encryption_type: KMS, kms_key: alias/aws/ecr}\n"
        "  bb: {encryption_type: AES256}\n  cc: {}\nrepository_defaults: *d\n"
    )
    [sentence] = sentences(write(tmp_path, dev=text))
    assert sentence.startswith("dev.yaml:5: repositories.bb.kms_key: ")
    assert sentence.endswith("; 'kms_key: null' here takes the default's back")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Prod", "write it in lowercase"),
        ("prod_eu", "write one '-' between words"),
        ("prod.eu", "write one '-' between words"),
    ],
)
def test_another_name_of_a_file_is_told_what_to_write(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / f"{name}.yaml").write_text(HEAD)
    [sentence] = sentences(tmp_path)
    assert sentence.endswith(f"got '{name}'; {said}")


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_another_encoding_is_told_which_to_save(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "dev.yaml").write_text(f"# \xe4\n{HEAD}", encoding=encoding)
    [sentence] = sentences(tmp_path)
    assert "a file must be UTF-8 text, got the byte 0x" in sentence
    assert sentence.endswith("; save it as UTF-8")


def test_a_file_of_another_suffix_is_read_unless_there_is_one_of_its_name(tmp_path: Path) -> None:
    for name in ("prod.yml", "dev.yml", "dev.yaml"):
        (tmp_path / name).write_text(HEAD + "nonsense: true\n")
    assert [s.partition("; ")[0] for s in sentences(tmp_path) if "nonsense" in s] == [
        "dev.yaml:3: nonsense: unknown key 'nonsense'",
        "prod.yml:3: nonsense: unknown key 'nonsense'",
    ]


def test_an_unknown_key_that_is_merged_is_told_once_where_it_is_written(tmp_path: Path) -> None:
    text = HEAD + (
        "repository_defaults:\n  <<: &base {nonsense: true}\nrepositories: {aa: {<<: *base}}\n"
    )
    assert sentences(write(tmp_path, dev=text)) == [
        "dev.yaml:4: repository_defaults.<<.nonsense: unknown key 'nonsense'"
    ]


def test_a_problem_of_a_list_behind_an_alias_is_told_once_where_it_is_written(
    tmp_path: Path,
) -> None:
    text = HEAD + (
        "registry:\n  lists: &rules\n    - max_image_count: 0\n"
        "repositories:\n  aa: {lifecycle_rules: *rules}\n  bb: {lifecycle_rules: *rules}\n"
    )
    assert sentences(write(tmp_path, dev=text)) == [
        "dev.yaml:4: registry.lists: unknown key 'lists'",
        "dev.yaml:5: registry.lists[0].max_image_count: max_image_count must be at least 1, got 0",
    ]


def test_a_problem_of_a_grant_is_told_once_where_it_is_written(tmp_path: Path) -> None:
    text = HEAD + (
        "repositories: {ok1: {}, ok2: {push: [{account: '111111111111'}]}}\n"
        "grants:\n"
        "  - repository_prefixes: [ok]\n"
        "    push:\n"
        "      - account: '222222222222'\n"
    )
    [sentence] = sentences(write(tmp_path, dev=text))
    assert sentence.startswith("dev.yaml:7: grants[0].push[0]: another account, an organization")
    assert sentence.endswith("or say 'public_access' and why in each repository")


def test_a_repository_excuses_what_a_grant_opens_of_it(tmp_path: Path) -> None:
    grant = "grants: [{repository_prefixes: [ok], push: [{account: '222222222222'}]}]\n"
    text = HEAD + grant + "repositories: {ok1: {public_access: 'a partner builds it'}}\n"
    [dev] = load_environments(write(tmp_path, dev=text)).values()
    assert [str(p.account) for p in dev.repositories["ok1"].push] == ["222222222222"]


OPEN = "repository_defaults:\n  push:\n    - account: '222222222222'\n"
RISK = (
    "dev.yaml:5: repository_defaults.push[0]: another account, an organization or a network as a"
    " whole must not push, got account '222222222222'; name the role that does"
)


def test_each_repository_excuses_what_the_defaults_open(tmp_path: Path) -> None:
    excused = "{public_access: 'a partner builds it'}"
    every = HEAD + OPEN + f"repositories: {{ok1: {excused}, ok2: {{push: []}}}}\n"
    [dev] = load_environments(write(tmp_path, dev=every)).values()
    assert [str(p.account) for p in dev.repositories["ok1"].push] == ["222222222222"]
    one = HEAD + OPEN + f"repositories: {{ok1: {excused}, ok2: {{}}, ok3: {{}}}}\n"
    assert sentences(write(tmp_path, dev=one)) == [
        f"{RISK}, or say 'public_access' and why in each repository"
    ]


def test_what_a_template_takes_from_the_defaults_it_does_not_excuse(tmp_path: Path) -> None:
    """The template has the value by an alias, or by a merge."""
    for taken in ("push: *p", "<<: *d"):
        text = (
            HEAD
            + "repository_defaults: &d\n  push: &p [{account: '222222222222'}]\n"
            + "repositories: {ab: {public_access: a partner builds it}}\n"
            + "registry:\n  creation_templates:\n"
            + f"    te: {{applied_for: [CREATE_ON_PUSH], {taken}}}\n"
        )
        [line] = [s for s in sentences(write(tmp_path, dev=text)) if "warning:" not in s]
        assert line.startswith("dev.yaml:8: registry.creation_templates.te.push[0]: another")


@pytest.mark.parametrize("none", ["", "repositories: {}\n", "repositories:\n"])
def test_defaults_of_no_repository_are_checked_without_an_excuse(tmp_path: Path, none: str) -> None:
    assert sentences(write(tmp_path, dev=HEAD + OPEN + none)) == [RISK]


def test_what_nothing_excuses_is_told_once_where_the_defaults_have_it(tmp_path: Path) -> None:
    document = {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "ecr:PutImage"}}
    defaults = f"repository_defaults: {{policy_document: '{json.dumps(document)}'}}\n"
    excused = "{public_access: 'a partner builds it'}"
    text = HEAD + defaults + f"repositories: {{ok1: {excused}, ok2: {excused}}}\n"
    [sentence] = sentences(write(tmp_path, dev=text))
    assert "everybody must not push or change anything" in sentence


def test_a_policy_document_takes_no_expression_behind_an_escape(tmp_path: Path) -> None:
    statement = {
        "Sid": "${file(1)}",
        "Effect": "Allow",
        "Principal": {"AWS": "111111111111"},
        "Action": "ecr:BatchGetImage",
    }
    document = json.dumps({"Statement": [statement]}).replace("$", "\\u0024")
    text = HEAD + f"repositories:\n  aa:\n    policy_document: '{document}'\n"
    [sentence] = sentences(write(tmp_path, dev=text))
    assert "an environment file takes no expressions" in sentence


def test_two_environments_do_not_share_a_state(tmp_path: Path) -> None:
    backend = "backend: {s3: {bucket: state, region: us-east-1, key: ecr.tfstate}}\n"
    other = HEAD.replace("111111111111", "222222222222")
    assert sentences(write(tmp_path, blue=HEAD + backend, green=other + backend)) == [
        "green.yaml:3: backend: an environment must have a state of its own, or each apply undoes"
        f" the other's, got that of {tmp_path}/blue.yaml"
    ]


@pytest.mark.parametrize("path", ["/srv/x.tfstate", "state/../x.tfstate", "x.tfstate"])
def test_two_environments_do_not_share_a_file_of_state(tmp_path: Path, path: str) -> None:
    backend = f"backend: {{local: {{path: {path}}}}}\n"
    other = HEAD.replace("111111111111", "222222222222")
    again = "/srv/./x.tfstate" if path.startswith("/") else "./x.tfstate"
    found = write(tmp_path, blue=HEAD + backend, green=other + backend.replace(path, again))
    assert "must have a state of its own" in "".join(sentences(found))


def test_tags_count_with_those_of_the_environment(tmp_path: Path) -> None:
    tags = "".join(f"  t{number}: x\n" for number in range(47))
    text = HEAD + f"tags:\n{tags}repositories:\n  aa: {{tags: {{one: x}}}}\n"
    load_environments(write(tmp_path, dev=text))
    text += "  bb: {tags: {one: x, two: x}}\n"
    assert sentences(write(tmp_path, dev=text)) == [
        "dev.yaml:53: repositories.bb.tags: a resource takes at most 50 tags, with those of the"
        " environment, got 51"
    ]


def test_nothing_has_two_owners(tmp_path: Path) -> None:
    rule = "{destinations: [{region: us-west-2}], repository_filters: [payments/]}"
    replication = f"registry: {{replication: {{rules: [{rule}]}}}}\n"
    text = HEAD + replication + "repositories:\n  payments/api:\n"
    once = "what an account and Region have once must be defined in one environment file"
    where = f"of account 111111111111 in ap-northeast-2 in {tmp_path}/blue.yaml, too"
    assert sentences(write(tmp_path, blue=text, green=text)) == [
        f"green.yaml:3: registry.replication: {once}, got the registry's replication {where}",
        f"green.yaml:5: repositories.payments/api: {once}, got repository 'payments/api' {where}",
    ]


def test_warns_once_of_what_the_defaults_say_and_does_not_fail(tmp_path: Path) -> None:
    text = HEAD + (
        "repository_defaults:\n"
        "  encryption_type: KMS\n"
        "  kms_key: alias/ecr\n"
        "repositories: {aa: , bb: , cc: {kms_key: alias/own}}\n"
    )
    environments = load_environments(write(tmp_path, dev=text))
    assert [str(warning).removeprefix(f"{tmp_path}/") for warning in environments.warnings] == [
        f"dev.yaml:{place}: AWS answers with the ARN of the key, so that every later plan destroys"
        f" the repository with its images and creates it again, got '{key}'; write the full ARN of"
        " the key as kms_key"
        for place, key in (
            ("5: warning: repository_defaults.kms_key", "alias/ecr"),
            ("6: warning: repositories.cc.kms_key", "alias/own"),
        )
    ]


def test_warnings_are_among_the_problems(tmp_path: Path) -> None:
    text = HEAD + "registry: {replication: {rules: [{destinations: [{region: us-west-2}]}]}}\n"
    found = sentences(write(tmp_path, dev=text, prod=HEAD + "x: 1\n"))
    assert len(found) == 2
    assert found[0].startswith("dev.yaml:3: warning: registry.replication.rules[0]: a replication")
    assert found[1] == "prod.yaml:3: x: unknown key 'x'"


def test_a_filter_may_match_a_repository_of_another_file_of_the_registry(tmp_path: Path) -> None:
    rule = "{destinations: [{region: us-west-2}], repository_filters: [payments/]}"
    owner = HEAD + f"registry: {{replication: {{rules: [{rule}]}}}}\n"
    other = HEAD + "repositories: {payments/api: }\n"
    assert load_environments(write(tmp_path, owner=owner, other=other)).warnings == ()
    write(tmp_path, other=other.replace("ap-northeast-2", "eu-west-1"))
    [warning] = load_environments(tmp_path).warnings
    assert warning.path == "registry.replication.rules[0].repository_filters[0]"


def test_policy_conditions_may_hold_variables_of_iam(tmp_path: Path) -> None:
    statement = (
        "{principals: [{account: '222222222222'}], actions: ['ecr:ListImages'],"
        " conditions: {StringEquals: {'aws:PrincipalTag/team': '${aws:PrincipalTag/owner}'}}}"
    )
    text = HEAD + f"repositories:\n  ab:\n    repository_policy_statements: [{statement}]\n"
    load_environments(write(tmp_path, dev=text))


def test_leaves_no_file_out_silently(tmp_path: Path) -> None:
    write(tmp_path, dev=HEAD)
    (tmp_path / "prod.yml").write_text(HEAD)
    (tmp_path / "test.YAML").write_text(HEAD)
    assert sentences(tmp_path) == [
        f"{name}:1: an environment file must end in .yaml, or it would be left out, got '{name}';"
        f" call it {name[:4]}.yaml"
        for name in ("prod.yml", "test.YAML")
    ]
    (tmp_path / "dev.yaml").unlink()
    assert len(sentences(tmp_path)) == 2


def test_fails_without_files_and_without_a_directory(tmp_path: Path) -> None:
    assert "must hold one (*.yaml), got none" in sentences(tmp_path)[0]
    assert "must be in a directory that is there, got" in sentences(tmp_path / "nowhere")[0]


def test_a_key_alias_has_one_owner(tmp_path: Path) -> None:
    kms = "repository_defaults: {encryption_type: KMS}\n"
    text = HEAD + kms + "repository_key: {alias: ecr}\n"
    write(tmp_path, dev=text, prod=text)
    [sentence] = sentences(tmp_path)
    assert "the alias 'ecr' of account" in sentence


def test_a_default_alias_has_one_owner(tmp_path: Path) -> None:
    kms = "repository_defaults: {encryption_type: KMS}\n"
    text = HEAD + kms
    blue = text + "repository_key: {alias: alias/ecr-green}\nrepositories: {aa: {}}\n"
    green = text + "repositories: {bb: {}}\n"
    found = sentences(write(tmp_path, blue=blue, green=green))
    assert "the alias 'ecr-green' of account" in "".join(found)
    # Without anything that wants it, there is no key.
    write(tmp_path, green=green.replace("KMS", "AES256"))
    assert load_environments(tmp_path)


def test_roles_have_one_owner_in_any_case(tmp_path: Path) -> None:
    role = "{github_actions: [{repository: a/b, branches: [main]}]}"
    found = sentences(
        write(
            tmp_path,
            blue=HEAD + f"ci_roles: {{ci: {role}}}\n",
            green=HEAD + f"ci_roles: {{CI: {role}, Ci: {role}}}\n",
        )
    )
    assert sum("the role 'ci' of account" in sentence for sentence in found) == 2
    assert sum("must not differ only in case" in sentence for sentence in found) == 2


def test_a_problem_of_a_grant_behind_an_alias_is_told_once_at_the_grant(tmp_path: Path) -> None:
    text = HEAD + (
        "repository_defaults: {pull: &p [{account: '222222222222'}]}\n"
        "repositories: {ok1: , ok2: }\n"
        "grants:\n"
        "  - repository_prefixes: [ok]\n"
        "    push: *p\n"
    )
    [sentence] = sentences(write(tmp_path, dev=text))
    assert sentence.startswith("dev.yaml:7: grants[0].push[0]: another account, an organization")
    assert sentence.endswith("or say 'public_access' and why in each repository")


def test_a_role_and_a_provider_are_the_accounts(tmp_path: Path) -> None:
    role = "{github_actions: [{repository: a/b, branches: [main]}], access: {pull: [ab]}}"
    for name, region in (("one", "us-east-1"), ("two", "eu-west-1")):
        (tmp_path / f"{name}.yaml").write_text(
            f'account: "111111111111"\nregion: {region}\n'
            f"oidc_providers: [gitlab.com]\nci_roles: {{ci: {role}}}\nrepositories: {{ab: {{}}}}\n"
        )
    with pytest.raises(InvalidEnvironmentsError) as caught:
        load_environments(tmp_path)
    here = f"of account 111111111111 in {tmp_path}/one.yaml, too"
    assert [problem.sentence.split(", got ")[1] for problem in caught.value.problems] == [
        f"the OpenID Connect provider 'gitlab.com' {here}",
        f"the role 'ci' {here}",
    ]


@pytest.mark.parametrize(
    ("section", "most", "regions"),
    [
        ("pull_through_cache_rules", 50, ("a", "a")),
        ("pull_time_update_exclusions", 100, ("a", "b")),
    ],
)
def test_a_quota_is_of_all_files_together(
    tmp_path: Path, section: str, most: int, regions: tuple[str, str]
) -> None:
    def file(prefix: str, count: int, region: str) -> str:
        names = [f"{prefix}{number}" for number in range(count)]
        if section == "pull_through_cache_rules":
            value = "".join(f"\n    {name}: {{upstream_registry: quay}}" for name in names)
        else:
            value = "".join(f"\n    - arn:aws:iam::111111111111:role/{name}" for name in names)
        head = HEAD if region == "a" else HEAD.replace("ap-northeast-2", "us-east-1")
        return f"{head}registry:\n  {section}:{value}\n"

    one = file("one", most - 10, regions[0])
    load_environments(write(tmp_path, one=one, two=file("two", 10, regions[1])))
    more = file("two", 11, regions[1])
    [line] = sentences(write(tmp_path, one=one, two=more, without=HEAD))
    assert line.startswith(f"two.yaml:4: registry.{section}: ")
    assert line.endswith(f"got {most + 1} with those of other files")
    # One file alone is told by itself.
    [line] = sentences(write(tmp_path, one=file("one", most + 1, "a"), two=HEAD))
    assert line.endswith(f"got {most + 1}")


def test_cache_rules_are_of_a_registry_and_not_of_an_account(tmp_path: Path) -> None:
    rules = "".join(f"\n    ab{number}: {{upstream_registry: quay}}" for number in range(30))
    text = f"{HEAD}registry:\n  pull_through_cache_rules:{rules}\n"
    other = text.replace("ap-northeast-2", "us-east-1")
    load_environments(write(tmp_path, one=text, two=other))


@pytest.mark.parametrize(
    "made",
    [
        "ci_roles: {ci: {gitlab: [{project: a/b, branches: [main]}], access: {push: [ab/]}}}\n",
        "oidc_providers: [gitlab.com]\n",
        "registry: {creation_templates: {ab: {applied_for: [CREATE_ON_PUSH]}}}\n",
        "registry:\n  pull_through_cache_rules:\n"
        "    ab: {upstream_registry_url: 222222222222.dkr.ecr.us-east-1.amazonaws.com}\n",
        "registry: {replication: {rules: [{destinations: [{region: us-east-1}],"
        " repository_filters: [ab/]}]}}\n",
    ],
)
def test_tags_of_everything_are_such_as_iam_takes_where_a_role_is_made(
    tmp_path: Path, made: str
) -> None:
    text = HEAD + "tags: {team: 'a&b', ünï: 'x y@z'}\nrepositories: {ab/x: {}}\n"
    load_environments(write(tmp_path, dev=text))
    [line] = [s for s in sentences(write(tmp_path, dev=text + made)) if "warning" not in s]
    assert line.startswith("dev.yaml:3: tags.team: the tags of everything must be letters, digits,")
    assert line.endswith("which has them, too, got 'team': 'a&b'")


DOCUMENT = """\
repositories:
  ab:
    policy_document: |
      {
        "Statement": [
          {"Effect": "Allow", "Principal": {"AWS": "222222222222"}, "Action": [
            "ecr:BatchGetImage",
            "ecr:Foo"
          ]}
        ]
      }
"""


@pytest.mark.parametrize(
    ("document", "line"),
    [
        (DOCUMENT, 10),
        # As YAML joins its lines, and as nobody would write it.
        (DOCUMENT.replace("|", ">"), 5),
        # JSON that libyaml does not read.
        (DOCUMENT.replace("ecr:Foo", r"ecr:\ud83d\ude00"), 5),
        (DOCUMENT.replace('": ', '":'), 10),
        (DOCUMENT.replace("|", "&d |") + "  ac: {policy_document: *d}\n", 10),
    ],
)
def test_what_is_wrong_in_a_document_has_the_line_of_it(
    tmp_path: Path, document: str, line: int
) -> None:
    first, *others = sentences(write(tmp_path, dev=HEAD + document))
    assert first.startswith(
        f"dev.yaml:{line}: repositories.ab.policy_document.Statement[0].Action[1]: action must be"
    )
    # Behind an alias it has the line of the alias.
    assert all(one.startswith("dev.yaml:14: repositories.ac.policy_document") for one in others)


def test_json_that_is_none_is_told_at_its_line(tmp_path: Path) -> None:
    broken = DOCUMENT.replace('"ecr:Foo"', '"ecr:BatchGetImage",')
    [line] = sentences(write(tmp_path, dev=HEAD + broken))
    assert line.startswith("dev.yaml:11: repositories.ab.policy_document: a policy must be JSON,")
    assert line.endswith("; take the last ',' before ']' or '}' away")


def test_what_a_cache_keeps_is_granted_by_a_template(tmp_path: Path) -> None:
    cache = "registry: {pull_through_cache_rules: {quay: {upstream_registry: quay}}}\n"
    grants = "grants: [{repository_prefixes: [quay/], pull: [{account: '222222222222'}]}]\n"
    [warning] = load_environments(write(tmp_path, dev=HEAD + cache + grants)).warnings
    assert warning.sentence.endswith("; what ECR makes there is granted by its creation template")


def test_a_tag_below_a_key_that_was_meant_has_the_line_of_it(tmp_path: Path) -> None:
    text = HEAD + "repositories:\n  ab:\n    tag:\n      Environment: z\n"
    assert [line.split(": ")[0:2] for line in sentences(write(tmp_path, dev=text))] == [
        ["dev.yaml:5", "repositories.ab.tag"],
        ["dev.yaml:6", "repositories.ab.tag.Environment"],
    ]


def test_json_on_one_line_is_told_with_the_line_in_it(tmp_path: Path) -> None:
    text = HEAD + "repositories:\n  ab:\n    policy_document: '{'\n"
    [line] = sentences(write(tmp_path, dev=text))
    assert line.startswith("dev.yaml:5: repositories.ab.policy_document: a policy must be JSON,")
    assert ", got line 1: " in line


def test_conditions_are_those_of_a_statement(tmp_path: Path) -> None:
    text = HEAD + "repositories:\n  ab:\n    tags:\n      conditions: ${aws:username}\n"
    [line] = sentences(write(tmp_path, dev=text))
    assert line.startswith("dev.yaml:6: repositories.ab.tags.conditions: an environment file takes")
