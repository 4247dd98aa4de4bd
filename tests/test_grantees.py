import json
from pathlib import Path
from typing import Any

import pytest
from conftest import new_app, synthesized
from iam import Request, allowed

from stacks import EnvironmentStack, InvalidEnvironmentsError, load_environments

APP, TASKS, OWN = (
    f"arn:aws:iam::{account}"
    for account in ("999999999999:role/ci", "222222222222:role/task", "111111111111:role/task")
)
PULL, PUSH, LOGIN = "ecr:BatchGetImage", "ecr:PutImage", "ecr:GetAuthorizationToken"
JOBS = {"github_actions": [{"repository": "acme/app", "branches": ["main"]}]}
GRANTS = {"pull": [{"role": TASKS}, {"role": OWN}], "push": [{"ci_role": APP}]}
HUB = {"account": "999999999999", "region": "us-east-1", "ci_roles": {"ci": JOBS}}


def prod(repositories: Any, registry: Any = None, to: Any = None) -> dict[str, Any]:
    """An environment that replicates `payments/`, to another Region of its account."""
    destination = to or {"region": "eu-west-1"}
    rule = {"destinations": [destination], "repository_filters": ["payments/"]}
    return {
        "account": "111111111111",
        "region": "us-east-1",
        "repositories": repositories,
        "registry": {"replication": {"rules": [rule]}, **(registry or {})},
    }


def stacks_of(folder: Path, **files: Any) -> dict[str, Any]:
    """What the app writes for some environments, by their names."""
    for name, file in files.items():
        (folder / f"{name}.yaml").write_text(json.dumps(file))
    found = load_environments(folder)
    return {
        name: synthesized(
            EnvironmentStack(
                new_app(), name=name, environment=environment, neighbours=found.neighbours[name]
            )
        )
        for name, environment in found.items()
    }


def output(stack: Any, name: str) -> Any:
    return stack["output"].get(name, {}).get("value", {})


def printed(stack: Any, arn: str) -> list[Any]:
    """The policies of a role in the output."""
    return [json.loads(text) for text in output(stack, "access_policies").get(arn, [])]


def attached(stack: Any) -> list[Any]:
    """The policies of the roles of CI."""
    policies = stack["resource"].get("aws_iam_role_policy", {})
    return [json.loads(p["policy"]) for id_, p in policies.items() if id_.startswith("CiRole")]


def repository_policy(stack: Any) -> Any:
    [policy] = stack["resource"]["aws_ecr_repository_policy"].values()
    return json.loads(policy["policy"])


def template_policy(stack: Any, prefix: str = "payments") -> Any:
    made = stack["resource"]["aws_ecr_repository_creation_template"].values()
    [policy] = [t.get("repository_policy") for t in made if t["prefix"] == prefix]
    return policy and json.loads(policy)


def repository(name: str, region: str = "us-east-1", account: str = "111111111111") -> str:
    return f"arn:aws:ecr:{region}:{account}:repository/{name}"


def may(who: str, action: str, name: str, resource: Any, identity: list[Any]) -> bool:
    request = Request(principal=who, action=action, resource=name)
    return allowed(request, resource=resource, identity=identity)


def test_whom_a_replica_admits_may_use_it(tmp_path: Path) -> None:
    stack = stacks_of(tmp_path, prod=prod({"payments/api": GRANTS, "web/x": GRANTS}))["prod"]
    replica = repository("payments/api", "eu-west-1")
    policy = template_policy(stack)
    for who, action in ((TASKS, PULL), (OWN, PULL), (APP, PUSH)):
        own = printed(stack, who)
        assert may(who, action, replica, policy, own)
        assert may(who, LOGIN, "*", None, own)
        assert not may(who, "ecr:BatchDeleteImage", replica, policy, own)
    assert not may(TASKS, PUSH, replica, policy, printed(stack, TASKS))
    # In the same statement; and what is not replicated has no ARN there.
    [tasks] = printed(stack, TASKS)
    pull, login = tasks["Statement"]
    home = [repository("payments/api"), repository("web/x")]
    assert (pull["Resource"], login["Sid"]) == ([*home, replica], "Login")
    # Of the replica's own account, its policy is enough.
    [own_tasks] = printed(stack, OWN)
    assert own_tasks["Statement"][0]["Resource"] == home


def test_whom_a_template_does_not_admit_has_no_other_side_of_it(tmp_path: Path) -> None:
    stack = stacks_of(tmp_path, prod=prod({"payments/api": GRANTS, "payments/web": {}}))["prod"]
    assert template_policy(stack) is None
    [tasks] = printed(stack, TASKS)
    assert tasks["Statement"][0]["Resource"] == [repository("payments/api")]


def test_a_replica_has_the_policy_of_the_closest_template(tmp_path: Path) -> None:
    both = {"payments/api": GRANTS, "payments/eu/api": {"pull": [{"role": TASKS}]}}
    stack = stacks_of(tmp_path, prod=prod(both))["prod"]
    [tasks], [app] = printed(stack, TASKS), printed(stack, APP)
    there = [repository(name, "eu-west-1") for name in both]
    assert tasks["Statement"][0]["Resource"][2:] == there
    assert app["Statement"][0]["Resource"] == [repository("payments/api"), there[0]]


@pytest.mark.parametrize(
    "kept",
    [
        {"repositories": {"payments/api": {}}},
        {"registry": {"creation_templates": {"payments": {"applied_for": ["REPLICATION"]}}}},
    ],
)
def test_what_the_destination_has_is_for_its_file_to_say(tmp_path: Path, kept: Any) -> None:
    there = {"account": "111111111111", "region": "eu-west-1", **kept}
    stacks = stacks_of(tmp_path, prod=prod({"payments/api": GRANTS}), there=there)
    [tasks] = printed(stacks["prod"], TASKS)
    assert tasks["Statement"][0]["Resource"] == [repository("payments/api")]


def test_replicas_of_what_is_made_on_push_are_a_namespace(tmp_path: Path) -> None:
    template = {"applied_for": ["CREATE_ON_PUSH"], **GRANTS}
    file = prod({}, {"creation_templates": {"payments": template}})
    stack = stacks_of(tmp_path, prod=file)["prod"]
    [tasks] = printed(stack, TASKS)
    assert tasks["Statement"][0]["Resource"] == [
        repository("payments/*"),
        repository("payments/*", "eu-west-1"),
    ]


@pytest.mark.parametrize("is_document", [True, False])
def test_statements_of_replicas_have_another_side_too(tmp_path: Path, is_document: bool) -> None:
    statement = {"principals": [{"role": TASKS}], "actions": ["ecr:ListImages"]}
    written = {
        "Effect": "Allow",
        "Principal": {"AWS": [TASKS]},
        "Action": ["ecr:ListImages"],
    }
    settings = (
        {"policy_document": json.dumps({"Version": "2012-10-17", "Statement": [written]})}
        if is_document
        else {"repository_policy_statements": [statement]}
    )
    stack = stacks_of(tmp_path, prod=prod({"payments/api": settings}))["prod"]
    [tasks] = printed(stack, TASKS)
    [listing] = tasks["Statement"]
    assert listing["Resource"] == [
        repository("payments/api"),
        repository("payments/api", "eu-west-1"),
    ]


def test_a_role_of_ci_may_use_the_replicas_in_another_account(tmp_path: Path) -> None:
    ci = "arn:aws:iam::111111111111:role/ci"
    to = {"region": "us-west-2", "registry_id": "555555555555"}
    source = prod({"payments/api": {"push": [{"ci_role": ci}]}}, to=to)
    stacks = stacks_of(
        tmp_path,
        dr={"account": "555555555555", "region": "us-west-2"},
        prod={**source, "ci_roles": {"ci": JOBS}},
    )
    replica = repository("payments/api", "us-west-2", "555555555555")
    own = attached(stacks["prod"])
    assert may(ci, PUSH, replica, template_policy(stacks["dr"]), own)
    assert output(stacks["dr"], "access_policies") == {}


def test_a_role_of_another_file_has_both_sides(tmp_path: Path) -> None:
    stacks = stacks_of(tmp_path, hub=HUB, prod=prod({"payments/api": GRANTS}))
    own, policy = attached(stacks["hub"]), repository_policy(stacks["prod"])
    target = repository("payments/api")
    assert may(APP, PUSH, target, policy, own)
    assert not may(APP, PULL, target, policy, own)
    assert may(APP, LOGIN, "*", None, own)
    # So the replica, in the same statement.
    replica = repository("payments/api", "eu-west-1")
    assert may(APP, PUSH, replica, template_policy(stacks["prod"]), own)
    [[push, login]] = [one["Statement"] for one in own]
    assert (push["Resource"], login["Sid"]) == ([target, replica], "Login")


def test_a_stack_prints_which_one_makes_a_role_first_and_not_its_policy(tmp_path: Path) -> None:
    stacks = stacks_of(tmp_path, hub=HUB, prod=prod({"payments/api": GRANTS}))
    assert set(output(stacks["prod"], "access_policies")) == {OWN, TASKS}
    assert output(stacks["prod"], "ci_roles_needed") == {APP: "ecr-hub"}
    assert "ci_roles_needed" not in stacks["hub"]["output"]


def test_a_role_of_another_region_of_its_account_has_both_sides(tmp_path: Path) -> None:
    pushes = {"tools/x": {"push": [{"ci_role": APP}]}}
    near = {"account": "999999999999", "region": "eu-west-1", "repositories": pushes}
    stacks = stacks_of(tmp_path, hub={**HUB, "repositories": pushes}, near=near)
    [[push, _]] = [one["Statement"] for one in attached(stacks["hub"])]
    assert push["Resource"] == [
        repository("tools/x", region, "999999999999") for region in ("us-east-1", "eu-west-1")
    ]


def test_a_role_that_another_file_alone_names_has_access(tmp_path: Path) -> None:
    for name, file in (("hub", HUB), ("prod", prod({"payments/api": GRANTS}))):
        (tmp_path / f"{name}.yaml").write_text(json.dumps(file))
    assert load_environments(tmp_path).warnings == ()


def test_tells_whose_repositories_make_the_policy_of_a_role_too_long(tmp_path: Path) -> None:
    many = {f"payments/service-number-{n}": {"push": [{"ci_role": APP}]} for n in range(80)}
    for name, file in (("hub", HUB), ("prod", prod(many))):
        (tmp_path / f"{name}.yaml").write_text(json.dumps(file))
    with pytest.raises(InvalidEnvironmentsError) as caught:
        load_environments(tmp_path)
    [problem] = caught.value.problems
    assert str(problem) == (
        f"{tmp_path}/hub.yaml:1: ci_roles.ci: the policy of a CI role must be at most 10240"
        " characters as JSON, got 12284 with the repositories of 'prod'"
    )
