import json
import re
from pathlib import Path
from typing import Any

import pytest
from conftest import new_app, synthesized

from stacks import (
    Environments,
    EnvironmentStack,
    InvalidEnvironmentsError,
    Neighbours,
    load_environments,
)

SHARED, DR = "111111111111", "222222222222"


def load(folder: Path, **files: str) -> Environments:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return load_environments(folder)


def head(account: str, region: str, repositories: str = "payments/api") -> str:
    return f'account: "{account}"\nregion: {region}\nrepositories: {{{repositories}: }}\n'


def replicate(*destinations: tuple[str, str], filters: str = "payments/") -> str:
    listed = ", ".join(f"{{region: {r}, registry_id: '{a}'}}" for r, a in destinations)
    rule = f"{{destinations: [{listed}], repository_filters: [{filters}]}}"
    return f"registry: {{replication: {{rules: [{rule}]}}}}\n"


def test_the_destination_accepts_what_another_environment_replicates(tmp_path: Path) -> None:
    shared = head(SHARED, "ap-northeast-2") + replicate(("us-west-2", DR))
    found = load(tmp_path, shared=shared, dr=head(DR, "us-west-2"))
    neighbours = found.neighbours["dr"]
    stack = EnvironmentStack(new_app(), name="dr", environment=found["dr"], neighbours=neighbours)
    [policy] = synthesized(stack)["resource"]["aws_ecr_registry_policy"].values()
    assert json.loads(policy["policy"])["Statement"] == [
        {
            "Sid": f"ReplicationFrom{SHARED}",
            "Effect": "Allow",
            "Principal": {"AWS": SHARED},
            "Action": ["ecr:CreateRepository", "ecr:ReplicateImage"],
            "Resource": f"arn:aws:ecr:us-west-2:{DR}:repository/payments/*",
        }
    ]
    assert found.neighbours["shared"] == Neighbours()


def test_prints_the_statement_that_an_account_outside_needs(tmp_path: Path) -> None:
    outside = replicate(("us-west-2", DR), ("us-east-1", SHARED))
    found = load(tmp_path, shared=head(SHARED, "ap-northeast-2") + outside)
    stack = EnvironmentStack(
        new_app(),
        name="shared",
        environment=found["shared"],
        neighbours=found.neighbours["shared"],
    )
    output = synthesized(stack)["output"]["registry_policy_statements_needed"]["value"]
    assert list(output) == [f"{DR} us-west-2"]
    assert json.loads(output[f"{DR} us-west-2"]) == {
        "Sid": f"ReplicationFrom{SHARED}",
        "Effect": "Allow",
        "Principal": {"AWS": SHARED},
        "Action": ["ecr:CreateRepository", "ecr:ReplicateImage"],
        "Resource": f"arn:aws:ecr:us-west-2:{DR}:repository/payments/*",
    }


def test_an_account_outside_adds_one_statement_for_all_of_another(tmp_path: Path) -> None:
    outside = ("us-west-2", DR)
    found = load(
        tmp_path,
        east=head(SHARED, "us-east-1", "web/a") + replicate(outside, filters="web/"),
        north=head(SHARED, "ap-northeast-2") + replicate(outside),
        third=head("333333333333", "us-east-1") + replicate(outside),
    )
    needed = [list(found.neighbours[name].missing.values()) for name in ("east", "north", "third")]
    # Both stacks of an account print the same, so that no Sid is there twice.
    assert needed[0] == needed[1]
    assert [s.repository_prefixes for [s] in needed] == [
        ("web/", "payments/"),
        ("web/", "payments/"),
        ("payments/",),
    ]


def test_a_prefix_below_another_is_accepted_by_that(tmp_path: Path) -> None:
    shared = head(SHARED, "ap-northeast-2") + replicate(
        ("us-west-2", DR), filters="payments/api, pay, payments/, web/"
    )
    found = load(tmp_path, shared=shared, dr=head(DR, "us-west-2"))
    [accepted] = found.neighbours["dr"].owed[found["dr"].home].accepted
    assert accepted.repository_prefixes == ("pay", "web/")


def namespaces(count: int) -> str:
    return ", ".join(f"some-quite-long-namespace-{number:04}/" for number in range(count))


def test_names_whose_replication_a_policy_is_too_long_for(tmp_path: Path) -> None:
    long = replicate(("us-west-2", DR), filters=namespaces(90))
    other = replicate(("us-west-2", DR), filters=namespaces(91))
    with pytest.raises(InvalidEnvironmentsError) as caught:
        load(
            tmp_path,
            dr=head(DR, "us-west-2", "web"),
            shared=head(SHARED, "ap-northeast-2") + long,
            third=head("333333333333", "us-east-1") + other,
        )
    [problem] = [p for p in caught.value.problems if not p.check.warning]
    assert str(problem) == (
        f"{tmp_path}/dr.yaml:1: registry.policy_statements: a registry policy must be at most 10240"
        " characters as JSON, got 15015 in us-west-2 with the replication of 'shared', 'third'"
    )


def test_a_statement_that_no_policy_outside_can_hold_is_refused(tmp_path: Path) -> None:
    section = replicate(("us-west-2", DR), filters=namespaces(100))
    rule = section[section.index("[") + 1 : section.rindex("]")]
    two = section.replace(rule, f"{rule}, {rule.replace('namespace-00', 'namespace-01')}")
    with pytest.raises(InvalidEnvironmentsError) as caught:
        load(tmp_path, shared=head(SHARED, "ap-northeast-2") + two)
    [problem] = [p for p in caught.value.problems if not p.check.warning]
    assert str(problem) == (
        f"{tmp_path}/shared.yaml:4: registry.replication: a registry policy must be at most 10240"
        f" characters as JSON, got 16396 for what account {DR} has to accept in us-west-2"
    )


def test_the_role_of_templates_is_about_the_whole_of_a_namespace(tmp_path: Path) -> None:
    # Each namespace has a tag of its own, and so a template.
    listed = "".join(
        f"  payments/team-number-{n:03}-with-a-long-name/api: {{tags: {{service: s{n}}}}}\n"
        for n in range(160)
    )
    shared = f'account: "{SHARED}"\nregion: ap-northeast-2\nrepositories:\n{listed}'
    found = load(
        tmp_path,
        dr=head(DR, "us-west-2", "web"),
        shared=shared + replicate(("us-west-2", DR)),
    )
    resources = stack_of(found, "dr")["resource"]
    assert len(resources["aws_ecr_repository_creation_template"]) == 161
    [policy] = resources["aws_iam_role_policy"].values()
    [statement] = json.loads(policy["policy"])["Statement"]
    assert statement["Resource"] == [f"arn:aws:ecr:us-west-2:{DR}:repository/payments/*"]


@pytest.mark.parametrize(("count", "refused"), [(155, False), (156, True)])
def test_a_role_of_templates_that_is_too_long_is_refused(
    tmp_path: Path, count: int, refused: bool
) -> None:
    # Two rules, as one takes a hundred filters; the key is the environment's own.
    rules = [
        f"{{destinations: [{{environment: dr}}], repository_filters: [{part}]}}"
        for part in (
            ", ".join(f"namespace-{number:03}/" for number in some)
            for some in (range(100), range(100, count))
        )
    ]
    shared = (
        head(SHARED, "ap-northeast-2", ": , ".join(f"namespace-{n:03}/a" for n in range(count)))
        + "repository_defaults: {encryption_type: KMS}\n"
        + f"registry: {{replication: {{rules: [{', '.join(rules)}]}}}}\n"
    )
    dr = head(DR, "us-west-2", "web")
    if not refused:
        found = load(tmp_path, dr=dr, shared=shared)
        [policy] = stack_of(found, "dr")["resource"]["aws_iam_role_policy"].values()
        key = f"arn:aws:kms:us-west-2:{DR}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
        deployed = re.sub(r"\$\{aws_kms_key\.[^}]+\}", key, policy["policy"])
        assert 10_200 < len(json.dumps(json.loads(deployed), separators=(",", ":"))) <= 10_240
        return
    with pytest.raises(InvalidEnvironmentsError) as caught:
        load(tmp_path, dr=dr, shared=shared)
    [problem] = [p for p in caught.value.problems if not p.check.warning]
    assert str(problem).startswith(
        f"{tmp_path}/dr.yaml:1: registry.creation_templates: the policy of the role of creation"
        " templates must be at most 10240 characters as JSON, got"
    )
    assert "in us-west-2 with the replication of 'shared'; have fewer namespaces" in str(problem)


def test_what_the_registry_says_itself_stays(tmp_path: Path) -> None:
    own = (
        "registry: {policy_statements: [{principals: [{account: '333333333333'}],"
        " actions: ['ecr:ReplicateImage']}]}\n"
    )
    found = load(
        tmp_path,
        alone=head(DR, "us-west-2", "web"),
        dr=head(DR, "us-west-2") + own,
        shared=head(SHARED, "ap-northeast-2") + replicate(("us-west-2", DR)),
    )
    # The environment that writes the policy gets the statement, not the first by name.
    assert found.neighbours["alone"] == Neighbours()
    [accepted] = found.neighbours["dr"].owed[found["dr"].home].accepted
    stack = EnvironmentStack(
        new_app(), name="dr", environment=found["dr"], neighbours=found.neighbours["dr"]
    )
    [policy] = synthesized(stack)["resource"]["aws_ecr_registry_policy"].values()
    home = found["dr"].home
    own_statement = found["dr"].registry.policy_statements[0]
    assert json.loads(policy["policy"])["Statement"] == [
        *own_statement.render(home),
        *accepted.render(home),
    ]


def test_several_sources_and_rules_become_a_statement_each(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        dr=head(DR, "us-west-2"),
        one=head(SHARED, "ap-northeast-2") + replicate(("us-west-2", DR)),
        other=head(SHARED, "eu-west-1") + replicate(("us-west-2", DR), filters="web/, payments/"),
        third=head("333333333333", "us-east-1") + replicate(("us-west-2", DR)),
    )
    statements = found.neighbours["dr"].owed[found["dr"].home].accepted
    assert [s.repository_prefixes for s in statements] == [("payments/", "web/"), ("payments/",)]


def templates(found: Environments, name: str) -> dict[str, list[str]]:
    owed = found.neighbours[name].owed
    return {registry.region: sorted(what.templates) for registry, what in owed.items()}


def stack_of(found: Environments, name: str) -> dict[str, Any]:
    neighbours = found.neighbours[name]
    environment = found[name]
    return synthesized(
        EnvironmentStack(new_app(), name=name, environment=environment, neighbours=neighbours)
    )


def test_the_own_account_in_another_region_is_the_sources(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        a=head(SHARED, "eu-west-1", "web"),
        shared=head(SHARED, "ap-northeast-2") + replicate(("us-west-2", SHARED)),
    )
    assert templates(found, "a") == {}
    assert templates(found, "shared") == {"us-west-2": ["payments"]}
    stack = stack_of(found, "shared")
    # Nothing has to be accepted within an account.
    assert "aws_ecr_registry_policy" not in stack["resource"]
    [template] = stack["resource"]["aws_ecr_repository_creation_template"].values()
    assert template["provider"] == "aws.us-west-2"
    assert [p.get("alias") for p in stack["provider"]["aws"]] == [None, "us-west-2"]
    assert all(p["allowed_account_ids"] == [SHARED] for p in stack["provider"]["aws"])


def test_another_region_of_an_account_of_the_app_is_that_accounts(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        dr=head(DR, "us-west-2", "web"),
        shared=head(SHARED, "ap-northeast-2") + replicate(("eu-west-1", DR)),
    )
    assert templates(found, "dr") == {"eu-west-1": ["payments"]}
    assert found.neighbours["shared"] == Neighbours()
    stack = stack_of(found, "dr")
    [policy] = stack["resource"]["aws_ecr_registry_policy"].values()
    assert policy["provider"] == "aws.eu-west-1"
    [statement] = json.loads(policy["policy"])["Statement"]
    assert statement["Resource"] == f"arn:aws:ecr:eu-west-1:{DR}:repository/payments/*"


def test_no_stack_reaches_into_another_partition(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        china=head(DR, "cn-north-1", "web"),
        shared=head(SHARED, "ap-northeast-2") + replicate(("us-west-2", DR)),
    )
    assert found.neighbours["china"] == Neighbours()
    assert len(found.neighbours["shared"].missing) == 1


def test_nothing_is_made_in_an_account_outside(tmp_path: Path) -> None:
    outside = replicate(("us-west-2", DR))
    found = load(tmp_path, shared=head(SHARED, "ap-northeast-2") + outside)
    assert templates(found, "shared") == {}


def test_what_the_destination_defines_itself_is_its_own(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        dr=head(DR, "us-west-2", "payments/api")
        + "registry: {creation_templates: {payments/eu: {applied_for: [REPLICATION]}}}\n",
        shared=head(SHARED, "ap-northeast-2", "payments/api: , payments/eu/api: , payments/x/y")
        + replicate(("us-west-2", DR)),
    )
    # payments/api is there, and payments/eu has a template; the rest is as payments/x/y.
    [owed] = found.neighbours["dr"].owed.values()
    assert sorted(owed.templates) == ["payments"]
    assert owed.uncovered == {"payments/eu/api": ("tags",)}
    stack = stack_of(found, "dr")
    made = stack["resource"]["aws_ecr_repository_creation_template"].values()
    by_prefix = {template["prefix"]: template for template in made}
    assert set(by_prefix) == {"payments", "payments/eu"}
    # Its own has the tags of its own environment; the provider's are not on what ECR makes.
    assert by_prefix["payments/eu"]["resource_tags"]["environment"] == "dr"
    assert by_prefix["payments"]["resource_tags"]["environment"] == "shared"
    # One role serves both.
    assert len(stack["resource"]["aws_iam_role"]) == 1
    assert stack["output"]["replicas_not_covered"]["value"] == {
        f"{DR} us-west-2": {"payments/eu/api": "tags"}
    }


def test_two_files_of_one_registry_are_both_replicated(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        a=head(SHARED, "ap-northeast-2", "payments/a/x") + replicate(("us-west-2", DR)),
        b=head(SHARED, "ap-northeast-2", "payments/b/x"),
        dr=head(DR, "us-west-2", "web"),
    )
    assert templates(found, "dr") == {"us-west-2": ["payments", "payments/a", "payments/b"]}


def test_a_template_raises_the_provider_of_its_stack(tmp_path: Path) -> None:
    source = (
        f'account: "{SHARED}"\nregion: ap-northeast-2\nrepositories:\n'
        "  payments/api:\n"
        "    image_tag_mutability: IMMUTABLE_WITH_EXCLUSION\n"
        "    image_tag_mutability_exclusion_filters: [latest]\n"
    ) + replicate(("us-west-2", DR))
    found = load(tmp_path, shared=source, dr=head(DR, "us-west-2", "web"))
    [required] = stack_of(found, "dr")["terraform"]["required_providers"].values()
    assert required["version"] == ">= 6.10.0, < 7.0.0"
    narrow = head(DR, "us-west-2", "web") + 'required_providers: {aws: "~> 6.8.0"}\n'
    with pytest.raises(InvalidEnvironmentsError, match=r"dr.yaml:4: required_providers.aws: a ver"):
        load(tmp_path, dr=narrow)


def test_a_template_of_two_files_is_refused(tmp_path: Path) -> None:
    own = (
        "registry: {creation_templates: {ab: {applied_for: [REPLICATION]}},"
        " account_settings: {REGISTRY_POLICY_SCOPE: V2}, public_repositories: {acme/x: },"
        " pull_time_update_exclusions: ['arn:aws:iam::111111111111:role/x']}\n"
    )
    with pytest.raises(InvalidEnvironmentsError) as caught:
        load(tmp_path, a=head(SHARED, "us-west-2", "aa") + own, b=head(SHARED, "us-west-2") + own)
    said = [str(problem).split(", got ")[1] for problem in caught.value.problems]
    here = f"account {SHARED} in us-west-2 in {tmp_path}/a.yaml, too"
    assert sorted(said) == sorted(
        [
            f"the creation template 'ab' of {here}",
            f"the account setting 'REGISTRY_POLICY_SCOPE' of {here}",
            f"the pull-time update exclusion 'arn:aws:iam::111111111111:role/x' of {here}",
            f"the public repository 'acme/x' of account {SHARED} in {tmp_path}/a.yaml, too",
        ]
    )


def test_a_public_repository_is_the_accounts_in_every_region(tmp_path: Path) -> None:
    own = "registry: {public_repositories: {acme/x: }}\n"
    with pytest.raises(InvalidEnvironmentsError, match=f"'acme/x' of account {SHARED} in"):
        load(tmp_path, a=head(SHARED, "us-west-2", "aa") + own, b=head(SHARED, "us-east-1") + own)


def test_public_repositories_are_defined_in_us_east_1(tmp_path: Path) -> None:
    own = "registry: {public_repositories: {acme/x: }}\n"
    found = load(tmp_path, a=head(SHARED, "us-west-2") + own, b=head(DR, "us-east-1") + own)
    [abroad] = stack_of(found, "a")["resource"]["aws_ecrpublic_repository"].values()
    [here] = stack_of(found, "b")["resource"]["aws_ecrpublic_repository"].values()
    assert (abroad["provider"], here.get("provider")) == ("aws.us-east-1", None)
    assert len(stack_of(found, "b")["provider"]["aws"]) == 1


def test_replicas_are_scanned_and_filters_know_them(tmp_path: Path) -> None:
    scanning = (
        "registry: {scanning: {scan_type: ENHANCED, rules: ["
        "{scan_frequency: SCAN_ON_PUSH, repository_filters: [FILTER]}]}}\n"
    )
    shared = head(SHARED, "ap-northeast-2") + replicate(("us-west-2", DR))
    found = load(
        tmp_path,
        shared=shared,
        dr=head(DR, "us-west-2", "web/x") + scanning.replace("FILTER", '"payments/*"'),
    )
    [warning] = found.warnings
    assert "are never scanned, got 'web/x'" in str(warning)
    found = load(
        tmp_path,
        dr=head(DR, "us-west-2", "web/x") + scanning.replace("FILTER", "web"),
    )
    [warning] = found.warnings
    assert "are never scanned, got 'payments/api'" in str(warning)


def test_repositories_that_the_source_makes_on_push_are_like_its_template(tmp_path: Path) -> None:
    template = (
        "registry:\n"
        "  creation_templates: {previews: {applied_for: [CREATE_ON_PUSH],"
        " image_tag_mutability: MUTABLE}}\n"
        "  replication: {rules: [{destinations: [{environment: dr}],"
        " repository_filters: [previews/]}]}\n"
    )
    defaults = "repository_defaults: {lifecycle_rules: [{max_image_count: 5}]}\n"
    found = load(
        tmp_path,
        dr=head(DR, "us-west-2", "web"),
        shared=head(SHARED, "ap-northeast-2") + defaults + template,
    )
    [owed] = found.neighbours["dr"].owed.values()
    assert owed.templates["previews"].image_tag_mutability == "MUTABLE"
    assert owed.templates["previews"].lifecycle_rules == ()
    assert owed.uncovered == {}


def own(settings: str, more: str = "") -> str:
    """A source of `payments/api` with some settings, which it replicates to `dr`."""
    return (
        f'account: "{SHARED}"\nregion: ap-northeast-2\n'
        f"repositories: {{payments/api: {settings}}}\n"
        "registry: {replication: {rules: [{repository_filters: [payments/],"
        f" destinations: [{{environment: dr}}{more}]}}]}}}}\n"
    )


ROLE = f"arn:aws:iam::{DR}:role/terraform"
DOCUMENT = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":'
    f'{{"AWS":"arn:aws:iam::{SHARED}:root"}},"Action":"ecr:PutImage"}}]}}'
)


# What is right at the source, and would be refused at the destination.
@pytest.mark.parametrize(
    "settings",
    [
        "{pull: [{account: '333333333333'},"
        f" {{lambda_function: 'arn:aws:lambda:ap-northeast-2:{SHARED}:function:x'}}]}}",
        f"{{pull: [{{account: '333333333333'}}], push: [{{account: '{SHARED}'}}]}}",
        f"{{policy_document: '{DOCUMENT}'}}",
        "{pull: [{account: '333333333333'}], repository_policy_statements: [{effect: Deny,"
        f" principals: [{{account: '{DR}'}}], actions: ['ecr:SetRepositoryPolicy']}}]}}",
        "{pull: [{account: '333333333333'}], repository_policy_statements: [{effect: Deny,"
        f" principals: [{{role: '{ROLE}'}}], actions: ['ecr:*']}}]}}",
    ],
    ids=["lambda", "push", "document", "lockout of the account", "lockout of the role"],
)
def test_a_policy_that_does_not_hold_at_the_destination_is_left_out(
    tmp_path: Path, settings: str
) -> None:
    dr = head(DR, "us-west-2", "web") + f"assume_role: {{role_arn: '{ROLE}'}}\n"
    found = load(tmp_path, dr=dr, shared=own(settings, ", {region: eu-west-1}"))
    [template] = stack_of(found, "dr")["resource"]["aws_ecr_repository_creation_template"].values()
    # As a whole: what it denies must not be missing beside what it allows.
    assert "repository_policy" not in template
    assert stack_of(found, "dr")["output"]["replicas_not_covered"]["value"] == {
        f"{DR} us-west-2": {"payments/api": "policy_statements"}
    }
    # Where it holds, it is there: another Region of the own account.
    if "lambda" not in settings:
        made = stack_of(found, "shared")["resource"]["aws_ecr_repository_creation_template"]
        assert all("repository_policy" in template for template in made.values())


def cached(filters: str, section: str) -> str:
    """A source whose repositories are kept for 3 images, and that caches another registry."""
    return (
        head(SHARED, "ap-northeast-2")
        + "repository_defaults: {lifecycle_rules: [{max_image_count: 3}],"
        " pull: [{account: '333333333333'}]}\n"
        "registry:\n"
        f"{section}"
        f"  replication: {{rules: [{{destinations: [{{environment: dr}}]{filters}}}]}}\n"
    )


def described(found: Environments) -> dict[str, tuple[str, int, int]]:
    """The templates of `dr`, each with its mutability and how many rules and principals it has."""
    [owed] = found.neighbours["dr"].owed.values()
    return {
        prefix: (str(t.image_tag_mutability), len(t.lifecycle_rules), len(t.pull))
        for prefix, t in owed.templates.items()
    }


RULE = "  pull_through_cache_rules: {docker-hub: {upstream_registry: ecr-public}}\n"
LIKE_AWS, LIKE_PAYMENTS = ("MUTABLE", 0, 0), ("IMMUTABLE", 1, 1)
LIKE_CACHED = ("IMMUTABLE", 1, 0)
TEMPLATE = (
    "  creation_templates:\n"
    "    PREFIX: {applied_for: [FOR], lifecycle_rules: [{max_image_count: 9}]}\n"
)
CACHE = TEMPLATE.replace("FOR", "PULL_THROUGH_CACHE")


@pytest.mark.parametrize(
    ("filters", "section", "expected"),
    [
        # Without a template of their own they are as AWS makes them.
        ("", RULE, {"ROOT": LIKE_AWS, "payments": LIKE_PAYMENTS}),
        (", repository_filters: [docker-hub/]", RULE, {"docker-hub": LIKE_AWS}),
        (", repository_filters: [docker-hub/library/]", RULE, {"docker-hub/library": LIKE_AWS}),
        (", repository_filters: [docker-hub/lib]", RULE, {"docker-hub": LIKE_AWS}),
        # One that is not for the cache does not count.
        (
            ", repository_filters: [docker-hub/]",
            RULE + TEMPLATE.replace("PREFIX", "docker-hub").replace("FOR", "REPLICATION"),
            {"docker-hub": LIKE_AWS},
        ),
        # With one they are like that, whichever it is.
        (
            ", repository_filters: [docker-hub/]",
            RULE + CACHE.replace("PREFIX", "docker-hub"),
            {"docker-hub": LIKE_CACHED},
        ),
        (
            "",
            RULE + CACHE.replace("PREFIX", "ROOT"),
            {"ROOT": ("IMMUTABLE", 0, 0), "docker-hub": LIKE_CACHED, "payments": LIKE_PAYMENTS},
        ),
        # One below a rule is about a part of it.
        (
            ", repository_filters: [docker-hub/]",
            RULE + CACHE.replace("PREFIX", "docker-hub/library"),
            {"docker-hub": LIKE_AWS, "docker-hub/library": LIKE_CACHED},
        ),
        # One that no rule is at or above makes nothing.
        (", repository_filters: [quay/]", RULE + CACHE.replace("PREFIX", "quay"), {}),
        ("", RULE + CACHE.replace("PREFIX", "quay"), {"ROOT": LIKE_AWS, "payments": LIKE_PAYMENTS}),
        # Nobody knows of anything there: no template, and no defaults of the environment.
        (", repository_filters: [web/]", "", {}),
    ],
    ids=[
        "everything",
        "its prefix",
        "a namespace in it",
        "the beginning of one in it",
        "a template for replicas",
        "a template of its own",
        "a template for everything",
        "a template for a part",
        "a template without a rule",
        "everything, and a template without a rule",
        "nothing",
    ],
)
def test_replicas_of_a_cache_are_like_what_it_keeps(
    tmp_path: Path, filters: str, section: str, expected: dict[str, tuple[str, int, int]]
) -> None:
    found = load(tmp_path, dr=head(DR, "us-west-2", "zz"), shared=cached(filters, section))
    assert described(found) == expected
    [owed] = found.neighbours["dr"].owed.values()
    assert owed.uncovered == {}


# A rule, or a template, without a prefix makes whatever has no other.
MADE_BY_ROOT = pytest.mark.parametrize(
    "section",
    [RULE.replace("docker-hub", "ROOT"), TEMPLATE.replace("PREFIX", "ROOT")],
    ids=["a cache of everything", "on push"],
)


@MADE_BY_ROOT
def test_tells_of_what_ecr_makes_among_repositories_of_a_file(tmp_path: Path, section: str) -> None:
    source = cached(", repository_filters: [payments/]", section.replace("FOR", "CREATE_ON_PUSH"))
    source = source.replace("payments/api: ", "payments/api: , payments/eu/api: {tags: {a: b}}")
    found = load(tmp_path, dr=head(DR, "us-west-2", "zz"), shared=source)
    [owed] = found.neighbours["dr"].owed.values()
    # The template of a namespace is like the repositories there that a file defines.
    assert described(found) == {"payments": LIKE_PAYMENTS, "payments/eu": LIKE_PAYMENTS}
    assert list(owed.uncovered) == ["payments/", "payments/eu/"]
    assert all("policy_statements" in settings for settings in owed.uncovered.values())


@MADE_BY_ROOT
def test_a_replicated_namespace_without_repositories_is_like_what_ecr_makes(
    tmp_path: Path, section: str
) -> None:
    source = cached(", repository_filters: [payments/]", section.replace("FOR", "CREATE_ON_PUSH"))
    source = source.replace("payments/api", "payments/eu/api")
    found = load(tmp_path, dr=head(DR, "us-west-2", "zz"), shared=source)
    made = LIKE_AWS if "cache" in section else LIKE_CACHED
    assert described(found) == {"payments": made, "payments/eu": LIKE_PAYMENTS}
    [owed] = found.neighbours["dr"].owed.values()
    assert list(owed.uncovered) == ["payments/eu/"]


def test_tells_of_a_cache_by_a_template_of_the_destination(tmp_path: Path) -> None:
    everything = "registry: {creation_templates: {ROOT: {applied_for: [REPLICATION]}}}\n"
    source = cached("", RULE.replace("docker-hub", "ROOT")).replace("payments/api", "zz")
    found = load(tmp_path, dr=head(DR, "us-west-2", "zz") + everything, shared=source)
    [owed] = found.neighbours["dr"].owed.values()
    assert owed.uncovered["ROOT"] == ("image_tag_mutability", "tags")


def test_no_template_where_ecr_has_none(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        a=head(SHARED, "us-gov-west-1") + replicate(("us-gov-east-1", SHARED)),
    )
    [owed] = found.neighbours["a"].owed.values()
    assert owed.templates == {}
    assert owed.uncovered == {"payments/api": ("image_tag_mutability", "tags")}


def test_exclusions_have_an_id_each(tmp_path: Path) -> None:
    arns = ", ".join(f"'arn:aws:iam::{SHARED}:role/{name}'" for name in ("a--b", "a/b"))
    found = load(
        tmp_path,
        a=head(SHARED, "us-west-2") + f"registry: {{pull_time_update_exclusions: [{arns}]}}\n",
    )
    made = stack_of(found, "a")["resource"]["aws_ecr_pull_time_update_exclusion"]
    assert len(made) == 2
