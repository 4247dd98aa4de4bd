import json
from pathlib import Path

from conftest import new_app, synthesized

from stacks import Environments, EnvironmentStack, load_environments, neighbours_of

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
    neighbours = neighbours_of(found, "dr")
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
    assert neighbours_of(found, "shared").accepted == ()
    assert neighbours_of(found, "shared").missing == {}


def test_prints_the_statement_that_an_account_outside_needs(tmp_path: Path) -> None:
    outside = replicate(("us-west-2", DR), ("us-east-1", SHARED))
    found = load(tmp_path, shared=head(SHARED, "ap-northeast-2") + outside)
    stack = EnvironmentStack(
        new_app(),
        name="shared",
        environment=found["shared"],
        neighbours=neighbours_of(found, "shared"),
    )
    output = synthesized(stack)["output"]["registry_policy_statements_needed"]["value"]
    assert list(output) == [f"{DR} us-west-2"]
    assert json.loads(output[f"{DR} us-west-2"])["Principal"] == {"AWS": SHARED}


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
    assert neighbours_of(found, "alone").accepted == ()
    [accepted] = neighbours_of(found, "dr").accepted
    stack = EnvironmentStack(
        new_app(), name="dr", environment=found["dr"], neighbours=neighbours_of(found, "dr")
    )
    [policy] = synthesized(stack)["resource"]["aws_ecr_registry_policy"].values()
    home = found["dr"].home
    own_statement = found["dr"].registry.policy_statements[0]
    assert json.loads(policy["policy"])["Statement"] == [
        own_statement.render(home),
        accepted.render(home),
    ]


def test_several_sources_and_rules_become_a_statement_each(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        dr=head(DR, "us-west-2"),
        one=head(SHARED, "ap-northeast-2") + replicate(("us-west-2", DR)),
        other=head(SHARED, "eu-west-1") + replicate(("us-west-2", DR), filters="web/, payments/"),
        third=head("333333333333", "us-east-1") + replicate(("us-west-2", DR)),
    )
    statements = neighbours_of(found, "dr").accepted
    assert [s.repository_prefixes for s in statements] == [("payments/", "web/"), ("payments/",)]


def test_warns_of_a_chain(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        a=head(SHARED, "ap-northeast-2") + replicate(("us-west-2", SHARED)),
        b=head(SHARED, "us-west-2", "payments/web")
        + replicate(("eu-west-1", SHARED), filters="payments/web"),
    )
    [warning] = found.warnings
    assert str(warning).endswith(
        "b.yaml:4: warning: registry.replication.rules[0]: what is replicated here is not"
        " replicated on, got 'payments/web' of a; name the destination in the first environment,"
        " too"
    )


def test_no_chain_without_a_shared_prefix(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        a=head(SHARED, "ap-northeast-2") + replicate(("us-west-2", SHARED)),
        b=head(SHARED, "us-west-2", "web/x") + replicate(("eu-west-1", SHARED), filters="web/"),
    )
    assert found.warnings == ()
